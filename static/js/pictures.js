// Pictures for a form by drop, paste or choice: they become files of its field, with a preview, and nothing is sent yet
// that would be refused.
const READ = ["image/png", "image/jpeg", "image/webp", "image/gif"];

export function pictures(box) {
  const input = box.querySelector("input[type=file]");
  const list = box.querySelector("[data-previews]");
  const problem = box.querySelector("[data-problem]");
  const count = box.querySelector("[data-files]");
  const chosen = new DataTransfer();

  function complain(sentence) {
    problem.textContent = sentence ?? "";
    problem.hidden = !sentence;
  }

  function take(files) {
    complain();
    for (const file of files) {
      const bytes = [...chosen.files].reduce((sum, each) => sum + each.size, file.size);
      if (!READ.includes(file.type)) complain(box.dataset.none);
      else if (chosen.files.length >= Number(box.dataset.most)) complain(box.dataset.tooMany);
      else if (bytes > Number(box.dataset.mostBytes)) complain(box.dataset.tooLarge);
      else chosen.items.add(file);
    }
    show();
  }

  function show() {
    input.files = chosen.files;
    if (count) count.value = chosen.files.length;
    for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    list.hidden = !chosen.files.length;
    list.replaceChildren(...[...chosen.files].map(preview));
    box.dispatchEvent(new CustomEvent("pictures", { bubbles: true, detail: chosen.files.length }));
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function preview(file, index) {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.src = URL.createObjectURL(file);
    image.alt = file.name;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "button small";
    remove.textContent = list.dataset.remove;
    remove.setAttribute("aria-label", list.dataset.removeOne.replace("{name}", () => file.name));
    remove.addEventListener("click", () => {
      chosen.items.remove(index);
      show();
      input.focus();
    });
    item.append(image, remove);
    return item;
  }

  input.addEventListener("change", () => {
    const files = [...input.files];
    take(files);
  });
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    take(event.dataTransfer.files);
  });
  box.closest("form").addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    const folded = box.closest("details");
    if (folded) folded.open = true;
    take(files);
  });

  return {
    files: () => [...chosen.files],
    clear() {
      chosen.items.clear();
      show();
    },
  };
}
