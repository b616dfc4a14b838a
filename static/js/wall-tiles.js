// From an item to a tile, one for all layouts. What people wrote is only ever set as text.
const EVERY_BIG = 9;
const LATE = 5000;

let pictures = 0;

export function path(address) {
  const url = new URL(address, location.href);
  return url.pathname + url.search;
}

// An address that may stand in a link or a picture; nothing for `javascript:` and the like.
export function safe(address) {
  try {
    const url = new URL(address, location.href);
    return /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

export function isPicture(item) {
  return item.kind === "image" && Boolean(item.src);
}

// The same rule as feeds/views.py: span().
export function span(item) {
  if (!isPicture(item)) return "wide";
  if (pictures++ % EVERY_BIG === EVERY_BIG - 1) return "big";
  return item.ar >= 1.4 ? "wide" : item.ar <= 0.7 ? "tall" : "one";
}

function language(text) {
  if (/[\u3040-\u30ff]/.test(text)) return "ja";
  if (/[\uac00-\ud7af]/.test(text)) return "ko";
  return /[\u4e00-\u9fff]/.test(text) ? "zh" : "";
}

function put(element, text) {
  element.textContent = text;
  const code = language(text);
  if (code) element.lang = code;
}

// Another installation's picture is not waited for as long as it likes.
const late = () => new Promise((_, reject) => setTimeout(reject, LATE, new Error("late")));

// Rejects when its picture cannot be loaded: it is decoded before it is shown.
export async function build(item, page) {
  const words = page.dataset;
  const picture = isPicture(item);
  const template = page.querySelector(picture ? "[data-wall-picture]" : "[data-wall-words]");
  // Imported, not cloned: a template's own document is inert, and loads no pictures.
  const tile = document.importNode(template.content, true).firstElementChild;
  tile.href = item.remote ? safe(item.href) : path(item.href);
  if (item.remote) {
    tile.rel = "noopener nofollow";
    tile.target = "_blank";
  }
  tile.dataset.id = item.id;
  tile.dataset.span = span(item);
  put(tile.querySelector(".model"), item.model);
  const source = tile.querySelector(".source");
  source.hidden = !item.remote;
  source.textContent = item.remote ? words.saySource.replace("{host}", item.source) : "";
  if (picture) {
    put(tile.querySelector(".prompt"), item.prompt);
    const image = tile.querySelector("img");
    image.alt = item.prompt.slice(0, 150);
    if (item.w && item.h) [image.width, image.height] = [item.w, item.h];
    if (item.srcset) {
      image.sizes = page.sizes ?? "33vw";
      image.srcset = item.srcset;
    }
    image.src = item.remote ? safe(item.src) : path(item.src);
    try {
      await (item.remote ? Promise.race([image.decode(), late()]) : image.decode());
    } catch (error) {
      if (!item.remote) throw error;
      image.src = "";
      return build({ ...item, src: "" }, page); // its words are still there
    }
  } else {
    tile.dataset.kind = item.kind;
    tile.querySelector(".kind").textContent = words[item.kind];
    tile.querySelector(".badge").dataset.kind = item.kind;
    const answered = item.kind === "text";
    put(tile.querySelector(".asked"), answered ? item.prompt : "");
    put(tile.querySelector(".answer"), answered ? item.response : item.prompt);
  }
  return tile;
}
