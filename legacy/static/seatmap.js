// Comfort for choosing seats: no more than there are passengers, the sum, who sits where, what is taken meanwhile.
const form = document.getElementById("hold");
const summary = document.getElementById("summary");
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

// A saved traveller brings age and gender along.
form.addEventListener("input", ({ target }) => {
  if (!target.name?.endsWith(".name")) return;
  const known = [...document.querySelectorAll("#travellers option")].find((option) => option.value === target.value);
  if (!known) return;
  const passenger = target.closest(".passenger");
  for (const field of ["age", "gender"]) {
    const input = passenger.querySelector(`[name$=".${field}"]`);
    if (known.dataset[field] && !input.value) input.value = known.dataset[field];
  }
});

async function look() {
  if (document.hidden) return;
  const { trip, from, to } = form.dataset;
  try {
    const answer = await fetch(`/api/trips/${trip}/seats?from=${from}&to=${to}`, {
      cache: "no-store",
      headers: etag ? { "If-None-Match": etag } : {},
    });
    if (answer.status !== 200) return;
    etag = answer.headers.get("ETag") ?? "";
    const { seats } = await answer.json();
    const states = new Map(seats.map((seat) => [seat.seat, seat.state]));
    const lost = [];
    for (const box of boxes) {
      const free = states.get(box.value) === "free";
      if (!free && box.checked) lost.push(box.value);
      if (!free) box.checked = false;
      if (box.disabled === free) {
        box.closest("label").querySelector(".seat-price").textContent = free
          ? price.format(priceOf(box))
          : form.dataset.gone;
      }
      box.disabled = !free;
    }
    order = order.filter((box) => box.checked);
    if (lost.length) show(lost);
  } catch {
    // no network: the form itself finds out
  }
}

show();
setInterval(look, POLL_MS);
document.addEventListener("visibilitychange", look);
