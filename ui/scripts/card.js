// The card shows one code after another. They are brought along for ten minutes, so that it works without network;
// with it, new ones come while half of them are left. Time is this device's, counted from when the codes arrived: its
// clock may be wrong.
import { path } from "./qr.js";

const KEPT = "card";
const FEW = 10;
const ASK_AGAIN_MS = 20_000;

export function showCard() {
  const place = document.querySelector("[data-card]");
  if (!place) return;
  const { card, made, seconds } = place.dataset;
  let stock = newest({ made: Number(made), seconds: Number(seconds), codes: card.split(" "), since: Date.now() });
  let shown;
  let asked = 0;

  const show = () => {
    const passed = (Date.now() - stock.since) / 1000;
    const number = Math.floor(passed / stock.seconds);
    const code = passed < 0 ? undefined : stock.codes[number];
    if (code && code !== shown) place.querySelector("[data-code] path").setAttribute("d", path(code));
    shown = code;
    place.querySelector("[data-code]").hidden = place.querySelector("[data-turning]").hidden = !code;
    place.querySelector("[data-spent]").hidden = Boolean(code);
    place.querySelector("[data-away]").hidden = navigator.onLine || !code;
    place.querySelector("progress").value = stock.seconds * (number + 1) - passed;
    if ((!code || stock.codes.length - number <= FEW) && navigator.onLine && Math.abs(Date.now() - asked) > ASK_AGAIN_MS) {
      asked = Date.now();
      ask();
    }
  };
  const ask = async () => {
    try {
      const answer = await fetch("/portal/card/codes", { headers: { Accept: "application/json" } });
      if (answer.status === 401) location.reload();
      if (!answer.ok) return;
      stock = keep({ ...(await answer.json()), since: Date.now() });
      show();
    } catch {
      // Without network the codes at hand go on.
    }
  };
  show();
  setInterval(show, 1000);
  for (const event of ["online", "offline", "pageshow"]) window.addEventListener(event, show);
  document.addEventListener("visibilitychange", show);
}

// Who signs out leaves no card behind on the device.
export function forgetCard() {
  if (!location.pathname.startsWith("/portal/sign-in")) return;
  localStorage.removeItem(KEPT);
  if ("caches" in window) caches.delete(KEPT);
}

// A page that was kept brings old codes along, and later ones may have come since.
function newest(brought) {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    return kept && kept.made >= brought.made ? kept : keep(brought);
  } catch {
    return brought;
  }
}

function keep(stock) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(stock));
  } catch {
    // A browser that keeps nothing shows the codes of this page.
  }
  return stock;
}
