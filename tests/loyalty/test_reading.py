"""Balances, lots, statements and tiers, now and as of any past instant: exact values."""

from datetime import UTC, datetime, timedelta

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import PendingUnits, WalletBalance
from regulars.loyalty.errors import InsufficientPoints, UnknownMember
from regulars.loyalty.policy.errors import UnknownWallet
from regulars.platform.ids import new_id
from tests.loyalty.programme import (
    DAY,
    HARD,
    HOUR,
    NOON,
    Programme,
    accrue,
    adjust,
    back,
    order,
    redeem,
    us_day,
)

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


async def test_a_wallet_says_what_is_available_pending_and_when(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 40_000))
    await programme.one(order(member, "B", NOON + DAY, 10_000))

    assert await programme.wallet(member, NOON + 2 * DAY) == WalletBalance(
        wallet="points",
        balance=500,
        available=0,
        pending=500,
        debt=0,
        pending_parts=(PendingUnits(amount=400, at=NOON + 7 * DAY), PendingUnits(amount=100, at=NOON + 8 * DAY)),
    )
    assert await programme.wallet(member, NOON + 7 * DAY) == WalletBalance(
        wallet="points",
        balance=500,
        available=400,
        pending=100,
        debt=0,
        pending_parts=(PendingUnits(amount=100, at=NOON + 8 * DAY),),
        next_expiry=PendingUnits(amount=400, at=us_day("2018-03-01", 0)),
    )
    growth = await programme.wallet(member, NOON + 7 * DAY, "growth")
    assert (growth.balance, growth.available, growth.pending, growth.debt) == (500, 0, 0, 0)


async def test_a_balance_as_of_a_past_instant_knows_nothing_of_what_came_later(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 40_000))
    await programme.one(order(member, "B", NOON + 8 * DAY, 10_000, points=400))
    await programme.one(back(member, "B", NOON + 9 * DAY, 10_000))

    assert await programme.points(member, NOON - SECOND) == (0, 0, 0, 0, 0)
    assert await programme.points(member, NOON) == (400, 0, 400, 0, 0)
    assert await programme.points(member, NOON + 8 * DAY - SECOND) == (400, 400, 0, 0, 0)
    assert await programme.points(member, NOON + 8 * DAY) == (96, 0, 96, 0, 0)
    assert await programme.points(member, NOON + 9 * DAY) == (400, 400, 0, 0, 0)


async def test_a_late_fact_counts_from_when_it_became_known(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 40_000, recorded_at=NOON + 10 * DAY))

    assert await programme.points(member, NOON + 9 * DAY) == (0, 0, 0, 0, 0)
    assert await programme.points(member, NOON + 10 * DAY) == (400, 400, 0, 0, 0)
    async with programme.database.transaction() as tx:
        before = await api.tier_status(tx, programme.configuration, member, NOON + 9 * DAY)
        after = await api.tier_status(tx, programme.configuration, member, NOON + 10 * DAY)
    assert (before.metric, after.metric) == (0, 400)


async def test_spendable_is_decided_by_the_instant_and_booking_changes_nothing(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(accrue(member, "gift", NOON, 100, available_at=NOON + DAY, expires_at=NOON + 2 * DAY))
    with pytest.raises(InsufficientPoints):
        await programme.one(redeem(member, "early", NOON + DAY - SECOND, 1))
    await programme.one(redeem(member, "in time", NOON + DAY, 30))
    await programme.one(redeem(member, "last", NOON + 2 * DAY - SECOND, 30))
    with pytest.raises(InsufficientPoints):
        await programme.one(redeem(member, "late", NOON + 2 * DAY, 1))
    assert await programme.points(member, NOON + 2 * DAY) == (40, 0, 0, 0, 40)

    assert await programme.expire(NOON + 5 * DAY) == 1
    assert await programme.expire(NOON + 5 * DAY) == 0
    assert await programme.points(member, NOON + 5 * DAY) == (0, 0, 0, 0, 0)
    assert await programme.points(member, NOON + 2 * DAY) == (40, 0, 0, 0, 40)
    (booked,) = await programme.rows("SELECT effective_at, recorded_at FROM ledger_transfers WHERE kind = 'expire'")
    assert booked == (NOON + 2 * DAY, NOON + 5 * DAY)


async def test_lots_say_what_is_left_of_each(programme: Programme) -> None:
    member = await programme.member()
    at = programme.database.clock.now()
    await programme.one(accrue(member, "old", at, 100, expires_at=at + 20 * DAY))
    await programme.one(accrue(member, "soon", at, 50, expires_at=at + 10 * DAY))
    await programme.one(accrue(member, "later", at, 70, available_at=at + DAY, expires_at=at + 30 * DAY))
    await programme.one(redeem(member, "use", at, 60))
    async with programme.database.transaction() as tx:
        open_lots = await api.lots(tx, member)
        every_lot = await api.lots(tx, member, spent=True)
    assert [(lot.lot_no, lot.amount, lot.remaining, lot.state) for lot in open_lots] == [
        (1, 100, 90, "available"),
        (3, 70, 70, "pending"),
    ]
    assert [(lot.lot_no, lot.remaining, lot.state) for lot in every_lot] == [
        (2, 0, "used"),
        (1, 90, "available"),
        (3, 70, "pending"),
    ]


async def test_a_statement_explains_each_row_in_both_languages(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 300_000))
    await programme.one(order(member, "B", NOON + 8 * DAY, 10_000, points=500))
    await programme.one(back(member, "B", NOON + 9 * DAY, 5_000))
    await programme.one(accrue(member, "gift:1", NOON + 9 * DAY, 20, reason="birthday"))
    await programme.one(redeem(member, "shop:mug", NOON + 10 * DAY, 30))
    await programme.one(adjust(member, "desk:7", NOON + 10 * DAY, -5))
    await programme.expire(NOON + 500 * DAY)
    async with programme.database.transaction() as tx:
        english = await api.statement(tx, member)
        chinese = await api.statement(tx, member, language="zh")
    shown = [(line.wallet, line.kind, line.amount, line.balance) for line in reversed(english.lines)]
    assert shown == [
        ("points", "earn", 3_000, 3_000),
        ("growth", "earn", 3_000, 3_000),
        ("points", "redeem", -500, 2_500),
        ("points", "earn", 190, 2_690),
        ("growth", "earn", 95, 3_095),
        ("points", "give_back", 250, 2_940),
        ("points", "claw_back", -96, 2_844),
        ("growth", "claw_back", -48, 3_047),
        ("points", "accrue", 20, 2_864),
        ("points", "redeem", -30, 2_834),
        ("points", "adjust", -5, 2_829),
        ("points", "expire", -2_829, 0),
    ]
    assert [line.reason for line in reversed(english.lines)] == [
        "Order A earned 3,000 × 1 = 3,000 points (tier Regular).",
        "Order A counts 3,000 growth.",
        "500 points paid for part of order B.",
        "Order B earned 95 × 2 = 190 points (tier Gold).",
        "Order B counts 95 growth.",
        "Return r1 of order B gave back 250 points that had paid for it.",
        "Return r1 of order B took back 96 points that it had earned.",
        "Return r1 of order B took back 48 growth that it had earned.",
        "20 points were added: birthday.",
        "30 points were redeemed: shop:mug.",
        "5 points were taken as a correction: counted anew.",
        "2,829 points ran out unused at Mar 1, 2018 00:00.",
    ]
    assert [line.reason for line in reversed(chinese.lines)][3] == "订单 B 获得 95 × 2 = 190 积分（等级金卡）。"
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in line.reason) for line in chinese.lines)
    (paid,) = [line for line in english.lines if line.kind == "redeem" and line.order_id]
    (given,) = [line for line in english.lines if line.kind == "give_back"]
    assert [(move.lot_no, move.amount) for move in paid.lots + given.lots] == [(1, 500), (1, -250)]


async def test_a_statement_tells_of_debt_made_and_repaid(programme: Programme) -> None:
    member = await programme.member()
    await programme.one(order(member, "A", NOON, 40_000))
    await programme.one(redeem(member, "all", NOON + 8 * DAY, 400))
    await programme.one(back(member, "A", NOON + 9 * DAY, 10_000))
    await programme.one(order(member, "B", NOON + 10 * DAY, 15_000))
    async with programme.database.transaction() as tx:
        page = await api.statement(tx, member, wallet="points", limit=2)
    assert [(line.amount, line.balance, line.debt_change) for line in page.lines] == [
        (150, 50, -100),
        (-100, -100, 100),
    ]
    assert [line.reason for line in page.lines] == [
        "Order B earned 150 × 1 = 150 points (tier Regular). 100 of them repaid debt.",
        "Return r1 of order A took back 100 points that it had earned. 100 of them could not be taken and are owed.",
    ]


async def test_a_statement_is_paged_without_gaps(programme: Programme) -> None:
    member = await programme.member()
    await programme.post(*[accrue(member, f"gift:{number}", NOON, number + 1) for number in range(25)])
    seen: list[int] = []
    before: int | None = None
    while True:
        async with programme.database.transaction() as tx:
            page = await api.statement(tx, member, before=before, limit=10)
        seen += [line.amount for line in page.lines]
        before = page.next_before
        if before is None:
            break
    assert seen == list(range(25, 0, -1))


async def test_members_without_books_read_as_empty_and_strangers_are_refused(programme: Programme) -> None:
    member = await programme.member()
    async with programme.database.transaction() as tx:
        empty = await api.balances(tx, member)
        status = await api.tier_status(tx, programme.configuration, member)
        assert (await api.statement(tx, member)).lines == ()
        assert await api.lots(tx, member) == []
        with pytest.raises(UnknownWallet):
            await api.statement(tx, member, wallet="gold")
        stranger = new_id()
        for reading in (
            api.balances(tx, stranger),
            api.statement(tx, stranger),
            api.lots(tx, stranger),
            api.tier_status(tx, programme.configuration, stranger),
        ):
            with pytest.raises(UnknownMember):
                await reading
    assert [(wallet.wallet, wallet.balance) for wallet in empty] == [("points", 0), ("growth", 0)]
    assert (status.tier, status.next_tier, status.missing, status.why) == ("regular", "silver", 1_000, None)
    assert status.reason == "Everybody begins at tier Regular."


async def test_standings_and_totals_of_all_members_as_of_an_instant(programme: Programme) -> None:
    first, second, third = sorted(await programme.members(3))
    await programme.one(order(first, "A", NOON, 110_000))
    await programme.one(order(second, "B", NOON, 40_000))
    await programme.one(redeem(second, "all", NOON + 8 * DAY, 400))
    await programme.one(back(second, "B", NOON + 9 * DAY, 10_000))
    await programme.one(accrue(third, "gift", NOON + 9 * DAY, 5))
    async with programme.database.transaction() as tx:
        early = await api.standings(tx, NOON + HOUR)
        late = await api.standings(tx, NOON + 9 * DAY)
        totals = await api.programme_totals(tx, NOON + 9 * DAY)
    assert [tuple(standing)[1:] for standing in early] == [(1, 0, 1_100, 1_100, 0), (0, 0, 400, 400, 0), (0,) * 5]
    assert [tuple(standing) for standing in late] == [
        (first, 1, 1_100, 0, 1_100, 0),
        (second, 0, 0, 0, 300, 100),
        (third, 0, 5, 0, 0, 0),
    ]
    assert totals == {
        ("growth", "claw_back"): -100,
        ("growth", "earn"): 1_500,
        ("points", "accrue"): 5,
        ("points", "claw_back"): -100,
        ("points", "earn"): 1_500,
        ("points", "redeem"): -400,
    }


async def test_a_review_that_is_due_counts_before_a_job_books_it(programme: Programme) -> None:
    await programme.activate(HARD, datetime(2016, 1, 2, tzinfo=UTC))
    member = await programme.member()
    await programme.one(order(member, "A", us_day("2017-01-31"), 100_000))
    falls = datetime(2017, 6, 1, 4, tzinfo=UTC)
    for booked in (False, True):
        if booked:
            assert await programme.review(falls + 9 * DAY) == 1
        async with programme.database.transaction() as tx:
            tiers = [
                (await api.tier_status(tx, programme.configuration, member, at)).tier
                for at in (us_day("2017-01-30"), us_day("2017-01-31"), falls - SECOND, falls, falls + 9 * DAY)
            ]
            ranks = [[row.rank for row in await api.standings(tx, at)] for at in (falls - SECOND, falls)]
            status = await api.tier_status(tx, programme.configuration, member, falls)
        assert tiers == ["regular", "silver", "silver", "regular", "regular"]
        assert ranks == [[1], [0]]
        assert status.why is not None
        assert (status.why.cause, status.why.from_tier, status.why.metric) == ("review", "silver", 0)
        assert status.why.recorded_at == falls
        assert status.reason == "The review of Jun 1, 2017 found 0 growth in 90 days; that gives Regular (from 0)."


async def test_tiers_have_one_name_wherever_they_are_told() -> None:
    """Codes are for programs; a tier of a programme's own is called by its code, written as a name."""
    codes = ("regular", "silver", "gold", "diamond", "black_card")

    assert [api.name_of_tier(code, "en") for code in codes] == ["Regular", "Silver", "Gold", "Diamond", "Black Card"]
    assert [api.name_of_tier(code, "zh") for code in codes] == ["普通", "银卡", "金卡", "钻石", "Black Card"]
    assert [api.tier_label(code) for code in codes] == ["Regular", "Silver", "Gold", "Diamond", "Black Card"]
