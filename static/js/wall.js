// The live wall: what arrives waits in a short queue and is shown by the layout, one after the other.
import { announce } from "./announce.js";
import { Choices } from "./wall-choices.js";
import { Details } from "./wall-details.js";
import { WallFeed } from "./wall-feed.js";
import { kiosk, reload } from "./wall-kiosk.js";
import { Mosaic } from "./wall-mosaic.js";
import { Sound } from "./wall-sound.js";
import { Spotlight } from "./wall-spotlight.js";
import { Stream } from "./wall-stream.js";
import { build, path } from "./wall-tiles.js";

const MOST_WAITING = 60;
const MOST_KNOWN = 120;
const SPEEDS = { calm: 8000, normal: 3000, fast: 800, all: 500 };
const QUIET = 20_000; // then earlier ones are shown again
const EARLIER_EVERY = 8000;
const TELL_EVERY = 30_000;
const IDLE = 4000;
const LAYOUTS = { mosaic: Mosaic, stream: Stream, spotlight: Spotlight };

const page = document.querySelector("[data-wall]");
const stage = page.querySelector("[data-wall-stage]");
const isKiosk = page.hasAttribute("data-kiosk");
const words = page.dataset;
const choices = new Choices(page);
const sound = new Sound();
const still = matchMedia("(prefers-reduced-motion: reduce)");
const one = (name) => page.querySelector(`[data-wall-${name}]`);

const known = new Map(); // id → { item, tile }, the oldest first
const waiting = [];
const seen = new Set(); // ids that were taken up, so that nothing is shown twice
let dropped = false;
let missed = 0;
let missedSome = false;
let paused = false;
let reading = false;
let connection = "connecting";
let retryAt = 0;
let shownAt = 0;
let cameAt = Date.now();
let untold = 0;
let clock = 0; // the server's clock minus ours, in milliseconds
let layout;

// --- laying out ---

const tilesOf = () => [...known.values()].reverse().map(({ tile }) => tile);

function arrange() {
  layout.arrange(tilesOf().filter((tile) => tile && !tile.muted), choices.get("density"));
  page.sizes = layout.sizes;
}

function choose(name) {
  layout?.leave();
  for (const animation of stage.getAnimations({ subtree: true })) animation.cancel();
  choices.page.dataset.layout = name;
  layout = new LAYOUTS[name](stage);
  arrange();
  for (const link of page.querySelectorAll("[data-wall-layout]"))
    link.toggleAttribute("aria-current", link.dataset.wallLayout === name);
  for (const link of page.querySelectorAll("[data-wall-layout][aria-current]")) link.setAttribute("aria-current", "true");
}

function present(id, tile) {
  if (!layout.show(tile, still.matches)) arrange();
  page.sizes = layout.sizes;
}

// --- the queue ---

const due = (item) => (Date.now() + clock) * 1e6 - item.sent_ns >= Number(words.age) * 1e9;

function pace() {
  const chosen = SPEEDS[choices.get("speed")] ?? SPEEDS.normal;
  return Math.max(still.matches ? Math.max(chosen, SPEEDS.normal) : chosen, layout.interval);
}

let busy = false;

async function step() {
  if (busy || paused || document.hidden || layout.isHeld()) return;
  const pause = Date.now() - shownAt;
  if (pause < pace()) return;
  if (waiting.length && due(waiting[0])) await showNext();
  else if (!waiting.length && Date.now() - cameAt > QUIET && pause >= EARLIER_EVERY) showEarlier();
}

async function showNext() {
  busy = true;
  const item = waiting.shift();
  if (!waiting.length) dropped = false;
  try {
    const tile = await build(item, page);
    // It may have been withdrawn while its picture was loaded.
    if (seen.has(item.id)) {
      known.set(item.id, { item, tile });
      while (known.size > MOST_KNOWN) {
        const [oldest] = known.keys();
        if (layout.tiles.has(known.get(oldest).tile)) layout.drop(known.get(oldest).tile);
        known.delete(oldest);
      }
      shownAt = Date.now();
      present(item.id, tile);
      sound.note(item);
      untold += 1;
    }
  } catch {
    // The picture is gone or cannot be decoded: the wall goes on with the next one.
  }
  busy = false;
  describe();
}

let turn = 0;

function showEarlier() {
  const hidden = [...known.values()].filter(({ tile }) => !tile.muted && !layout.tiles.has(tile));
  const candidates = hidden.length || words.layout !== "spotlight"
    ? hidden
    : [...known.values()].filter(({ tile }) => !tile.muted && tile !== stage.firstElementChild);
  if (!candidates.length || words.layout === "stream") return;
  const { item, tile } = candidates[turn++ % candidates.length];
  tile.querySelector(".earlier").hidden = false;
  shownAt = Date.now();
  if (layout.tiles.has(tile)) layout.drop(tile);
  present(item.id, tile);
}

function remember(id) {
  seen.add(id);
  if (seen.size > 5000) seen.delete(seen.values().next().value);
}

function add(item) {
  if (seen.has(item.id)) return;
  remember(item.id);
  cameAt = Date.now();
  if (!choices.likes(item)) return;
  waiting.push(item);
  if (waiting.length > MOST_WAITING) {
    waiting.shift();
    dropped = true;
  }
}

function remove({ id, href }) {
  const matches = (item) => item.id === id || (href && item.href === href);
  for (const [key, { item, tile }] of known) {
    if (!matches(item)) continue;
    known.delete(key);
    seen.delete(key);
    details?.remove(key);
    tile.getAnimations({ subtree: true }).forEach((animation) => animation.finish());
    tile.remove();
    if (layout.tiles.has(tile) && !layout.drop(tile)) arrange();
  }
  for (const index of waiting.map((_, at) => at).reverse()) if (matches(waiting[index])) waiting.splice(index, 1);
  if (id) seen.delete(id); // one that is being loaded is not shown; its id never comes again
}

// All that there is on this wall: whatever else is here has left its collection.
function keepOnly(items) {
  const there = new Set(items.map(({ id }) => id));
  for (const id of [...known.keys(), ...waiting.map((item) => item.id)]) if (!there.has(id)) remove({ id });
}

function hear(frame) {
  if (frame.now) clock = frame.now * 1000 - Date.now();
  if (frame.t === "item") add(frame);
  else if (frame.t === "hello") {
    for (const id of frame.removed ?? []) remove({ id });
    if (frame.whole) keepOnly(frame.items);
    frame.items.forEach(add);
  } else if (frame.t === "remove") remove(frame);
  else if (frame.t === "gap") {
    missed += frame.count;
    missedSome = true;
  } else if (frame.t === "screen" && frame.gone) location.reload();
  if (frame.revision) keepUp(frame.revision);
  if (frame.rate !== undefined && one("rate")) one("rate").textContent = frame.rate;
  if (frame.watchers !== undefined && one("watchers")) one("watchers").textContent = frame.watchers;
  describe();
}

// Whoever looks after this wall has changed it, or wants its screens to begin anew.
function keepUp(revision) {
  if (revision !== words.revision) reload();
}

// --- what the bar says ---

const badge = one("state");
const badgeLabel = one("state-label");

function describe() {
  const stopped = paused && !reading;
  const count = `${waiting.length}${dropped ? "+" : ""}`;
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  badge.dataset.state = stopped ? "paused" : connection;
  badgeLabel.textContent = stopped
    ? words.sayPaused.replace("{count}", count)
    : { live: words.sayLive, polling: words.sayPolling, waiting: words.sayReconnecting.replace("{seconds}", seconds) }[connection] ??
      words.sayConnecting;
  const figure = (name, text) => {
    const element = one(name);
    if (!element) return;
    element.hidden = !text;
    element.textContent = text;
  };
  figure("waiting", waiting.length && !stopped ? words.sayWaiting.replace("{count}", count) : "");
  figure("missed", missed ? words.sayMissed.replace("{count}", missed) : missedSome ? words.saySomeMissed : "");
  const held = layout.isHeld() && waiting.length;
  figure("pill", held ? words.sayPill.replace("{count}", count) : "");
  if (one("retry")) one("retry").hidden = connection !== "waiting";
}

// --- the controls ---

const button = one("pause");

function pause(value) {
  paused = value;
  button?.setAttribute("aria-pressed", String(paused));
  if (button) one("pause-label").textContent = paused ? words.sayResume : words.sayPause;
  describe();
}

let details;
let resumes = false;

async function toggleSound() {
  if (sound.isOn) await sound.stop();
  else await sound.start();
  choices.page.dataset.sound = sound.isOn ? "on" : "off";
  one("sound")?.setAttribute("aria-pressed", String(sound.isOn));
  tellKiosk();
}

function tellKiosk() {
  const link = one("kiosk");
  if (link) link.href = link.href.split("?")[0] + choices.query();
}

function change(name, value) {
  choices.set(name, value);
  const field = page.querySelector(`[data-wall-choices] [name="${name}"]`);
  if (field?.type === "radio") page.querySelector(`[data-wall-choices] [name="${name}"][value="${value}"]`).checked = true;
  if (name === "layout") choose(value);
  else if (name === "density") arrange();
  else if (name === "words" || name === "mute") sift();
  tellKiosk();
}

// Words that were chosen a moment ago hold for what is shown already too.
function sift() {
  for (const { item, tile } of known.values()) tile.muted = !choices.likes(item);
  for (const index of waiting.map((_, at) => at).reverse()) if (!choices.likes(waiting[index])) waiting.splice(index, 1);
  arrange();
  describe();
}

function controls() {
  button.addEventListener("click", () => pause(!paused));
  one("retry").addEventListener("click", () => feed.retry());
  one("sound").addEventListener("click", toggleSound);
  one("pill").addEventListener("click", () => layout.release());
  const full = one("fullscreen");
  full.hidden = !document.fullscreenEnabled;
  full.addEventListener("click", () =>
    document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
  );
  for (const link of page.querySelectorAll("[data-wall-layout]"))
    link.addEventListener("click", (event) => {
      event.preventDefault();
      change("layout", link.dataset.wallLayout);
    });
  const form = one("choices");
  for (const name of ["layout", "speed", "density"]) {
    const radio = form.querySelector(`[name="${name}"][value="${choices.get(name)}"]`);
    if (radio) radio.checked = true;
  }
  form.elements.captions.checked = choices.get("captions") === "on";
  form.elements.words.value = choices.get("words");
  form.elements.mute.value = choices.get("mute");
  const loudness = one("loudness");
  loudness.value = choices.get("loudness") || 40;
  sound.turn(loudness.value / 100);
  loudness.addEventListener("input", () => {
    choices.set("loudness", loudness.value);
    sound.turn(loudness.value / 100);
  });
  form.addEventListener("change", ({ target }) => {
    if ("asksServer" in target.dataset) location.search = filtered(form);
    else if (target.name === "captions") change("captions", target.checked ? "on" : "off");
    else if (target.name) change(target.name, target.value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault(); // Enter in a field of words
    for (const name of ["words", "mute"]) change(name, form.elements[name].value);
  });
  one("reset").addEventListener("click", () => choices.forget());

  details = new Details(page, {
    opened() {
      resumes = !paused;
      reading = true;
      pause(true);
    },
    closed() {
      reading = false;
      if (resumes) pause(false);
      else describe();
    },
  });

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || one("dialog").open) return;
    if (event.target.closest("input, select, textarea")) return;
    const speed = Object.keys(SPEEDS)[Number(event.key) - 1];
    if (event.key === " ") {
      if (event.target.closest("button, summary, a.button")) return;
      event.preventDefault();
      pause(!paused);
    } else if (speed) change("speed", speed);
    else if (event.key === "l") {
      const names = Object.keys(LAYOUTS);
      change("layout", names[(names.indexOf(choices.get("layout")) + 1) % names.length]);
    } else if (event.key === "m") toggleSound();
    else if (event.key === "k") location.assign(one("kiosk").href);
    else if (event.key === "f" && !full.hidden) full.click();
  });

  // The bar goes away while nobody moves.
  const bar = one("bar");
  let idle;
  const stir = () => {
    page.classList.remove("idle");
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (bar.contains(document.activeElement) && bar.matches(":focus-within:has(:focus-visible)")) return stir();
      if (form.matches(":popover-open") || bar.matches(":hover")) return stir();
      page.classList.add("idle");
    }, IDLE);
  };
  for (const name of ["pointermove", "pointerdown", "keydown", "focusin"]) addEventListener(name, stir);
  stage.addEventListener("scroll", describe, { passive: true });
  stir();
  tellKiosk();
}

// What the form's filters say, for the server, with all other choices of this page's address.
function filtered(form) {
  const query = new URLSearchParams(location.search);
  for (const name of ["kind", "model"]) {
    if (form.elements[name].value) query.set(name, form.elements[name].value);
    else query.delete(name);
  }
  return query.toString();
}

stage.addEventListener("click", (event) => {
  const tile = event.target.closest(".cell");
  if (!tile || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const found = known.get(tile.dataset.id);
  if (!isKiosk && found) details.open(found.item);
});

// A picture that is gone leaves no hole; of what was made elsewhere the words are still there.
function lose(item) {
  if (item?.remote && item.src) add({ ...item, src: "" });
}

stage.addEventListener(
  "error",
  ({ target }) => {
    const id = target.closest?.(".cell")?.dataset.id;
    if (!id) return;
    const item = known.get(id)?.item;
    remove({ id });
    lose(item);
  },
  true,
);

// --- begin: what the server has drawn is taken over ---

for (const item of JSON.parse(one("items").content.textContent).reverse()) {
  const tile = stage.querySelector(`[data-id="${CSS.escape(item.id)}"]`);
  const image = tile?.querySelector("img");
  if (!tile || (image?.complete && !image.naturalWidth)) {
    lose(item);
    continue;
  }
  known.set(item.id, { item, tile });
  remember(item.id);
  tile.muted = !choices.likes(item);
}
choose(choices.get("layout"));
if (isKiosk) kiosk(page, () => words.sound === "on" && sound.start());
else controls();
new ResizeObserver(() => words.layout === "mosaic" && arrange()).observe(stage);

const feed = new WallFeed({
  after: words.after,
  wants: {
    kinds: words.kind ? [words.kind] : ["image", "text", "audio"],
    models: words.model ? [words.model] : [],
    ...(words.wallName && { wall: words.wallName }),
  },
  key: words.key,
  keepOpen: isKiosk,
  hear,
  state(name, after = 0) {
    connection = name === "closed" ? "waiting" : name;
    retryAt = Date.now() + after * 1000;
    describe();
  },
});

setInterval(step, 100);
setInterval(describe, 1000);
setInterval(() => {
  if (untold) announce(words.sayNew.replace("{count}", untold));
  untold = 0;
}, TELL_EVERY);
page.dataset.ready = "";
