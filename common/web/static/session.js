// A page that stays open longer than the access cookie lasts (a seat map, the scanner) keeps its session alive.
const RENEW_AFTER_MS = 13 * 60 * 1000;
let renewedAt = Date.now();

async function renewSession() {
  if (document.hidden || Date.now() - renewedAt < RENEW_AFTER_MS) return;
  renewedAt = Date.now();
  try {
    await fetch("/api/auth/refresh", {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: "{}",
    });
  } catch {
    // Offline: the next page asks again.
  }
}

setInterval(renewSession, 30 * 1000);
document.addEventListener("visibilitychange", renewSession);
