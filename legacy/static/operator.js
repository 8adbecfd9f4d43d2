// Comfort for the operator's pages; everything works without it.
"use strict";

// After a refused form the reader starts at what is wrong.
document.querySelector("[data-focus]")?.focus();

// A link into a closed part of the page opens it.
function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = target && target.closest("details");
  if (details) {
    details.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openTarget);
openTarget();

for (const form of document.querySelectorAll("form[data-confirm]")) {
  form.addEventListener("submit", (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}

// One more line for a stop of a route.
for (const button of document.querySelectorAll("[data-add-line]")) {
  const body = button.form.querySelector("[data-lines] tbody");
  button.hidden = false;
  button.addEventListener("click", () => {
    const number = body.rows.length;
    if (number >= 100) return;
    const row = body.rows[number - 1].cloneNode(true);
    for (const note of row.querySelectorAll("p")) note.remove();
    for (const input of row.querySelectorAll("input")) {
      input.name = input.name.replace(/^stops\.\d+\./, `stops.${number}.`);
      input.id = `route-${input.name}`;
      input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+$/, number + 1));
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      input.value = "";
    }
    body.append(row);
    row.querySelector("input").focus();
  });
}

// How far an import is: first the file's way here, then the server's own account.
for (const form of document.querySelectorAll("form[data-import]")) {
  form.addEventListener("submit", () => {
    const place = form.querySelector("[data-progress]");
    const bar = place.querySelector("progress");
    const said = place.querySelector("[data-said]");
    const [sending, loading] = said.dataset.said.split("|");
    place.hidden = false;
    said.textContent = sending;
    form.querySelector("button").disabled = true;
    const began = Date.now();
    setInterval(async () => {
      const answer = await fetch(form.dataset.import, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const running = (await answer.json()).items.find((each) => each.status === "running");
      if (!running || Date.parse(running.created_at) < began - 60000 || !running.total) return;
      said.textContent = loading;
      bar.max = running.total;
      bar.value = running.done;
    }, 400);
  });
}
