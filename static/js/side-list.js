// Where the list of pages is a row that scrolls, the page that one is on is in sight.
const list = document.querySelector(".side-list");
const current = list?.querySelector("[aria-current]");

if (current) {
  const [row, link] = [list.getBoundingClientRect(), current.getBoundingClientRect()];
  list.scrollLeft += link.left + link.width / 2 - (row.left + row.width / 2);
}
