// The mosaic: a grid that is always closed. Tiles are planned cell by cell; a new one takes the place of the oldest of
// its shape, so nothing else moves.
const SIZES = { one: [1, 1], wide: [2, 1], tall: [1, 2], big: [2, 2] };
const SMALLER = { one: [], wide: ["one"], tall: ["one"], big: ["wide", "tall", "one"] };
const COLUMNS = { roomy: [1, 3, 4], normal: [2, 4, 6], dense: [3, 6, 9] };
const WIDTHS = [720, 1280];
const AHEAD = 8; // how far down the list it looks for one that fits
const GAP = 8;
const MOST = 120;
const FADE = 700;

// Which tile stands where: [index, shape, row, column] in reading order, and the cells that are left over.
export function plan(shapes, columns, rows) {
  const taken = new Set();
  const free = (row, column, [width, height]) => {
    if (column + width > columns || row + height > rows) return false;
    for (let r = row; r < row + height; r++)
      for (let c = column; c < column + width; c++) if (taken.has(r * columns + c)) return false;
    return true;
  };
  const queue = shapes.map((shape, index) => ({ shape, index }));
  const places = [];
  let left = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (taken.has(row * columns + column)) continue;
      if (!queue.length || places.length >= MOST) {
        left++;
        continue;
      }
      let at = queue.slice(0, AHEAD).findIndex(({ shape }) => free(row, column, SIZES[shape]));
      if (at < 0) at = 0;
      const [{ shape, index }] = queue.splice(at, 1);
      const fitting = [shape, ...SMALLER[shape]].find((each) => free(row, column, SIZES[each]));
      const [width, height] = SIZES[fitting];
      for (let r = row; r < row + height; r++)
        for (let c = column; c < column + width; c++) taken.add(r * columns + c);
      places.push([index, fitting, row, column]);
    }
  }
  return { places, left };
}

export class Mosaic {
  #order = 0;

  constructor(stage) {
    this.stage = stage;
    this.tiles = new Set();
  }

  get interval() {
    return 0;
  }

  // How wide a picture is shown, for the browser's choice of file.
  get sizes() {
    return `${Math.round((this.stage.clientWidth / this.columns) * 2) || 400}px`;
  }

  isHeld() {
    return false;
  }

  // Lay out from the newest to the oldest; what finds no place is not shown.
  arrange(tiles, density) {
    this.density = density;
    const style = getComputedStyle(this.stage);
    const width = this.stage.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = this.stage.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    const [small, middle, large] = COLUMNS[density];
    const wanted = this.stage.clientWidth >= WIDTHS[1] ? large : this.stage.clientWidth >= WIDTHS[0] ? middle : small;
    const shapes = tiles.map((tile) => tile.dataset.span);
    let best;
    for (let columns = wanted; columns >= 1; columns--) {
      const cell = (width - GAP * (columns - 1)) / columns;
      const rows = Math.max(1, Math.round((height + GAP) / (cell + GAP)));
      const found = { columns, rows, ...plan(shapes, columns, rows) };
      if (!best || found.left / (found.columns * found.rows) < best.left / (best.columns * best.rows)) best = found;
      if (!found.left) break;
    }
    this.columns = best.columns;
    this.full = best.columns === wanted && !best.left;
    this.stage.style.setProperty("--columns", best.columns);
    this.stage.style.setProperty("--rows", best.rows);
    const shown = best.places.map(([index, shape, row, column]) => {
      const tile = tiles[index];
      tile.dataset.shape = shape;
      tile.style.gridArea = `${row + 1} / ${column + 1} / span ${SIZES[shape][1]} / span ${SIZES[shape][0]}`;
      tile.age ??= -index;
      return tile;
    });
    this.stage.replaceChildren(...shown);
    this.tiles = new Set(shown);
  }

  // False when everything has to be laid out anew.
  show(tile, still) {
    if (!this.full) return false;
    const candidates = [...this.tiles].filter((other) => !other.matches(":focus, :hover"));
    const alike = candidates.filter((other) => other.dataset.shape === tile.dataset.span);
    const oldest = (alike.length ? alike : candidates).reduce((a, b) => (a && a.age <= b.age ? a : b), null);
    if (!oldest) return false;
    tile.age = ++this.#order;
    tile.dataset.shape = oldest.dataset.shape;
    tile.style.gridArea = oldest.style.gridArea;
    this.tiles.delete(oldest);
    this.tiles.add(tile);
    if (still) {
      oldest.replaceWith(tile);
      return true;
    }
    oldest.inert = true;
    oldest.after(tile);
    tile.animate({ opacity: [0, 1] }, { duration: FADE, easing: "cubic-bezier(.2,.7,.2,1)" });
    setTimeout(() => oldest.remove(), FADE);
    return true;
  }

  // False when that leaves a hole.
  drop(tile) {
    tile.remove();
    return !this.tiles.delete(tile);
  }

  leave() {
    for (const tile of this.tiles) {
      tile.style.gridArea = "";
      tile.inert = false;
    }
    this.stage.style.removeProperty("--columns");
    this.stage.style.removeProperty("--rows");
  }
}
