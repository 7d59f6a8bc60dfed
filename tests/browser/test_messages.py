"""Pages of messages that need no sign-in: photographed, and found accessible."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import Look, visiting

PAGES = ["/outbox", "/stop/any"]
LOOKS = [Look(390, "light", "zh"), Look(390, "dark", "en"), Look(1440, "light", "en")]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_pages_of_messages_are_accessible(chromium: Browser, address: str, look: Look, pictures: Path) -> None:
    with visiting(chromium, address, look, bypass_csp=True) as visit:
        found: list[str] = []
        for path in PAGES:
            visit.open(path)
            visit.picture(pictures, f"{path.strip('/').replace('/', '-')}-{look.name}")
            found += [f"{path}: {violation}" for violation in visit.violations()]
            assert visit.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert found == []
