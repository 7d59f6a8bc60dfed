"""A member's own data: everything to take along for a week, and being erased with a word and a fresh code."""

import re
from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from regulars.engagement import api as engagement
from regulars.engagement.contracts import Letter, MessageKind
from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue
from regulars.members.contracts.privacy import AskExport
from regulars.platform.clock import wall_now
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from tests.web.membership import Membership
from tests.web.test_portal import words
from tests.web.visitors import brings

pytestmark = pytest.mark.anyio

DATA = "/portal/data"
ERASURE = f"{DATA}/erasure"


@pytest.fixture
async def membership(services: Services) -> Membership:
    return await Membership(services).begin()


class Hand:
    """A member's browser: it keeps its cookies."""

    def __init__(self, browser: httpx.AsyncClient, cookies: dict[str, str]) -> None:
        self.browser, self.cookies = browser, cookies

    async def get(self, path: str) -> httpx.Response:
        return self._kept(await self.browser.get(path, headers=brings(self.cookies)))

    async def post(self, path: str, **data: str) -> httpx.Response:
        return self._kept(await self.browser.post(path, data=data, headers=brings(self.cookies)))

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        self.cookies |= dict(answer.cookies)
        self.browser.cookies.clear()
        return answer


@pytest.fixture
async def wang(browser: httpx.AsyncClient, membership: Membership) -> Hand:
    return Hand(browser, await membership.cookies(membership.wang))


async def code(membership: Membership) -> str:
    """Return the code that was sent last."""
    letter = await letter_of_code(membership)
    assert letter.code is not None
    return letter.code


async def letter_of_code(membership: Membership) -> Letter:
    """Return the letter with the code that was sent last."""
    services = membership.services
    async with services.database.transaction() as tx:
        page = await engagement.list_messages(
            tx, services.vault, engagement.brand_of(services.settings), kinds=[MessageKind.CODE], clear=True
        )
    letter = page.messages[0].letter
    assert letter is not None
    return letter


async def asked(membership: Membership, member_id: UUID) -> str | None:
    """Return how the erasure of a member stands."""
    async with membership.services.database.transaction() as tx:
        standing = await members.erasure_standing(tx, PARTS, timedelta(), member_id)
    return None if standing.erasure is None else standing.erasure.state


async def actions(membership: Membership) -> list[str]:
    """Return what the audit log says that Wang did with their own data."""
    async with membership.services.database.transaction() as tx:
        told = "SELECT action FROM audit_entries WHERE actor = %s AND action <> 'member_sign_in' ORDER BY entry_id"
        return [action for (action,) in await tx.rows(told, (f"member:{public_id('mbr', membership.wang)}",))]


async def test_everything_is_gathered_and_taken_along(wang: Hand, membership: Membership) -> None:
    services = membership.services
    empty = await wang.get(DATA)
    await wang.post(f"{DATA}/exports")
    gathering = await wang.get(DATA)
    (link,) = {"/portal/data/exports/" + one for one in await exports(membership)}
    early = await wang.get(f"{link}/json")
    assert await members.gather_waiting(services.database, services.vault, PARTS) == 1
    ready = await wang.get(DATA)
    (as_json, as_page) = await wang.get(f"{link}/json"), await wang.get(f"{link}/html")

    assert "Gather everything" in words(empty)
    assert ("Being gathered" in words(gathering), "Gather everything" in words(gathering)) == (True, False)
    assert early.status_code == 409
    assert re.findall(r'href="(/portal/data/exports/[^"]+)"', ready.text) == [f"{link}/html", f"{link}/json"]
    told = msgspec.json.decode(as_json.content)
    assert told["sections"]["member_profiles"][0]["display_name"] == "Wang Fang"
    assert [one["order_id"] for one in told["sections"]["orders"]] == ["A1", "A2"]
    assert "Everything we know of you" in as_page.text
    for file, kind in ((as_json, "json"), (as_page, "html")):
        assert file.headers["content-disposition"] == f'attachment; filename="{told["member_id"]}.{kind}"'
        assert file.headers["cache-control"] == "no-store"
    assert await actions(membership) == ["ask_export", "take_own_export", "take_own_export"]


async def test_at_most_three_are_made_a_day_and_then_the_last_is_offered(wang: Hand, membership: Membership) -> None:
    services = membership.services
    for _ in range(3):
        await wang.post(f"{DATA}/exports")
        await members.gather_waiting(services.database, services.vault, PARTS)
    latest = (await exports(membership))[0]
    offered = await wang.post(f"{DATA}/exports")
    async with services.database.transaction(actor="test") as tx:
        asked_by_staff = await members.ask_export(tx, AskExport(member_id=membership.wang, actor="staff:stf_1"))
        assert len(await members.list_exports(tx, membership.wang)) == 3
        tx.write("UPDATE member_exports SET asked_at = asked_at - interval '1 day'")
    assert (offered.status_code, offered.headers["location"]) == (303, "/portal/data#export")
    assert public_id("exp", asked_by_staff.export_id) == latest
    await wang.post(f"{DATA}/exports")
    assert len(await exports(membership)) == 4


async def test_a_session_of_old_proves_anew_before_the_file_is_given(wang: Hand, membership: Membership) -> None:
    """Who finds a browser signed in reads a page, and takes nothing along."""
    services = membership.services
    await wang.post(f"{DATA}/exports")
    await members.gather_waiting(services.database, services.vault, PARTS)
    (export,) = await exports(membership)
    file = f"{DATA}/exports/{export}/json"
    assert (await wang.get(file)).status_code == 200
    async with services.database.transaction() as tx:
        tx.write("UPDATE member_sessions SET made_at = made_at - interval '16 minutes'")
    shown, refused = await wang.get(DATA), await wang.get(file)
    asks = await wang.get(refused.headers["location"])

    assert "/portal/data/exports/" not in shown.text.replace('action="/portal/data/exports"', "")
    assert 'href="/portal/sign-in?anew=1&amp;next=/portal/data"' in shown.text
    assert (refused.status_code, refused.headers["location"]) == (303, "/portal/sign-in?anew=1&next=/portal/data")
    assert "Prove that it is you" in words(asks)
    assert await actions(membership) == ["ask_export", "take_own_export"]
    fresh = Hand(wang.browser, await membership.cookies(membership.wang))
    assert (await fresh.get(file)).status_code == 200


async def exports(membership: Membership) -> list[str]:
    async with membership.services.database.transaction() as tx:
        return [public_id("exp", one.export_id) for one in await members.list_exports(tx, membership.wang)]


async def test_nobody_takes_what_is_somebody_elses(
    wang: Hand, membership: Membership, browser: httpx.AsyncClient
) -> None:
    await wang.post(f"{DATA}/exports")
    await members.gather_waiting(membership.services.database, membership.services.vault, PARTS)
    (export,) = await exports(membership)
    li = Hand(browser, await membership.cookies(membership.li))

    assert (await li.get(f"{DATA}/exports/{export}/json")).status_code == 404
    assert (await wang.get(f"{DATA}/exports/{export}/pdf")).status_code == 404
    assert (await wang.get(f"{DATA}/exports/exp_1/json")).status_code == 404


async def test_being_erased_takes_a_word_and_a_fresh_code(wang: Hand, membership: Membership) -> None:
    told = await wang.get(ERASURE)
    sent = await wang.post(f"{ERASURE}/code")
    right, letter = await code(membership), await letter_of_code(membership)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    form = await wang.get(f"{ERASURE}/sure")
    refused = [
        await wang.post(f"{ERASURE}/sure", confirmation="yes", code=right),
        await wang.post(f"{ERASURE}/sure", confirmation="ERASE", code=wrong),
        await wang.post(f"{ERASURE}/sure", confirmation="ERASE"),
    ]
    before = await asked(membership, membership.wang)
    done = await wang.post(f"{ERASURE}/sure", confirmation="erase", code=right)
    waiting = await wang.get(ERASURE)
    again = await wang.post(f"{ERASURE}/sure", confirmation="erase", code=right)
    overview = await wang.get(DATA)
    goodbye = await wang.get("/portal/goodbye")

    assert (goodbye.status_code, goodbye.headers["location"]) == (303, ERASURE), "who is still there is not gone"
    assert "Orders stay, without your name" in words(told)
    assert "What was delivered cannot be called back" in words(told)
    assert "You can change your mind for 72 hours." in words(told)
    assert re.search(r"What you would lose now.*Points", words(told))
    assert (sent.status_code, sent.headers["location"]) == (303, f"{ERASURE}/sure")
    assert (letter.heading, "unreadable for ever" in letter.lead[1]) == ("Your code to be erased", True)
    assert "138****8000" in words(form)
    assert [one.status_code for one in refused] == [422, 401, 422]
    assert "Please type the word as it stands there." in words(refused[0])
    assert "4 more tries" in refused[1].text
    assert (before, await asked(membership, membership.wang)) == (None, "waiting")
    assert (done.status_code, done.headers["location"]) == (303, ERASURE)
    assert "You will be erased on" in words(waiting)
    assert again.status_code == 401, "the code is used up"
    assert "You will be erased on" in words(overview)

    stays = await wang.post(f"{ERASURE}/withdraw")
    assert stays.headers["location"] == DATA
    assert await asked(membership, membership.wang) == "withdrawn"
    assert (await wang.post(f"{ERASURE}/withdraw")).status_code == 409
    assert await actions(membership) == ["ask_erasure", "withdraw_erasure"]


async def test_a_code_of_somebody_else_erases_nobody(
    wang: Hand, membership: Membership, browser: httpx.AsyncClient
) -> None:
    li = Hand(browser, await membership.cookies(membership.li))
    await li.post(f"{ERASURE}/code")
    wang.cookies["rgl_member_anew"] = li.cookies["rgl_member_anew"]
    tried = await wang.post(f"{ERASURE}/sure", confirmation="ERASE", code=await code(membership))

    assert tried.status_code == 401
    assert await asked(membership, membership.wang) is None
    assert await asked(membership, membership.li) is None


async def test_without_a_code_the_page_leads_back(wang: Hand) -> None:
    assert (await wang.get(f"{ERASURE}/sure")).headers["location"] == ERASURE


async def test_once_erased_nothing_opens_and_the_number_is_free(wang: Hand, membership: Membership) -> None:
    services = membership.services
    await wang.post(f"{DATA}/exports")
    await members.gather_waiting(services.database, services.vault, PARTS)
    (export,) = await exports(membership)
    await wang.post(f"{ERASURE}/code")
    await wang.post(f"{ERASURE}/sure", confirmation="ERASE", code=await code(membership))
    assert (
        await members.carry_out_due(services.database, services.vault, PARTS, at=wall_now() + timedelta(hours=73)) == 1
    )
    answers = [await wang.get(path) for path in ("/portal", DATA, ERASURE, f"{DATA}/exports/{export}/json")]
    last = await wang.get("/portal/goodbye")
    fresh = await membership.join("+8613800138000")
    async with services.database.transaction() as tx:
        found = await members.lookup(tx, services.vault, IdentityValue(IdentityKind.PHONE, "+8613800138000"))

    assert [one.status_code for one in answers] == [303] * 4
    assert {one.headers["location"].partition("?")[0] for one in answers} == {"/portal/sign-in"}
    assert "What was delivered before" in words(last)
    assert found == fresh != membership.wang
