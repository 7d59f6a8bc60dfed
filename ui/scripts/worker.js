// Keeps the scripts and styles of the portal, whose names change with their content, and the card, so that it opens
// without network. No other page is kept: what they show is the member's, and true only now.
const ASSETS = "assets";
const CARD = "card";
const HOME = "/portal";

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(fetchCard().catch(() => undefined));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/assets/")) event.respondWith(asset(request));
  else if (request.mode === "navigate" && url.pathname === HOME) event.respondWith(card(request));
});

async function asset(request) {
  const cache = await caches.open(ASSETS);
  const found = await cache.match(request, { ignoreVary: true });
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

async function card(request) {
  try {
    const answer = await fetch(request);
    // Who is sent to sign in is nobody's member here any more.
    if (answer.ok) await keepCard(answer.clone());
    else if (answer.type === "opaqueredirect") await caches.delete(CARD);
    return answer;
  } catch (failure) {
    const found = await (await caches.open(CARD)).match(HOME, { ignoreVary: true });
    if (found) return found;
    throw failure;
  }
}

async function fetchCard() {
  const answer = await fetch(HOME, { redirect: "manual", headers: { Accept: "text/html" } });
  if (answer.ok) await keepCard(answer);
}

// Keeps the page with all that it needs, and lets go of assets that it names no more.
async function keepCard(answer) {
  const text = await answer.clone().text();
  await (await caches.open(CARD)).put(HOME, answer);
  const cache = await caches.open(ASSETS);
  const needed = new Set([...text.matchAll(/"(\/assets\/[^"#]+)/g)].map(([, path]) => path));
  for (const path of needed) if (!(await cache.match(path, { ignoreVary: true }))) await cache.add(path);
  for (const kept of await cache.keys()) if (!needed.has(new URL(kept.url).pathname)) await cache.delete(kept);
}
