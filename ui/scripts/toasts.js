// Toasts come with the page, or with an answer of htmx that triggers `notice`. Good news leaves by itself.
const SHOWN_MS = 6000;

export function watchToasts() {
  const place = document.getElementById("toasts");
  if (!place) return;
  for (const toast of place.children) tend(toast);
  place.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismisses]")) event.target.closest("[data-toast]").remove();
  });
  document.addEventListener("notice", (event) => {
    const { text, tone } = event.detail;
    const template = document.getElementById(`toast-${tone}`);
    const toast = template.content.firstElementChild.cloneNode(true);
    toast.querySelector("[data-text]").textContent = text;
    place.append(toast);
    tend(toast);
  });
}

function tend(toast) {
  if (toast.dataset.toast !== "success") return;
  let timer;
  const wait = () => (timer = setTimeout(() => toast.remove(), SHOWN_MS));
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("focusin", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", wait);
  wait();
}
