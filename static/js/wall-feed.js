// The wall's frames: by WebSocket, after five failures by server-sent events. It asks for what it missed.
const PAUSES = [1, 2, 4, 8, 15, 30];
const HIDDEN_SECONDS = 60;
const FAILURES = 5;

export class WallFeed {
  #socket;
  #source;
  #failures = 0;
  #timer;
  #hiddenTimer;
  #after;

  // `hear(frame)` is given every frame but pings; `state(name, seconds)` is told live, waiting or closed.
  constructor({ after, kinds, hear, state }) {
    this.#after = after;
    this.kinds = kinds;
    this.hear = hear;
    this.state = state;
    addEventListener("online", () => this.#now());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.#now());
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.#hiddenTimer);
      if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#close(), HIDDEN_SECONDS * 1000);
      else this.#now();
    });
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    if (this.#failures >= FAILURES) return this.#listen();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/wall`);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      if (this.#socket !== socket) return;
      socket.send(JSON.stringify({ t: "sub", kinds: this.kinds, ...(this.#after && { after: this.#after }) }));
    });
    socket.addEventListener("message", ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.t === "ping") return socket.send('{"t":"pong"}');
      this.#take(frame);
    });
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#again();
    });
  }

  #listen() {
    const query = new URLSearchParams({ kinds: this.kinds.join(",") });
    if (this.#after) query.set("after", this.#after);
    const source = new EventSource(`/live/events?${query}`);
    this.#source = source;
    source.addEventListener("message", ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener("error", () => {
      // The browser tries again by itself unless it was refused.
      if (source.readyState === EventSource.CLOSED) this.#again();
      else this.state("waiting", 3);
    });
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
    this.state("waiting", Math.round(pause));
    this.#timer = setTimeout(() => this.#open(), pause * 1000);
  }

  #now() {
    if (document.hidden || this.#socket || this.#source) return;
    this.#open();
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
