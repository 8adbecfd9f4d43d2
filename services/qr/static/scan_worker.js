/* The scanner's service worker: a reload without a network finds the page again, and what belongs to it.
   Pages come from the network while there is one; the last that came are kept, and forgotten as soon as the
   server sends their reader elsewhere (to log in, say). They name departures and stops, but no passengers. */
"use strict";
const PAGES = "banyan-scan-pages";
const FILES = "banyan-scan-files";
const PATIENCE_MS = 4000;
const MOST_PAGES = 5;

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === "/scan") event.respondWith(page(event, url));
  else if (url.pathname.startsWith("/static/") && url.searchParams.has("v")) event.respondWith(file(request));
});

/* The page's own word on its first visit, which this worker did not see. */
addEventListener("message", (event) => event.waitUntil(keepVisit(event.data)));

const page = async (event, url) => {
  const fresh = fetch(event.request).then(async (answer) => {
    await note(url, answer);
    return answer;
  });
  event.waitUntil(fresh.catch(() => {}));
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const answer = await Promise.race([fresh, late]).catch(() => null);
  if (answer && answer.status < 500) return answer;
  return (await kept(url)) ?? answer ?? fresh;
};

/* Without a departure named, the one that was looked at last. */
const kept = async (url) => {
  const pages = await caches.open(PAGES);
  const known = await pages.match(url, { ignoreVary: true });
  if (known || url.searchParams.get("trip_id")) return known;
  const last = (await pages.keys()).at(-1);
  return last && pages.match(last, { ignoreVary: true });
};

const note = async (url, answer) => {
  const pages = await caches.open(PAGES);
  if (answer.type === "opaqueredirect" || [401, 403, 404].includes(answer.status)) return caches.delete(PAGES);
  if (!answer.ok || !answer.headers.get("Content-Type")?.startsWith("text/html")) return undefined;
  // All of it first: a network that goes away meanwhile must not take the page that is kept with it.
  const headers = new Headers(answer.headers);
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name); // it is unpacked
  const copy = new Response(await answer.clone().arrayBuffer(), { headers });
  await pages.delete(url, { ignoreVary: true }); // so that it is the last of the keys
  await pages.put(url, copy);
  const old = (await pages.keys()).slice(0, -MOST_PAGES);
  return Promise.all(old.map((request) => pages.delete(request, { ignoreVary: true })));
};

/* Named with a hash of what is in it, a file never changes. */
const file = async (request) => {
  const files = await caches.open(FILES);
  const known = await files.match(request, { ignoreVary: true });
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) await files.put(request, answer.clone());
  return answer;
};

const keepVisit = async ({ address, files: wanted, seen }) => {
  const files = await caches.open(FILES);
  for (const request of await files.keys()) {
    if (!wanted.includes(request.url)) await files.delete(request, { ignoreVary: true });
  }
  await Promise.all(wanted.map((each) => file(new Request(each))));
  if (!seen) await note(new URL(address), await fetch(address, { redirect: "manual" }));
};
