// A soft note for each item, of a pentatonic scale, and a low pad once a minute. All of it is made here (Web Audio).
const SCALE = [0, 2, 4, 7, 9];
const ROOT = { image: 72, text: 60, audio: 67 }; // MIDI
const APART = 1000 / 6;
const PAD_EVERY = 60_000;

const frequency = (midi) => 440 * 2 ** ((midi - 69) / 12);

export class Sound {
  #context;
  #out;
  #played = 0;
  #pad;
  loudness = 0.4;

  get isOn() {
    return this.#context?.state === "running";
  }

  // Only from a click or a key: browsers refuse it otherwise.
  async start() {
    if (!this.#context) {
      this.#context = new AudioContext();
      this.#out = this.#context.createGain();
      this.#out.connect(this.#context.destination);
    }
    await this.#context.resume();
    this.turn(this.loudness);
    this.#hum();
    this.#pad ??= setInterval(() => this.#hum(), PAD_EVERY);
  }

  async stop() {
    clearInterval(this.#pad);
    this.#pad = undefined;
    await this.#context?.suspend();
  }

  turn(loudness) {
    this.loudness = loudness;
    this.#out?.gain.setTargetAtTime(loudness * loudness * 0.5, this.#context.currentTime, 0.05);
  }

  // Wide pictures are low, tall ones are high.
  note({ kind, ar }) {
    const now = performance.now();
    if (!this.isOn || now - this.#played < APART) return;
    this.#played = now;
    const step = Math.max(0, Math.min(9, Math.round(4.5 - 3 * Math.log2(ar || 1))));
    const midi = (ROOT[kind] ?? 60) + SCALE[step % 5] + 12 * Math.floor(step / 5) - 12;
    this.#play(frequency(midi), 0.02, 1.6, 0.5);
  }

  #hum() {
    if (!this.isOn) return;
    this.#play(frequency(36), 4, 12, 0.35);
    this.#play(frequency(43), 5, 12, 0.2);
  }

  #play(hertz, rise, fall, height) {
    const at = this.#context.currentTime;
    const tone = this.#context.createOscillator();
    const swell = this.#context.createGain();
    tone.type = "sine";
    tone.frequency.value = hertz;
    swell.gain.setValueAtTime(0, at);
    swell.gain.linearRampToValueAtTime(height, at + rise);
    swell.gain.exponentialRampToValueAtTime(0.0001, at + rise + fall);
    tone.connect(swell).connect(this.#out);
    tone.start(at);
    tone.stop(at + rise + fall + 0.1);
  }
}
