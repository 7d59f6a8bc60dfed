// Everything that pages of staff and shops need at once; charts and the scanner load when a page has one.
import "htmx.org";
import Alpine from "@alpinejs/csp";

import { watchCopying } from "./copying.js";
import { watchCounter } from "./counter.js";
import { watchDialogs } from "./dialogs.js";
import { watchGroups } from "./groups.js";
import { drawCharts, watchScanners } from "./lazy.js";
import { watchLetters } from "./letters.js";
import { watchMenus } from "./menus.js";
import { palette } from "./palette.js";
import { watchSending } from "./sending.js";
import { watchSieves } from "./sieves.js";
import { watchToasts } from "./toasts.js";
import { watchUploads } from "./uploads.js";

Alpine.data("palette", palette);
Alpine.start();

watchMenus();
watchGroups();
watchDialogs();
watchToasts();
watchUploads(); // before those who take what is left to the browser
watchSending();
watchScanners();
watchLetters();
watchCounter();
watchCopying();
watchSieves();
drawCharts(document);
document.addEventListener("htmx:after:swap", () => drawCharts(document));
