import { unreadable } from "./errors.js";

/** `id` is the last one that was sent, here or before, as the specification of server-sent events has it. */
export interface ServerEvent {
  event: string;
  data: string;
  id: string;
}

const LONGEST = 16 * 1024 * 1024; // characters of one event: what is longer is no event of ours

/**
 * A body's server-sent events, all those of one piece of it together, so that one piece is one change on the screen. A
 * piece may hold none: then the server's heart has beaten.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  let id = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      // A CR at the end may be the first half of CRLF: it waits for the next piece.
      const held = !done && rest.endsWith("\r") ? "\r" : "";
      const lines = rest.slice(0, rest.length - held.length).split(/\r\n|\n|\r/);
      rest = lines.pop()! + held;
      if (rest.length > LONGEST) throw unreadable();
      const events: ServerEvent[] = [];
      for (const line of lines) {
        if (!line) {
          if (data.length) events.push({ event: event || "message", data: data.join("\n"), id });
          event = "";
          data = [];
          continue;
        }
        const colon = line.indexOf(":");
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (name === "data") data.push(value);
        else if (name === "event") event = value;
        else if (name === "id" && !value.includes("\0")) id = value;
      }
      yield events;
      if (done) return;
    }
  } finally {
    // Whoever stops listening hangs up.
    reader.cancel().catch(() => {});
  }
}
