// A file goes up in parts, the last one first: so what has arrived tells the server how many there are, and what was
// interrupted goes on where it stopped. Without scripts the form sends a small file whole.
const TRIES = 4;
const PAUSE_MS = 500;

export function watchUploads() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset?.uploads) return;
    event.preventDefault();
    if (!form.dataset.sending) send(form, form.elements.file.files[0]);
  });
}

async function send(form, file) {
  const size = Number(form.dataset.partBytes);
  const parts = Math.ceil(file.size / size);
  const known = Number(form.dataset.parts ?? 0);
  say(form, "");
  if (file.size > Number(form.dataset.limit)) return say(form, "large");
  if (parts === 0) return say(form, "empty");
  if (known && !isTheSame(form, file, parts, size)) return say(form, "other");
  show(form, true);
  try {
    const path = form.dataset.uploads === "new" ? await begin(form, file) : form.dataset.uploads;
    if (!path) return;
    for (let number = known ? Number(form.dataset.missing) : parts; number >= 1; number--) {
      move(form, parts - number, parts);
      await post(`${path}/parts/${number}`, file.slice((number - 1) * size, number * size));
    }
    move(form, parts, parts);
    location.assign(path);
  } catch {
    say(form, "broken");
    if (form.dataset.begun) location.assign(form.dataset.begun); // there it is gone on with
  }
}

function isTheSame(form, file, parts, size) {
  const { name, parts: known, lastBytes } = form.dataset;
  return file.name === name && parts === Number(known) && file.size - (parts - 1) * size === Number(lastBytes);
}

async function begin(form, file) {
  const body = new FormData(form);
  body.delete("file");
  body.set("name", file.name);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
  const told = await answer.json();
  if (!answer.ok) {
    form.querySelector('[data-upload-says="refused"]').textContent = told.problem;
    say(form, "refused");
    return "";
  }
  form.dataset.begun = told.path;
  return told.path;
}

// A part that is sent again replaces the one before, so whatever broke off is simply sent anew.
async function post(path, content) {
  for (let tried = 1; ; tried++) {
    try {
      const answer = await fetch(path, { method: "POST", body: content });
      if (answer.ok) return;
      throw new Error(String(answer.status));
    } catch (error) {
      if (tried === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** tried));
    }
  }
}

function say(form, what) {
  for (const one of form.querySelectorAll("[data-upload-says]")) one.hidden = one.dataset.uploadSays !== what;
  if (what) show(form, false);
}

function show(form, sending) {
  form.querySelector("[data-upload-progress]").hidden = !sending;
  for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = sending;
  if (sending) form.dataset.sending = "yes";
  else delete form.dataset.sending;
}

function move(form, done, all) {
  const bar = form.querySelector("[data-upload-progress] progress");
  bar.max = all;
  bar.value = done;
}
