// The counter: what a scanner types finds its field wherever the focus is and presses no button, and what was done or
// refused is heard.
const MUTED = "rgl_muted";
// Tones in Hz, one after another, each so many seconds: up for done, down and lower for refused.
const TONES = { done: [[660, 0.09], [880, 0.14]], refused: [[220, 0.16], [165, 0.26]] };
const VOLUME = 0.12;
const UNLOCK_MS = 300; // a browser that lets a page be heard does so well within this
const GAP_MS = 500; // between two keys of a scanner, however slow
const SHORTEST = 4;
const AMOUNT = /^\d{1,9}([.,]\d{1,4})?$/;
const CODE = /^(?=.*\d.*\d).{8,}$|@/; // a number or an address of somebody, where an amount is expected
const CARD = /^RC.{38,}$/i; // the code of a card, where an article may be scanned

export function watchCounter() {
  const mute = document.querySelector("[data-mutes]");
  if (!mute) return;
  watchScanner();
  watchMute(mute);
  const signal = document.querySelector("[data-signal]")?.dataset.signal;
  if (signal) sound(signal);
}

// A keyboard-wedge scanner is a typist that ends with Enter. Its first sign takes the focus to the field for codes; what
// it types into another field is moved there; and where there is no such field its Enter presses nothing.
function watchScanner() {
  let signs = 0;
  let at = -Infinity;
  document.addEventListener("keydown", (event) => {
    const field = document.querySelector("[data-wedge] input[name=code]");
    const typedInto = event.target.closest("input:not([type=checkbox]), textarea, select");
    const goesOn = event.timeStamp - at <= GAP_MS;
    if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) {
      signs = goesOn ? signs + 1 : 1;
      at = event.timeStamp;
      if (typedInto || event.target.closest("dialog[open]")) return;
      if (field && event.key !== " ") field.focus();
      else if (event.key === " " && signs > 1) event.preventDefault();
    } else if (event.key === "Enter" && !typedInto && goesOn && signs >= SHORTEST) {
      swallow(event);
    } else if (event.key === "Enter" && field && typedInto && typedInto !== field && isForField(typedInto)) {
      event.preventDefault();
      field.value = typedInto.value.trim();
      typedInto.value = "";
      sendCode(field);
    }
  }, true);
}

// Send what a field for codes holds: the button beside it leaves the other fields unchecked.
export function sendCode(field) {
  field.form.requestSubmit(field.closest("[data-wedge]")?.querySelector("button:not([type=button])"));
}

function isForField({ name, value }) {
  const text = value.trim();
  return name === "name" ? CARD.test(text) : CODE.test(text) && !AMOUNT.test(text);
}

function swallow(event) {
  event.preventDefault();
  event.stopPropagation();
  const said = document.querySelector("[data-swallowed]");
  if (!said) return;
  said.hidden = false;
  sound("refused");
}

function watchMute(button) {
  const show = () => {
    const muted = localStorage.getItem(MUTED) === "yes";
    button.setAttribute("aria-pressed", String(muted));
    button.querySelector("[data-loud]").hidden = muted;
    button.querySelector("[data-quiet]").hidden = !muted;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    localStorage.setItem(MUTED, localStorage.getItem(MUTED) === "yes" ? "no" : "yes");
    show();
  });
  show();
}

// Browsers let a page be heard once somebody has touched it; until then it says that it cannot be heard.
async function sound(signal) {
  if (localStorage.getItem(MUTED) === "yes") return;
  const audio = new AudioContext();
  await Promise.race([audio.resume(), new Promise((done) => setTimeout(done, UNLOCK_MS))]);
  if (audio.state === "running") return play(audio, signal);
  const blocked = document.querySelector("[data-sound-blocked]");
  blocked.hidden = false;
  const unlock = async (event) => {
    await audio.resume();
    if (audio.state !== "running") return;
    for (const gesture of ["pointerup", "keydown"]) document.removeEventListener(gesture, unlock, true);
    blocked.hidden = true;
    if (event.target.closest("[data-sound-blocked]")) play(audio, signal);
  };
  for (const gesture of ["pointerup", "keydown"]) document.addEventListener(gesture, unlock, true);
}

// The page is marked once the last tone has been played to its end, which a context that stands still never does.
function play(audio, signal) {
  let at = audio.currentTime;
  let tone;
  for (const [frequency, seconds] of TONES[signal]) {
    tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(VOLUME, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
  tone.addEventListener("ended", () => {
    if (audio.state === "running") document.documentElement.dataset.sounded = signal;
  });
}
