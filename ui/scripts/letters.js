// A framed letter is as high as what it says, at any width: nothing is cut, and nothing scrolls within the page.
export function watchLetters() {
  for (const frame of document.querySelectorAll("iframe[data-letter]")) {
    frame.addEventListener("load", () => fit(frame));
    if (frame.contentDocument?.readyState === "complete") fit(frame);
  }
  window.addEventListener("resize", () => document.querySelectorAll("iframe[data-letter]").forEach(fit));
}

function fit(frame) {
  const body = frame.contentDocument?.body;
  if (!body || body.childElementCount === 0) return; // not loaded yet
  frame.style.height = `${Math.ceil(body.getBoundingClientRect().height + margins(body)) + 1}px`;
}

function margins(body) {
  const style = styleOf(body);
  return parseFloat(style.marginTop) + parseFloat(style.marginBottom);
}

function styleOf(body) {
  return body.ownerDocument.defaultView.getComputedStyle(body);
}
