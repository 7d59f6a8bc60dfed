// The portal stays small: its pages work without this.
import { watchDialogs } from "./dialogs.js";
import { watchMenus } from "./menus.js";
import { watchToasts } from "./toasts.js";

watchMenus();
watchDialogs();
watchToasts();
if ("serviceWorker" in navigator) {
  window.addEventListener("load", () => navigator.serviceWorker.register("/worker.js", { scope: "/me" }));
}
