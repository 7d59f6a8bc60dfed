"""The product served once for all of these tests, in development mode, on a database of its own.

It ends with them: its processes look for work some times a second, which would cost the tests that follow.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import launch
from tests.browser.club import Club, open_club
from tests.conftest import fresh_database
from tests.entrypoints.commands import as_url
from tests.faults.product import answers, product_at, until

PICTURES = Path(os.environ.get("PICTURES", ""))


@pytest.fixture(scope="package")
def product_database_url(server_url: str, template: str) -> Iterator[str]:
    """Return the connection string of the product's database."""
    with fresh_database(server_url, template) as url:
        yield url


@pytest.fixture(scope="package")
def address(product_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return where the product answers."""
    settings = {
        "DATABASE_URL": as_url(product_database_url),
        "REGULARS_DEVELOPMENT": "true",
        "REGULARS_BRAND_NAME": "Beichen",
        "REGULARS_POOL_SIZE": "3",
    }
    with product_at(tmp_path_factory.mktemp("product"), settings=settings) as product:
        product.add("web", "serve", "--no-work")
        until(lambda: answers(f"{product.address}/ready"))
        yield product.address


@pytest.fixture(scope="package")
def club(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    """Return a club with a history, its worker beside it."""
    with fresh_database(server_url, template) as url, open_club(url, tmp_path_factory.mktemp("club")) as opened:
        yield opened


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Return a browser for these tests. Its driver keeps an event loop running, so it must end before other tests."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return where pictures go: the folder `PICTURES` names, else one that ends with the test."""
    return PICTURES / re.sub(r"\W+", "-", request.module.__name__.rpartition(".")[2]) if PICTURES.name else tmp_path
