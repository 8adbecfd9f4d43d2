// Names of places while one types: a list to choose from by mouse, touch or arrow keys (WAI-ARIA combobox).
// Without this file the inputs have a plain list of the busiest cities, and what is typed is looked up anyway.
const words = document.getElementById("place-words").dataset;
const WAIT_MS = 150;
const LEAST = 2;

function combobox(box) {
  const input = box.querySelector("input");
  const list = document.createElement("ul");
  let asked = "";
  let timer = 0;
  let at = -1;

  list.id = `${input.id}-places`;
  list.className = "place-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", words.list);
  list.hidden = true;
  box.append(list);
  input.removeAttribute("list");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("autocomplete", "off");

  const close = () => {
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = (index) => {
    const options = [...list.children];
    at = (index + options.length) % options.length;
    options.forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    input.setAttribute("aria-activedescendant", options[at].id);
    options[at].scrollIntoView({ block: "nearest" });
  };
  const choose = (option) => {
    input.value = asked = option.dataset.value;
    close();
  };
  const show = (places) => {
    list.replaceChildren(
      ...places.map((place, index) => {
        const option = document.createElement("li");
        const where = document.createElement("span");
        option.id = `${list.id}-${index}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.value = place.kind === "city" ? place.name : `${place.name}, ${place.city}`;
        where.className = "quiet";
        where.textContent = place.kind === "city" ? words.city : place.city;
        option.append(place.name, where);
        return option;
      }),
    );
    at = -1;
    list.hidden = places.length === 0;
    input.setAttribute("aria-expanded", String(places.length > 0));
    input.removeAttribute("aria-activedescendant");
  };
  const look = async () => {
    const text = input.value.trim();
    if (text === asked) return;
    asked = text;
    if (text.length < LEAST) return close();
    try {
      const answer = await fetch(`/api/places?${new URLSearchParams({ q: text, limit: 8 })}`);
      if (!answer.ok || text !== asked || document.activeElement !== input) return;
      const { items } = await answer.json();
      if (text === asked && document.activeElement === input) show(items);
    } catch {
      close(); // no network: what is typed is looked up when the form is sent
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      mark(at < 0 && event.key === "ArrowUp" ? -1 : at + (event.key === "ArrowDown" ? 1 : -1));
      event.preventDefault();
    } else if (event.key === "Enter" && at >= 0) {
      choose(list.children[at]);
      event.preventDefault();
    } else if (event.key === "Escape") {
      close();
    }
  });
  input.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the focus stays in the input
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
}

for (const box of document.querySelectorAll("[data-place]")) combobox(box);

const swap = document.getElementById("swap");
swap.hidden = false;
swap.addEventListener("click", () => {
  const [from, to] = [document.getElementById("from"), document.getElementById("to")];
  [from.value, to.value] = [to.value, from.value];
});
