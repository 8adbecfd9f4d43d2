/* Comfort for the checkout: groups the digits of a card, and asks whether a payment is decided.
   Without this file the page refreshes itself. */
"use strict";
(() => {
  const number = document.getElementById("number");
  if (number) {
    number.addEventListener("input", () => {
      if (number.selectionStart !== number.value.length) return; // somebody corrects in the middle
      const digits = number.value.replace(/\D/g, "").slice(0, 19);
      number.value = digits.replace(/(\d{4})(?=\d)/g, "$1 ");
    });
    const expiry = document.getElementById("expiry");
    expiry.addEventListener("input", (event) => {
      if (event.inputType === "insertText" && /^\d\d$/.test(expiry.value)) expiry.value += "/";
    });
    const form = number.form;
    form.addEventListener("submit", () => {
      const button = form.querySelector("button");
      setTimeout(() => { button.disabled = true; });
      addEventListener("pageshow", () => { button.disabled = false; }, { once: true });
    });
  }

  const waiting = document.getElementById("waiting");
  if (!waiting) return;
  let pause = 400;
  const look = async () => {
    try {
      const answer = await fetch(`/api/payments/${waiting.dataset.payment}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || (await answer.json()).status !== "processing") return location.reload();
    } catch {
      // no network: try again
    }
    pause = Math.min(pause * 1.3, 5000);
    return setTimeout(look, pause);
  };
  setTimeout(look, pause);
})();
