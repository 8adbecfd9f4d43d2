// How long the seats are held still, and whether they are paid for meanwhile: in another window, or a moment ago.
const held = document.getElementById("held");
const settling = document.getElementById("settling");
const unheard = document.getElementById("unheard");
const SOON_S = 60;
const LOOK_MS = settling ? 1000 : 5000;

if (held) {
  const clock = held.querySelector(".countdown");
  const bar = document.getElementById("left");
  // The server's clock counts, whatever time this device thinks it is.
  const wholeMs = Date.parse(held.dataset.expires) - Date.parse(held.dataset.now);
  const ends = performance.now() + wholeMs;
  bar.max = Math.max(wholeMs, 600_000);
  bar.hidden = false;
  const tick = () => {
    const leftMs = ends - performance.now();
    const left = Math.ceil(leftMs / 1000);
    if (left <= 0) {
      clearInterval(ticking);
      location.reload();
      return;
    }
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.textContent = clock.dataset.left.replace("{time}", time);
    clock.classList.toggle("soon", left <= SOON_S);
    bar.value = leftMs;
  };
  const ticking = setInterval(tick, 500);
  tick();
}

const { booking } = (held ?? settling)?.dataset ?? {};
if (booking) {
  let etag = "";
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(`/api/bookings/${booking}`, {
        cache: "no-store",
        headers: etag ? { "If-None-Match": etag } : {},
      });
      unheard.hidden = answer.ok || answer.status === 304;
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") ?? "";
        if ((await answer.json()).status !== "held") location.reload();
      }
    } catch {
      unheard.hidden = false; // asked again
    }
  };
  setInterval(look, LOOK_MS);
}
