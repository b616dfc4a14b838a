// The order of a collection: rows are dragged by their handles, with a mouse, a finger or a pen, and the arrows move a row
// at once. Whatever this page does not show whole is left to the server, whose forms work without this file.
import { announce } from "./announce.js";

const EDGE = 64; // pixels from the window's end in which a drag scrolls
const STEP = 12; // pixels of each frame

const list = document.querySelector("[data-arranged]");
const rows = () => [...list.children];

for (const handle of list.querySelectorAll("[data-handle]")) handle.hidden = false;

// Keep the row's new place; without an answer the server's own page says how it stands.
async function keep(row, form, values) {
  const body = new FormData(form);
  for (const [name, value] of Object.entries(values)) body.set(name, value);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    const all = rows();
    announce(list.dataset.said.replace("{place}", all.indexOf(row) + 1).replace("{places}", all.length));
  } catch {
    location.reload();
  }
}

// Beside which row it stands now.
function place(row) {
  const next = row.nextElementSibling;
  return next ? { deed: "before", by: next.id } : { deed: "after", by: row.previousElementSibling.id };
}

// --- the arrows -------------------------------------------------------------------------------------------------------

const STEPS = {
  first: (row) => "begins" in list.dataset && row.previousElementSibling && list.prepend(row),
  earlier: (row) => row.previousElementSibling?.before(row),
  later: (row) => row.nextElementSibling?.after(row),
  last: (row) => "ends" in list.dataset && row.nextElementSibling && list.append(row),
};

list.addEventListener("submit", (event) => {
  const { submitter, target: form } = event;
  const row = form.closest("li");
  const before = rows().indexOf(row);
  STEPS[submitter?.value]?.(row);
  if (rows().indexOf(row) === before) return; // the form goes to the server
  event.preventDefault();
  submitter.focus(); // a row that is put elsewhere loses it
  row.scrollIntoView({ block: "nearest" });
  keep(row, form, place(row));
});

// --- dragging ---------------------------------------------------------------------------------------------------------

let drag; // { row, handle, home, y, scrolling }

list.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest("[data-handle]");
  if (!handle || event.button) return;
  event.preventDefault();
  const row = handle.closest("li");
  handle.setPointerCapture(event.pointerId);
  row.dataset.dragged = "";
  drag = { row, handle, home: row.nextElementSibling, y: event.clientY };
  drag.scrolling = requestAnimationFrame(scroll);
});

list.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag.y = event.clientY;
  settle();
});

list.addEventListener("pointerup", () => end(true));
list.addEventListener("pointercancel", () => end(false));
addEventListener("keydown", (event) => event.key === "Escape" && end(false));

// Past each row whose middle the pointer has passed. The row moves between its neighbours, so the others give way.
function settle() {
  const { row, y } = drag;
  const middle = (other) => {
    const { top, height } = other.getBoundingClientRect();
    return top + height / 2;
  };
  while (row.previousElementSibling && y < middle(row.previousElementSibling)) shift(row.previousElementSibling, "before");
  while (row.nextElementSibling && y > middle(row.nextElementSibling)) shift(row.nextElementSibling, "after");
}

// The neighbour moves, not the row: an element that is put elsewhere loses the pointer.
function shift(neighbour, side) {
  drag.row[side === "before" ? "after" : "before"](neighbour);
}

function scroll() {
  if (!drag) return;
  const up = drag.y < EDGE;
  if (up || drag.y > innerHeight - EDGE) {
    scrollBy(0, up ? -STEP : STEP);
    settle();
  }
  drag.scrolling = requestAnimationFrame(scroll);
}

function end(isKept) {
  if (!drag) return;
  const { row, home, scrolling } = drag;
  drag = undefined;
  cancelAnimationFrame(scrolling);
  delete row.dataset.dragged;
  if (row.nextElementSibling === home) return;
  if (isKept) keep(row, row.querySelector("form"), place(row));
  else list.insertBefore(row, home);
}
