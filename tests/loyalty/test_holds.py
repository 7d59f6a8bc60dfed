"""Holds by hand: what they keep, from whom, and until when; each refusal leaves the books as they were."""

from datetime import datetime
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, HoldStanding, HoldState, Posting, Redeem
from regulars.loyalty.errors import (
    DeadlinePassed,
    HoldOver,
    HoldTooSmall,
    InsufficientPoints,
    PointsNotUsable,
    ReferenceReused,
    UnknownHold,
    WalletNotSpendable,
)
from regulars.loyalty.privacy.service import close_books
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.db.transaction import Rows, Statement, Transaction
from regulars.platform.errors import DomainError
from tests.loyalty.previewing import clock_at
from tests.loyalty.programme import (
    DAY,
    HOUR,
    NOON,
    Fact,
    Programme,
    accrue,
    adjust,
    back,
    hold,
    order,
    post_hold,
    redeem,
    void_hold,
)

pytestmark = pytest.mark.anyio


async def held(programme: Programme, member: UUID, at: datetime) -> tuple[int, int, int, int]:
    """Return (balance, available, held, expired) as of an instant."""
    found = await programme.wallet(member, at)
    assert found.balance == found.available + found.held + found.pending + found.expired - found.debt
    return found.balance, found.available, found.held, found.expired


async def refused(programme: Programme, fact: Fact, kind: type[DomainError]) -> None:
    """Expect a refusal that changes nothing."""
    before = await programme.books()
    with pytest.raises(kind):
        await programme.one(fact)
    assert await programme.books() == before


async def test_what_is_held_cannot_be_spent_and_is_told(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100, expires_at=NOON + 40 * DAY))
    await programme.one(accrue(member, "b", NOON, 100, expires_at=NOON + 30 * DAY))

    placed = await programme.one(hold(member, "k", NOON + HOUR, 150, NOON + 5 * DAY))

    assert isinstance(placed, HoldStanding)
    assert [(part.lot_no, part.amount) for part in placed.lots] == [(2, 100), (1, 50)]
    assert await held(programme, member, NOON + 2 * HOUR) == (200, 50, 150, 0)
    assert await held(programme, member, NOON) == (200, 200, 0, 0)
    await refused(programme, redeem(member, "x", NOON + DAY, 51), InsufficientPoints)
    await refused(programme, adjust(member, "y", NOON + DAY, -51), InsufficientPoints)
    await refused(programme, hold(member, "l", NOON + DAY, 51, NOON + 9 * DAY), InsufficientPoints)
    await refused(programme, order(member, "o", NOON + DAY, 100_000, points=51), PointsNotUsable)
    async with programme.database.transaction() as tx:
        (lot_b, lot_a) = await api.lots(tx, member)
    assert (lot_b.held, lot_b.remaining, lot_a.held) == (0, 100, 0)  # the wall clock is far behind the deadline
    assert await programme.problems() == {}


async def test_a_hold_is_posted_in_part_and_the_rest_is_free(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100))
    await programme.one(hold(member, "k", NOON, 80, NOON + 5 * DAY))
    posted = await programme.one(post_hold(member, "k", NOON + DAY, 30))

    assert isinstance(posted, HoldStanding)
    assert (posted.state, posted.posted, posted.released) == ("posted", 30, 50)
    assert await held(programme, member, NOON + DAY) == (70, 70, 0, 0)
    assert await held(programme, member, NOON + DAY - HOUR) == (100, 20, 80, 0)
    async with programme.database.transaction() as tx:
        page = await api.statement(tx, member, limit=1)
        (line,) = page.lines
        found = await api.hold(tx, member, posted.hold_id)
    assert (line.kind, line.amount, line.reason) == ("redeem", -30, "30 points that were held were used: workshop.")
    assert (found.state, found.posted, found.transfer_no) == ("posted", 30, posted.transfer_no)
    for late in (post_hold(member, "k", NOON + 2 * DAY), void_hold(member, "k", NOON + 2 * DAY)):
        await refused(programme, late, HoldOver)
    assert await programme.problems() == {}


async def test_a_voided_hold_leaves_everything_as_it_was(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100))
    await programme.one(hold(member, "k", NOON, 80, NOON + 5 * DAY))
    voided = await programme.one(void_hold(member, "k", NOON + DAY))

    assert isinstance(voided, HoldStanding)
    assert (voided.state, voided.released, voided.reason) == ("voided", 80, "called off")
    assert isinstance(await programme.one(redeem(member, "x", NOON + DAY, 100)), Posting)
    assert await programme.problems() == {}


@pytest.mark.parametrize("booked", [True, False])
async def test_the_deadline_decides_not_the_job(programme: Programme, booked: bool) -> None:  # noqa: FBT001 - a case
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100))
    await programme.one(hold(member, "k", NOON, 80, NOON + 5 * DAY))
    assert await held(programme, member, NOON + 5 * DAY - HOUR) == (100, 20, 80, 0)
    if booked:
        assert await programme.time_out(NOON + 9 * DAY) == 1
        assert await programme.time_out(NOON + 9 * DAY) == 0
    assert await held(programme, member, NOON + 5 * DAY) == (100, 100, 0, 0)
    await refused_but_over(programme, member)
    assert isinstance(await programme.one(redeem(member, "x", NOON + 9 * DAY, 100)), Posting)
    rows = await programme.rows("SELECT seq, how, effective_at, recorded_at FROM hold_ends")
    assert rows == [(3, "timed_out", NOON + 5 * DAY, NOON + (9 if booked else 5) * DAY)]  # who came first noted it
    assert await programme.problems() == {}


async def refused_but_over(programme: Programme, member: UUID) -> None:
    with pytest.raises(HoldOver) as caught:
        await programme.one(post_hold(member, "k", NOON + 5 * DAY))
    assert caught.value.data["state"] == "timed_out"


async def test_a_lot_that_runs_out_while_held_pays_and_else_runs_out_with_the_hold(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100, expires_at=NOON + 2 * DAY))
    await programme.one(hold(member, "k", NOON, 60, NOON + 5 * DAY))
    await programme.one(hold(member, "l", NOON, 30, NOON + 6 * DAY))

    assert await programme.expire(NOON + 3 * DAY) == 1
    assert await programme.expire(NOON + 3 * DAY) == 0  # what is held does not keep the job busy
    assert await held(programme, member, NOON + 3 * DAY) == (90, 0, 90, 0)
    await programme.one(post_hold(member, "k", NOON + 4 * DAY, 40))
    assert await held(programme, member, NOON + 4 * DAY) == (30, 0, 30, 0)
    assert await programme.time_out(NOON + 8 * DAY) == 1
    assert await held(programme, member, NOON + 6 * DAY) == (30, 0, 0, 30)
    assert await held(programme, member, NOON + 8 * DAY) == (0, 0, 0, 0)
    expired = await programme.rows("SELECT amount, effective_at, reference FROM ledger_transfers WHERE kind = 'expire'")
    assert [(amount, at) for amount, at, _ in expired] == [
        (10, NOON + 2 * DAY),
        (20, NOON + 4 * DAY),
        (30, NOON + 6 * DAY),
    ]
    async with programme.database.transaction() as tx:
        line = (await api.statement(tx, member, limit=1)).lines[0]
    assert line.reason == "30 points ran out at Feb 7, 2017 12:00, when they were no longer held: workshop."
    assert await programme.problems() == {}


async def test_what_was_told_as_of_an_instant_is_told_after_the_deadline_is_booked(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "soon", NOON, 100, expires_at=NOON + DAY))
    await programme.one(hold(member, "k", NOON, 60, NOON + 2 * DAY))
    await programme.expire(NOON + DAY + HOUR)
    instants = [NOON, NOON + DAY, NOON + 2 * DAY - HOUR, NOON + 2 * DAY, NOON + 2 * DAY + HOUR]

    async def told() -> tuple[list[tuple[int, int, int, int]], list[list[api.LiabilityAt]]]:
        found = [await held(programme, member, at) for at in instants]
        async with programme.database.transaction() as tx:
            owed = [await api.liability_at(tx, programme.configuration, at, parts=True) for at in instants]
        return found, owed

    before = await told()
    assert before[0][4] == (60, 0, 0, 60)  # over, and not booked
    assert await programme.time_out(NOON + 2 * DAY + 2 * HOUR) == 1
    assert await told() == before
    assert await held(programme, member, NOON + 2 * DAY + 2 * HOUR) == (0, 0, 0, 0)
    ends = await programme.rows("SELECT effective_at, recorded_at FROM hold_ends")
    assert ends == [(NOON + 2 * DAY, NOON + 2 * DAY + 2 * HOUR)]
    assert await programme.problems() == {}


async def test_a_return_takes_nothing_that_is_held(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 10_000))
    await programme.one(accrue(member, "a", NOON + 8 * DAY, 20))
    await programme.one(hold(member, "k", NOON + 8 * DAY, 90, NOON + 20 * DAY))
    await programme.one(back(member, "A", NOON + 9 * DAY, 10_000))

    found = await programme.wallet(member, NOON + 9 * DAY)
    assert (found.available, found.held, found.debt, found.balance) == (0, 90, 70, 20)
    await programme.one(post_hold(member, "k", NOON + 10 * DAY))
    found = await programme.wallet(member, NOON + 10 * DAY)
    assert (found.held, found.debt, found.balance) == (0, 70, -70)
    assert await programme.problems() == {}


async def test_a_reference_names_one_hold_for_ever(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100))
    placed = await programme.one(hold(member, "k", NOON, 60, NOON + 5 * DAY))
    before = await programme.books()
    assert await programme.one(hold(member, "k", NOON + DAY, 60, NOON + 5 * DAY)) == placed
    assert await programme.books() == before
    await refused(programme, hold(member, "k", NOON, 61, NOON + 5 * DAY), ReferenceReused)
    again = await programme.one(hold(member, "k", NOON + 6 * DAY, 60, NOON + 5 * DAY))
    assert isinstance(again, HoldStanding)
    assert again.state == "timed_out"


async def test_what_makes_no_sense_is_refused(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100))
    await refused(programme, hold(member, "k", NOON, 10, NOON), DeadlinePassed)
    await refused(
        programme, structs.replace(hold(member, "k", NOON, 10, NOON + DAY), wallet="growth"), WalletNotSpendable
    )
    await refused(programme, post_hold(member, "k", NOON), UnknownHold)
    await programme.one(hold(member, "k", NOON, 10, NOON + DAY))
    await refused(programme, post_hold(member, "k", NOON, 11), HoldTooSmall)


async def test_without_holds_no_statement_is_added(programme: Programme, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of those who hold nothing reads and writes as ever; with holds, it reads once more."""
    member = await programme.member()
    await programme.one(accrue(member, "a", NOON, 100))
    plain = await statements_of(programme, redeem(member, "x", NOON, 1), monkeypatch)
    assert not [text for text in plain if "hold_lots" in text or "hold_ends" in text]
    await programme.one(hold(member, "k", NOON, 10, NOON + DAY))
    keeping = await statements_of(programme, redeem(member, "y", NOON, 1), monkeypatch)
    assert len(keeping) == len(plain) + 2
    accruing = await statements_of(programme, accrue(member, "b", NOON, 1), monkeypatch)
    assert not [text for text in accruing if "hold_lots" in text]


async def statements_of(programme: Programme, command: Accrue | Redeem, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the statements that a posting sends."""
    sent: list[str] = []
    read = Transaction.read

    async def noting(tx: Transaction, *statements: Statement) -> list[Rows]:
        sent.extend(statement.text for statement in statements)
        return await read(tx, *statements)

    async with programme.database.transaction(by_keys=True) as tx:
        with monkeypatch.context() as patched:
            patched.setattr(Transaction, "read", noting)
            await api.post(tx, programme.configuration, [command])
    return sent


@pytest.mark.parametrize("state", ["open", "timed_out", None])
async def test_holds_under_one_reference_are_listed_page_by_page(programme: Programme, state: HoldState | None) -> None:
    """Ten members book the same workshop: their holds have one id, one beginning and one deadline."""
    people = await programme.members(10)
    clock_at(programme.database, NOON)
    for member in people:
        await programme.one(accrue(member, "x", NOON, 100))
        await programme.one(hold(member, "workshop-12", NOON, 60, NOON + DAY))
    if state == "timed_out":
        clock_at(programme.database, NOON + 2 * DAY)
        await programme.time_out(NOON + 2 * DAY)

    found: list[UUID] = []
    after = None
    while True:
        async with programme.database.transaction() as tx:
            page = await api.list_holds(tx, state=state, after=after, limit=4)
        if not page:
            break
        found += [one.hold.member_id for one in page]
        after = page[-1].place

    assert sorted(found) == sorted(people)


async def test_nobody_uses_what_an_erased_member_held(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "x", NOON, 100))
    await programme.one(hold(member, "h", NOON + HOUR, 60, NOON + DAY))
    async with programme.database.transaction() as tx:
        await close_books(tx, [member])

    await refused(programme, post_hold(member, "h", NOON + 2 * HOUR), MemberGone)
    let_go = await programme.one(void_hold(member, "h", NOON + 2 * HOUR))
    assert isinstance(let_go, HoldStanding)
    assert (let_go.state, let_go.released) == ("voided", 60)
    assert await programme.problems() == {}
