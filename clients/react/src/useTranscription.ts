import { keyOf } from "./shared.js";
import type { TranscriptionOptions } from "./types.js";
import { useShared, type Answer } from "./useShared.js";

const numbers = new WeakMap<Blob, number>();
let last = 0;

/** Blobs are equal only to themselves. */
function numberOf(blob: Blob): number {
  if (!numbers.has(blob)) numbers.set(blob, ++last);
  return numbers.get(blob)!;
}

/** What is said in a recording (a File, or what a MediaRecorder gave), growing while `isLoading`. */
export function useTranscription(
  recording: Blob | null | undefined,
  options: TranscriptionOptions = {},
): Answer<string> {
  return useShared(recording ? keyOf("transcription", numberOf(recording), options) : null, (client) => ({
    run: (signal, tell) => client.transcribe(recording!, options, { signal, onText: (data) => tell({ data }) }),
  }));
}
