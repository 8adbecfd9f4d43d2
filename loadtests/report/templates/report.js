"use strict";
// Sorts tables by their headings, and opens what a link leads to. No character here needs escaping in XML.
for (const heading of document.querySelectorAll("th[data-sorts]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of heading.parentNode.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = heading.closest("table").tBodies[0];
    const place = heading.cellIndex;
    const key = (row) => row.cells[place].dataset.sort;
    const compare = heading.dataset.sorts === "text"
      ? (one, other) => key(one).localeCompare(key(other))
      : (one, other) => Number(key(one)) - Number(key(other));
    const known = [...body.rows].filter((row) => key(row) !== "");
    const unknown = [...body.rows].filter((row) => key(row) === "");
    known.sort(up ? compare : (one, other) => compare(other, one));
    body.append(...known, ...unknown);
  });
}
const open = () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
};
addEventListener("hashchange", open);
open();
