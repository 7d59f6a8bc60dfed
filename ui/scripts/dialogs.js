// `data-opens="id"` opens a <dialog>, `data-closes` closes the one around it; a click beside it closes it too.
// A dialog marked `data-open` (a form that came back with problems) opens by itself.
export function watchDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens).showModal();
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog").close();
    if (event.target instanceof HTMLDialogElement) event.target.close();
  });
  openWhatCameBack();
  document.addEventListener("htmx:after:swap", openWhatCameBack);
}

function openWhatCameBack() {
  for (const dialog of document.querySelectorAll("dialog[data-open]:not([open])")) {
    dialog.removeAttribute("data-open");
    dialog.showModal();
  }
}
