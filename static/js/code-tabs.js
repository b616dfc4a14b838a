// <details> of code become tabs: arrow keys move, the choice is remembered for the next page.
const KEY = "pollweb.code";

function enhance(box) {
  if (box.classList.contains("tabbed")) return;
  const parts = [...box.querySelectorAll("details")];
  if (!parts.length) return;
  const list = document.createElement("div");
  list.className = "tabs";
  list.role = "tablist";
  const tabs = parts.map((part, index) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.role = "tab";
    tab.textContent = part.querySelector("summary").textContent;
    tab.addEventListener("click", () => choose(index, true));
    const panel = part.querySelector(".sample");
    panel.role = "tabpanel";
    panel.setAttribute("aria-label", tab.textContent);
    return tab;
  });
  const names = tabs.map((tab) => tab.textContent);

  function choose(index, remember) {
    tabs.forEach((tab, other) => {
      tab.ariaSelected = String(other === index);
      tab.tabIndex = other === index ? 0 : -1;
      parts[other].hidden = other !== index;
      parts[other].open = other === index;
    });
    if (remember) localStorage.setItem(KEY, names[index]);
  }

  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    choose(next, true);
    tabs[next].focus();
  });

  for (const part of parts) part.removeAttribute("name");
  list.append(...tabs);
  box.prepend(list);
  box.classList.add("tabbed");
  choose(Math.max(0, names.indexOf(localStorage.getItem(KEY))), false);
}

function start() {
  document.querySelectorAll("[data-code-tabs]").forEach(enhance);
}

start();
document.addEventListener("htmx:after:swap", start);
document.addEventListener("pollweb:added", start);
