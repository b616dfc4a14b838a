// The live wall: what arrives waits in a short queue and takes the place of the oldest tile of its shape.
import { announce } from "./announce.js";
import { WallFeed } from "./wall-feed.js";

const MOST_WAITING = 60;
const MOST_SHOWN = 120;
const CALM = 3000; // milliseconds between two changes, and less while many wait
const HURRIED = 800;
const TELL_EVERY = 30_000;

const page = document.querySelector("[data-wall]");
const grid = page.querySelector("[data-wall-grid]");
const words = page.dataset;
const kinds = words.kind ? [words.kind] : ["image", "text", "audio"];

const waiting = [];
let dropped = false;
let paused = false;
let connection = "waiting";
let lastShown = 0;
let shown = 0;
let untold = 0;
let pictures = 0;

// --- tiles ---

function path(address) {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

// What came from another installation has no picture here: it is told in words, with a way to its source.
function isPicture(item) {
  return item.kind === "image" && Boolean(item.src);
}

// The same rule as feeds/views.py: span().
function span(item) {
  if (!isPicture(item)) return "wide";
  if (pictures++ % 9 === 8) return "big";
  return item.ar >= 1.4 ? "wide" : item.ar <= 0.7 ? "tall" : "one";
}

function leadAway(tile, item) {
  if (/^https?:\/\//.test(item.href)) tile.href = item.href;
  tile.rel = "noopener nofollow";
  tile.target = "_blank";
  const source = document.createElement("span");
  source.className = "source";
  source.textContent = words.source.replace("{host}", item.source);
  tile.querySelector(".badge .kind").after(" · ", source); // before the model: long names are cut at their end
}

async function build(item) {
  const picture = isPicture(item);
  const template = page.querySelector(picture ? "[data-wall-picture]" : "[data-wall-words]");
  // Imported, not cloned: a template's own document is inert, and loads no pictures.
  const tile = document.importNode(template.content, true).firstElementChild;
  if (item.remote) leadAway(tile, item);
  else tile.href = path(item.href);
  tile.dataset.id = item.id;
  tile.dataset.span = span(item);
  tile.querySelector(".model").textContent = item.model;
  if (picture) {
    tile.querySelector(".prompt").textContent = item.prompt;
    const image = tile.querySelector("img");
    image.alt = item.prompt.slice(0, 150);
    image.src = path(item.src);
    await image.decode(); // never shown half-loaded
  } else {
    tile.querySelector(".kind").textContent = words[item.kind];
    tile.querySelector(".badge").dataset.kind = item.kind;
    const answered = item.kind === "text";
    tile.querySelector(".asked").textContent = answered ? item.prompt : "";
    tile.querySelector(".answer").textContent = answered ? item.response : item.prompt;
  }
  tile.dataset.order = String(++shown);
  tile.classList.add("entering");
  return tile;
}

function visible() {
  const bottom = grid.getBoundingClientRect().bottom;
  return [...grid.children].filter((tile) => tile.getBoundingClientRect().top < bottom);
}

// Tiles below the edge cannot be reached by keyboard either.
function hideRest() {
  const seen = new Set(visible());
  for (const tile of grid.children) tile.inert = !seen.has(tile);
}

function isFull() {
  const cells = [...grid.children];
  const bottom = grid.getBoundingClientRect().bottom;
  return cells.some((tile) => tile.getBoundingClientRect().top >= bottom);
}

function place(tile) {
  if (!isFull()) {
    grid.prepend(tile);
  } else {
    const age = (other) => Number(other.dataset.order ?? 0);
    const candidates = visible().filter((other) => !other.matches(":focus, :hover"));
    const alike = candidates.filter((other) => other.dataset.span === tile.dataset.span);
    // Of the server's tiles, which have no order, the last is the oldest.
    const oldest = (alike.length ? alike : candidates).reduceRight((a, b) => (a && age(a) <= age(b) ? a : b), null);
    if (!oldest) return grid.prepend(tile);
    if (!alike.length) tile.dataset.span = oldest.dataset.span;
    oldest.replaceWith(tile);
  }
  while (grid.children.length > MOST_SHOWN) grid.lastElementChild.remove();
  hideRest();
}

// --- the queue ---

let busy = false;

async function next() {
  if (paused || busy || document.hidden || !waiting.length) return;
  busy = true;
  const item = waiting.shift();
  try {
    place(await build(item));
    untold += 1;
  } catch {
    // The picture is gone or cannot be decoded: the wall goes on with the next one.
  }
  if (!waiting.length) dropped = false;
  busy = false;
  describe();
}

function schedule() {
  next().finally(() => setTimeout(schedule, waiting.length > 12 ? HURRIED : CALM));
}

function add(item) {
  if (grid.querySelector(`[data-id="${CSS.escape(item.id)}"]`)) return;
  waiting.push(item);
  if (waiting.length > MOST_WAITING) {
    waiting.shift();
    dropped = true;
  }
  // Nothing was waiting: it may be seen at once.
  if (waiting.length === 1 && Date.now() - lastShown > CALM) {
    lastShown = Date.now();
    next();
  }
}

function remove({ id, href }) {
  for (const tile of grid.querySelectorAll(".cell")) {
    if (tile.dataset.id === id || tile.pathname === href) tile.remove();
  }
  const index = waiting.findIndex((item) => item.id === id || item.href === href);
  if (index >= 0) waiting.splice(index, 1);
  hideRest();
}

function hear(frame) {
  if (frame.t === "item") add(frame);
  else if (frame.t === "hello") frame.items.forEach(add);
  else if (frame.t === "remove") remove(frame);
  else if (frame.t === "gap") dropped = true;
  if (frame.rate !== undefined) page.querySelector("[data-wall-rate]").textContent = frame.rate;
  describe();
}

// --- what the bar says ---

const badge = page.querySelector("[data-wall-state]");
const badgeLabel = page.querySelector("[data-wall-state-label]");
let seconds = 0;

function describe() {
  const count = `${waiting.length}${dropped ? "+" : ""}`;
  badge.dataset.state = paused ? "paused" : connection;
  badgeLabel.textContent = paused
    ? words.paused.replace("{count}", count)
    : connection === "live"
      ? words.live
      : words.reconnecting.replace("{seconds}", seconds);
}

const button = page.querySelector("[data-wall-pause]");

function pause(value) {
  paused = value;
  button.setAttribute("aria-pressed", String(paused));
  page.querySelector("[data-wall-pause-label]").textContent = paused ? words.resume : words.pause;
  describe();
}

button.addEventListener("click", () => pause(!paused));
addEventListener("keydown", (event) => {
  if (event.key !== " " || event.target.closest("input, select, textarea, button, summary")) return;
  event.preventDefault();
  pause(!paused);
});

setInterval(() => {
  if (untold) announce(words.new.replace("{count}", untold));
  untold = 0;
}, TELL_EVERY);

new WallFeed({
  after: words.after,
  kinds,
  hear,
  state(name, after = 0) {
    connection = name === "live" ? "live" : "waiting";
    seconds = after;
    describe();
  },
});
// A picture that is gone leaves no hole; what failed before this script came is looked for once.
function drop(image) {
  image.closest(".cell")?.remove();
  hideRest();
}
grid.addEventListener("error", ({ target }) => drop(target), true);
for (const image of grid.querySelectorAll("img")) if (image.complete && !image.naturalWidth) drop(image);

hideRest();
addEventListener("resize", hideRest);
schedule();
