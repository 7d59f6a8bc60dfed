"""A month is closed while somebody books: what began before the close is in the month, or the close waits for it."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue
from regulars.loyalty.finance.journals import read_journal
from regulars.loyalty.finance.store import closing as store
from regulars.loyalty.policy.service import Configuration
from regulars.platform.clock import ClockSetting
from regulars.platform.db.database import Database
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import EASY, Programme, us_day

pytestmark = pytest.mark.anyio
MARCH = date(2017, 3, 1)
LAST_EVENING = us_day("2017-03-31", hour=20)
NEXT_MONTH = datetime(2017, 4, 1, 4, tzinfo=UTC)


@pytest.fixture
async def till(database: Database, vault: LocalVault) -> Programme:
    """Return a programme as a process sees it whose clock shows the last evening of March."""
    programme = await Programme.begin(database, vault, EASY)
    programme.database.clock.follow(ClockSetting(LAST_EVENING, LAST_EVENING, ticking=False))
    return programme


@pytest.fixture
async def office(database_url: str, vault: LocalVault) -> AsyncIterator[Programme]:
    """Return the same one where it is the second of April."""
    async with Database(database_url, pool_size=3) as database:
        at = us_day("2017-04-02")
        database.clock.follow(ClockSetting(at, at, ticking=False))
        yield Programme(database, vault)


def gift(member: UUID, reference: str, amount: int) -> Accrue:
    return Accrue(member_id=member, wallet="points", amount=amount, reference=reference)


async def begin_to_close(office: Programme) -> None:
    async with office.database.transaction() as tx:
        await api.begin_close(tx, MARCH, by="staff:anna", reason="")


async def go_on(office: Programme) -> api.MonthClose:
    async with office.database.transaction() as tx:
        found = await api.go_on_closing(tx, office.configuration)
    assert found is not None
    return found


async def proof(office: Programme) -> api.Proof:
    async with office.database.transaction() as tx:
        return await api.prove(tx, MARCH)


async def race(till: Programme, office: Programme) -> list[api.MonthClose]:
    """Book while a month is closed: the batch asked for the policies before, and writes after. Returns the closes."""
    members = await till.members(2)
    await till.post(gift(members[0], "before", 100))
    states = []
    async with till.database.transaction(set_based=True) as tx:
        books = await api.open_books(tx, till.configuration, api.Needs(until=tx.now, members=set(members)))
        await begin_to_close(office)
        states.append(await go_on(office))
        books.post(gift(members[1], "during", 11))
        books.write(tx)
        await tx.flush()
        if states[-1].state == "closing":
            states.append(await go_on(office))
    if states[-1].state == "closing":
        states.append(await go_on(office))
    return states


async def test_a_close_waits_for_whoever_began_before(till: Programme, office: Programme) -> None:
    states = await race(till, office)

    assert [(one.state, one.waits_for) for one in states] == [("closing", 1), ("closing", 1), ("closed", None)]
    assert states[-1].transfers == 2
    assert (await proof(office)).holds
    assert await office.problems() == {}


async def test_without_the_wait_a_booking_comes_into_a_closed_month(
    till: Programme, office: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same, and nobody is waited for."""

    async def nobody(_: object) -> list[str]:
        return []

    monkeypatch.setattr(store, "holders", nobody)
    states = await race(till, office)

    assert [one.state for one in states] == ["closed"]
    assert states[0].transfers == 1
    assert not (await proof(office)).holds
    assert "closed months" in await office.problems()


async def test_a_batch_that_only_asked_for_the_policies_is_waited_for(till: Programme, office: Programme) -> None:
    """It has no transaction id yet, and so shows in no snapshot; its lock on what it read does."""
    member = await till.member()
    await till.post(gift(member, "before", 100))
    async with till.database.transaction() as tx:
        await till.configuration.follow(tx, (await tx.read(till.configuration.question))[0])
        assert await tx.rows("SELECT pg_current_xact_id_if_assigned() IS NULL") == [(True,)]
        await begin_to_close(office)
        assert (await go_on(office)).state == "closing"
    assert (await go_on(office)).state == "closed"


async def test_who_begins_after_is_not_waited_for_and_books_into_the_next_month(
    till: Programme, office: Programme
) -> None:
    (first, second) = await till.members(2)
    await till.post(gift(first, "before", 100))
    await begin_to_close(office)
    await go_on(office)
    async with till.database.transaction(set_based=True) as tx:
        books = await api.open_books(tx, till.configuration, api.Needs(until=tx.now, members={second}))
        posting = books.post(gift(second, "after", 11))
        books.write(tx)
        await tx.flush()
        assert posting.recorded_at == NEXT_MONTH
    assert (await proof(office)).transfers == 1
    assert (await proof(office)).holds
    assert await office.problems() == {}


async def test_without_the_look_at_closed_months_it_books_into_the_closed_one(
    till: Programme, office: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same, by a process that does not heed which months are closed."""
    (first, second) = await till.members(2)
    await till.post(gift(first, "before", 100))
    await begin_to_close(office)
    assert (await go_on(office)).state == "closed"
    monkeypatch.setattr(Configuration, "open_from", lambda *_: None)
    await till.post(gift(second, "after", 11))
    assert not (await proof(office)).holds
    assert "closed months" in await office.problems()


async def test_of_two_batches_the_older_answer_does_not_open_the_month_again(
    till: Programme, office: Programme
) -> None:
    """Batches of a process share what they know: the later one's news must outlive the earlier one's."""
    member = await till.member()
    await till.post(gift(member, "before", 100))
    async with till.database.transaction() as earlier:
        old = (await earlier.read(till.configuration.question))[0]
        await begin_to_close(office)
        async with till.database.transaction() as later:
            await till.configuration.follow(later, (await later.read(till.configuration.question))[0])
            await till.configuration.follow(earlier, old)
            assert till.configuration.open_from("America/New_York") == NEXT_MONTH


async def test_two_who_close_close_once(till: Programme, office: Programme) -> None:
    member = await till.member()
    await till.post(gift(member, "before", 100))
    await begin_to_close(office)
    async with office.database.transaction() as one:
        assert (await api.go_on_closing(one, office.configuration)) is not None
        async with office.database.transaction() as other:
            assert await api.go_on_closing(other, Configuration()) is None
    assert (await proof(office)).holds


async def test_a_slow_reader_of_a_journal_keeps_no_month_open(till: Programme, office: Programme) -> None:
    """Its transaction lasts for as long as somebody reads; what it asked of the closed months is let go before."""
    member = await till.member()
    await till.post(gift(member, "x", 100))
    async with till.database.transaction() as tx:
        pieces = read_journal(tx, api.Configuration(), MARCH, form="csv", by="transfer")
        await anext(pieces)
        await begin_to_close(office)
        states = [(await go_on(office)).state]
        while states[-1] != "closed" and len(states) < 5:
            states.append((await go_on(office)).state)
        rest = [piece async for piece in pieces]

    assert states[-1] == "closed", states
    assert "100" in "".join(rest), "all of it is of the snapshot in which it began"
