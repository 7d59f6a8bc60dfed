// A form is sent once, however often its button is tapped. Without scripts the server takes the second tap as the first.
const LONGEST_MS = 15000; // then it may be tried again: the answer never came, or was a file

export function watchSending() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || isSentByHtmx(form)) return;
    if (form.dataset.sending) {
      event.preventDefault();
      return;
    }
    form.dataset.sending = "yes";
    setTimeout(() => settle(form, true)); // not at once: the button that was tapped belongs to what is sent
    setTimeout(() => settle(form, false), LONGEST_MS);
  });
  // Back from the next page, the browser may show this one as it was left.
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sending]")) settle(form, false);
  });
}

function settle(form, sending) {
  if (!sending) delete form.dataset.sending;
  for (const button of form.querySelectorAll("button:not([type=button])")) {
    if (sending && button.disabled) continue;
    if (!sending && !button.dataset.waits) continue;
    button.disabled = sending;
    if (sending) button.dataset.waits = "yes";
    else delete button.dataset.waits;
  }
}

function isSentByHtmx(form) {
  return form.closest("[hx-boost=true]") !== null || ["hx-post", "hx-put", "hx-delete"].some((name) => form.hasAttribute(name));
}
