// Comfort for choosing seats: no more than there are passengers, the sum, who sits where, what is taken meanwhile,
// arrow keys, and the people one travels with. The form works without any of it.
const form = document.getElementById("hold");
const summary = document.getElementById("summary");
const buy = document.getElementById("buy");
const who = document.getElementById("who");
const stale = document.getElementById("stale");
const boxes = [...form.querySelectorAll("input[name=seat]")];
const places = [...form.querySelectorAll(".passenger-seat")];
const most = Number(form.dataset.passengers);
const price = new Intl.NumberFormat(form.dataset.locale, {
  style: "currency",
  currency: form.dataset.currency,
  trailingZeroDisplay: "stripIfInteger",
});
const minorUnits = 10 ** price.resolvedOptions().maximumFractionDigits;
const POLL_MS = 10_000;
let order = boxes.filter((box) => box.checked);
let etag = "";

const priceOf = (box) => Number(box.dataset.price) / minorUnits;

function show(lost = []) {
  const chosen = boxes.filter((box) => box.checked);
  const seats = chosen.map((box) => box.value);
  const total = chosen.reduce((sum, box) => sum + priceOf(box), 0);
  const news = lost.length ? `${lost.join(", ")} ${form.dataset.taken}. ` : "";
  summary.textContent =
    news + (seats.length ? `${form.dataset.chosen}: ${seats.join(", ")} – ${price.format(total)}` : form.dataset.none);
  buy.classList.toggle("choosing", seats.length > 0);
  places.forEach((place, index) => {
    place.textContent = seats[index] ? `– ${form.dataset.seat} ${seats[index]}` : "";
  });
}

form.addEventListener("change", ({ target }) => {
  if (target.name !== "seat") return;
  order = order.filter((box) => box !== target);
  if (target.checked) order.push(target);
  while (order.length > most) order.shift().checked = false;
  show();
});

// ---- arrow keys: to the nearest seat that is free, as the decks lie on the screen

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function neighbour(from, [x, y]) {
  const middle = (box) => {
    const { left, top, width, height } = box.closest("label").getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  const [fromX, fromY] = middle(from);
  let [nearest, least] = [null, Infinity];
  for (const box of boxes) {
    if (box === from || box.disabled) continue;
    const [boxX, boxY] = middle(box);
    const along = (boxX - fromX) * x + (boxY - fromY) * y;
    const aside = Math.abs((boxX - fromX) * y) + Math.abs((boxY - fromY) * x);
    if (along < 4 || aside > 3 * along) continue;
    if (along + 3 * aside < least) [nearest, least] = [box, along + 3 * aside];
  }
  return nearest;
}

document.getElementById("keys").hidden = !matchMedia("(hover: hover)").matches;
form.addEventListener("keydown", (event) => {
  if (event.target.name !== "seat" || !WAYS[event.key]) return;
  event.preventDefault();
  neighbour(event.target, WAYS[event.key])?.focus();
});

// ---- what others take meanwhile

async function look() {
  if (document.hidden) return;
  const { trip, from, to } = form.dataset;
  try {
    const answer = await fetch(`/api/trips/${trip}/seats?from=${from}&to=${to}`, {
      cache: "no-store",
      headers: etag ? { "If-None-Match": etag } : {},
    });
    stale.hidden = answer.ok || answer.status === 304;
    if (answer.status !== 200) return;
    etag = answer.headers.get("ETag") ?? "";
    const { seats } = await answer.json();
    update(new Map(seats.map((seat) => [seat.seat, seat.state])));
  } catch {
    stale.hidden = false;
  }
}

function update(states) {
  const lost = [];
  for (const box of boxes) {
    const free = states.get(box.value) === "free";
    const label = box.closest("label");
    if (!free && box.checked) lost.push(box.value);
    if (!free) box.checked = false;
    if (box.disabled === free) {
      label.querySelector(".seat-price").textContent = free ? price.format(priceOf(box)) : form.dataset.gone;
      label.classList.toggle("lost", !free);
    }
    box.disabled = !free;
  }
  order = order.filter((box) => box.checked);
  if (lost.length) show(lost);
  // On a bus that was full there was nobody to name.
  if (boxes.some((box) => !box.disabled)) for (const each of [who, buy]) each.hidden = false;
}

document.getElementById("retry").addEventListener("click", look);

// ---- people one travels with, whom another service keeps: without it one types

async function offerTravellers() {
  const known = document.getElementById("known");
  try {
    const answer = await fetch("/api/users/me/travellers?limit=20");
    if (!answer.ok) return;
    const { items } = await answer.json();
    known.querySelector("ul").replaceChildren(...items.map(travellerButton));
    known.hidden = items.length === 0;
  } catch {
    // no network: one types
  }
}

function travellerButton(person) {
  const [item, button] = [document.createElement("li"), document.createElement("button")];
  button.type = "button";
  button.className = "second";
  button.textContent = person.name;
  button.addEventListener("click", () => seatPerson(person));
  item.append(button);
  return item;
}

function seatPerson(person) {
  const passengers = [...form.querySelectorAll(".passenger")];
  const input = (passenger, field) => passenger.querySelector(`[name$=".${field}"]`);
  if (passengers.some((each) => input(each, "name").value === person.name)) return;
  const passenger = passengers.find((each) => !input(each, "name").value.trim()) ?? passengers.at(-1);
  input(passenger, "name").value = person.name;
  input(passenger, "age").value = person.age ?? "";
  input(passenger, "gender").value = person.gender ?? "";
  input(passenger, "name").focus();
}

// A refused form says why at once, also to who does not see it.
document.querySelector("#taken, #errors")?.focus();
show();
setInterval(look, POLL_MS);
document.addEventListener("visibilitychange", look);
if ("signedIn" in form.dataset) offerTravellers();
