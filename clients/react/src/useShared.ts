import { useMemo, useSyncExternalStore } from "react";
import type { Client } from "./client.js";
import { usePlace } from "./provider.js";
import { IDLE, type Source, type State } from "./shared.js";

export interface Answer<T> extends State<T> {
  /** Ask once more, after an error or for another answer. */
  retry: () => void;
}

const NOTHING = { subscribe: () => () => {}, snapshot: () => IDLE, first: () => IDLE, retry: () => {} };

/** The state of the request under `key`, which equal hooks share; without a key nothing is asked. */
export function useShared<T>(key: string | null, make: (client: Client) => Source<T>): Answer<T> {
  const { client, requests } = usePlace();
  const entry = key === null ? NOTHING : requests.get<T>(key, () => make(client));
  const state: State<T> = useSyncExternalStore<State<T>>(entry.subscribe, entry.snapshot, entry.first);
  return useMemo(() => ({ ...state, retry: entry.retry }), [state, entry]);
}
