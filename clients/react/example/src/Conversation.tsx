import { useEffect, useRef, useState, type FormEvent } from "react";
import { useChat } from "pollweb-react";
import { Problem } from "./Problem.js";
import { texts } from "./texts.js";

export function Conversation({ isPrivate }: { isPrivate: boolean }) {
  const { messages, error, isLoading, send, stop, retry } = useChat([], { private: isPrivate });
  const [said, setSaid] = useState("");
  const list = useRef<HTMLDivElement>(null);

  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [messages]);

  function say(event: FormEvent) {
    event.preventDefault();
    if (!said.trim()) return;
    void send(said.trim());
    setSaid("");
  }

  return (
    <section className="panel conversation" aria-labelledby="conversation">
      <header>
        <h2 id="conversation">{texts.chat}</h2>
        <code>useChat</code>
      </header>
      <div className="messages" ref={list} tabIndex={0} role="log" aria-labelledby="conversation" aria-busy={isLoading}>
        {messages.length === 0 && <p className="quiet">{texts.chatEmpty}</p>}
        {messages.map(({ role, content }, number) => (
          <p key={number} className={role === "user" ? "mine" : "theirs"}>
            <span className="sr-only">{role === "user" ? texts.you : texts.assistant}: </span>
            {String(content ?? "")}
          </p>
        ))}
        {isLoading && messages.at(-1)?.role === "user" && <p className="quiet">{texts.writing}</p>}
      </div>
      {error && <Problem error={error} retry={() => void retry()} />}
      <form className="ask" onSubmit={say}>
        <div className="field">
          <label htmlFor="conversation-message">{texts.message}</label>
          <input
            id="conversation-message"
            className="input"
            maxLength={4000}
            autoComplete="off"
            required
            value={said}
            onChange={(event) => setSaid(event.target.value)}
          />
        </div>
        {isLoading ? (
          <button key="stop" type="button" className="button" onClick={stop}>
            {texts.stop}
          </button>
        ) : (
          <button key="send" className="button main">
            {texts.send}
          </button>
        )}
      </form>
    </section>
  );
}
