/** A server that plays recorded answers (tests/wire/pollweb), and counts who asks and who is still listening. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { vi } from "vitest";

const FOLDER = join(import.meta.dirname, "../../../tests/wire/pollweb");

export interface Asked {
  method: string;
  url: URL;
  headers: Headers;
  body: any;
}

export interface Play {
  status: number;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
}

export function recording(name: string): Play {
  const bytes = new Uint8Array(readFileSync(join(FOLDER, `${name}.http`)));
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf("\n\n");
  const [first = "", ...lines] = text.slice(0, end).split("\n");
  const headers = lines.map((line) => line.split(/: (.*)/).slice(0, 2) as [string, string]);
  return { status: Number(first.split(" ")[1]), headers: new Headers(headers), body: bytes.slice(end + 2) };
}

export const textOf = (play: Play) => new TextDecoder().decode(play.body);

/** One answer under the test's hand: `more()` sends the next event of a stream, `all()` the rest; `end()` closes it. */
export class Answer {
  #control!: ReadableStreamDefaultController<Uint8Array>;
  #frames: string[];
  readonly response: Response;

  constructor(
    play: Play,
    readonly leave: () => void,
  ) {
    const isStream = play.headers.get("content-type")?.startsWith("text/event-stream");
    this.#frames = isStream ? textOf(play).match(/[^]*?\n\n/g)! : [];
    const body = new ReadableStream<Uint8Array>({
      start: (control) => {
        this.#control = control;
        if (!isStream) {
          control.enqueue(play.body);
          this.end();
        }
      },
      cancel: leave,
    });
    this.response = new Response(body, { status: play.status, headers: play.headers });
  }

  more(text = this.#frames.shift()) {
    this.#control.enqueue(new TextEncoder().encode(text));
  }

  all() {
    while (this.#frames.length) this.more();
    this.end();
  }

  end() {
    this.leave();
    this.#control.close();
  }

  break(problem: unknown = new TypeError("network error")) {
    this.leave();
    this.#control.error(problem);
  }
}

export class Server {
  asked: Asked[] = [];
  answers: Answer[] = [];
  /** Requests that nobody has ended. */
  open = 0;
  /** Streams wait for the test's hand. */
  held = false;
  /** Nothing is answered before the test says so. */
  gate: Promise<void> = Promise.resolve();
  #plays: (Play | Error)[] = [];

  /** The recordings that come next; the last of them again and again. */
  plays(...names: (string | Play | Error)[]) {
    this.#plays = names.map((name) => (typeof name === "string" ? recording(name) : name));
    return this;
  }

  get last(): Answer {
    return this.answers.at(-1)!;
  }

  fetch = vi.fn<typeof fetch>(async (input, init = {}) => {
    const body = init.body;
    this.asked.push({
      method: init.method ?? "GET",
      url: new URL(String(input)),
      headers: new Headers(init.headers),
      body: typeof body === "string" ? JSON.parse(body) : body,
    });
    this.open++;
    let isOpen = true;
    const leave = () => {
      if (isOpen) this.open--;
      isOpen = false;
    };
    const signal = init.signal;
    const aborted = new Promise<never>((_, reject) =>
      signal?.addEventListener("abort", () => {
        leave();
        reject(signal.reason);
      }),
    );
    aborted.catch(() => {});
    await Promise.race([this.gate, aborted]);
    const play = this.#plays.length > 1 ? this.#plays.shift()! : this.#plays[0]!;
    if (play instanceof Error) {
      leave();
      throw play;
    }
    const answer = new Answer(play, leave);
    this.answers.push(answer);
    aborted.catch((reason) => {
      try {
        answer.break(reason);
      } catch {
        // It had ended.
      }
    });
    if (!this.held && play.headers.get("content-type")?.startsWith("text/event-stream")) answer.all();
    return answer.response;
  });
}
