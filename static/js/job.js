// A job's page asks every second how it stands, rests while nobody looks, and moves on when there is a result.
import { announce } from "./announce.js";

const box = document.querySelector("[data-job]");

async function ask() {
  if (document.hidden) return;
  let job;
  try {
    const answer = await fetch(box.dataset.job, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    job = await answer.json();
  } catch {
    return; // offline for a moment; the next second asks again
  }
  if (job.is_final) return location.replace(job.url);
  const title = box.querySelector("[data-job-title]");
  if (title.textContent !== job.title) announce(job.title);
  title.textContent = job.title;
  box.querySelector("[data-job-detail]").textContent = job.detail;
  box.querySelector("[data-job-elapsed]").textContent = job.elapsed;
}

if (box?.dataset.final === "false") {
  setInterval(ask, 1000);
  document.addEventListener("visibilitychange", ask);
}
