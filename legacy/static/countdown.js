// How long the seats are held still; and, once it is paid for, when the tickets are there.
const held = document.getElementById("held");
const settling = document.getElementById("settling");

if (held) {
  const clock = held.querySelector(".countdown");
  // The server's clock counts, whatever time this device thinks it is.
  const ends = performance.now() + (Date.parse(held.dataset.expires) - Date.parse(held.dataset.now));
  const tick = () => {
    const left = Math.ceil((ends - performance.now()) / 1000);
    if (left <= 0) {
      clearInterval(ticking);
      location.reload();
      return;
    }
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.textContent = clock.dataset.left.replace("{time}", time);
  };
  const ticking = setInterval(tick, 500);
  tick();
}

if (settling) {
  let etag = "";
  const look = async () => {
    try {
      const answer = await fetch(`/api/bookings/${settling.dataset.booking}`, {
        cache: "no-store",
        headers: etag ? { "If-None-Match": etag } : {},
      });
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") ?? "";
        if ((await answer.json()).status !== "held") location.reload();
      }
    } catch {
      // no network: asked again
    }
  };
  setInterval(look, 1000);
}
