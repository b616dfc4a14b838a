// How the wall is shown. What the address says comes first, then what this browser remembers, then the usual.
const STORE = "pollweb.wall";
const NAMES = ["layout", "speed", "density", "captions", "words", "mute", "loudness"];
const USUAL = { layout: "mosaic", speed: "normal", density: "normal", captions: "off", words: "", mute: "" };

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

const split = (text) => text.toLowerCase().split(/[,，、]/).map((word) => word.trim()).filter(Boolean);

export class Choices {
  constructor(page) {
    this.page = page;
    this.given = new Set((page.dataset.given ?? "").split(" "));
    const kept = page.hasAttribute("data-kiosk") ? {} : stored();
    for (const name of NAMES) {
      const known = typeof kept[name] === "string" && !this.given.has(name);
      if (known && (name in page.dataset || name === "loudness")) page.dataset[name] = kept[name];
    }
  }

  get(name) {
    return this.page.dataset[name] ?? "";
  }

  set(name, value) {
    this.page.dataset[name] = value;
    if (this.page.hasAttribute("data-kiosk")) return;
    try {
      localStorage.setItem(STORE, JSON.stringify({ ...stored(), [name]: value }));
    } catch {
      // A browser that keeps nothing forgets it with the page.
    }
  }

  forget() {
    try {
      localStorage.removeItem(STORE);
    } catch {
      // There was nothing to forget.
    }
  }

  // Whether an item has one of the wanted words and none of the muted ones.
  likes(item) {
    const text = `${item.prompt} ${item.response ?? ""}`.toLowerCase();
    const wanted = split(this.get("words"));
    return (!wanted.length || wanted.some((word) => text.includes(word))) &&
      !split(this.get("mute")).some((word) => text.includes(word));
  }

  // The kiosk's address with all that is chosen here.
  query() {
    const query = new URLSearchParams();
    for (const name of ["kind", "model", ...NAMES]) {
      const value = this.get(name);
      if (name === "loudness" || !value || value === USUAL[name]) continue;
      query.set(name, name === "captions" ? "1" : value);
    }
    if (this.get("sound") === "on") query.set("sound", "1");
    return query.size ? `?${query}` : "";
  }
}
