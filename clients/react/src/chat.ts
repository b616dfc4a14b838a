import type { Client } from "./client.js";
import { asError, PollwebError } from "./errors.js";
import type { State } from "./shared.js";
import type { ChatOptions, ContentPart, Message, Tool, ToolCall } from "./types.js";

export interface UseChatOptions extends ChatOptions {
  /** How often in a row the model may call functions before it has to answer. */
  maxRounds?: number | undefined;
}

export type Said = string | ContentPart[] | Message | Message[];
export type ChatState = State<Message[]> & { data: Message[] };

/** One conversation, outside React: what was said, what is being said, and what went wrong. */
export class Chat {
  state: ChatState;
  #listeners = new Set<() => void>();
  #stop: AbortController | undefined;

  constructor(messages: Message[] = []) {
    this.state = { data: messages, error: undefined, isLoading: false };
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  snapshot = () => this.state;

  /** Say something and have it answered. Resolves, never rejects, with the answer; undefined after an error or a stop. */
  send(client: Client, said: Said, options: UseChatOptions): Promise<Message | undefined> {
    this.stop();
    const [first, ...rest] = [said].flat() as Message[];
    // A message has a role; words and parts of a message have none.
    const messages = first?.role ? [first, ...rest] : [{ role: "user", content: said as string | ContentPart[] }];
    this.#set({ data: [...this.state.data, ...messages] });
    return this.#ask(client, options);
  }

  /** Have the last thing that the user said answered anew. */
  async retry(client: Client, options: UseChatOptions): Promise<Message | undefined> {
    this.stop();
    const last = this.state.data.findLastIndex(({ role }) => role === "user");
    if (last < 0) return undefined;
    this.#set({ data: this.state.data.slice(0, last + 1) });
    return this.#ask(client, options);
  }

  /** No further word; what was said stays. */
  stop = () => {
    this.#stop?.abort();
    if (this.state.isLoading) this.#set({ isLoading: false, data: tidied(this.state.data) });
  };

  replace = (messages: Message[]) => {
    this.stop();
    this.#set({ data: messages, error: undefined });
  };

  async #ask(client: Client, { tools = [], maxRounds = 5, ...options }: UseChatOptions) {
    const stop = (this.#stop = new AbortController());
    const { signal } = stop;
    const set = (state: Partial<ChatState>) => signal.aborted || this.#set(state);
    set({ isLoading: true, error: undefined });
    try {
      for (let round = 0; ; round++) {
        const before = this.state.data;
        const onMessage = (message: Message) => set({ data: [...before, message] });
        const message = await client.chat(before, { ...options, tools }, { signal, onMessage });
        onMessage(message);
        const calls = message.tool_calls ?? [];
        const runs = calls.map((call) => tools.find((tool) => tool.function.name === call.function.name)?.run);
        if (!calls.length || !runs.every(Boolean)) {
          if (signal.aborted) break;
          set({ isLoading: false });
          return message;
        }
        if (round >= maxRounds)
          throw new PollwebError("The model goes on calling functions.", { code: "too_many_rounds" });
        const results = await Promise.all(calls.map((call, number) => perform(call, runs[number]!, signal)));
        if (signal.aborted) break;
        set({ data: [...before, message, ...results] });
      }
    } catch (problem) {
      set({ isLoading: false, error: asError(problem), data: tidied(this.state.data) });
    }
    return undefined;
  }

  #set(state: Partial<ChatState>) {
    this.state = { ...this.state, ...state };
    for (const listener of this.#listeners) listener();
  }
}

/** A function's result, or what went wrong in it, in a message to the model. */
async function perform(call: ToolCall, run: NonNullable<Tool["run"]>, signal: AbortSignal): Promise<Message> {
  let content: unknown;
  try {
    content = await run(JSON.parse(call.function.arguments || "{}"), { signal });
  } catch (problem) {
    content = { error: String((problem as Error)?.message ?? problem) };
  }
  return {
    role: "tool",
    tool_call_id: call.id,
    name: call.function.name,
    content: typeof content === "string" ? content : (JSON.stringify(content) ?? "null"),
  };
}

/** Without calls that nobody will answer, which a server would refuse, and without a message that says nothing. */
function tidied(messages: Message[]): Message[] {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return messages;
  const { tool_calls: _, ...rest } = last;
  return rest.content ? [...messages.slice(0, -1), rest] : messages.slice(0, -1);
}
