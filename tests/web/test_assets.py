"""Scripts and styles are kept for ever by browsers, travel compressed, and carry the brand."""

import re
from pathlib import Path

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.sessions import SignedIn
from regulars.entrypoints.wiring import Web
from regulars.platform.services import Services
from regulars.platform.settings import SettingError, Settings
from regulars.web.kit.assets import FOLDER, AssetsNotBuilt, load_assets
from regulars.web.kit.brand import READABLE_CONTRAST, Brand, brand_of, contrast
from regulars.web.kit.kit import Kit
from regulars.web.routes import pages
from tests.web.conftest import BROWSER

pytestmark = pytest.mark.anyio

_ADDRESS = re.compile(r'(?:href|src)="(/assets/[^"#]+)')


async def test_assets_are_kept_for_ever_and_compressed(browser: httpx.AsyncClient) -> None:
    text = (await browser.get("/kit")).text
    addresses = set(_ADDRESS.findall(text))

    assert len(addresses) == 4  # styles, scripts, icons of the page, icon of the tab
    for address in addresses:
        answer = await browser.get(address)
        again = await browser.get(address, headers={"If-None-Match": answer.headers["etag"]})
        assert answer.status_code == 200, address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert (again.status_code, again.content) == (304, b"")


async def test_every_file_the_manifest_names_is_served(services: Services) -> None:
    assets = Kit(services, SignedIn(services)).assets

    assert {"console.js", "console.css", "portal.js", "portal.css", "worker.js", "icons.svg"} <= assets.names.keys()
    assert set(assets.names.values()) <= assets.files.keys()


@pytest.mark.parametrize("path", ["/assets/nothing.js", "/assets/manifest.json", "/assets/..%2Fassets.py"])
async def test_nothing_else_is_served(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 404


async def test_what_makes_the_portal_installable_is_there(browser: httpx.AsyncClient) -> None:
    manifest = (await browser.get("/manifest.webmanifest")).json()
    worker = await browser.get("/worker.js")

    assert (manifest["name"], manifest["scope"], manifest["display"]) == ("Beichen", "/portal", "standalone")
    assert (await browser.get(manifest["icons"][0]["src"])).headers["content-type"] == "image/svg+xml"
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"


def test_a_checkout_without_assets_says_what_to_run(tmp_path: Path) -> None:
    assets = load_assets(Brand("Beichen", "#1f6f54", 6), tmp_path)

    with pytest.raises(AssetsNotBuilt, match="make ui"):
        assets.url("console.css")


async def test_without_assets_pages_say_so_and_the_api_answers(services: Services, tmp_path: Path) -> None:
    kit = Kit(services, SignedIn(services), assets_folder=tmp_path)
    application = create_app(services, Web([pages(kit)], [], kit))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=application), base_url="http://shop.example", headers=BROWSER
    ) as client:
        page, alive = await client.get("/kit"), await client.get("/health")

    assert (page.status_code, page.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert "make ui" in page.text
    assert alive.status_code == 200


@pytest.mark.parametrize("colour", ["#1f6f54", "#ffffff", "#000000", "#ffd400", "#ff0055", "#7f7f7f", "#0000ff"])
def test_any_brand_colour_can_be_read(colour: str) -> None:
    tokens = dict(re.findall(r"--brand-([a-z-]+):(#[0-9a-f]{6})", Brand("B", colour, 6).stylesheet()))

    assert contrast(tokens["light"], "#ffffff") >= READABLE_CONTRAST
    assert contrast(tokens["dark"], "#191d23") >= READABLE_CONTRAST
    assert contrast(tokens["light"], tokens["light-content"]) >= READABLE_CONTRAST
    assert contrast(tokens["dark"], tokens["dark-content"]) >= READABLE_CONTRAST


@pytest.mark.parametrize("name", ["logo.svg", "LOGO.PNG"])
def test_a_logo_is_served(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<svg/>")
    assets = load_assets(brand_of(Settings(brand_logo=tmp_path / name)), FOLDER)

    assert assets.files[assets.url("logo").removeprefix("/assets/")].content == b"<svg/>"


@pytest.mark.parametrize("name", ["logo.gif", "absent.svg"])
def test_a_logo_that_browsers_cannot_show_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "logo.gif").write_bytes(b"GIF")

    with pytest.raises(SettingError, match="REGULARS_BRAND_LOGO"):
        brand_of(Settings(brand_logo=tmp_path / name))
