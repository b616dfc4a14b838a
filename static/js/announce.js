// One polite region per page: says at most one sentence every five seconds, the latest.
const region = document.querySelector("[data-announcer]");
let spoken = 0;
let timer;

export function announce(sentence) {
  clearTimeout(timer);
  const wait = Math.max(0, spoken + 5000 - Date.now());
  timer = setTimeout(() => {
    spoken = Date.now();
    region.textContent = sentence;
  }, wait);
}
