"""Scripts, styles and icons as the browser gets them: hashed names, compressed beforehand, kept for ever."""

import gzip
import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from regulars.platform.errors import TemporarilyUnavailable
from regulars.platform.logs import LOGGER
from regulars.web.kit.brand import Brand

FOLDER: Final = Path(__file__).parent / "assets"
PREFIX: Final = "/assets/"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
_MANIFEST: Final = "manifest.json"
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
_STYLES: Final = ("console.css", "portal.css")


class AssetsNotBuilt(TemporarilyUnavailable):
    """A checkout whose scripts and styles were not built yet."""

    code = "assets_not_built"
    message = "The scripts and styles of the pages are not built. Run `make ui`, then start Regulars again."


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: as it is, and compressed."""

    content: bytes
    compressed: bytes
    media_type: str
    etag: str


@dataclass(slots=True)
class Assets:
    """Every file of the pages, in memory (about 2 MB), and the names by which templates ask for them."""

    files: dict[str, Asset] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    icons: frozenset[str] = frozenset()

    def url(self, name: str) -> str:
        """Return the address of an asset, e.g. `console.css`. Raises AssetsNotBuilt; KeyError for an unknown name."""
        if not self.names:
            raise AssetsNotBuilt
        return PREFIX + self.names[name]

    def icon_url(self, name: str) -> str:
        """Return the address of an icon in the sprite. Raises KeyError for an icon that was not built."""
        if name not in self.icons:
            raise KeyError(
                f"The icon {name!r} is not built: name it as icon('{name}') or icon=\"{name}\", run `make ui`."
            )
        return f"{self.url('icons.svg')}#{name}"


def load_assets(brand: Brand, folder: Path) -> Assets:
    """Read what `make ui` built, with the brand's tokens at the head of each stylesheet."""
    manifest = folder / _MANIFEST
    if not manifest.exists():
        LOGGER.error("the pages' assets are not built: run `make ui`; until then only the API answers")
        return Assets()
    built: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    assets = Assets(names=dict(built["names"]), icons=frozenset(built["icons"]))
    for path in folder.iterdir():
        if path.suffix in _TYPES:
            compressed = path.with_name(f"{path.name}.gz").read_bytes()
            assets.files[path.name] = Asset(path.read_bytes(), compressed, _TYPES[path.suffix], _etag(path.name))
    for name in _STYLES:
        _put(assets, name, brand.stylesheet().encode() + assets.files.pop(assets.names[name]).content, ".css")
    _put(assets, "app.svg", brand.app_icon(), ".svg")
    if brand.logo is not None:
        suffix = next(suffix for suffix, kind in _TYPES.items() if kind == brand.logo.media_type)
        _put(assets, "logo", brand.logo.content, suffix)
    return assets


def _put(assets: Assets, name: str, content: bytes, suffix: str) -> None:
    """Add what is made when the process starts, under a name that follows from its content."""
    file = f"{name.partition('.')[0]}-{hashlib.sha256(content).hexdigest()[:10].upper()}{suffix}"
    assets.names[name] = file
    assets.files[file] = Asset(content, _compressed(content), _TYPES[suffix], _etag(file))


@lru_cache(maxsize=8)
def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _etag(file: str) -> str:
    return f'"{file}"'
