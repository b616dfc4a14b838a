import { useState, type FormEvent } from "react";
import { useText } from "pollweb-react";
import { Problem } from "./Problem.js";
import { newSeed } from "./seed.js";
import { texts } from "./texts.js";

export function Writer({ isPrivate }: { isPrivate: boolean }) {
  const [question, setQuestion] = useState(texts.wordsPrompt);
  const [asked, setAsked] = useState<{ prompt: string; seed: number; private: boolean } | null>(null);
  const { prompt, ...options } = asked ?? { prompt: null };
  const { data, error, isLoading, retry } = useText(prompt, options);

  function ask(event: FormEvent) {
    event.preventDefault();
    if (question.trim()) setAsked({ prompt: question.trim(), seed: newSeed(), private: isPrivate });
  }

  return (
    <section className="panel writer" aria-labelledby="writer">
      <header>
        <h2 id="writer">{texts.words}</h2>
        <code>useText</code>
      </header>
      <form className="ask" onSubmit={ask}>
        <div className="field">
          <label htmlFor="writer-question">{texts.question}</label>
          <input
            id="writer-question"
            className="input"
            maxLength={2000}
            required
            value={question}
            onChange={(event) => setQuestion(event.target.value)}
          />
        </div>
        {isLoading ? (
          // Whoever asks nothing any more leaves the request, which ends it.
          <button key="stop" type="button" className="button" onClick={() => setAsked(null)}>
            {texts.stop}
          </button>
        ) : (
          <button key="ask" className="button main">
            {texts.ask}
          </button>
        )}
      </form>
      <div className="answer" data-answer aria-live="polite" aria-busy={isLoading}>
        {data ? <p className={isLoading ? "growing" : undefined}>{data}</p> : null}
        {!data && !error && <p className="quiet">{isLoading ? texts.writing : texts.wordsEmpty}</p>}
      </div>
      {error && <Problem error={error} retry={retry} />}
    </section>
  );
}
