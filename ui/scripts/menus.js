// Menus are <details>: this closes them when the attention goes elsewhere.
export function watchMenus() {
  const close = (menu) => menu.removeAttribute("open");
  const open = () => document.querySelectorAll("details[data-menu][open]");

  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) close(menu);
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) close(menu);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      close(menu);
      menu.querySelector("summary").focus();
    }
  });
}
