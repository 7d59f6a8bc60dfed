"""Going from page to page as people do: every page looked at by axe, or walked by keyboard with the focus in sight."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import Look, Visit

MOST_TABS: Final = 60
# What has the focus: whether it is on the screen, nothing lies over it, and it looks different from when it has not.
_FOCUS: Final = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return "";  // between the last element and the first, it is the browser's
    const box = one.getBoundingClientRect();
    const said = one.outerHTML.slice(0, 120);
    if (!box.width || !box.height) return `no size: ${said}`;
    const x = Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1);
    const y = Math.min(Math.max(box.y + Math.min(box.height / 2, 20), 0), innerHeight - 1);
    if (box.bottom < 0 || box.top > innerHeight) return `off the screen: ${said}`;
    const over = document.elementFromPoint(x, y);
    if (over && !one.contains(over) && !over.contains(one)) return `hidden by ${over.outerHTML.slice(0, 120)}: ${said}`;
    const marks = () => {
        let found = "";
        for (let at = one, up = 0; at && up < 3; at = at.parentElement, up += 1) {
            const style = getComputedStyle(at);
            found += [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor,
                style.backgroundColor, style.textDecorationLine].join();
        }
        return found;
    };
    const focused = marks();
    one.blur();
    const rested = marks();
    one.focus({ preventScroll: true, focusVisible: true });
    return focused === rested ? `nothing shows the focus: ${said}` : "";
}"""


@dataclass
class Walk:
    """Looks at page after page, and keeps what is wrong with any."""

    visit: Visit
    pictures: Path
    look: Look
    found: list[str] = field(default_factory=list)

    def at(self, name: str, *, colours_only: bool = False) -> Page:
        """Look at the page as it stands: axe, no wider than the screen, a picture."""
        page = self.visit.page
        page.wait_for_load_state()
        self.visit.picture(self.pictures, f"{name}-{self.look.name}")
        self.found += [f"{name}: {violation}" for violation in self.visit.violations(colours_only=colours_only)]
        wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        cut = """() => [...document.querySelectorAll(".btn")]
            .filter((one) => one.offsetParent && one.scrollHeight > one.clientHeight + 2)
            .map((one) => one.innerText)"""
        self.found += [f"{name}: a button is too small for {text!r}" for text in page.evaluate(cut)]
        if wide > 0:
            self.found.append(f"{name} is {wide} pixels wider than the screen")
        return page

    def send(self, **fields: str) -> None:
        """Fill in fields by name and press the page's one primary button."""
        for name, value in fields.items():
            self.visit.page.fill(f"main [name={name}]", value)
        self.visit.page.click("main button.btn-primary")


@dataclass
class Keyboard:
    """Somebody without a mouse: each stop of the Tab key must be in sight."""

    page: Page
    lost: list[str] = field(default_factory=list)

    def reach(self, wanted: Locator) -> None:
        """Press Tab until the element has the focus."""
        expect(wanted).to_have_count(1)
        for _ in range(MOST_TABS):
            if wanted.evaluate("(one) => one === document.activeElement"):
                self.check()
                return
            self.page.keyboard.press("Tab")
            self.check()
        raise AssertionError(f"{MOST_TABS} tabs did not lead to {wanted}")

    def choose(self, wanted: Locator) -> None:
        """Reach a link or a button and press Enter."""
        self.reach(wanted)
        self.page.keyboard.press("Enter")

    def write(self, wanted: Locator, text: str) -> None:
        """Reach a field and type into it."""
        self.reach(wanted)
        self.page.keyboard.type(text)

    def scan(self, text: str) -> None:
        """Type as a keyboard-wedge scanner does, wherever the focus is; Enter ends."""
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def check(self) -> None:
        """Note a focus that cannot be seen."""
        said = self.page.evaluate(_FOCUS)
        if said:
            self.lost.append(f"{self.page.url}: {said}")


def found_by(*walks: Walk) -> Sequence[str]:
    """Return what was found on several walks."""
    return [finding for walk in walks for finding in walk.found]
