// The wall's frames: by WebSocket; after five failures by server-sent events; after three more by asking every 30 s.
// It asks for what it missed.
const PAUSES = [1, 2, 4, 8, 15, 30];
const HIDDEN_SECONDS = 60;
const FAILURES = { socket: 5, events: 8 };
const ASK_SECONDS = 30;
const ASKED_BEFORE_SOCKET = 10; // then the socket is tried again

export class WallFeed {
  #socket;
  #source;
  #asking;
  #failures = 0;
  #asked = 0;
  #timer;
  #hiddenTimer;
  #after;

  // `wants` is what `sub` says beside the place: kinds, models, wall. `hear(frame)` is given every frame but pings;
  // `state(name, seconds)` is told live, polling, waiting or closed.
  constructor({ after, wants, key, hear, state, keepOpen = false }) {
    this.#after = after;
    this.wants = wants;
    this.key = key;
    this.hear = hear;
    this.state = state;
    addEventListener("online", () => this.retry());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.retry());
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.#hiddenTimer);
      if (document.hidden && !keepOpen) this.#hiddenTimer = setTimeout(() => this.#close(), HIDDEN_SECONDS * 1000);
      else if (!document.hidden) this.retry();
    });
    this.#open();
  }

  // At once, unless a connection is there.
  retry() {
    if (document.hidden || this.#socket || this.#source || this.#asking) return;
    clearTimeout(this.#timer);
    this.#open();
  }

  say(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #open() {
    clearTimeout(this.#timer);
    if (this.#failures >= FAILURES.events) return this.#ask();
    if (this.#failures >= FAILURES.socket) return this.#listen();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const key = this.key ? `?token=${encodeURIComponent(this.key)}` : "";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/wall${key}`);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (this.#socket !== socket) return;
      socket.send(JSON.stringify({ t: "sub", ...this.wants, ...(this.#after && { after: this.#after }) }));
    });
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket !== socket) return;
      const frame = JSON.parse(data);
      if (frame.t === "ping") return socket.send('{"t":"pong"}');
      this.#take(frame);
    });
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#again();
    });
  }

  #query() {
    const { kinds, models = [], wall } = this.wants;
    const query = new URLSearchParams({ kinds: kinds.join(","), models: models.join(",") });
    if (wall) query.set("wall", wall);
    if (this.key) query.set("token", this.key);
    if (this.#after) query.set("after", this.#after);
    return query;
  }

  #listen() {
    const source = new EventSource(`/live/events?${this.#query()}`);
    this.#source = source;
    source.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener("error", () => {
      source.close(); // our own pauses: the browser's are fixed, and never give up
      if (this.#source === source) this.#again();
    });
  }

  async #ask() {
    this.#asking = true;
    try {
      const answer = await fetch(`/live/items.json?${this.#query()}`, { signal: AbortSignal.timeout(15_000) });
      if (!answer.ok) throw new Error(answer.status);
      const { gap, removed = [], ...hello } = await answer.json();
      const failures = this.#failures;
      if (gap) this.hear({ t: "gap", count: gap });
      for (const id of removed) this.hear({ t: "remove", id });
      this.#take(hello);
      if (!this.#after) this.#after = hello.last;
      this.#failures = ++this.#asked >= ASKED_BEFORE_SOCKET ? 0 : failures;
      if (!this.#failures) this.#asked = 0;
      this.state("polling");
    } catch {
      this.state("waiting", ASK_SECONDS);
    }
    this.#asking = false;
    this.#timer = setTimeout(() => this.#open(), ASK_SECONDS * 1000);
  }

  #take(frame) {
    if (frame.t === "hello") {
      this.#failures = 0;
      this.state("live");
    }
    if (frame.t === "item") this.#after = frame.id;
    for (const item of frame.items ?? []) this.#after = item.id;
    this.hear(frame);
  }

  #again() {
    this.#socket = this.#source = undefined;
    const pause = PAUSES[Math.min(this.#failures++, PAUSES.length - 1)] * (0.7 + Math.random() * 0.6);
    this.state("waiting", Math.ceil(pause));
    this.#timer = setTimeout(() => this.#open(), pause * 1000);
  }

  #close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#source?.close();
    this.#socket = this.#source = undefined;
    // Closing one that is not open yet would be an error on the console.
    if (socket?.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
    else socket?.close();
    this.state("closed");
  }
}
