// Single keys press what carries data-key: in the open dialog, else anywhere on the page. `?` lists them. They rest while
// somebody types, while a menu is open, and for whoever has turned them off.
const OFF = "pollweb.keys";
const list = document.querySelector("[data-keys]");
const NAMES = { ArrowLeft: "←", ArrowRight: "→" };

const isOff = () => localStorage.getItem(OFF) === "off";

function here() {
  const dialogs = [...document.querySelectorAll("dialog[open]")].filter((dialog) => dialog !== list);
  return dialogs.at(-1) ?? document;
}

const seen = (element) => !element.hidden && (element.checkVisibility?.() || element.closest("[popover]"));

export function pressed(event) {
  const typed = event.target.closest("input, textarea, select, audio, [contenteditable]");
  return typed || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented ? "" : event.key;
}

function show() {
  const rows = [...here().querySelectorAll("[data-key]")].filter(seen).map((element) => {
    const row = document.createElement("div");
    const [key, words] = [document.createElement("dt"), document.createElement("dd")];
    const cap = document.createElement("kbd");
    cap.textContent = NAMES[element.dataset.key] ?? element.dataset.key;
    key.append(cap);
    words.textContent = element.dataset.keyLabel || element.ariaLabel || element.title || element.innerText.trim().split("\n")[0];
    row.append(key, words);
    return row;
  });
  list.querySelector("[data-keys-list]").replaceChildren(...rows);
  list.querySelector("[data-keys-grid]")?.toggleAttribute("hidden", here() !== document);
  list.querySelector("[data-keys-off]").checked = isOff();
  list.showModal();
}

document.addEventListener("keydown", (event) => {
  const key = pressed(event);
  if (!key || list?.open || document.querySelector("[popover]:popover-open")) return;
  if (key === "?" && list) {
    event.preventDefault();
    return show();
  }
  if (isOff() && key.length === 1) return;
  // A picture that is zoomed, or code that is wider than its box, is moved by the arrows.
  if (key.startsWith("Arrow") && event.target.closest(".zoomed, pre, [role=tablist]")) return;
  const found = [...here().querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(seen);
  if (!found) return;
  event.preventDefault();
  found.focus({ preventScroll: true }); // Tab goes on from there, into the menu that it opens
  found.click();
});

list?.querySelector("[data-keys-off]").addEventListener("change", (event) => {
  if (event.target.checked) localStorage.setItem(OFF, "off");
  else localStorage.removeItem(OFF);
});
