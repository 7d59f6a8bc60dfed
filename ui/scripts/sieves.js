// A field above a long list of boxes to tick: what does not contain the text is hidden, but for what is ticked.
export function watchSieves() {
  for (const field of document.querySelectorAll("input[data-sieve]")) field.hidden = false; // useless without us

  const sift = (field) => {
    const text = field.value.trim().toLocaleLowerCase();
    for (const label of document.getElementById(field.dataset.sieve).querySelectorAll("label")) {
      const stays = label.textContent.toLocaleLowerCase().includes(text) || label.querySelector("input").checked;
      label.hidden = !stays;
    }
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches("input[data-sieve]")) sift(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input[data-sieve]")) event.preventDefault(); // sends no form
  });
}
