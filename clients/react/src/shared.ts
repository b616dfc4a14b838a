import { asError, type PollwebError } from "./errors.js";

/** What every hook answers. An error is a value here, never a thrown one, and never in the place of the data. */
export interface State<T> {
  data: T | undefined;
  error: PollwebError | undefined;
  isLoading: boolean;
}

export interface Source<T> {
  /** Gets the data; `tell` says what is known already. */
  run: (signal: AbortSignal, tell: (state: Partial<State<T>>) => void) => Promise<T | void>;
  /** Lets go of what the data holds. */
  dispose?: (data: T) => void;
}

export const IDLE: State<never> = { data: undefined, error: undefined, isLoading: false };
const LOADING: State<never> = { ...IDLE, isLoading: true };
const KEPT = 50; // results that nobody looks at any more, for whoever comes back

/**
 * One request, however many components ask for the same. It begins with the first and is cancelled when the last leaves;
 * what it has brought is kept for whoever comes next.
 */
export class Shared<T> {
  state: State<T> = LOADING;
  #listeners = new Set<() => void>();
  #stop: AbortController | undefined;

  constructor(
    readonly source: Source<T>,
    readonly keep: () => void,
  ) {}

  /** How many look at it. */
  get watched(): number {
    return this.#listeners.size;
  }

  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    this.keep();
    if (!this.#stop && this.state.isLoading) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      // Not at once: StrictMode, and a list that is sorted anew, leave and come back in the same breath.
      setTimeout(() => {
        if (!this.watched && (this.state.isLoading || this.state.error)) this.forget();
      });
    };
  };

  snapshot = () => this.state;
  /** What a server renders, and a browser in its first breath. */
  first = (): State<T> => LOADING;

  retry = () => {
    if (this.state.isLoading) return;
    this.forget();
    if (this.watched) this.#begin();
    this.#tell();
  };

  /** Back to the beginning. */
  forget() {
    this.#stop?.abort();
    this.#stop = undefined;
    const { data } = this.state;
    this.state = LOADING;
    if (data !== undefined) this.source.dispose?.(data);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  async #begin() {
    const stop = (this.#stop = new AbortController());
    const set = (state: Partial<State<T>>) => {
      if (stop.signal.aborted) return;
      this.state = { ...this.state, ...state };
      this.#tell();
    };
    try {
      const data = await this.source.run(stop.signal, set);
      if (stop.signal.aborted) data && this.source.dispose?.(data);
      else set({ isLoading: false, ...(data !== undefined && { data }) });
    } catch (problem) {
      set({ isLoading: false, error: asError(problem) });
    }
    if (this.#stop === stop) this.#stop = undefined;
  }
}

/** The requests of one provider by what they ask for. */
export class Requests {
  #found = new Map<string, Shared<any>>();

  get<T>(key: string, make: () => Source<T>): Shared<T> {
    let entry = this.#found.get(key);
    if (!entry) {
      this.drop(KEPT);
      // Whoever is watched is the newest, and here even if it was dropped before its component was on the page.
      const kept = (entry = new Shared(make(), () => {
        this.#found.delete(key);
        this.#found.set(key, kept);
      }));
      kept.keep();
    }
    return entry;
  }

  /** Forget what nobody looks at, the oldest first, down to so many. */
  drop(most: number) {
    for (const [key, entry] of this.#found) {
      if (this.#found.size <= most) return;
      if (entry.watched) continue;
      this.#found.delete(key);
      entry.forget();
    }
  }
}

/** The same for equal questions, in whichever order their options stand. */
export function keyOf(kind: string, subject: unknown, options: object = {}): string {
  return JSON.stringify([kind, subject, Object.entries(options).sort()]);
}
