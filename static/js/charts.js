// A chart reads out its values: for the bar under the pointer, and for the one that the arrow keys reach.
for (const chart of document.querySelectorAll("[data-chart]")) {
  const drawing = chart.querySelector("svg");
  const said = chart.querySelector("[data-said]");
  const bars = [...chart.querySelectorAll(".chart-bar")];
  let place = -1;

  const go = (next) => {
    bars[place]?.removeAttribute("data-at");
    place = next;
    bars[place]?.setAttribute("data-at", "");
    said.textContent = bars[place]?.dataset.words ?? "";
  };

  const keys = {
    ArrowLeft: () => Math.max(0, place - 1),
    ArrowRight: () => Math.min(bars.length - 1, place + 1),
    Home: () => 0,
    End: () => bars.length - 1,
    Escape: () => -1,
  };
  drawing.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    go(keys[event.key]());
  });
  drawing.addEventListener("blur", () => go(-1));
  drawing.addEventListener("pointermove", (event) => go(bars.indexOf(event.target.closest(".chart-bar"))));
  drawing.addEventListener("pointerleave", () => go(-1));
}
