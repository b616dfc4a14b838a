// Times in the reader's own zone (their account's, else the browser's), and how long ago they are kept fresh while the
// page is open.
const language = document.documentElement.lang;
const zone = document.documentElement.dataset.zone;
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long", timeZone: zone });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

function refresh() {
  for (const time of document.querySelectorAll("time[data-exact]"))
    if (!zone) time.textContent = exact.format(new Date(time.dateTime));
  for (const time of document.querySelectorAll("time[data-time]")) {
    const moment = new Date(time.dateTime);
    time.title = exact.format(moment);
    const seconds = (Date.now() - moment) / 1000;
    const found = UNITS.find(([, length]) => seconds >= length);
    if (found) time.textContent = relative.format(-Math.floor(seconds / found[1]), found[0]);
  }
}

refresh();
setInterval(refresh, 30_000);
document.addEventListener("htmx:after:swap", refresh);
document.addEventListener("pollweb:added", refresh);
