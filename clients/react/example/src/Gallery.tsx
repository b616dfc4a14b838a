import { useState } from "react";
import { useFeed, type ImageEvent } from "pollweb-react";
import { Problem } from "./Problem.js";
import { texts } from "./texts.js";

/** The address of a picture of this server, under whichever name the page was opened; null for one made elsewhere. */
function address({ imageURL, remote }: ImageEvent): string | null {
  if (remote) return null;
  const { pathname, search } = new URL(imageURL, location.href);
  return pathname + search;
}

export function Gallery() {
  const [isPaused, setPaused] = useState(false);
  const { data, error, isLoading } = useFeed(isPaused ? null : "image", { limit: 12 });
  const state = isPaused ? "paused" : isLoading ? "connecting" : error ? "away" : "live";
  return (
    <section className="panel gallery-feed" aria-labelledby="gallery-feed">
      <header>
        <h2 id="gallery-feed">{texts.feed}</h2>
        <code>useFeed</code>
        <p className={`state ${state}`} role="status" data-state={state}>
          <span className="dot" aria-hidden="true" />
          {texts[state]}
        </p>
        <button type="button" className="button small" onClick={() => setPaused(!isPaused)}>
          {isPaused ? texts.resume : texts.pause}
        </button>
      </header>
      {error && !isLoading && error.status >= 400 && <Problem error={error} />}
      {data?.length ? (
        <ul className="tiles">
          {data.map((event) => {
            const src = address(event);
            return (
              <li key={event.id ?? event.imageURL}>
                {src ? (
                  <img src={src} alt={event.prompt} width={event.width} height={event.height} loading="lazy" />
                ) : (
                  <p>{event.prompt}</p>
                )}
              </li>
            );
          })}
        </ul>
      ) : (
        <p className="quiet">{state === "live" ? texts.feedEmpty : texts[state]}</p>
      )}
    </section>
  );
}
