"""A Chromium of this machine, and pages in it that tell on whatever goes wrong."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, BrowserType, ConsoleMessage, Page, Playwright, Request
from playwright.sync_api import Error as PlaywrightError

from tests.architecture.source import ROOT

QUIET = "/health"  # of the site, no page, and quickly there
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# The first draws as the others do, without a screen: a third less work.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Nothing of the browser's own goes out into the network; the sandbox needs rights that a container lacks.
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Each page is a new world to its scripts, and axe is given to each: what an optimising compiler made of it for one
    # page is thrown away with it, and took a quarter of the renderer's work.
    "--js-flags=--no-maglev --no-opt",
]


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium of this machine. Raises RuntimeError with the remedy if there is none."""
    return _launch(playwright.chromium, _ARGUMENTS)


def launch_with_camera(like: Browser, film: Path) -> Browser:
    """Start another one whose camera sees a film (YUV4MPEG2), over and over, and whose user lets it be used."""
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    return _launch(like.browser_type, [*_ARGUMENTS, *camera, f"--use-file-for-fake-video-capture={film}"])


def _launch(kind: BrowserType, arguments: list[str]) -> Browser:
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        raise RuntimeError("The browser tests need Chromium. Debian: apt-get install chromium-headless-shell")
    return kind.launch(executable_path=found, args=arguments)


@dataclass(frozen=True, slots=True)
class Look:
    """Through which eyes a page is looked at."""

    width: int = 1440
    theme: str = "light"
    language: str = "en"

    @property
    def name(self) -> str:
        """What a picture taken so is called."""
        return f"{self.width}-{self.theme}-{self.language}"


@dataclass
class Visit:
    """A page, and what went wrong on it: errors on the console, bugs in scripts, requests to other machines."""

    page: Page
    address: str
    troubles: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)

    def open(self, path: str) -> Page:
        """Open a page of the product and wait until it is loaded."""
        self.page.goto(self.address + path)
        return self.page

    def watch(self, context: BrowserContext) -> None:
        """Note every trouble from now on."""
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.troubles.append(f"script: {error.error}"))
        context.on("request", self._on_request)

    def violations(self, *, colours_only: bool = False) -> list[str]:
        """Let axe look at the page as it stands; return what it finds, one line a place.

        `colours_only` is for a page that was looked at whole in its other theme.
        """
        # A letter is shown in a frame of ours: it has no landmarks of its own, but all that WCAG asks for.
        rules = {"whole": RULES, "without main": RULES[:-1], "colours": COLOUR_RULES}
        looking = (_LOOKED_AT, [rules, colours_only])
        found: list[dict[str, Any]] | None = self.page.evaluate(*looking)
        if found is None:
            self.page.add_init_script(_AT_THE_TOP.format(AXE.read_text(encoding="utf-8")))  # of the pages to come
            self.page.add_script_tag(path=AXE)
            found = self.page.evaluate(*looking)
            assert found is not None
        return [
            f"{one['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary'].splitlines()[-1].strip()}"
            for one in found
            for node in one["nodes"]
        ]

    def picture(self, folder: Path, name: str) -> None:
        """Photograph the whole page, if somebody wants pictures: that takes as long as all the rest."""
        if not os.environ.get("PICTURES"):
            return
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True, animations="disabled")

    def _on_console(self, message: ConsoleMessage) -> None:
        refused = [f"status of {status} " for status in self.expected_statuses]
        if message.type == "error" and not any(said in message.text for said in refused):
            self.troubles.append(f"console: {message.text} ({message.location['url']})")

    def _on_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme in {"http", "https"} and not request.url.startswith(self.address):
            self.troubles.append(f"left the machine: {request.url}")


# Nobody looks at what a program reads.
_AT_THE_TOP = f"""if (window === window.top && !["blank", "{QUIET}"].includes(location.pathname)) {{{{ {{}} }}}}"""
# Colours must have arrived where they fade to before contrast is measured. Only what is wrong is brought back.
_LOOKED_AT = """async ([rules, coloursOnly]) => {
    if (!("axe" in window)) return null;
    await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => null)));
    const which = coloursOnly ? "colours" : document.querySelector("main") ? "whole" : "without main";
    return (await axe.run(document, { runOnly: rules[which], resultTypes: ["violations"] })).violations;
}"""

Visiting = Callable[..., Any]


@contextmanager
def visiting(browser: Browser, address: str, look: Look, **options: Any) -> Iterator[Visit]:  # noqa: ANN401 - playwright's
    """Give a fresh browser profile with an empty page; at the end nothing may have gone wrong."""
    context = browser.new_context(
        viewport={"width": look.width, "height": 900},
        color_scheme="dark" if look.theme == "dark" else "light",
        locale="zh-CN" if look.language == "zh" else "en-GB",
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(15_000)
    visit = Visit(context.new_page(), address)
    visit.watch(context)
    try:
        yield visit
        assert visit.troubles == [], visit.troubles
    except PlaywrightError as error:
        error.add_note(f"at {visit.page.url}, which reads: {visit.page.inner_text('body', timeout=1000)[:2000]}")
        raise
    finally:
        context.close()
