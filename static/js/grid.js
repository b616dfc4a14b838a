// Arrows move through a grid of tiles as the eye sees it; Enter opens, and a tile's own keys press its actions. Tab goes
// through the tiles as through any links.
import { pressed } from "./keys.js";

const TILES = "[data-gallery] a.tile";
const tiles = () => [...document.querySelectorAll(TILES)];

function box(tile) {
  const { top, bottom, left, right } = tile.getBoundingClientRect();
  return { tile, top, bottom, middle: (left + right) / 2 };
}

// The nearest one of the row above or below.
function beside(from, down) {
  const here = box(from);
  const there = tiles().map(box).filter(({ top, bottom }) => (down ? top >= here.bottom - 4 : bottom <= here.top + 4));
  if (!there.length) return undefined;
  const row = down ? Math.min(...there.map(({ top }) => top)) : Math.max(...there.map(({ top }) => top));
  return there
    .filter(({ top }) => Math.abs(top - row) < 8)
    .sort((a, b) => Math.abs(a.middle - here.middle) - Math.abs(b.middle - here.middle))[0]?.tile;
}

function far(from, down) {
  const limit = box(from).top + (down ? 1 : -1) * innerHeight * 0.8;
  let [found, next] = [from, from];
  while (next && (down ? box(next).top <= limit : box(next).top >= limit)) {
    found = next;
    next = beside(next, down);
  }
  return found === from ? beside(from, down) : found;
}

function target(key, from) {
  const all = tiles();
  const at = all.indexOf(from);
  switch (key) {
    case "ArrowLeft":
      return all[at - 1];
    case "ArrowRight":
      return all[at + 1];
    case "ArrowUp":
    case "ArrowDown":
      return beside(from, key === "ArrowDown");
    case "PageUp":
    case "PageDown":
      return far(from, key === "PageDown");
    case "Home":
      return all[0];
    case "End":
      return all.at(-1);
  }
}

document.addEventListener("keydown", (event) => {
  const key = pressed(event);
  if (!key || event.shiftKey || document.querySelector("dialog[open]")) return;
  const from = document.activeElement?.closest(TILES);
  if (!from) {
    if (document.activeElement !== document.body || !["ArrowRight", "ArrowLeft"].includes(key)) return;
    const first = tiles().find((tile) => tile.getBoundingClientRect().top >= 56);
    if (first) event.preventDefault();
    return first?.focus();
  }
  const own = key.length === 1 && from.closest("li").querySelector(`[data-tile-key="${CSS.escape(key)}"]`);
  if (own) {
    event.preventDefault();
    return own.click();
  }
  const to = target(key, from);
  if (!to) return;
  event.preventDefault();
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: "nearest", behavior: "instant" });
});
