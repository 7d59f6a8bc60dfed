"""`python -m tests.photos`: photograph the pages; see `--help`."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Final

import httpx

from regulars.demo.people import demo_password
from regulars.platform.settings import Settings
from tests.architecture.source import ROOT
from tests.browser.chromium import Look
from tests.faults.product import Product, free_port, product_at, until
from tests.photos import readme
from tests.photos.camera import Camera, camera, contact_sheet
from tests.photos.deeds import Deeds, backups_of
from tests.photos.scenes import SCENES
from tests.photos.walks import Programme, begin_demo, begin_empty

WIDTHS: Final = (390, 820, 1440)
THEMES: Final = ("light", "dark")
LANGUAGES: Final = ("en", "zh")
STATES: Final = ("data", "empty", "error")
FOLDER: Final = ROOT / "photos"
_KEPT: Final = ROOT / ".cache" / "photos"
_A_YEAR_SECONDS: Final = 1_200
_EXAMPLE: Final = ROOT / "docs" / "examples" / "programme.toml"


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the pictures that are asked for; exit code 1 if something was noticed that is not right."""
    given = _parser().parse_args(arguments)
    looks = [
        Look(width, theme, language)
        for language in given.language or LANGUAGES
        for theme in given.theme or THEMES
        for width in given.width or WIDTHS
    ]
    scenes = [
        scene
        for found in SCENES.values()
        for scene in found
        if scene.state in (given.state or STATES) and scene.name.startswith(tuple(given.page or [""]))
    ]
    if given.readme:
        with camera(given.folder) as taking, demo_at(given.home, given.address) as programme:
            readme.take(programme, taking, tell=_tell)
        return 0
    began = perf_counter()
    with camera(given.folder, is_strict=given.axe) as taking:
        for empty in (False, True):
            chosen = [scene for scene in scenes if (scene.state == "empty") is empty]
            if chosen:
                with _empty() if empty else demo_at(given.home, given.address) as programme:
                    if not empty:
                        Deeds(programme, given.home).done()
                    for look in looks:
                        taking.shoot(programme, chosen, look, tell=_tell if given.verbose else lambda _: None)
        return _say(taking, given.folder, perf_counter() - began)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("make photos", description="Photograph every page, as each person sees it.")
    parser.add_argument("--page", action="append", help="only those whose names begin so: console/member")
    parser.add_argument("--width", type=int, action="append", choices=WIDTHS)
    parser.add_argument("--theme", action="append", choices=THEMES)
    parser.add_argument("--language", action="append", choices=LANGUAGES)
    parser.add_argument("--state", action="append", choices=STATES)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--home", type=Path, default=_KEPT / "demo", help="the demo's REGULARS_HOME")
    parser.add_argument("--address", help="where the demo of that home runs already; else it is started")
    parser.add_argument("--axe", action="store_true", help="look for what bars people, too")
    parser.add_argument("--readme", action="store_true", help="take the two pictures of README.md instead")
    parser.add_argument("--verbose", action="store_true", help="say what is being photographed")
    return parser


@contextmanager
def demo_at(home: Path, address: str | None) -> Iterator[Programme]:
    """Give the demo with everybody signed in: the one that runs at an address, or one started for this."""
    if address is not None:
        yield begin_demo(address, demo_password(Settings(home=home)))
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    product = Product(
        home,
        free_port(),
        settings={
            "REGULARS_BRAND_NAME": "Beichen",
            "REGULARS_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "REGULARS_BACKUP_FOLDER": str(backups_of(home)),
        },
    )
    try:
        product.add("demo", "demo", "--port", str(product.port))
        until(lambda: answers(product.address), _A_YEAR_SECONDS)
        yield begin_demo(product.address, demo_password(Settings(home=home)))
    finally:
        product.shut_down()


@contextmanager
def _empty() -> Iterator[Programme]:
    """Give a programme that has been configured and not been used."""
    settings = {"REGULARS_DEVELOPMENT": "true", "REGULARS_BRAND_NAME": "Beichen"}
    with tempfile.TemporaryDirectory() as folder, product_at(Path(folder), settings=settings) as product:
        product.ask("configure", str(_EXAMPLE), "--reason", "photos", "--json")
        made = product.ask("staff", "add", "--email", "owner@demo.example", "--role", "owner", "--json")
        product.add("web", "serve")
        until(lambda: answers(product.address))
        yield begin_empty(product.address, "/console/invitation/" + made["link"].rpartition("/")[2])


def answers(address: str) -> bool:
    """Say whether a product is ready."""
    try:
        return httpx.get(f"{address}/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _say(taking: Camera, folder: Path, seconds: float) -> int:
    sheet = contact_sheet(folder)
    for line in taking.noticed:
        _tell(f"noticed: {line}")
    _tell(f"{len(taking.taken)} pictures in {seconds:.0f} s: {sheet}")
    return 1 if taking.noticed else 0


if __name__ == "__main__":
    sys.exit(main())
