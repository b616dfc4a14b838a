// New items do not push the grid: a button says how many there are. Asked for twice a minute while the tab is seen.
const pill = document.querySelector("[data-news]");

async function look() {
  if (document.hidden || document.querySelector("dialog[open]")) return;
  try {
    const answer = await fetch(pill.dataset.news);
    if (!answer.ok) return;
    const { count, words } = await answer.json();
    pill.hidden = !count;
    pill.querySelector("span").textContent = words;
  } catch {
    // the next look tries again
  }
}

if (pill) {
  setInterval(look, 30_000);
  document.addEventListener("visibilitychange", look);
}
