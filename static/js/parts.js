// Parts of a page that change by themselves: fetched again when the socket hints at news, and every few seconds while
// the tab is seen. Without scripts they are as they were when the page was loaded.
for (const part of document.querySelectorAll("[data-part]")) {
  let shown = "";
  async function look() {
    if (document.hidden) return;
    try {
      const answer = await fetch(part.dataset.part);
      const text = await answer.text();
      if (answer.ok && text !== shown && (shown || text.trim() !== part.innerHTML.trim())) part.innerHTML = text;
      if (answer.ok) shown = text;
    } catch {
      // the next look tries again
    }
  }
  setInterval(look, Number(part.dataset.seconds || 10) * 1000);
  document.addEventListener("pollweb:hint", (event) => part.dataset.on?.split(" ").includes(event.detail) && look());
}
