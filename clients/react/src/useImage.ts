import { keyOf } from "./shared.js";
import type { ImageOptions, Picture } from "./types.js";
import { useShared, type Answer } from "./useShared.js";

export interface ShownPicture extends Picture {
  /** For `<img src>`: the picture that has come, without another request. */
  src: string;
}

/** A picture of the prompt; null or nothing asks for none. */
export function useImage(prompt: string | null | undefined, options: ImageOptions = {}): Answer<ShownPicture> {
  return useShared(prompt ? keyOf("image", prompt, options) : null, (client) => ({
    run: async (signal) => {
      const picture = await client.image(prompt!, options, { signal });
      return { ...picture, src: URL.createObjectURL(picture.blob) };
    },
    dispose: ({ src }) => URL.revokeObjectURL(src),
  }));
}
