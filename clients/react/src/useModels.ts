import { keyOf } from "./shared.js";
import type { Kind, Model } from "./types.js";
import { useShared, type Answer } from "./useShared.js";

/** The models of one kind, or all of them. */
export function useModels(kind?: Kind): Answer<Model[]> {
  return useShared(keyOf("models", kind), (client) => ({ run: (signal) => client.models(kind, { signal }) }));
}
