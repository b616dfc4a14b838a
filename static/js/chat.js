// The conversation: an answer is written as it comes, can be stopped and asked for again, and the browser keeps it all.
// Words of people and models are put in as text; HTML comes from the server alone, which has made it safe.
import { announce } from "./announce.js";
import { pictures } from "./pictures.js";

const KEY = "pollweb.chat";
const MOST_MESSAGES = 100;
const MOST_KEPT = 400_000; // characters
const form = document.querySelector("[data-chat]");
const talk = form.querySelector("[data-talk]");
const words = form.querySelector("[data-words]").dataset;
const prompt = form.elements.prompt;
const send = form.querySelector("[data-send]");
const stop = form.querySelector("[data-stop]");
const problem = form.querySelector("[data-problem-line]");
const attached = pictures(form.querySelector("[data-pictures]"));
let said = [];
let running;

// --- what is kept -----------------------------------------------------------------------------------------------------

function keep() {
  said = said.slice(-MOST_MESSAGES);
  let text = JSON.stringify({ model: form.elements.model.value, system: form.elements.system.value, said });
  while (text.length > MOST_KEPT && said.length > 2) {
    said.splice(0, 2);
    text = JSON.stringify({ model: form.elements.model.value, system: form.elements.system.value, said });
    complain(words.full);
  }
  try {
    localStorage.setItem(KEY, text);
  } catch {
    complain(words.full);
  }
}

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY));
    return Array.isArray(found?.said) ? found : null;
  } catch {
    return null;
  }
}

// --- what is seen -----------------------------------------------------------------------------------------------------

function complain(sentence) {
  problem.hidden = !sentence;
  problem.querySelector("[data-sentence]").textContent = sentence ?? "";
}

function turn({ role, text, pictures: shown = [] }) {
  const item = form.querySelector("template[data-turn]").content.firstElementChild.cloneNode(true);
  item.dataset.role = role;
  item.querySelector(".who").textContent = role === "user" ? words.you : words.model;
  item.querySelector(".words").textContent = text;
  const row = item.querySelector(".shown");
  row.hidden = !shown.length;
  for (const { href } of shown) {
    const image = document.createElement("img");
    image.src = href;
    image.alt = words.picture;
    image.width = image.height = 64;
    row.append(image);
  }
  talk.append(item);
  form.querySelector("[data-empty]").hidden = true;
  return item;
}

function aside(item, sentence) {
  const line = item.querySelector(".aside");
  line.hidden = !sentence;
  line.textContent = sentence ?? "";
}

function dress(item, text, html) {
  if (html) {
    item.querySelector(".markdown").innerHTML = html;
    item.querySelector(".markdown").hidden = false;
    item.querySelector(".words").hidden = true;
  }
  item.querySelector("[data-copy-text]").dataset.copyText = text;
  item.querySelector("[data-copy-text]").hidden = !text;
  for (const other of talk.querySelectorAll("[data-retry]")) other.hidden = true;
  item.querySelector("[data-retry]").hidden = false;
  item.querySelector(".actions").hidden = false;
}

async function safe(texts) {
  const answer = await fetch(form.dataset.show, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    body: JSON.stringify(texts),
  });
  if (!answer.ok) throw new Error(answer.status);
  return (await answer.json()).html;
}

async function draw() {
  talk.replaceChildren();
  const items = said.map(turn);
  form.querySelector("[data-empty]").hidden = said.length > 0;
  const answers = said.map((message, index) => [message, items[index]]).filter(([message]) => message.role === "assistant");
  let html = [];
  try {
    html = answers.length ? await safe(answers.map(([message]) => message.text)) : [];
  } catch {
    // as plain text, then
  }
  answers.forEach(([message, item], index) => dress(item, message.text, html[index]));
  if (said.length) scrollTo({ top: document.body.scrollHeight });
}

// --- asking -----------------------------------------------------------------------------------------------------------

function busy(now) {
  send.hidden = now;
  stop.hidden = !now;
  form.querySelector("[data-log]").setAttribute("aria-busy", String(now));
}

async function* events(response) {
  let rest = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    rest += chunk;
    const whole = rest.split("\n\n");
    rest = whole.pop();
    for (const event of whole) if (event.startsWith("data: ")) yield JSON.parse(event.slice(6));
  }
}

function sent(question, files) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  for (const name of ["model", "system"]) body.set(name, form.elements[name].value);
  body.set("prompt", question.text);
  body.set("earlier", JSON.stringify(said.slice(0, said.indexOf(question))));
  for (const file of files) body.append("pictures", file);
  for (const { words: each } of question.pictures) body.append("kept", each);
  return body;
}

function counting(item, seconds) {
  const end = Date.now() + seconds * 1000;
  function tick() {
    const left = Math.ceil((end - Date.now()) / 1000);
    aside(item, left > 0 ? words.waiting.replace("{n}", left) : words.writing);
  }
  tick();
  return setInterval(tick, 1000);
}

async function ask(question, files = []) {
  complain();
  const item = turn({ role: "assistant", text: "" });
  const line = item.querySelector(".words");
  item.scrollIntoView({ block: "nearest" });
  running = new AbortController();
  busy(true);
  announce(words.writing);
  let clock;
  let text = "";
  let html = "";
  let failed = "";
  try {
    const response = await fetch(form.dataset.answer, {
      method: "POST",
      body: sent(question, files),
      signal: running.signal,
      headers: { Accept: "text/event-stream, application/json" },
    });
    if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      for await (const event of events(response)) {
        if ("wait" in event) {
          question.pictures = event.pictures;
          clock = counting(item, event.wait);
          if (event.left_out) complain(words.leftOut.replace("{n}", event.left_out));
        } else if ("delta" in event) {
          clearInterval(clock);
          aside(item);
          const atEnd = innerHeight + scrollY >= document.body.scrollHeight - 120;
          line.textContent = text += event.delta;
          if (atEnd) scrollTo({ top: document.body.scrollHeight });
        } else if ("html" in event) ({ text, html } = event);
        else if ("error" in event) failed = event.error;
      }
      if (!html && !failed) failed = words.away;
    } else {
      const json = response.headers.get("Content-Type")?.startsWith("application/json");
      failed = json ? (await response.json()).errors.join(" ") : `${words.away} (${response.status})`;
    }
  } catch (error) {
    failed = error.name === "AbortError" ? words.stopped : words.away;
  }
  clearInterval(clock);
  aside(item, failed);
  if (text && !html) html = (await safe([text]).catch(() => []))[0] ?? "";
  line.textContent = text;
  if (text) said.push({ role: "assistant", text, pictures: [] });
  dress(item, text, html);
  keep();
  running = undefined;
  busy(false);
  announce(failed || words.done);
}

function say() {
  const text = prompt.value.trim();
  if (running || !text) return;
  const question = { role: "user", text, pictures: [...form.querySelectorAll("[name=kept]:checked")].map((box) => ({ words: box.value, href: box.parentElement.querySelector("img").getAttribute("src") })) };
  said.push(question);
  const item = turn(question);
  const files = attached.files();
  for (const file of files) {
    const image = document.createElement("img");
    image.src = URL.createObjectURL(file);
    image.alt = words.picture;
    image.width = image.height = 64;
    item.querySelector(".shown").append(image);
    item.querySelector(".shown").hidden = false;
  }
  attached.clear();
  form.querySelector("[data-attach]").open = false;
  form.querySelector(".brought")?.remove();
  prompt.value = "";
  prompt.focus();
  return ask(question, files);
}

function again() {
  if (running) return;
  if (said.at(-1)?.role === "assistant") said.pop();
  const question = said.at(-1);
  if (!question) return;
  talk.lastElementChild.remove();
  prompt.focus();
  ask(question);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  say();
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
stop.addEventListener("click", () => {
  running?.abort();
  prompt.focus();
});
document.addEventListener("keydown", (event) => event.key === "Escape" && running?.abort());
talk.addEventListener("click", (event) => event.target.closest("[data-retry]") && again());
form.querySelector("[data-new]").addEventListener("click", () => localStorage.removeItem(KEY));
for (const name of ["model", "system"]) form.elements[name].addEventListener("change", () => said.length && keep());

// --- the beginning ----------------------------------------------------------------------------------------------------

const about = form.querySelector(".plain");
function describe() {
  for (const line of about.children) line.classList.toggle("chosen", line.dataset.about === form.elements.model.value);
}
form.elements.model.addEventListener("change", describe);

async function begin() {
  const earlier = JSON.parse(form.dataset.earlier);
  if (form.dataset.active) {
    const job = await (await fetch(form.dataset.active)).json();
    setTimeout(() => (job.is_final ? location.reload() : begin()), 1000);
  } else if (earlier.length) {
    said = earlier;
    keep();
    await draw();
  } else {
    const found = kept();
    if (found) {
      said = found.said;
      if ([...form.elements.model.options].some((option) => option.value === found.model)) form.elements.model.value = found.model;
      if (!form.elements.system.value) form.elements.system.value = String(found.system ?? "");
      await draw();
      if (said.at(-1)?.role === "user") dress(turn({ role: "assistant", text: "" }), "", "");
    }
  }
  describe();
}
begin();
