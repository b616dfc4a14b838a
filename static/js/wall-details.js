// An item's page in a dialog over the wall. What runs stops while it is read, and goes on afterwards.
import { isPicture, safe } from "./wall-tiles.js";

export class Details {
  constructor(page, { opened, closed }) {
    this.page = page;
    this.dialog = page.querySelector("[data-wall-dialog]");
    this.body = page.querySelector("[data-wall-details]");
    this.opened = opened;
    this.dialog.addEventListener("close", () => {
      this.body.replaceChildren();
      this.id = undefined;
      closed();
    });
    // A click on what is around it closes it too.
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
  }

  async open(item) {
    this.id = item.id;
    this.opened();
    this.body.replaceChildren();
    this.body.setAttribute("aria-busy", "true");
    this.dialog.showModal();
    const found = item.remote ? this.#remote(item) : await this.#own(item);
    if (this.id !== item.id) return;
    this.body.removeAttribute("aria-busy");
    this.body.replaceChildren(found);
  }

  // It was taken down while somebody reads it.
  remove(id) {
    if (this.id === id) this.body.replaceChildren(this.#sorry());
  }

  async #own(item) {
    try {
      const answer = await fetch(item.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) return this.#sorry();
      const there = new DOMParser().parseFromString(await answer.text(), "text/html");
      return document.importNode(there.querySelector("main .result"), true);
    } catch {
      return this.#sorry();
    }
  }

  #remote(item) {
    const box = document.importNode(this.page.querySelector("[data-wall-remote]").content, true);
    const find = (name) => box.querySelector(name);
    if (isPicture(item)) {
      const show = find(".show");
      const image = find(".show img");
      image.alt = item.prompt.slice(0, 150);
      image.addEventListener("load", () => (show.hidden = false));
      // Where it is gone the words are still there.
      image.addEventListener("error", () => (show.hidden = true));
      image.src = safe(item.src);
    }
    find(".badge").dataset.kind = item.kind;
    find(".kind").textContent = `${this.page.dataset[item.kind]} · ${item.model}`;
    find(".asked .prompt").textContent = item.prompt || "—";
    find(".response").textContent = item.response;
    find(".said").hidden = !item.response;
    find(".whence").textContent = item.source;
    find(".again").href = `/create?${new URLSearchParams({ mode: item.kind === "text" ? "text" : "image", prompt: item.prompt })}`;
    find(".there").href = safe(item.href);
    return box;
  }

  #sorry() {
    const sentence = document.createElement("p");
    sentence.className = "wall-sorry";
    sentence.textContent = this.page.dataset.sayFailed;
    return sentence;
  }
}
