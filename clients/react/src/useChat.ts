import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { Chat, type ChatState, type Said, type UseChatOptions } from "./chat.js";
import { useClient } from "./provider.js";
import type { Message } from "./types.js";

export interface ChatAnswer extends ChatState {
  /** The same as `data`: what was said so far, the answer growing while `isLoading`. */
  messages: Message[];
  /** Say something. Resolves, never rejects, with the answer; undefined after an error or a stop. */
  send: (said: Said) => Promise<Message | undefined>;
  /** No further word; what was said stays. */
  stop: () => void;
  /** Have the last thing that the user said answered anew. */
  retry: () => Promise<Message | undefined>;
  setMessages: (messages: Message[]) => void;
}

/** A conversation of this component, streamed. Functions with `run` are called, and their results told to the model. */
export function useChat(initialMessages: Message[] = [], options: UseChatOptions = {}): ChatAnswer {
  const client = useClient();
  const [chat] = useState(() => new Chat(initialMessages));
  const state = useSyncExternalStore(chat.subscribe, chat.snapshot, chat.snapshot);
  const now = useRef({ client, options });
  useEffect(() => {
    now.current = { client, options };
  });
  useEffect(() => chat.stop, [chat, client]);
  const actions = useMemo(
    () => ({
      send: (said: Said) => chat.send(now.current.client, said, now.current.options),
      retry: () => chat.retry(now.current.client, now.current.options),
      stop: chat.stop,
      setMessages: chat.replace,
    }),
    [chat],
  );
  return useMemo(() => ({ ...state, messages: state.data, ...actions }), [state, actions]);
}
