"""The navigation of the console, what of it is open, and the deeds that the palette knows."""

import re
from html import unescape

import pytest

from regulars.platform.auth.staff.permissions import Role
from regulars.platform.services import Services
from regulars.web.console.deeds import DEEDS
from regulars.web.kit.texts import in_language
from tests.web.site import Site

pytestmark = pytest.mark.anyio

GROUP = re.compile(r'<details [^>]*data-group="([a-z-]+)"( open)?>')
HIT = re.compile(r'data-path="([^"]+)".*?truncate">(.*?)<', re.DOTALL)


def opened(page: str) -> dict[str, bool]:
    """Return which groups a page shows open."""
    return {key: state == " open" for key, state in GROUP.findall(page)}


async def test_groups_are_open_as_far_as_they_fit_where_one_is_and_as_one_left_them(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as owner, site.browsing(Role.ASSISTANT) as assistant:
        first = (await owner.get("/console")).text
        keys = (await owner.get("/console/keys")).text
        owner.cookies.set("rgl_groups", "points:0.data:1.operations:1.developers:0.nonsense.<b>:1")
        kept = (await owner.get("/console/keys/new")).text
        few = (await assistant.get("/console/welcome")).text

    usual = {"member-care": True, "points": True, "engagement": True}
    closed = {"data": False, "set-up": False, "developers": False, "operations": False}
    assert opened(first) == usual | closed
    assert opened(keys) == usual | closed | {"developers": True}
    assert opened(kept) == usual | closed | {"points": False, "data": True, "operations": True, "developers": True}
    assert all(opened(few).values())


async def test_every_deed_is_found_in_both_languages_and_opens(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as owner:
        for deed in DEEDS:
            assert (await owner.get(deed.path)).status_code == 200, deed.path
        turned = (await owner.get("/console/palette", params={"q": "key new"})).text
        for language in ("en", "zh"):
            await owner.post("/preferences/language", data={"language": language})
            for deed in DEEDS:
                label, words = in_language(deed.label, language), in_language(deed.words, language)
                for text in (label, deed.label, *filter(None, words.split(", "))):
                    found = (await owner.get("/console/palette", params={"q": text})).text
                    assert (deed.path, label) in HIT.findall(unescape(found)), (deed.label, text)

    assert HIT.findall(turned)[0] == ("/console/keys/new", "Make an API key")


async def test_deeds_are_for_who_may(services: Services) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.CARE) as care:
        found = [HIT.findall((await care.get("/console/palette", params={"q": text})).text) for text in ("key", "my")]
        care.cookies.clear()
        nobody = (await care.get("/console/palette", params={"q": "my"})).text

    assert found == [
        [],
        [("/console/account", "My account"), ("/console/account/password", "Change my password")],
    ]
    assert "data-path" not in nobody
