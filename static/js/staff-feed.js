// Keys for who looks at the feed, and a list that keeps itself fresh while nobody is in the middle of something.
const KEYS = { a: ["approve"], h: ["hide", "refuse"], b: ["block"] };
const REFRESH = 5000;

let queue = document.querySelector("[data-moderation]");
const items = () => [...queue.querySelectorAll("[data-item]")];
const here = () => document.activeElement?.closest("[data-item]");
let undo; // what to post to take the last deed back

function go(step) {
  const all = items();
  const at = all.indexOf(here());
  all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))]?.focus();
}

async function act(values, next) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: queue.querySelector("[name=csrfmiddlewaretoken]").value, ...values });
  const answer = await fetch("/staff/feed/act", { method: "POST", body });
  if (answer.ok) await refresh(next);
  else location.reload();
}

async function refresh(focus = 0) {
  const answer = await fetch("/staff/feed", { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  const box = document.createElement("template");
  box.innerHTML = await answer.text();
  const fresh = box.content.querySelector("[data-moderation]");
  if (!fresh) return;
  queue.replaceWith(fresh);
  queue = fresh;
  if (focus !== null) items()[Math.min(focus, items().length - 1)]?.focus();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  if (event.key === "n" || event.key === "j") return go(1);
  if (event.key === "p") return go(-1);
  if (event.key === "u" && undo) {
    act(undo, 0);
    undo = undefined;
    return;
  }
  const item = here();
  const button = KEYS[event.key] && item && KEYS[event.key].map((deed) => item.querySelector(`[value="${deed}"]`)).find(Boolean);
  if (!button) return;
  event.preventDefault();
  const { held, told } = item.dataset;
  undo = { refuse: { deed: "undo", held }, hide: { deed: "show", told } }[button.value];
  act({ deed: button.value, held, told }, items().indexOf(item));
});

setInterval(() => {
  if (!document.hidden && !queue.contains(document.activeElement)) refresh(null);
}, REFRESH);
