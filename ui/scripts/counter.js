// The counter: what a scanner types finds its field wherever the focus is, and what was done or refused is heard.
const MUTED = "rgl_muted";
// Tones in Hz, one after another, each so many seconds: up for done, down and lower for refused.
const TONES = { done: [[660, 0.09], [880, 0.14]], refused: [[220, 0.16], [165, 0.26]] };
const VOLUME = 0.12;

export function watchCounter() {
  const mute = document.querySelector("[data-mutes]");
  if (!mute) return;
  watchWedge();
  watchMute(mute);
  sound();
}

// A keyboard-wedge scanner is a fast typist that ends with Enter: its first sign takes the focus to the field.
function watchWedge() {
  document.addEventListener("keydown", (event) => {
    const field = document.querySelector("[data-wedge] input[name=code]");
    const elsewhere = event.target.closest("input, textarea, select, dialog[open]");
    const isSign = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (field && !elsewhere && isSign) field.focus();
  });
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

function sound() {
  const tones = TONES[document.querySelector("[data-signal]")?.dataset.signal];
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (!tones || still || localStorage.getItem(MUTED) === "yes") return;
  const audio = new AudioContext();
  let at = audio.currentTime;
  for (const [frequency, seconds] of tones) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(VOLUME, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
  document.documentElement.dataset.sounded = document.querySelector("[data-signal]").dataset.signal;
}
