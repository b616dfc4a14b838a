// The address says which page of a long list is on the screen, and the history which tile, and where: Back from elsewhere
// finds the same place, also where the browser has forgotten the page.
const gallery = document.querySelector("[data-gallery]");
const home = location.href;
const first = gallery?.querySelector("[data-page]");
let timer;

function middle() {
  return [...gallery.querySelectorAll("[data-page]")].findLast((page) => page.getBoundingClientRect().top <= innerHeight / 2);
}

function remember() {
  if (document.querySelector("dialog[open]") || history.state?.item) return;
  const page = middle();
  const tile = page && [...page.querySelectorAll("a.tile")].find((each) => each.getBoundingClientRect().bottom > 56);
  const at = tile && scrollY > 0 && { path: tile.getAttribute("href"), top: Math.round(tile.getBoundingClientRect().top) };
  history.replaceState({ ...history.state, at }, "", page && page !== first ? page.dataset.page : home);
}

function back() {
  const at = history.state?.at;
  const tile = at && gallery.querySelector(`a.tile[href="${CSS.escape(at.path)}"]`);
  if (!tile) return;
  const place = () => scrollBy({ top: tile.getBoundingClientRect().top - at.top, behavior: "instant" });
  place();
  addEventListener("load", place, { once: true });
}

if (gallery) {
  const [loaded] = performance.getEntriesByType("navigation");
  history.scrollRestoration = "manual";
  if (loaded?.type !== "navigate") back();
  addEventListener("scroll", () => {
    clearTimeout(timer);
    timer = setTimeout(remember, 120);
  });
  addEventListener("pagehide", remember);
}
