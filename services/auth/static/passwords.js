// Lets people look at the password that they type; a field names the texts of its button.
for (const field of document.querySelectorAll("input[type=password][data-show]")) {
  const button = document.createElement("input");
  button.type = "button";
  button.value = field.dataset.show;
  button.setAttribute("aria-controls", field.id);
  button.setAttribute("aria-pressed", "false");
  const pair = document.createElement("div");
  pair.className = "secret";
  field.replaceWith(pair);
  pair.append(field, button);

  const turn = (shown) => {
    field.type = shown ? "text" : "password";
    button.value = shown ? field.dataset.hide : field.dataset.show;
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => turn(field.type === "password"));
  // A password manager keeps what was in a password field, and nobody behind them reads it on the next page.
  field.form.addEventListener("submit", () => turn(false));
}
