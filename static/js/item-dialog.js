// A tile opens as a dialog over its grid, under the item's own address: Back, Escape and a click beside it close it again,
// arrows go on through the grid. Without scripts a tile leads to the item's page, which has the same in it.
const dialog = document.querySelector("[data-item-dialog]");
const body = dialog?.querySelector("[data-item]");
const title = document.title;
const TILES = "[data-gallery] a.tile[href^='/p/']";
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let shown = "";

const tiles = () => [...document.querySelectorAll(TILES)];
const tileOf = (path) => tiles().find((tile) => tile.getAttribute("href") === path);
const isCalm = () => calm.matches || document.documentElement.dataset.motion === "reduced";

function step(by) {
  const all = tiles();
  const at = all.findIndex((tile) => tile.getAttribute("href") === shown);
  return at < 0 ? undefined : all[at + by];
}

function told() {
  dialog.querySelector("[data-item-page]").href = shown;
  dialog.querySelector("[data-item-newer]").hidden = !step(-1);
  dialog.querySelector("[data-item-older]").hidden = !step(1);
  // Whoever reads on finds the next page already there.
  if (!step(3)) document.querySelector(".gallery .pager a[rel=next][hx-get]")?.click();
}

// The picture of the tile lies below until the larger one has come.
function place(html, tile) {
  const small = tile?.querySelector("picture img");
  const put = () => {
    body.innerHTML = html;
    const image = body.querySelector(".frame img");
    if (image && small?.complete) image.style.background = `center / 100% 100% url("${small.currentSrc}")`;
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    return image;
  };
  if (!small || dialog.open || isCalm() || !document.startViewTransition) return put();
  small.style.viewTransitionName = "item";
  let image;
  const moving = document.startViewTransition(() => {
    small.style.viewTransitionName = "";
    image = put();
    if (image) image.style.viewTransitionName = "item";
  });
  moving.finished.finally(() => image && (image.style.viewTransitionName = ""));
  return moving.updateCallbackDone;
}

async function show(path) {
  shown = path;
  told();
  dialog.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(path, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    if (shown === path) await place(html, tileOf(path));
    if (shown !== path) return;
  } catch {
    if (shown === path) location.replace(path); // its page says what is wrong
    return;
  }
  dialog.removeAttribute("aria-busy");
  document.title = body.querySelector("[data-item-title]").dataset.itemTitle;
  tileOf(path)?.scrollIntoView({ block: "nearest", behavior: "instant" });
  document.dispatchEvent(new CustomEvent("pollweb:added", { detail: body }));
}

function go(tile) {
  if (!tile) return;
  const path = tile.getAttribute("href");
  history.replaceState({ ...history.state, item: path }, "", path);
  show(path);
}

if (dialog) {
  document.addEventListener("click", (event) => {
    const tile = event.target.closest(TILES);
    if (!tile || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const path = tile.getAttribute("href");
    history.pushState({ item: path }, "", path);
    show(path);
  });
  dialog.querySelector("[data-item-newer]").addEventListener("click", () => go(step(-1)));
  dialog.querySelector("[data-item-older]").addEventListener("click", () => go(step(1)));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    const tile = tileOf(shown);
    shown = "";
    body.replaceChildren();
    document.title = title;
    tile?.focus({ preventScroll: true });
    if (history.state?.item) history.back();
  });
  addEventListener("popstate", (event) => {
    if (event.state?.item) show(event.state.item);
    else if (dialog.open) dialog.close();
  });
  document.addEventListener("htmx:after:swap", () => dialog.open && told());
}
