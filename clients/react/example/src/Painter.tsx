import { useState, type FormEvent } from "react";
import { useImage } from "pollweb-react";
import { Problem } from "./Problem.js";
import { newSeed } from "./seed.js";
import { texts } from "./texts.js";

export function Painter({ isPrivate }: { isPrivate: boolean }) {
  const [prompt, setPrompt] = useState(texts.picturePrompt);
  const [asked, setAsked] = useState<{ prompt: string; seed: number; private: boolean } | null>(null);
  const { prompt: wish, ...options } = asked ?? { prompt: null };
  const { data, error, isLoading, retry } = useImage(wish, { width: 768, height: 512, ...options });

  function paint(event: FormEvent) {
    event.preventDefault();
    if (prompt.trim()) setAsked({ prompt: prompt.trim(), seed: newSeed(), private: isPrivate });
  }

  return (
    <section className="panel painter" aria-labelledby="painter">
      <header>
        <h2 id="painter">{texts.picture}</h2>
        <code>useImage</code>
      </header>
      <form className="ask" onSubmit={paint}>
        <div className="field">
          <label htmlFor="painter-prompt">{texts.prompt}</label>
          <input
            id="painter-prompt"
            className="input"
            maxLength={500}
            required
            value={prompt}
            onChange={(event) => setPrompt(event.target.value)}
          />
        </div>
        <button className="button main">{texts.paint}</button>
      </form>
      <figure className="canvas" aria-busy={isLoading}>
        {data && <img src={data.src} alt={wish ?? ""} width={768} height={512} />}
        {isLoading && <p role="status">{texts.painting}</p>}
        {!asked && <p>{texts.pictureEmpty}</p>}
      </figure>
      {error && <Problem error={error} retry={retry} />}
      {data && (
        <p className="meta">
          {data.madeBy && <span>{data.madeBy}</span>}
          <span>
            {texts.seed} {asked?.seed}
          </span>
          {data.visibility && <span>{data.visibility === "public" ? texts.public : texts.isPrivate}</span>}
        </p>
      )}
    </section>
  );
}
