// The heart answers at once; without this file its form reloads the page.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-save]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const body = new FormData(form, button);
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.status);
    const { saved } = await response.json();
    button.value = saved ? "0" : "1";
    button.setAttribute("aria-pressed", String(saved));
    button.querySelector("span").textContent = saved ? form.dataset.saved : form.dataset.unsaved;
  } catch {
    // The server's own page says what is wrong.
    form.removeAttribute("data-save");
    form.requestSubmit(button);
  }
});
