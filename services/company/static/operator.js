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

// The tab of this page is in sight on a narrow screen, too.
const tabs = document.querySelector(".tabs");
const tab = tabs?.querySelector("[aria-current]");
if (tab) tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;

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

// A layout is drawn while it is thought out: rows along the bus, which drives to the left.
const SVG = "http://www.w3.org/2000/svg";

function part(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function drawDeck(abreast, rows, letters, isBerth, shade, hasCab) {
  const [left, right] = abreast.split("+").map(Number);
  const columns = left + 1 + right;
  const front = hasCab ? 36 : 6;
  const [width, height] = [front + rows * 24 + 6, 12 + columns * 24];
  const plan = part("svg", { class: "plan", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  plan.append(part("rect", { class: "hull", x: 1, y: 1, width: width - 2, height: height - 2, rx: 9 }));
  if (hasCab) {
    plan.append(part("path", { class: "fitting", d: `M36 6V${height - 6}` }));
    plan.append(part("circle", { class: "fitting", cx: 21, cy: 20, r: 7 }));
    plan.append(part("circle", { class: "fitting", cx: 21, cy: 20, r: 2 }));
  }
  let letter = 0;
  for (let column = 1; column <= columns; column++) {
    if (column === left + 1) continue;
    for (let row = 1; row <= rows; row++) {
      const x = front + (row - 1) * 24 + 2;
      const y = 6 + (columns - column) * 24 + 2;
      plan.append(part("rect", { class: `seat shade${shade}`, x, y, width: isBerth ? 20 : 18, height: 20, rx: 4 }));
      plan.append(
        isBerth
          ? part("path", { class: "pillow", d: `M${x + 3.5} ${y + 5}v10` })
          : part("path", { class: "back", d: `M${x + 20} ${y + 3}v14` }),
      );
      plan.append(part("text", { x: x + (isBerth ? 12 : 9), y: y + 12.5 }, row + letters[letter]));
    }
    letter++;
  }
  return [plan, (left + right) * rows];
}

for (const form of document.querySelectorAll("form[data-layout]")) {
  const place = form.querySelector("[data-preview]");
  const names = place.dataset.decks.split("|");
  const show = () => {
    place.replaceChildren();
    let letters = "ABCDEFGHJKLM";
    const shades = [];
    for (const [index, deck] of ["lower", "upper"].entries()) {
      const abreast = form.elements[deck].value;
      const rows = Number(form.elements[`${deck}_rows`].value);
      if (!abreast || !(rows >= 1 && rows <= 20)) continue;
      const code = form.elements[`${deck}_class`].value;
      if (!shades.includes(code)) shades.push(code);
      const [plan, seats] = drawDeck(abreast, rows, letters, code.startsWith("sleeper"), shades.indexOf(code), index === 0);
      letters = letters.slice(abreast.split("+").reduce((sum, each) => sum + Number(each), 0));
      const figure = document.createElement("figure");
      const caption = document.createElement("figcaption");
      caption.className = "hint";
      caption.textContent = `${names[index]}: ${seats} ${place.dataset.seats}`;
      figure.append(caption, plan);
      place.append(figure);
    }
    place.hidden = !place.children.length;
  };
  form.addEventListener("input", show);
  show();
}
