import { keyOf } from "./shared.js";
import type { TextOptions } from "./types.js";
import { useShared, type Answer } from "./useShared.js";

export interface UseTextOptions extends TextOptions {
  /** False: the data comes whole, at the end. */
  stream?: boolean | undefined;
}

/** The answer to the prompt, growing while `isLoading`; null or nothing asks for none. */
export function useText(prompt: string | null | undefined, options: UseTextOptions = {}): Answer<string> {
  return useShared(prompt ? keyOf("text", prompt, options) : null, (client) => ({
    run: (signal, tell) => {
      const { stream = true, ...rest } = options;
      return client.text(prompt!, rest, { signal, ...(stream && { onText: (data: string) => tell({ data }) }) });
    },
  }));
}
