// The create form: presets fill the exact size, a die throws seeds, Ctrl+Enter sends, the button says it was pressed.
const form = document.querySelector("[data-create]");

const about = form.querySelector(".plain");
function describe() {
  about.dataset.chosen = "";
  for (const line of about.children) line.classList.toggle("chosen", line.dataset.about === form.elements.model.value);
}
form.elements.model.addEventListener("change", describe);
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

const submit = form.querySelector("[data-busy]");
const label = submit.querySelector("span");
const words = label.textContent;
form.addEventListener("submit", (event) => {
  if (submit.ariaDisabled === "true") return event.preventDefault();
  submit.ariaDisabled = "true";
  label.textContent = submit.dataset.busy;
});
// Coming back with the browser's Back button shows the page as it was left.
addEventListener("pageshow", () => {
  submit.ariaDisabled = null;
  label.textContent = words;
});
