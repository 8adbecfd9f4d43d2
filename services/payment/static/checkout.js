// Comfort for the checkout: groups the digits of a card, counts down the hold, and asks whether a payment is
// decided. Without this file the page refreshes itself.

const number = document.getElementById("number");
if (number) {
  const { form } = number;
  const expiry = document.getElementById("expiry");
  const group = (text) => text.replace(/\D/g, "").slice(0, 19).replace(/(\d{4})(?=\d)/g, "$1 ");
  number.addEventListener("input", () => {
    if (number.selectionStart !== number.value.length) return; // somebody corrects in the middle
    number.value = group(number.value);
  });
  expiry.addEventListener("input", (event) => {
    if (event.inputType === "insertText" && /^\d\d$/.test(expiry.value)) expiry.value += "/";
  });
  form.addEventListener("submit", () => {
    const button = form.querySelector("button");
    setTimeout(() => { button.disabled = true; });
    addEventListener("pageshow", () => { button.disabled = false; }, { once: true });
  });
  for (const fill of document.querySelectorAll("button.fill")) {
    fill.hidden = false;
    fill.addEventListener("click", () => {
      number.value = group(fill.parentElement.querySelector("code").textContent);
      document.getElementById("cvc").value ||= "123";
      expiry.value ||= `12/${(new Date().getFullYear() + 3) % 100}`;
      form.querySelector("button").focus();
    });
  }
}

const held = document.getElementById("held");
if (held) {
  const clock = held.querySelector(".countdown");
  // The server's clock counts, whatever time this device thinks it is.
  const ends = performance.now() + (Date.parse(held.dataset.expires) - Date.parse(held.dataset.now));
  const tick = () => {
    const left = Math.ceil((ends - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(ticking);
      location.replace(location.pathname); // a page that says so, whatever this one was an answer to
      return;
    }
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.textContent = clock.dataset.left.replace("{time}", time);
  };
  const ticking = setInterval(tick, 500);
  tick();
}

const waiting = document.getElementById("waiting");
if (waiting) {
  let pause = 300;
  const look = async () => {
    try {
      const answer = await fetch(`/api/payments/${waiting.dataset.payment}`, { headers: { Accept: "application/json" } });
      if (answer.status < 500 && (!answer.ok || (await answer.json()).status !== "processing")) {
        location.reload();
        return;
      }
    } catch {
      // no network: asked again
    }
    pause = Math.min(pause * 1.3, 5000);
    setTimeout(look, pause);
  };
  setTimeout(look, pause);
}
