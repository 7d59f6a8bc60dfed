"""The camera: one Chromium, a browser profile for each person and look, a picture of each scene."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.browser.chromium import Look, Visit, launch
from tests.photos.acts import Scene
from tests.photos.walks import Programme

_PATIENCE_MS: Final = 15_000
_WIDER: Final = "() => document.documentElement.scrollWidth - window.innerWidth"
# A button whose text does not fit into it.
_CUT: Final = """() => [...document.querySelectorAll(".btn")]
    .filter((one) => one.offsetParent && one.scrollHeight > one.clientHeight + 2)
    .map((one) => one.innerText)"""
# Charts are drawn once they are seen, and pictures that are not there yet would be missing.
_DRAWN: Final = """async () => {
    await document.fonts.ready;
    const charts = [...document.querySelectorAll("[data-canvas]")];
    for (const one of charts) one.scrollIntoView();
    window.scrollTo(0, 0);
    const drawn = () => charts.every((one) => one.querySelector("svg, canvas"));
    for (let tries = 0; tries < 40 && !drawn(); tries += 1) await new Promise((go) => setTimeout(go, 50));
}"""


@dataclass
class Camera:
    """Takes pictures into a folder and keeps what it noticed; `is_strict`: what axe finds as well."""

    browser: Browser
    folder: Path
    is_strict: bool = False
    noticed: list[str] = field(default_factory=list)
    taken: list[tuple[Scene, Look]] = field(default_factory=list)

    def shoot(self, programme: Programme, scenes: Sequence[Scene], look: Look, tell: Callable[[str], object]) -> None:
        """Take the scenes of one programme in one look."""
        for who in sorted({scene.who for scene in scenes}):
            if who in programme.cookies and who not in {"nobody", "device"}:
                programme.speak(who, look.language)
            with self._profile(programme, who, look) as context:
                for scene in (one for one in scenes if one.who == who):
                    tell(f"{scene.name} {look.name}")
                    self._take(context.new_page(), programme, scene, look)

    def window(self, programme: Programme, who: str, path: str, look: Look, *, height: int, file: Path) -> None:
        """Photograph what is seen of a page without scrolling."""
        with self._profile(programme, who, look) as context:
            page = context.new_page()
            page.set_viewport_size({"width": look.width, "height": height})
            page.goto(programme.address + path)
            page.evaluate(_DRAWN)
            page.screenshot(path=file, animations="disabled")

    @contextmanager
    def _profile(self, programme: Programme, who: str, look: Look) -> Iterator[BrowserContext]:
        context = self.browser.new_context(
            viewport={"width": look.width, "height": 844 if look.width < 600 else 1000},
            color_scheme="dark" if look.theme == "dark" else "light",
            locale="zh-CN" if look.language == "zh" else "en-GB",
            reduced_motion="reduce",
            service_workers="block",
            bypass_csp=self.is_strict,
        )
        context.set_default_timeout(_PATIENCE_MS)
        kept = {**programme.cookies[who], "rgl_language": look.language}
        context.add_cookies([{"name": name, "value": text, "url": programme.address} for name, text in kept.items()])
        try:
            yield context
        finally:
            context.close()

    def _take(self, page: Page, programme: Programme, scene: Scene, look: Look) -> None:
        path = self.folder / scene.name / f"{look.name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        page.on("pageerror", lambda error: self.noticed.append(f"{scene.name} {look.name}: script: {error}"))
        try:
            page.goto(programme.address + scene.path.format_map(programme.facts))
            if scene.act is not None:
                scene.act(page, programme.facts)
            page.wait_for_load_state("load")
            page.evaluate(_DRAWN)
            page.screenshot(path=path, full_page=True, animations="disabled")
            wide, cut = page.evaluate(_WIDER), page.evaluate(_CUT)
            found = Visit(page, programme.address).violations() if self.is_strict else []
        except (Error, KeyError) as error:
            self.noticed.append(f"{scene.name} {look.name}: {str(error).splitlines()[0]}")
            return
        finally:
            page.close()
        self.noticed += [f"{scene.name} {look.name}: {one}" for one in found]
        self.noticed += [f"{scene.name} {look.name}: a button is too small for {text!r}" for text in cut]
        if wide > 0:
            self.noticed.append(f"{scene.name} {look.name}: {wide} pixels wider than the screen")
        self.taken.append((scene, look))


@contextmanager
def camera(folder: Path, *, is_strict: bool = False) -> Iterator[Camera]:
    """Give a camera that puts its pictures into a folder."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            yield Camera(browser, folder, is_strict)
        finally:
            browser.close()


def contact_sheet(folder: Path) -> Path:
    """Write a page that shows every picture in the folder, each opening in full; return its path."""
    parts = ['<!doctype html><html lang="en"><meta charset="utf-8"><title>Photos</title><style>']
    parts.append("body{font:14px system-ui;margin:2rem}section{margin:0 0 2rem}div{display:flex;gap:1em;overflow:auto}")
    parts.append("figure{margin:0}img{height:320px;border:1px solid #ccc}figcaption{color:#555}</style><h1>Photos</h1>")
    for scene in sorted({path.parent for path in folder.rglob("*-*-*.png")}):
        name = scene.relative_to(folder).as_posix()
        parts.append(f"<section><h2>{escape(name)}</h2><div>")
        for path in sorted(scene.glob("*-*-*.png"), key=lambda one: (int(one.stem.split("-")[0]), one.stem)):
            file = escape(path.relative_to(folder).as_posix())
            parts.append(
                f'<figure><a href="{file}"><img loading="lazy" src="{file}" alt="{escape(name)}, {path.stem}"></a>'
                f"<figcaption>{path.stem}</figcaption></figure>"
            )
        parts.append("</div></section>")
    sheet = folder / "index.html"
    sheet.write_text("\n".join(parts), encoding="utf-8")
    return sheet
