// Groups of the navigation are <details>: what is opened or closed stays so on the next page, in this browser. The
// server reads the cookie, so that nothing jumps while a page loads.
const NAME = "rgl_groups";
const A_YEAR_SECONDS = 365 * 24 * 3600;

export function watchGroups() {
  document.addEventListener("click", (event) => {
    const group = event.target.closest("summary")?.parentElement;
    if (!group?.dataset.group) return;
    const kept = new Map(cookie().split(".").filter(Boolean).map((one) => one.split(":")));
    kept.set(group.dataset.group, group.open ? "0" : "1"); // as it is before the click
    const text = [...kept].map((one) => one.join(":")).join(".");
    const secure = window.location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${NAME}=${text}; path=/console; max-age=${A_YEAR_SECONDS}; samesite=lax${secure}`;
  });
}

function cookie() {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${NAME}=`));
  return found ? found.slice(NAME.length + 1) : "";
}
