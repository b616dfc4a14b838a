import { keyOf } from "./shared.js";
import type { SpeechOptions } from "./types.js";
import { useShared, type Answer } from "./useShared.js";

export interface Sound {
  /** For `<audio src>`. */
  src: string;
  blob: Blob;
}

/** The text itself, spoken; null or nothing asks for none. */
export function useSpeech(text: string | null | undefined, options: SpeechOptions = {}): Answer<Sound> {
  return useShared(text ? keyOf("speech", text, options) : null, (client) => ({
    run: async (signal) => {
      const blob = await client.speech(text!, options, { signal });
      return { blob, src: URL.createObjectURL(blob) };
    },
    dispose: ({ src }) => URL.revokeObjectURL(src),
  }));
}
