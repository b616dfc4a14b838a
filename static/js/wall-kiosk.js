// A screen in a room: no cursor, awake, full, never the same pixels for hours, a new page every night.
const CURSOR = 2000;
const DRIFT_EVERY = 60_000;
const DRIFT = [[0, 0], [2, 0], [2, 2], [0, 2], [-2, 2], [-2, 0], [-2, -2], [0, -2], [2, -2]];
const RELOAD_HOUR = 4;
const LOOK_EVERY = 60_000;
const HINT = 10_000;

export function kiosk(page, begin) {
  let timer;
  const stir = () => {
    page.classList.remove("still");
    clearTimeout(timer);
    timer = setTimeout(() => page.classList.add("still"), CURSOR);
  };
  addEventListener("pointermove", stir);
  stir();

  const hint = page.querySelector("[data-kiosk-hint]");
  hint.hidden = !document.fullscreenEnabled;
  setTimeout(() => (hint.hidden = true), HINT);

  let lock;
  const stayAwake = async () => {
    if (document.hidden || (lock && !lock.released)) return;
    try {
      lock = await navigator.wakeLock?.request("screen");
    } catch {
      // Battery saver, or no such thing here.
    }
  };
  const first = () => {
    removeEventListener("pointerdown", first);
    removeEventListener("keydown", first);
    hint.hidden = true;
    document.documentElement.requestFullscreen?.().catch(() => {});
    stayAwake();
    begin();
  };
  addEventListener("pointerdown", first);
  addEventListener("keydown", first);
  document.addEventListener("visibilitychange", stayAwake);

  let step = 0;
  setInterval(() => {
    const [x, y] = DRIFT[++step % DRIFT.length];
    page.style.translate = `${x}px ${y}px`;
  }, DRIFT_EVERY);

  const began = Date.now();
  setInterval(() => {
    const now = new Date();
    if (now.getHours() === RELOAD_HOUR && Date.now() - began > 3_600_000) reload();
  }, LOOK_EVERY);
}

// Only when the server answers: an error page would stand there until somebody comes by.
export async function reload() {
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    if (answer.ok) location.reload();
  } catch {
    // The next look tries again.
  }
}
