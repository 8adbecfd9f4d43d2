// Offers places while a name is typed. Without it the list holds the busiest cities.
const list = document.getElementById("places");
let asked = "";
let waiting = 0;

async function offer(text) {
  if (text === asked || text.length < 2) return;
  asked = text;
  try {
    const answer = await fetch(`/api/places?${new URLSearchParams({ q: text, limit: 10 })}`);
    if (!answer.ok || text !== asked) return;
    const { items } = await answer.json();
    list.replaceChildren(
      ...items.map((place) => {
        const option = document.createElement("option");
        option.value = place.kind === "city" ? place.name : `${place.name}, ${place.city}`;
        return option;
      }),
    );
  } catch {
    // no network: what is typed is looked up when the form is sent
  }
}

for (const input of document.querySelectorAll("input[data-places]")) {
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => offer(input.value.trim()), 150);
  });
}
