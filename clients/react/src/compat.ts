/** The hooks of `@pollinations/react`, drop-in: its names, options, defaults and return values, as the API guide describes them. */
import { useCallback, useMemo } from "react";
import type { ContentPart, ImageOptions, Message } from "./types.js";
import { useChat } from "./useChat.js";
import { useImage } from "./useImage.js";
import { useText } from "./useText.js";

export interface PollinationsImageOptions
  extends Pick<ImageOptions, "width" | "height" | "model" | "seed" | "nologo" | "enhance"> {}

export interface PollinationsTextOptions {
  seed?: number | undefined;
  model?: string | undefined;
  systemPrompt?: string | undefined;
  /** The answer comes parsed. */
  jsonMode?: boolean | undefined;
}

export interface PollinationsChatOptions {
  seed?: number | undefined;
  jsonMode?: boolean | undefined;
  model?: string | undefined;
}

type UserContent = string | ContentPart[];
type UserMessage = { role: "user"; content: UserContent };

/** The picture's address; null until it is made, and after an error. */
export function usePollinationsImage(
  prompt: string | null,
  { width = 1024, height = 1024, model = "flux", seed = 42, nologo = true, enhance = false }: PollinationsImageOptions = {},
): string | null {
  return useImage(prompt, { width, height, model, seed, nologo, enhance }).data?.url ?? null;
}

/** The answer; null until it is whole, and after an error. */
export function usePollinationsText(
  prompt: string | null,
  options: PollinationsTextOptions & { jsonMode: true },
): Record<string, unknown> | null;
export function usePollinationsText(prompt: string | null, options?: PollinationsTextOptions): string | null;
export function usePollinationsText(
  prompt: string | null,
  { seed = 42, model, systemPrompt, jsonMode = false }: PollinationsTextOptions = {},
): unknown {
  const { data } = useText(prompt, { seed, model, system: systemPrompt, json: jsonMode, stream: false });
  return useMemo(() => {
    if (data === undefined || !jsonMode) return data ?? null;
    try {
      return JSON.parse(/```(?:json)?\s*([^]*?)```/.exec(data)?.[1] ?? data);
    } catch {
      return null;
    }
  }, [data, jsonMode]);
}

/** A conversation whose answers come whole. An error is shown as something the assistant says, and not told to the model. */
export function usePollinationsChat(
  initialMessages: Message[] = [],
  { seed = 42, jsonMode = false, model = "openai" }: PollinationsChatOptions = {},
): { sendUserMessage: (message: UserMessage | UserContent) => void; messages: Message[] } {
  const { messages, error, send } = useChat(initialMessages, { seed, jsonMode, model, stream: false });
  const sendUserMessage = useCallback((message: UserMessage | UserContent) => void send(message), [send]);
  const shown = useMemo<Message[]>(
    () =>
      error ? [...messages, { role: "assistant", content: `Sorry, that did not work: ${error.message}` }] : messages,
    [messages, error],
  );
  return { sendUserMessage, messages: shown };
}
