// What an item's page and its dialog share: the picture at its full size, moved by dragging; and the device's own way to
// pass an address on. Without scripts the picture opens by itself, and the address can be copied by hand.
function zoom(frame, event) {
  const image = frame.querySelector("img");
  const box = image.getBoundingClientRect();
  const zoomed = frame.classList.toggle("zoomed");
  for (const form of frame.querySelectorAll("source")) form.remove(); // full size is that of the picture itself
  frame.ariaPressed = String(zoomed);
  if (!zoomed || !event.clientX) return;
  // What was pointed at stays under the pointer.
  const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  frame.scrollTo(x * image.offsetWidth - frame.clientWidth / 2, y * image.offsetHeight - frame.clientHeight / 2);
}

let drag;

document.addEventListener("click", (event) => {
  const frame = event.target.closest("[data-zoom]");
  if (frame && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    if (!drag?.moved) zoom(frame, event);
  }
  const share = event.target.closest("[data-share]");
  if (share) navigator.share({ url: share.dataset.share }).catch(() => {});
});

document.addEventListener("pointerdown", (event) => {
  const frame = event.target.closest("[data-zoom].zoomed");
  drag = frame && event.pointerType === "mouse" ? { frame, x: event.clientX, y: event.clientY } : undefined;
});
document.addEventListener("dragstart", (event) => event.target.closest("[data-zoom]") && event.preventDefault());
document.addEventListener("pointermove", (event) => {
  if (!drag || !event.buttons) return;
  drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
  drag.frame.scrollBy(-event.movementX, -event.movementY);
});

function start() {
  if (!navigator.share) return;
  for (const button of document.querySelectorAll("[data-share]")) button.hidden = false;
}

// The page was reloaded while it stood over a gallery as a dialog: what is before it in the history is another document.
const path = location.pathname;
addEventListener("popstate", () => {
  if (!document.querySelector("[data-item-dialog]") && location.pathname !== path) location.reload();
});

start();
document.addEventListener("pollweb:added", start);
