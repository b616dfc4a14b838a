import { useMemo } from "react";
import { keyOf } from "./shared.js";
import type { FeedEvents } from "./types.js";
import { useShared, type Answer } from "./useShared.js";

export interface FeedOptions {
  /** How many are kept at most, up to 100. */
  limit?: number;
}

const MOST = 100;

/**
 * What others are making, newest first. Components share one connection, which goes on where it was when it breaks off,
 * and is closed when the last component leaves. While it is broken off `error` says why; `isLoading` is true until the
 * first connection. With null nothing is followed.
 */
export function useFeed<K extends keyof FeedEvents>(
  kind: K | null,
  { limit = 20 }: FeedOptions = {},
): Answer<FeedEvents[K][]> {
  const answer = useShared<FeedEvents[K][]>(kind && keyOf("feed", kind), (client) => {
    let items: FeedEvents[K][] = [];
    let lastEventId = "";
    return {
      run: (signal, tell) =>
        client.feed(kind!, {
          signal,
          lastEventId,
          onOpen: () => tell({ data: items, error: undefined }),
          onTrouble: (error) => tell({ error }),
          onEvents: (events, last) => {
            lastEventId = last;
            // Servers without ids tell their past again to whoever comes back.
            const known = new Set(items.map(nameOf));
            const fresh = events.filter((event) => !known.has(nameOf(event))).reverse();
            items = [...fresh, ...items].slice(0, MOST);
            tell({ data: items });
          },
        }),
    };
  });
  return useMemo(
    () => ({
      ...answer,
      data: answer.data?.slice(0, limit),
      isLoading: answer.isLoading && !answer.data,
    }),
    [answer, limit],
  );
}

const nameOf = (event: FeedEvents[keyof FeedEvents]) => event.id ?? JSON.stringify(event);
