// The stream: newest on top. While its reader is scrolled down nothing moves.
const MOST = 120;
const SCROLLED = 80; // pixels

export class Stream {
  constructor(stage) {
    this.stage = stage;
    this.tiles = new Set();
  }

  get interval() {
    return 0;
  }

  get sizes() {
    return "(max-width: 720px) 100vw, 640px";
  }

  isHeld() {
    return this.stage.scrollTop > SCROLLED;
  }

  release() {
    this.stage.scrollTo({ top: 0 });
  }

  arrange(tiles) {
    this.tiles = new Set(tiles.slice(0, MOST));
    this.stage.replaceChildren(...this.tiles);
  }

  show(tile, still) {
    this.stage.prepend(tile);
    this.tiles.add(tile);
    if (!still) {
      const easing = "cubic-bezier(.2,.7,.2,1)";
      tile.animate({ opacity: [0, 1], transform: ["translateY(-16px)", "none"] }, { duration: 320, easing });
    }
    while (this.stage.children.length > MOST) {
      this.tiles.delete(this.stage.lastElementChild);
      this.stage.lastElementChild.remove();
    }
    return true;
  }

  drop(tile) {
    tile.remove();
    this.tiles.delete(tile);
    return true;
  }

  leave() {
    this.stage.scrollTop = 0;
  }
}
