// Messages of a conversation are added, moved and removed in place; without scripts the buttons send the form for it.
import { announce } from "./announce.js";

const box = document.querySelector("[data-messages]");
const list = box.querySelector("[data-lines]");
const add = box.querySelector("[data-add]");
const pattern = box.querySelector("template");

function number() {
  [...list.children].forEach((line, index) => {
    for (const each of line.querySelectorAll("[data-label]")) each.ariaLabel = each.dataset.label.replace("{n}", index + 1);
  });
  add.hidden = list.children.length >= Number(box.dataset.most);
  box.dispatchEvent(new Event("input", { bubbles: true })); // the code follows
}

function fresh() {
  const line = pattern.content.cloneNode(true).firstElementChild;
  const last = list.lastElementChild?.querySelector("select").value;
  line.querySelector("select").value = last === "user" ? "assistant" : last ? "user" : "system";
  list.append(line);
  return line;
}

const deeds = {
  up: (line) => line.previousElementSibling?.before(line),
  down: (line) => line.nextElementSibling?.after(line),
  remove(line) {
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    (next ?? fresh()).querySelector("textarea").focus();
    announce(box.dataset.gone);
  },
};

box.addEventListener("click", (event) => {
  const button = event.target.closest("[data-deed], [data-add]");
  if (!button) return;
  event.preventDefault();
  if (button === add) fresh().querySelector("textarea").focus();
  else {
    deeds[button.dataset.deed](button.closest("li"));
    if (button.isConnected) button.focus();
  }
  number();
});
