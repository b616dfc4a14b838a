// Choosing many: how many are chosen, a range with Shift, `x` on a focused tile. And an undo that goes when it is over.
const form = document.querySelector("[data-library]");
if (form) {
  const boxes = [...form.querySelectorAll("input[name=item]")];
  const count = form.querySelector("[data-count]");
  const words = count?.textContent;
  let last = null;

  const tell = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    if (count) count.textContent = chosen ? `${chosen} ${count.dataset.words}` : words;
  };
  form.addEventListener("click", (event) => {
    const box = event.target.closest("input[name=item]");
    if (!box) return;
    if (event.shiftKey && last) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
    tell();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.target.closest("li, tr")?.querySelector("input[name=item]")?.click();
  });
  tell();
}

const undo = document.querySelector("[data-undo]");
if (undo) setTimeout(() => undo.remove(), 10_000);
