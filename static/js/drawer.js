// Links of a list open beside it, under their own address; Back and Escape close it again. Without scripts they lead there.
const place = document.querySelector("[data-drawer-place]");
const content = place?.querySelector("[data-drawer-content]");
const home = location.href;

async function open(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return location.assign(url);
  content.innerHTML = await answer.text();
  if (!place.open) place.showModal();
  document.dispatchEvent(new CustomEvent("pollweb:added", { detail: content }));
}

if (place) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-drawer]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState({ drawer: true }, "", link.href);
    open(link.href);
  });
  place.addEventListener("click", (event) => event.target === place && place.close());
  place.addEventListener("close", () => history.state?.drawer && history.back());
  addEventListener("popstate", (event) => {
    if (event.state?.drawer) open(location.href);
    else if (place.open) place.close();
    else if (location.href !== home) location.reload();
  });
}
