// The spotlight: one item fills the screen for eight seconds, the last six stand small below.
const SMALL = 6;
const SECONDS = 8;
const FADE = 700;

export class Spotlight {
  constructor(stage) {
    this.stage = stage;
    this.tiles = new Set();
  }

  get interval() {
    return SECONDS * 1000;
  }

  get sizes() {
    return "100vw";
  }

  isHeld() {
    return false;
  }

  arrange(tiles) {
    const shown = tiles.slice(0, SMALL + 1);
    this.tiles = new Set(shown);
    this.stage.replaceChildren(...shown);
    this.#light(shown[0]);
  }

  show(tile, still) {
    const before = this.stage.firstElementChild;
    this.#dim(before);
    this.stage.prepend(tile);
    this.tiles.add(tile);
    this.#light(tile);
    if (!still) tile.animate({ opacity: [0, 1] }, { duration: FADE, easing: "cubic-bezier(.2,.7,.2,1)" });
    this.#cut();
    return true;
  }

  drop(tile) {
    const lit = tile === this.stage.firstElementChild;
    tile.remove();
    this.tiles.delete(tile);
    if (lit) this.#light(this.stage.firstElementChild);
    return this.stage.children.length > SMALL || !lit;
  }

  leave() {
    for (const tile of this.tiles) this.#dim(tile);
  }

  #cut() {
    while (this.stage.children.length > SMALL + 1) {
      this.tiles.delete(this.stage.lastElementChild);
      this.stage.lastElementChild.remove();
    }
  }

  #light(tile) {
    if (!tile) return;
    tile.classList.add("lit");
    const image = tile.querySelector("img:not(.backdrop)");
    if (!image) return;
    // What the picture leaves free is filled with itself, blurred.
    const behind = document.createElement("img");
    behind.className = "backdrop";
    behind.alt = "";
    behind.src = image.currentSrc || image.src;
    tile.prepend(behind);
  }

  #dim(tile) {
    tile?.classList.remove("lit");
    tile?.querySelector(".backdrop")?.remove();
  }
}
