/** Where the two APIs are. `v1` is OpenAI's family, which the public service does not have. */
export interface Addresses {
  image: string;
  text: string;
  v1?: string | undefined;
}

export interface ClientOptions {
  /** One address of a pollweb installation (`https://ai.example.org`), or those of its APIs. */
  baseUrl: string | Addresses;
  /** The name under which this app is registered; browsers say their own address without it. */
  referrer?: string | undefined;
  /** A secret, for programs on a server only: in a page everybody could read it. */
  token?: string | undefined;
  fetch?: typeof fetch | undefined;
}

/** What one call may be given beside its options. */
export interface Call {
  signal?: AbortSignal | undefined;
}

type Open = { [name: string]: unknown };

export interface ImageOptions extends Open {
  width?: number | undefined;
  height?: number | undefined;
  model?: string | undefined;
  seed?: number | undefined;
  nologo?: boolean | undefined;
  enhance?: boolean | undefined;
  safe?: boolean | undefined;
  /** Not in the public feed and gallery. */
  private?: boolean | undefined;
  /** Addresses of pictures to start from. */
  image?: string | string[] | undefined;
  negative_prompt?: string | undefined;
}

export interface Picture {
  /** The address of the request: whoever opens it gets the same picture. It holds no token. */
  url: string;
  blob: Blob;
  /** `provider/model` that made it; undefined where the server does not say. */
  madeBy: string | undefined;
  cache: string | undefined;
  visibility: string | undefined;
  requestId: string | undefined;
}

export interface TextOptions extends Open {
  model?: string | undefined;
  seed?: number | undefined;
  system?: string | undefined;
  /** The answer is text that is JSON. */
  json?: boolean | undefined;
  temperature?: number | undefined;
  top_p?: number | undefined;
  max_tokens?: number | undefined;
  private?: boolean | undefined;
}

export interface ContentPart extends Open {
  type: string;
}

export interface ToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

export interface Message {
  role: "system" | "developer" | "user" | "assistant" | "tool" | (string & {});
  content: string | ContentPart[] | null;
  name?: string;
  tool_calls?: ToolCall[];
  tool_call_id?: string;
  /** What a reasoning model thought. */
  reasoning_content?: string;
}

/** OpenAI's description of a function. With `run` the chat calls it by itself and goes on with what it gives. */
export interface Tool {
  type?: "function";
  function: { name: string; description?: string; parameters?: Record<string, unknown> };
  /** `args` is what the model wrote, parsed, and to be distrusted; what it gives back is told to the model as text or JSON. */
  run?: (args: any, call: { signal: AbortSignal }) => unknown;
}

export interface ChatOptions extends TextOptions {
  jsonMode?: boolean | undefined;
  tools?: Tool[] | undefined;
  tool_choice?: "auto" | "none" | "required" | { type: "function"; function: { name: string } } | undefined;
  /** False: the answer comes whole. */
  stream?: boolean | undefined;
}

export interface SpeechOptions extends Open {
  voice?: string | undefined;
  model?: string | undefined;
  /** mp3, wav, opus, flac, aac, pcm; where there is a `v1`. */
  format?: string | undefined;
  speed?: number | undefined;
}

export interface TranscriptionOptions extends Open {
  model?: string | undefined;
  language?: string | undefined;
  prompt?: string | undefined;
}

export type Kind = "image" | "text" | "audio";

export interface Model extends Open {
  kind: Kind;
  name: string;
  description?: string;
  tier?: string;
  aliases?: string | string[];
  input_modalities?: string[];
  output_modalities?: string[];
  tools?: boolean;
  vision?: boolean;
  voices?: string[];
}

interface FeedEvent extends Open {
  /** Its place in the feed; undefined where the server tells none. */
  id: string | undefined;
  model: string;
}

export interface ImageEvent extends FeedEvent {
  imageURL: string;
  prompt: string;
  width: number;
  height: number;
  seed: number | null;
}

export interface TextEvent extends FeedEvent {
  response: string;
  messages: Message[];
}

export interface FeedEvents {
  image: ImageEvent;
  text: TextEvent;
}
