// Voices are heard where they are chosen, one at a time; the server makes a sample when somebody first asks for it.
const form = document.querySelector("[data-create]");
const problem = form.querySelector("[data-unheard]");
const sound = new Audio();
let pressed;

function rest() {
  if (!pressed) return;
  pressed.ariaPressed = "false";
  pressed.ariaBusy = null;
  pressed = undefined;
}

function fail() {
  problem.textContent = problem.dataset.unheard;
  problem.hidden = false;
  rest();
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-hear]");
  if (!button) return;
  const stops = button === pressed;
  sound.pause();
  rest();
  problem.hidden = true;
  if (stops) return;
  const address = new URL(button.dataset.hear, location.href);
  address.searchParams.set("model", form.elements.model.value);
  pressed = button;
  button.ariaPressed = "true";
  button.ariaBusy = "true";
  sound.src = address;
  sound.play().catch((error) => error.name !== "AbortError" && fail());
});

sound.addEventListener("playing", () => pressed && (pressed.ariaBusy = null));
sound.addEventListener("ended", rest);
