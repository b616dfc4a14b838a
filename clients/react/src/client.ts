/** The API without React, for programs on a server, and for what the hooks stand on. */
import { asError, fromBody, fromResponse, PollwebError, unreadable } from "./errors.js";
import { readEvents } from "./sse.js";
import type {
  Addresses,
  Call,
  ChatOptions,
  ClientOptions,
  FeedEvents,
  ImageOptions,
  Kind,
  Message,
  Model,
  Picture,
  SpeechOptions,
  TextOptions,
  TranscriptionOptions,
} from "./types.js";

export { PollwebError } from "./errors.js";
export { readEvents, type ServerEvent } from "./sse.js";
export type * from "./types.js";

/** Pollinations.AI's own hosts. */
export const PUBLIC: Addresses = { image: "https://image.pollinations.ai", text: "https://text.pollinations.ai" };

const SHORTEST_PAUSE = 1_000; // ms before a feed is asked for again; it doubles each time
const LONGEST_PAUSE = 30_000;
const SILENCE = 45_000; // ms without a word of a feed that has a heartbeat: pollweb's beats at least every 15 s

function addressesOf(given: string | Addresses): Addresses {
  const bare = (url = "") => url.replace(/\/+$/, "");
  if (typeof given !== "string") return { image: bare(given.image), text: bare(given.text), v1: bare(given.v1) };
  const base = bare(given);
  return { image: `${base}/image`, text: `${base}/text`, v1: `${base}/v1` };
}

export type Client = ReturnType<typeof createClient>;

/** Every call rejects with a PollwebError, or with whatever its signal was aborted with. */
export function createClient({ baseUrl, referrer, token, fetch: given }: ClientOptions) {
  const addresses = addressesOf(baseUrl);
  const { image, text, v1 } = addresses;

  async function ask(url: string, init: Omit<RequestInit, "signal"> & Call = {}): Promise<Response> {
    try {
      const response = await (given ?? fetch)(url, { ...init, signal: init.signal ?? null });
      if (!response.ok) throw await fromResponse(response);
      return response;
    } catch (problem) {
      if (init.signal?.aborted) throw problem;
      throw asError(problem);
    }
  }

  /** Known by its header, which the text API lets browsers send; the image API does not. */
  const bearer = (): Record<string, string> => (token ? { Authorization: `Bearer ${token}` } : {});

  const post = (url: string, body: object, signal?: AbortSignal) =>
    ask(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...bearer() },
      body: JSON.stringify({ referrer, ...body }),
      signal,
    });

  function imageUrl(prompt: string, options: ImageOptions = {}): string {
    return `${image}/prompt/${encodeURIComponent(wellFormed(prompt))}${query({ ...options, referrer })}`;
  }

  /** The chunks of OpenAI's streams, all those of one piece together. */
  async function* chunks(response: Response): AsyncGenerator<any[]> {
    let ended = false;
    for await (const events of readEvents(response.body!)) {
      const found: any[] = [];
      for (const { data } of events) {
        if (data === "[DONE]") {
          ended = true;
          continue;
        }
        const chunk = parsed(data);
        if (chunk.error) {
          yield found;
          throw fromBody(chunk);
        }
        ended ||= chunk.choices?.[0]?.finish_reason || "text" in chunk; // how a transcript ends
        found.push(chunk);
      }
      yield found;
    }
    if (!ended) throw new PollwebError("The answer broke off before its end.", { code: "incomplete_answer" });
  }

  async function chat(
    messages: Message[],
    { system, json, jsonMode, tools, stream = true, ...options }: ChatOptions = {},
    { signal, onMessage }: Call & { onMessage?: ((message: Message) => void) | undefined } = {},
  ): Promise<Message> {
    const response = await post(
      `${text}/openai`,
      {
        ...options,
        messages: system ? [{ role: "system", content: system }, ...messages] : messages,
        jsonMode: json || jsonMode || undefined,
        tools: tools?.length ? tools.map((tool) => ({ type: "function", function: tool.function })) : undefined,
        stream: (stream && onMessage && true) || undefined,
      },
      signal,
    );
    if (!isStream(response)) {
      const message = parsed(await response.text()).choices?.[0]?.message;
      if (!message) throw unreadable();
      return message;
    }
    let message: Message = { role: "assistant", content: null };
    for await (const found of chunks(response)) {
      for (const chunk of found) message = grown(message, chunk.choices?.[0]?.delta ?? {});
      onMessage?.(message);
    }
    return message;
  }

  return {
    addresses,
    imageUrl,

    async image(prompt: string, options: ImageOptions = {}, { signal }: Call = {}): Promise<Picture> {
      const response = await ask(imageUrl(prompt, { ...options, token }), { signal });
      const header = (name: string) => response.headers.get(name) ?? undefined;
      return {
        url: imageUrl(prompt, options),
        blob: await response.blob(),
        madeBy: header("x-model-used"),
        cache: header("x-cache"),
        visibility: header("x-visibility"),
        requestId: header("x-request-id"),
      };
    },

    /** The assistant's message; with `onMessage` it is streamed, and told as far as it has come. */
    chat,

    /** The answer; with `onText` it is streamed, and told as far as it has come. */
    async text(
      prompt: string,
      options: TextOptions = {},
      { signal, onText }: Call & { onText?: (text: string) => void } = {},
    ): Promise<string> {
      const onMessage = onText && ((message: Message) => onText(wordsOf(message)));
      return wordsOf(await chat([{ role: "user", content: prompt }], options, { signal, onMessage }));
    },

    /** The text itself as sound. */
    async speech(said: string, options: SpeechOptions = {}, { signal }: Call = {}): Promise<Blob> {
      const { format, ...rest } = { model: "openai-audio", voice: "alloy", ...options };
      const response = v1
        ? await post(`${v1}/audio/speech`, { ...rest, input: said, response_format: format }, signal)
        : await post(`${text}/`, { ...rest, messages: [{ role: "user", content: said }] }, signal);
      return response.blob();
    },

    /** What is said in a recording; with `onText` also as far as it has come, where the server can. */
    async transcribe(
      recording: Blob,
      options: TranscriptionOptions = {},
      { signal, onText }: Call & { onText?: (text: string) => void } = {},
    ): Promise<string> {
      if (!v1) {
        const data = await base64(recording);
        const part = { type: "input_audio", input_audio: { data, format: formatOf(recording) } };
        const content = [{ type: "text", text: options.prompt ?? "Transcribe this recording." }, part];
        return wordsOf(await chat([{ role: "user", content }], { model: options.model ?? "openai-audio" }, { signal }));
      }
      const form = new FormData();
      form.set("file", recording, (recording as File).name || `recording.${formatOf(recording)}`);
      for (const [name, value] of Object.entries({ model: "whisper-1", ...options, referrer, stream: !!onText }))
        if (value !== undefined) form.set(name, String(value));
      const url = `${v1}/audio/transcriptions`;
      const response = await ask(url, { method: "POST", headers: bearer(), body: form, signal });
      if (!isStream(response)) return parsed(await response.text()).text ?? "";
      let heard = "";
      for await (const found of chunks(response)) {
        for (const event of found) heard = event.text ?? heard + (event.delta ?? "");
        onText?.(heard);
      }
      return heard;
    },

    /** Those of one kind, or all. */
    async models(kind?: Kind, { signal }: Call = {}): Promise<Model[]> {
      const list = async (address: string, usual: Kind): Promise<Model[]> => {
        const response = await ask(`${address}/models${query({ referrer })}`, { signal });
        const found = parsed(await response.text());
        // The guide leaves the form open: names or objects, in a list or under their names.
        const each = Array.isArray(found) ? found : Object.entries(found.data ?? found);
        return each.map((one: any) => {
          const [name, model] = Array.isArray(one) ? one : [one.name ?? one.id ?? one, one];
          const kind = model.output_modalities?.includes("audio") ? "audio" : usual;
          return { ...(typeof model === "object" && model), name, kind };
        });
      };
      const all = await Promise.all([
        kind && kind !== "image" ? [] : list(image, "image"),
        kind === "image" ? [] : list(text, "text"),
      ]);
      return all.flat().filter((model) => !kind || model.kind === kind);
    },

    /**
     * Follows a feed until the signal, connecting anew whenever it breaks off, from where it was.
     * Rejects only when the server will not have it.
     */
    async feed<K extends keyof FeedEvents>(
      kind: K,
      { signal, lastEventId = "", past = 20, onOpen, onEvents, onTrouble }: FeedCall<K>,
    ): Promise<void> {
      let last = lastEventId;
      for (let failures = 0; !signal.aborted; failures++) {
        const stop = new AbortController();
        let beats = false;
        let silence: ReturnType<typeof setTimeout> | undefined;
        try {
          // By the query: the image API lets no browser send the header Last-Event-ID.
          const asked = `${query({ past_results: past, referrer })}&last_event_id=${encodeURIComponent(last)}`;
          const response = await ask(`${kind === "image" ? image : text}/feed${asked}`, {
            signal: AbortSignal.any([signal, stop.signal]),
          });
          onOpen?.();
          for await (const events of readEvents(response.body!)) {
            failures = 0;
            beats ||= !events.length;
            clearTimeout(silence);
            // A network that went away says nothing.
            if (beats) silence = setTimeout(() => stop.abort(new PollwebError("The feed fell silent.")), SILENCE);
            last = events.at(-1)?.id || last;
            const found = events
              .filter(({ event, data }) => event === "message" && data.startsWith("{"))
              .map(({ data, id }) => ({ ...parsed(data), id: id || undefined }));
            if (found.length) onEvents(found, last);
          }
          throw new PollwebError("The feed broke off.", { code: "feed_ended" });
        } catch (problem) {
          if (signal.aborted) return;
          const error = asError(problem);
          const { status, retryAfter = 0 } = error;
          if (status >= 400 && status < 500 && status !== 408 && status !== 429) throw error;
          onTrouble?.(error);
          const pause = Math.min(SHORTEST_PAUSE * 2 ** failures, LONGEST_PAUSE);
          await sleep(Math.max(retryAfter * 1000, pause * (0.5 + Math.random() / 2)), signal);
        } finally {
          clearTimeout(silence);
        }
      }
    },
  };
}

export interface FeedCall<K extends keyof FeedEvents> {
  signal: AbortSignal;
  lastEventId?: string;
  past?: number;
  onOpen?: () => void;
  /** In the order in which they came; `last` is where to go on from. */
  onEvents: (events: FeedEvents[K][], last: string) => void;
  /** It broke off, and will be asked for again. */
  onTrouble?: (error: PollwebError) => void;
}

/** Without what is off or not said; 0 is said. */
function query(values: Record<string, unknown>): string {
  const found = Object.entries(values).filter(([, value]) => value || value === 0);
  return found.length ? `?${new URLSearchParams(found as [string, string][])}` : "";
}

function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(cause);
  }
}

const isStream = (response: Response) => !!response.headers.get("content-type")?.startsWith("text/event-stream");

/** Halves of surrogate pairs, which no address can hold, become U+FFFD. */
const wellFormed = (text: string) => text.replace(/\p{Surrogate}/gu, "\uFFFD");

const wordsOf = ({ content }: Message) => (content ?? "") as string;

/** A message with one more delta of OpenAI's stream; a new object each time. */
function grown(message: Message, delta: any): Message {
  const next: any = { ...message };
  for (const name of ["content", "reasoning_content"]) if (delta[name]) next[name] = (next[name] ?? "") + delta[name];
  if (delta.tool_calls) {
    const calls = [...(next.tool_calls ?? [])];
    for (const { index = calls.length, id, function: called } of delta.tool_calls) {
      const before = calls[index];
      calls[index] = {
        id: id ?? before?.id ?? "",
        type: "function",
        function: {
          name: before?.function.name || called?.name || "",
          arguments: (before?.function.arguments ?? "") + (called?.arguments ?? ""),
        },
      };
    }
    next.tool_calls = calls;
  }
  return next;
}

async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = "";
  // In steps: a function takes only so many arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}

function formatOf(recording: Blob): string {
  const subtype = /\/(?:x-)?(\w+)/.exec(recording.type)?.[1] ?? "wav";
  return { mpeg: "mp3", wave: "wav", mp4: "m4a" }[subtype] ?? subtype;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((wake) => {
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), wake()), { once: true });
  });
}
