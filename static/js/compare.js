// The slider between two pictures: the range's value is where the one before ends. Without scripts they stand side by side.
document.addEventListener("input", ({ target }) => {
  const stage = target.closest("[data-compare]");
  if (!stage) return;
  stage.style.setProperty("--at", `${target.value}%`);
  target.setAttribute("aria-valuetext", `${target.value}%`);
});
