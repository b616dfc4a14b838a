// The create form: presets fill the exact size, a die throws seeds, Ctrl+Enter sends, the button says when it can start
// and that it was pressed.
import { pictures } from "./pictures.js";

const form = document.querySelector("[data-create]");
const model = form.elements.model;

const about = form.querySelector(".plain");
function describe() {
  for (const line of about.children) line.classList.toggle("chosen", line.dataset.about === model.value);
  const { most } = model.selectedOptions[0].dataset;
  for (const side of ["width", "height"]) if (form.elements[side] && most) form.elements[side].max = most;
}
model.addEventListener("change", describe);
describe();

form.addEventListener("change", ({ target }) => {
  if (target.name === "shape" && target.dataset.width) {
    form.elements.width.value = target.dataset.width;
    form.elements.height.value = target.dataset.height;
  }
});

form.addEventListener("input", ({ target }) => {
  if (target.name === "width" || target.name === "height") form.elements.shape.value = "exact";
});

for (const button of form.querySelectorAll("[data-random]")) {
  button.addEventListener("click", () => {
    const field = form.elements.namedItem("seed");
    field.value = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

for (const counter of form.querySelectorAll("[data-counter]")) {
  const field = document.getElementById(counter.dataset.for);
  const most = field.maxLength;
  function count() {
    const used = field.value.length;
    counter.hidden = used < most * 0.8;
    counter.textContent = counter.dataset.counter.replace("{n}", used).replace("{most}", most);
  }
  field.addEventListener("input", count);
  count();
}

// --- pictures to work on ---------------------------------------------------------------------------------------------

const given = form.querySelector("[data-pictures]");
if (given) {
  pictures(given);
  const cannot = form.querySelector("[data-cannot]");
  function fits() {
    const some = Number(form.elements.files.value) || form.querySelector("[name=kept]:checked");
    cannot.hidden = !some || cannot.dataset.cannot in model.selectedOptions[0].dataset;
  }
  form.addEventListener("change", fits);
  given.addEventListener("pictures", fits);
  form.querySelector("[data-use]").addEventListener("click", ({ target }) => {
    model.value = target.dataset.use;
    model.dispatchEvent(new Event("change", { bubbles: true }));
    model.dispatchEvent(new Event("input", { bubbles: true }));
    model.focus();
  });
  fits();
}

// --- the button ------------------------------------------------------------------------------------------------------

const submit = form.querySelector("[data-busy]");
const label = submit.querySelector("span");
const words = label.textContent;
let startable = 0; // when the next start is allowed

function tell() {
  const wait = Math.ceil((startable - Date.now()) / 1000);
  label.textContent = wait > 0 ? submit.dataset.waiting.replace("{n}", wait) : words;
  const line = form.querySelector("[data-wait]");
  if (line) line.hidden = wait <= 0;
}

function look() {
  startable = Date.now() + Number(form.querySelector("[data-wait]")?.dataset.wait ?? 0) * 1000;
  tell();
}
look();
document.addEventListener("htmx:after:swap", look);
setInterval(() => submit.ariaDisabled !== "true" && tell(), 1000);

form.addEventListener("submit", (event) => {
  if (submit.ariaDisabled === "true") return event.preventDefault();
  submit.ariaDisabled = "true";
  label.textContent = submit.dataset.busy;
});
// Coming back with the browser's Back button shows the page as it was left.
addEventListener("pageshow", () => {
  submit.ariaDisabled = null;
  tell();
});
