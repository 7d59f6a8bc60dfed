"""A code of a member's phone and a code of a member's card, wanted twice at once; and each without its guard."""

import asyncio
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from regulars.members import api
from regulars.members.access import service as access
from regulars.members.access import store as codes
from regulars.members.access.errors import CodeStale
from regulars.members.cards.errors import CardCodeUsed
from regulars.members.contracts import MemberOpened, SignUpByCode
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.members.entering import PHONE_BROWSER, Portal
from tests.members.people import define_markets, email, phone, rows, signed_up

pytestmark = pytest.mark.anyio


@pytest.fixture
async def portal(database: Database, vault: LocalVault) -> Portal:
    await define_markets(database)
    return Portal(database, vault)


@pytest.fixture
def nobody_taps_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the guard decides, without the minute in which the same browser may send the same once more."""
    monkeypatch.setattr(access, "TAPPED_AGAIN_WITHIN", timedelta(days=-1))


async def scan(portal: Portal, code: str) -> UUID | DomainError:
    try:
        async with portal.database.transaction() as tx:
            return await api.open_card_code(tx, portal.vault, code)
    except DomainError as refusal:
        return refusal


async def scan_twice(portal: Portal) -> list[UUID | DomainError]:
    member = await signed_up(portal.database, portal.vault, phone())
    code = api.still_card_code(portal.vault, member.member_id).code
    async with portal.database.transaction() as tx:
        first = await api.open_card_code(tx, portal.vault, code)
        second = asyncio.create_task(scan(portal, code))
        while not second.done() and not await _waiting(portal):
            await asyncio.sleep(0.005)
    return [first, await second]


async def _waiting(portal: Portal) -> bool:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool((await rows(portal.database, sql))[0][0])


async def test_of_two_tills_one_gets_the_card(portal: Portal) -> None:
    first, second = await scan_twice(portal)

    assert isinstance(first, UUID)
    assert isinstance(second, CardCodeUsed)


async def test_without_the_key_both_tills_would_get_it(portal: Portal, database_url: str) -> None:
    """The negative control: the same two, without the primary key of used codes."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE used_card_codes DROP CONSTRAINT used_card_codes_pkey")

    first, second = await scan_twice(portal)

    assert first == second


async def enter_twice(portal: Portal) -> list[object]:
    await signed_up(portal.database, portal.vault, email())
    sent = await portal.ask(email())
    return list(await asyncio.gather(*[portal.enter(sent.ticket, portal.phones.code) for _ in range(2)]))


async def test_a_code_signs_one_of_two_in(portal: Portal, nobody_taps_again: None) -> None:
    outcomes = await enter_twice(portal)

    assert nobody_taps_again is None
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CodeStale", "MemberOpened"]


async def test_without_its_guard_a_code_would_sign_both_in(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: whether the code was used is no longer asked."""
    monkeypatch.setattr(access, "TAPPED_AGAIN_WITHIN", timedelta(days=-1))
    monkeypatch.setattr(codes, "TRY_CODE", codes.TRY_CODE.replace("AND proved_at IS NULL", ""))

    assert [type(outcome) for outcome in await enter_twice(portal)] == [MemberOpened, MemberOpened]


async def test_both_taps_of_one_browser_lead_on(portal: Portal) -> None:
    assert [type(outcome) for outcome in await enter_twice(portal)] == [MemberOpened, MemberOpened]
    assert [type(outcome) for outcome in await sign_up_twice(portal, "fresh@example.com")] == [MemberOpened] * 2
    assert await rows(portal.database, "SELECT count(*) FROM members") == [(2,)]


async def test_guesses_at_once_are_counted_one_by_one(portal: Portal) -> None:
    sent = await portal.ask(email())

    outcomes = await asyncio.gather(*[portal.enter(sent.ticket, portal.phones.wrong) for _ in range(12)])

    told = [outcome.data.get("tries_left") for outcome in outcomes if isinstance(outcome, DomainError)]
    assert sorted([left for left in told if left is not None], key=str) == [1, 2, 3, 4]
    assert len([left for left in told if left is None]) == 8


async def sign_up_twice(portal: Portal, address: str = "wang@example.com") -> list[object]:
    sent = await portal.ask(email(address))
    await portal.enter(sent.ticket, portal.phones.code)

    async def sign_up() -> object:
        try:
            async with portal.database.transaction() as tx:
                wish = SignUpByCode(language="en")
                return await api.sign_up_by_code(tx, portal.vault, sent.ticket, wish, PHONE_BROWSER, remember=True)
        except CodeStale as refusal:
            return refusal

    return list(await asyncio.gather(sign_up(), sign_up()))


async def test_a_ticket_signs_one_up(portal: Portal, nobody_taps_again: None) -> None:
    outcomes = await sign_up_twice(portal)

    assert nobody_taps_again is None
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CodeStale", "MemberOpened"]
    assert await rows(portal.database, "SELECT count(*) FROM members") == [(1,)]


async def test_without_its_guard_a_ticket_would_open_two_sessions(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control; one member all the same, because the address belongs to one."""
    monkeypatch.setattr(access, "TAPPED_AGAIN_WITHIN", timedelta(days=-1))
    monkeypatch.setattr(codes, "FINISH_CODE", codes.FINISH_CODE.replace("AND finished_at IS NULL", ""))

    assert [type(outcome) for outcome in await sign_up_twice(portal)] == [MemberOpened, MemberOpened]
    assert await rows(portal.database, "SELECT count(*) FROM members") == [(1,)]
