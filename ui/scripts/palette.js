// The command palette: Ctrl-K (or ⌘K) opens it, arrows move through the hits, Enter follows one. The hits of half a
// word are somebody else's: an Enter that comes before the answer to what was typed waits for that answer.
import htmx from "htmx.org";

export function palette() {
  return {
    answered: "", // the text whose hits are shown
    follows: false, // whether Enter was pressed before the answer to the text had come

    init() {
      document.addEventListener("keydown", (event) => {
        if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          this.$root.showModal();
        }
      });
      this.$root.addEventListener("htmx:after:swap", (event) => {
        const { searchParams } = new URL(event.detail.ctx.request.action, document.baseURI);
        this.answered = searchParams.get("q");
        this.mark(0);
        if (this.follows && this.isCurrent()) this.follow();
      });
      this.$root.addEventListener("input", () => (this.follows = false));
      // Before it opens: "toggle" comes later, on a busy machine after the first letters; and who closes and opens it
      // again at once gives it a focus that it never lost.
      this.$root.addEventListener("beforetoggle", () => this.input().select());
      this.$root.addEventListener("toggle", (event) => {
        if (event.newState === "open") htmx.trigger(this.input(), "opened");
      });
    },

    input() {
      return this.$root.querySelector("input");
    },

    isCurrent() {
      return this.answered === this.input().value;
    },

    hits() {
      return [...this.$root.querySelectorAll("[data-path]")];
    },

    at() {
      return this.hits().findIndex((hit) => hit.getAttribute("aria-selected") === "true");
    },

    mark(at) {
      const hits = this.hits();
      const input = this.input();
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

    // An Enter that ends the composing of a word (as Chinese is typed) chooses nothing.
    enter(event) {
      if (event.isComposing) return;
      this.follows = !this.isCurrent();
      if (!this.follows) this.follow();
    },

    follow() {
      this.follows = false;
      const hit = this.hits()[Math.max(this.at(), 0)];
      if (hit) window.location.assign(hit.dataset.path);
    },

    choose(event) {
      const hit = event.target.closest("[data-path]");
      if (hit) window.location.assign(hit.dataset.path);
    },
  };
}
