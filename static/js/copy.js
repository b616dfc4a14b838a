// Copy buttons: data-copy-text holds the words, data-copy names an element, nothing means the block beside the button.
import { announce } from "./announce.js";

function words(button) {
  if (button.dataset.copyText) return button.dataset.copyText;
  const source = button.dataset.copy
    ? document.querySelector(button.dataset.copy)
    : button.parentElement.querySelector("pre");
  return source.textContent.trim();
}

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain http on another host than localhost has no clipboard interface.
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (!button) return;
  await write(words(button));
  const label = button.querySelector("span");
  const before = button.dataset.label ?? label.textContent;
  button.dataset.label = before;
  label.textContent = button.dataset.done;
  announce(button.dataset.done);
  setTimeout(() => (label.textContent = before), 2000);
});
