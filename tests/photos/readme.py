"""`python -m tests.photos --readme`, part of `make docs`: the two pictures in README.md, as they look today."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.architecture.source import ROOT
from tests.browser.chromium import Look
from tests.photos.camera import Camera
from tests.photos.walks import Programme

FOLDER: Final = ROOT / "docs" / "pictures"
MOST_BYTES: Final = 300_000
# Of whom, which page, how wide and high, and the file.
PICTURES: Final = (
    ("owner", "/console", Look(1280), 1180, "overview.png"),
    ("buyer", "/portal", Look(390), 844, "card.png"),
)
BUYER: Final = "gold@demo.example"


class TooLarge(Exception):
    """A picture is too large to lie in the repository; the text says which."""


def take(programme: Programme, camera: Camera, tell: Callable[[str], object]) -> list[Path]:
    """Take the pictures of the demo. Raises TooLarge."""
    programme.cookies["buyer"] = {**programme.asked(BUYER, "US"), "rgl_guide_off": "console.portal.store"}
    FOLDER.mkdir(exist_ok=True)
    made = []
    for who, path, look, height, name in PICTURES:
        programme.speak(who, look.language)
        file = FOLDER / name
        camera.window(programme, who, path, look, height=height, file=file)
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise TooLarge(f"{file} has {size} bytes; at most {MOST_BYTES} may lie in the repository")
        tell(f"{file.relative_to(ROOT)}: {size // 1000} KB")
        made.append(file)
    return made
