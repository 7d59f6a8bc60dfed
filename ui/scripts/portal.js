// The portal stays small: its pages work without this.
import { forgetCard, showCard } from "./card.js";
import { watchDialogs } from "./dialogs.js";
import { watchMenus } from "./menus.js";
import { watchSending } from "./sending.js";
import { watchToasts } from "./toasts.js";

showCard();
forgetCard();
watchMenus();
watchDialogs();
watchToasts();
watchSending();
if ("serviceWorker" in navigator) {
  window.addEventListener("load", () => navigator.serviceWorker.register("/worker.js", { scope: "/portal" }));
}
