// A job's page hears over its socket how it stands; without one it asks every second, while somebody looks. Where there
// is a result it moves on.
import { announce } from "./announce.js";

const box = document.querySelector("[data-job]");
const part = (name) => box.querySelector(`[data-job-${name}]`);
let last;
let heardAt = 0;
let halfway = false;

function tell(job) {
  if (job.is_final) return location.replace(job.url);
  last = job;
  heardAt = Date.now();
  const title = part("title");
  if (title.textContent !== job.title) announce(job.title);
  title.textContent = job.title;
  part("detail").textContent = job.detail;
  draw();
}

// Between two words from the server time goes on. An estimate never reaches the end.
function draw() {
  if (!last) return;
  const elapsed = last.elapsed + Math.round((Date.now() - heardAt) / 1000);
  part("elapsed").textContent = elapsed;
  const bar = part("bar");
  const share = last.percent != null ? last.percent / 100 : last.expected && 0.95 * (1 - Math.exp(-1.5 * (elapsed / last.expected)));
  if (share) bar.value = share;
  else bar.removeAttribute("value");
  part("share").textContent = share ? (last.percent != null ? `${last.percent} %` : `≈ ${Math.round(share * 100)} %`) : "";
  if (share >= 0.5 && !halfway) {
    halfway = true;
    announce(part("share").textContent);
  }
}

async function ask() {
  if (document.hidden) return;
  try {
    const answer = await fetch(box.dataset.job, { headers: { Accept: "application/json" } });
    if (answer.ok) tell(await answer.json());
  } catch {
    // offline for a moment; the next second asks again
  }
}

function poll() {
  setInterval(ask, 1000);
  document.addEventListener("visibilitychange", ask);
}

if (box?.dataset.final === "false") {
  const socket = new WebSocket(`${box.dataset.socket}?hl=${document.documentElement.lang}`);
  let ended = false;
  socket.addEventListener("message", ({ data }) => {
    const job = JSON.parse(data);
    ended = job.is_final;
    tell(job);
  });
  socket.addEventListener("close", () => ended || poll());
  setInterval(draw, 1000);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") box.querySelector("[data-cancel]").requestSubmit();
  });
}
