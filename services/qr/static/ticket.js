/* Keeps the screen awake while a ticket is held up at the door, and lets the code fill it. */
"use strict";
(() => {
  const large = document.getElementById("large");
  const enlarge = document.getElementById("enlarge");

  let lock;
  const stayAwake = async () => {
    if (document.visibilityState !== "visible" || (lock && !lock.released)) return;
    try {
      lock = await navigator.wakeLock.request("screen");
    } catch {
      // the battery is low, or the browser will not: the page is as good without
    }
  };
  if ("wakeLock" in navigator) {
    document.addEventListener("visibilitychange", stayAwake);
    stayAwake();
  }

  enlarge.hidden = false;
  enlarge.addEventListener("click", () => {
    large.showModal();
    large.requestFullscreen?.().catch(() => {});
  });
  const leave = () => document.fullscreenElement && document.exitFullscreen();
  document.getElementById("shrink").addEventListener("click", () => large.close());
  large.addEventListener("close", leave);
  // Esc and the phone's own way out of full screen end both.
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement && large.open) large.close();
  });
})();
