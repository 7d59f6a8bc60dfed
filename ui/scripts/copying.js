// A button with `data-copies="id"` copies what stands there; it stays hidden where the browser lets no page do that.
export function watchCopying() {
  if (!navigator.clipboard) return;
  show();
  document.addEventListener("htmx:after:swap", show);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copies]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    document.dispatchEvent(new CustomEvent("notice", { detail: { text: button.dataset.copied, tone: "success" } }));
  });
}

function show() {
  for (const button of document.querySelectorAll("[data-copies][hidden]")) button.hidden = false;
}
