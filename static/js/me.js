// One socket of this tab to the server, which hints at what has changed in the team whose page this is: `pollweb:hint`.
// Without it pages look by themselves every few seconds.
const team = document.querySelector("[data-team]")?.dataset.team;
const PAUSES = [1, 2, 4, 8, 15, 30];
const TOPICS = ["now", "request", "result", "team"];
const SIGNED_OUT = 4401;
let socket = null;
let failures = 0;
let timer = 0;

const hint = (topic) => document.dispatchEvent(new CustomEvent("pollweb:hint", { detail: topic }));

function open() {
  clearTimeout(timer);
  if (socket) return;
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/me`);
  const opened = Date.now();
  socket.onopen = () => failures && TOPICS.forEach(hint); // what came meanwhile was missed
  socket.onmessage = (event) => {
    const said = JSON.parse(event.data);
    if (said.t === "ping") socket.send('{"t":"pong"}');
    if (said.t === "hint" && said.team === team) said.on.forEach(hint);
  };
  socket.onclose = (event) => {
    socket = null;
    if (event.code === SIGNED_OUT) return;
    failures = Date.now() - opened > 60_000 ? 1 : failures + 1;
    const pause = PAUSES[Math.min(failures, PAUSES.length) - 1];
    timer = setTimeout(open, pause * 1000 * (0.7 + Math.random() * 0.6));
  };
}

if (team) {
  open();
  addEventListener("online", open);
  document.addEventListener("visibilitychange", () => document.hidden || open());
}
