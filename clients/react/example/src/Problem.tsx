import type { PollwebError } from "pollweb-react";
import { texts } from "./texts.js";

/** An error as the server says it, with when to try again and a way to do so. */
export function Problem({ error, retry }: { error: PollwebError; retry?: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <p>
        {error.message} {error.retryAfter && texts.wait.replace("{seconds}", String(error.retryAfter))}
      </p>
      {retry && (
        <button type="button" className="button small" onClick={retry}>
          {texts.again}
        </button>
      )}
    </div>
  );
}
