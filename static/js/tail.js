// Live tail: the newest lines of the log, fetched when something happened, or every few seconds. It rests while one
// reads further down, while the tab is hidden, and while a request is open beside the list.
const button = document.querySelector("[data-tail]");
const rows = document.querySelector("[data-rows]");
const EVERY = 3000;

if (button && rows) {
  const words = button.querySelector("span");
  const off = words.textContent;
  let shown = "";
  let timer = 0;

  const rests = () => scrollY > 240 || document.hidden || document.querySelector("dialog[open]");
  const isOn = () => button.getAttribute("aria-pressed") === "true";

  async function look() {
    clearTimeout(timer);
    if (!isOn()) return;
    words.textContent = rests() ? button.dataset.paused : button.dataset.tail;
    if (!rests()) {
      const url = new URL(location.href);
      url.searchParams.set("part", "rows");
      try {
        const answer = await fetch(url);
        const text = await answer.text();
        if (answer.ok && text !== shown) rows.innerHTML = shown = text;
      } catch {
        // the next look tries again
      }
    }
    timer = setTimeout(look, EVERY);
  }

  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!isOn()));
    if (isOn()) look();
    else words.textContent = off;
  });
  document.addEventListener("pollweb:hint", (event) => event.detail === "request" && look());
}
