/* The scanner page without reloading: type, scan with a hand scanner or the camera; the focus is always back in the
   field. Without a network scans are judged and kept by scan_offline.js. Without this file the form posts itself. */
"use strict";
(() => {
  const offline = window.banyanOffline;
  const form = document.getElementById("scan");
  const field = document.getElementById("token");
  const stop = document.getElementById("stop_seq");
  const verdict = document.getElementById("verdict");
  const queued = document.getElementById("queue");
  const sound = document.getElementById("sound");
  const user = form.dataset.user;
  const tripId = form.elements.trip_id.value;
  const SIGNS = { ok: "✓", already_used: "↻" };
  const STATES = { ok: "good", already_used: "again" };
  const REFRESH_MS = 60000, BRING_MS = 15000, LOOK_MS = 200, SAME_MS = 4000, TIMEOUT_MS = 6000;

  const words = (name) => document.querySelector(`#words [data-word="${name}"]`);
  const word = (name) => words(name)?.textContent ?? name;
  const clock = new Intl.DateTimeFormat(form.dataset.locale, { dateStyle: "medium", timeStyle: "short", timeZone: form.dataset.zone });

  const line = (text, className) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    if (className) paragraph.className = className;
    return paragraph;
  };

  const show = (reason, { title, seat, name, note, at } = {}) => {
    const big = line(title ?? word(reason), "verdict-word");
    const icon = document.createElement("span");
    icon.className = "verdict-icon";
    icon.ariaHidden = "true";
    icon.textContent = SIGNS[reason] ?? "✕";
    big.prepend(icon);
    const lines = [big];
    if (seat) lines.push(line([`${word("seat")} ${seat}`, name].filter(Boolean).join(" · "), "figure"));
    if (reason !== "ok" || note) lines.push(line(note ?? words(reason)?.dataset.sentence ?? ""));
    if (at) lines.push(line(clock.format(new Date(at))));
    verdict.dataset.state = STATES[reason] ?? "bad";
    verdict.replaceChildren(...lines);
    beep(reason === "ok");
  };

  let speaker;
  const beep = (good) => {
    if (!sound.checked) return;
    speaker ??= new AudioContext();
    const tone = speaker.createOscillator();
    tone.frequency.value = good ? 880 : 220;
    tone.connect(speaker.destination);
    tone.start();
    tone.stop(speaker.currentTime + (good ? 0.12 : 0.45));
  };

  /* The answer, or null without a network or where nobody answers behind the edge. */
  const post = async (path, body, again = true) => {
    let answer;
    try {
      answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      return null;
    }
    if (answer.status === 401 && again) {
      await fetch("/api/auth/refresh", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"cookie": true}' });
      return post(path, body, false);
    }
    if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    return answer.status >= 502 ? null : answer;
  };

  const scan = async (token, action) => {
    const stopSeq = stop?.value ? Number(stop.value) : null;
    const nonce = offline.newNonce();
    const shown = { token, trip_id: tripId, stop_seq: stopSeq };
    const checksIn = action !== "verify";
    const answer = checksIn
      ? await post("/api/check-ins", { ...shown, nonce, device_id: offline.deviceId() })
      : await post("/api/qr/verify", shown);
    if (!answer) return judgeHere(shown, nonce, checksIn);
    const body = await answer.json();
    if (answer.ok && checksIn) {
      offline.markUsed(token, tripId);
      return show("ok", { title: word("checked-in"), seat: body.seat, name: body.passenger_name });
    }
    const told = checksIn ? body.verdict : body;
    if (!told?.reason) return show("failed", { note: body.detail });
    return show(told.reason, { seat: told.seat, name: told.passenger_name, at: told.checked_in_at });
  };

  const judgeHere = async (shown, nonce, checksIn) => {
    const told = await offline.judge(shown.token, tripId, shown.stop_seq, user);
    if (!told) return show("failed", { note: word("no-list") });
    const note = told.unchecked ? word("unchecked") : undefined;
    if (told.reason !== "ok" || !checksIn) return show(told.reason, { seat: told.seat, at: told.checked_in_at, note });
    offline.keep(user, { ...shown, nonce, device_id: offline.deviceId(), scanned_at: new Date().toISOString() });
    showQueue();
    return show("ok", { title: word("checked-in"), seat: told.seat, note: [word("offline"), note].filter(Boolean).join(" ") });
  };

  const showQueue = (counts) => {
    const waiting = offline.queue(user).length;
    const apart = offline.apart(user).length;
    const said = [];
    if (waiting) said.push(`${word("waiting")} ${waiting}`);
    if (counts?.items.length) {
      said.push(`${word("brought")} ${counts.items.length}`);
      if (counts.duplicates) said.push(`${word("of-them-duplicates")} ${counts.duplicates}`);
      if (counts.refused) said.push(`${word("of-them-refused")} ${counts.refused}`);
    }
    if (apart) said.push(`${word("apart")} ${apart}`);
    queued.textContent = said.join(" · ");
    queued.hidden = !said.length;
    queued.classList.toggle("bad", Boolean(counts?.duplicates || counts?.refused || apart));
  };

  const bring = async () => {
    try {
      for (let counts = await offline.bring(user); counts; counts = await offline.bring(user)) showQueue(counts);
    } catch {
      // still no network
    }
  };
  const refresh = () => offline.refresh(tripId).catch(() => {});

  let turn = Promise.resolve();
  const enqueue = (token, action) => {
    turn = turn.then(() => scan(token, action)).catch(() => show("failed", {}));
    return turn;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = field.value;
    field.value = "";
    field.focus();
    if (token.trim()) enqueue(token, event.submitter?.value);
  });
  document.getElementById("departure").addEventListener("change", (event) => event.target.form.requestSubmit());

  // The camera, where the browser reads codes by itself.
  const camera = document.getElementById("camera");
  const view = document.getElementById("view");
  let stream, last = { token: "", at: 0 };
  const stopCamera = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = undefined;
    view.hidden = true;
    camera.textContent = camera.dataset.start;
    field.focus();
  };
  const startCamera = async (detector) => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return show("failed", { note: word("no-camera") });
    }
    view.srcObject = stream;
    view.hidden = false;
    await view.play();
    camera.textContent = camera.dataset.stop;
    const look = async () => {
      if (!stream) return;
      const [code] = await detector.detect(view).catch(() => []);
      const token = code?.rawValue;
      if (token && (token !== last.token || Date.now() - last.at > SAME_MS)) {
        last = { token, at: Date.now() };
        await enqueue(token, "check-in");
        last.at = Date.now();
      }
      setTimeout(look, LOOK_MS);
    };
    return look();
  };
  if ("BarcodeDetector" in window && navigator.mediaDevices) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    camera.hidden = false;
    camera.dataset.start = camera.textContent;
    camera.addEventListener("click", () => (stream ? stopCamera() : startCamera(detector)));
  }

  document.getElementById("comfort").hidden = false;
  addEventListener("online", () => { bring(); refresh(); });
  setInterval(bring, BRING_MS);
  setInterval(refresh, REFRESH_MS);
  showQueue();
  bring();
  refresh();
})();
