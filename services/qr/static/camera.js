/* The scanner's camera: shows what it sees, and tells of each code that comes into sight. Codes are read by the browser
   where it can; else by qr_reader.js in a worker, so that the page stays smooth, or in the page should the worker not
   start (a module that was kept for use without a network is not there for workers). */
"use strict";
window.banyanCamera = ({ reader, seen, say, ended }) => {
  const button = document.getElementById("camera");
  const torch = document.getElementById("torch");
  const sight = document.getElementById("sight");
  const view = document.getElementById("view");
  const lens = document.getElementById("lens");
  const hint = document.getElementById("no-camera");
  const LOOK_MS = 80, SAME_MS = 4000, PIXELS = 640 * 480;
  const REASONS = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing" };

  /* Ways to read a code out of the picture that is shown: each gives a function to its text, or null. */
  const byBrowser = async () => {
    const formats = "BarcodeDetector" in window ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
    if (!formats.includes("qr_code")) return null;
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async () => (await detector.detect(view))[0]?.rawValue ?? null;
  };

  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let close = false;
  /* In turn the whole picture, made smaller, and its middle as it is: near codes and far ones. */
  const takePicture = () => {
    const { videoWidth: width, videoHeight: height } = view;
    const scale = Math.min(1, Math.sqrt(PIXELS / (width * height)));
    const across = Math.round(width * scale), down = Math.round(height * scale);
    if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
    close = !close && scale < 1;
    if (close) context.drawImage(view, (across - width) / 2, (down - height) / 2);
    else context.drawImage(view, 0, 0, across, down);
    return context.getImageData(0, 0, across, down);
  };

  const byWorker = () => {
    const worker = new Worker(reader, { type: "module" });
    return () =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = reject;
        const { data, width, height } = takePicture();
        worker.postMessage({ data, width, height }, [data.buffer]);
      });
  };
  const byPage = async () => {
    const { read } = await import(reader);
    return () => read(takePicture());
  };

  /* Those are tried in this order, and one that fails is not asked again, unless it is the picture that is missing. */
  const ways = [byBrowser, byWorker, byPage];
  let look;
  const readView = async () => {
    while (ways.length) {
      try {
        look ??= await ways[0]();
        if (look) return await look();
      } catch (problem) {
        if (!isShown() && !(problem instanceof Event)) return null; // an event is the worker's, which does not come back
      }
      look = undefined;
      ways.shift();
    }
    throw new Error("nothing here reads codes");
  };
  const isShown = () => view.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;

  let stream, awake, starting = false;
  const keepAwake = async () => {
    awake = await navigator.wakeLock?.request("screen").catch(() => null);
  };

  /* A code is a new scan only when it was out of sight for a while; there may be two before the camera. */
  const lastSeen = new Map();
  const watch = async (mine) => {
    if (stream !== mine) return;
    try {
      const token = !document.hidden && isShown() ? await readView() : null;
      if (token && stream === mine) {
        if (!(Date.now() - lastSeen.get(token) < SAME_MS)) await seen(token);
        lastSeen.set(token, Date.now());
      }
    } catch {
      stop();
      hint.hidden = false;
    }
    setTimeout(watch, LOOK_MS, mine);
  };

  /* The camera that was chosen here before, else the one on the back. */
  const open = async () => {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    const chosen = localStorage.getItem("banyan.camera");
    if (chosen) {
      try {
        return await navigator.mediaDevices.getUserMedia({ video: { ...size, deviceId: { exact: chosen } } });
      } catch (problem) {
        if (problem.name === "NotAllowedError") throw problem;
        localStorage.removeItem("banyan.camera"); // unplugged, or does not work
      }
    }
    return navigator.mediaDevices.getUserMedia({ video: { ...size, facingMode: "environment" } });
  };

  const offerLenses = async (track) => {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
    const inUse = track.getSettings().deviceId;
    const named = ({ label, deviceId }, at) => new Option(label || String(at + 1), deviceId, false, deviceId === inUse);
    lens.replaceChildren(...cameras.map(named));
    lens.hidden = cameras.length < 2;
  };

  const stop = () => {
    awake?.release().catch(() => {});
    stream?.getTracks().forEach((track) => track.stop());
    stream = awake = view.srcObject = undefined;
    sight.hidden = torch.hidden = lens.hidden = true;
    torch.setAttribute("aria-pressed", "false");
    button.textContent = button.dataset.start;
  };

  const start = async () => {
    say(null);
    starting = true;
    try {
      stream = await open();
      const mine = stream, [track] = stream.getVideoTracks();
      track.addEventListener("ended", () => {
        if (stream !== mine) return;
        stop();
        say("camera-stopped");
      });
      view.srcObject = stream;
      sight.hidden = false;
      button.textContent = button.dataset.stop;
      torch.hidden = !track.getCapabilities?.().torch;
      await view.play();
      await offerLenses(track);
      keepAwake();
      watch(mine);
    } catch (problem) {
      stop();
      say(`camera-${REASONS[problem.name] ?? "busy"}`);
    }
    starting = false;
  };

  if (!navigator.mediaDevices) { // old, or a page that came unencrypted
    hint.hidden = false;
    return;
  }
  document.getElementById("cameras").hidden = false;
  button.dataset.start = button.textContent;
  button.addEventListener("click", () => {
    if (starting) return undefined;
    if (!stream) return start();
    stop();
    return ended();
  });
  lens.addEventListener("change", async () => {
    localStorage.setItem("banyan.camera", lens.value);
    stop();
    await start();
    lens.focus();
  });
  torch.addEventListener("click", async () => {
    const on = torch.getAttribute("aria-pressed") !== "true";
    try {
      await stream?.getVideoTracks()[0]?.applyConstraints({ advanced: [{ torch: on }] });
      torch.setAttribute("aria-pressed", String(on));
    } catch {
      torch.hidden = true; // it said that it could
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (!stream || document.hidden) return;
    keepAwake();
    view.play().catch(() => {}); // telephones pause it
  });
};
