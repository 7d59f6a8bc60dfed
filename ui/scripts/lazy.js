// Large parts are loaded by the pages that show them.
import { sendCode } from "./counter.js";

export async function drawCharts(within) {
  const places = within.querySelectorAll("[data-chart]:not([data-drawn])");
  if (places.length === 0) return;
  const { draw } = await import("./chart.js");
  for (const place of places) draw(place);
}

// A button marked `data-scans="field"` lets the camera fill that field and sends its form.
export function watchScanners() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-scans]");
    if (!button) return;
    const field = document.getElementById(button.dataset.scans);
    const video = document.getElementById(button.dataset.shows);
    const { scan } = await import("./scanner.js");
    video.hidden = false;
    try {
      await scan(video, (text) => {
        video.hidden = true;
        field.value = text;
        sendCode(field);
      });
    } catch {
      video.hidden = true;
      document.getElementById(button.dataset.fails).hidden = false;
    }
  });
}
