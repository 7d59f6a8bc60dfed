// The command palette: Ctrl-K (or ⌘K) opens it, arrows move through the hits, Enter follows one.
import htmx from "htmx.org";

export function palette() {
  return {
    init() {
      document.addEventListener("keydown", (event) => {
        if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          this.$root.showModal();
        }
      });
      this.$root.addEventListener("htmx:after:swap", () => this.mark(0));
      this.$root.addEventListener("toggle", (event) => {
        if (event.newState !== "open") return;
        const input = this.$root.querySelector("input");
        input.select();
        htmx.trigger(input, "opened");
      });
    },

    hits() {
      return [...this.$root.querySelectorAll("[data-path]")];
    },

    at() {
      return this.hits().findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    },

    mark(at) {
      const hits = this.hits();
      const input = this.$root.querySelector("input");
      hits.forEach((hit, index) => hit.setAttribute("aria-selected", String(index === at)));
      if (hits[at]) {
        hits[at].scrollIntoView({ block: "nearest" });
        input.setAttribute("aria-activedescendant", hits[at].id);
      } else input.removeAttribute("aria-activedescendant");
    },

    down() {
      this.mark(Math.min(this.at() + 1, this.hits().length - 1));
    },

    up() {
      this.mark(Math.max(this.at() - 1, 0));
    },

    follow() {
      const hit = this.hits()[Math.max(this.at(), 0)];
      if (hit) window.location.assign(hit.dataset.path);
    },

    choose(event) {
      const hit = event.target.closest("[data-path]");
      if (hit) window.location.assign(hit.dataset.path);
    },
  };
}
