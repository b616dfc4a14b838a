// A line that shows itself when the server hints at something new: a link that loads the page again.
for (const line of document.querySelectorAll("[data-news]"))
  document.addEventListener("pollweb:hint", (event) => {
    if (event.detail === line.dataset.news) line.hidden = false;
  });
