"""Members give points to each other: lot by lot, as the policy allows, once; limits hold exactly; taken back."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue, Redeem
from regulars.loyalty.errors import InsufficientPoints, ReferenceReused, UnknownMember
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.loyalty.transfers import errors, rules
from regulars.loyalty.transfers.rules import Counted
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.loyalty.giving import back, carry, gift, give, given, live_together, points, policy_of, refused
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import EASY, NOON, TIME_ZONE, Programme

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, policy_of())


async def with_policy(database: Database, vault: LocalVault, **transfers: Any) -> Programme:  # noqa: ANN401 - its fields
    return await Programme.begin(database, vault, policy_of(**transfers))


async def now_of(programme: Programme) -> Any:  # noqa: ANN401 - an instant
    async with programme.database.transaction() as tx:
        return tx.now


async def lots(programme: Programme, member: object) -> list[tuple[Any, ...]]:
    return await programme.rows(
        "SELECT remaining, earned_at, available_at, expires_at FROM lots "
        f"WHERE member_id = '{member}' AND remaining > 0 ORDER BY expires_at, earned_at, lot_no"
    )


async def test_lots_go_over_soonest_expiry_first_and_keep_their_dates(programme: Programme) -> None:
    one, two = await programme.members(2)
    at = await now_of(programme)
    await gift(programme, one, 100, at + 60 * DAY)
    await gift(programme, one, 50, at + 30 * DAY)
    before = await lots(programme, one)

    done = await given(programme, one, two, 70)

    assert (done.amount, done.wallet) == (70, "points")
    assert [(row[0], *row[1:]) for row in await lots(programme, two)] == [(50, *before[0][1:]), (20, *before[1][1:])]
    assert [row[0] for row in await lots(programme, one)] == [80]
    assert await points(programme, one, two) == [80, 70]
    kinds = await programme.rows(
        "SELECT DISTINCT kind FROM ledger_transfers WHERE reference LIKE 'transfer:%%' ORDER BY 1"
    )
    assert kinds == [("move_in",), ("move_out",)]
    assert await programme.problems() == {}


async def test_nobody_gives_where_the_policy_knows_no_transfers(database: Database, vault: LocalVault) -> None:
    programme = await Programme.begin(database, vault, EASY)
    one, two = await programme.members(2)
    await gift(programme, one, 100)

    assert isinstance(await refused(programme, one, two, 10), errors.TransfersNotAllowed)
    assert await points(programme, one, two) == [100, 0]


async def test_within_a_household_only(database: Database, vault: LocalVault) -> None:
    programme = await with_policy(database, vault, among="household")
    one, two, three = await programme.members(3)
    await gift(programme, one, 100)
    assert isinstance(await refused(programme, one, two, 10), errors.TransferOutsideHousehold)
    await live_together(programme, one, two)

    await given(programme, one, two, 10)
    assert isinstance(await refused(programme, one, three, 10), errors.TransferOutsideHousehold)
    assert await points(programme, one, two, three) == [90, 10, 0]


async def test_what_is_refused_moves_nothing(database: Database, vault: LocalVault) -> None:
    programme = await with_policy(database, vault, smallest=10, largest=50, lowest_tier=1)
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    small, large = await refused(programme, one, two, 9), await refused(programme, one, two, 51)
    assert isinstance(small, errors.TransferTooSmall)
    assert small.data["missing"] == 1
    assert isinstance(large, errors.TransferTooLarge)
    assert large.data["over"] == 1
    tier = await refused(programme, one, two, 20)
    assert isinstance(tier, errors.TransferNeedsTier)
    assert (tier.data["needed"], tier.data["tier"]) == ("silver", "regular")
    await programme.post(Accrue(member_id=one, wallet="growth", amount=1_000, reference="bought"))
    assert isinstance(await refused(programme, one, one, 20), errors.TransferToOneself)
    assert isinstance(await refused(programme, one, new_id(), 20), UnknownMember)
    assert isinstance(await refused(programme, new_id(), one, 20), UnknownMember)
    await programme.post(Redeem(member_id=one, wallet="points", amount=85, reference="shop"))
    lacking = await refused(programme, one, two, 20)
    assert isinstance(lacking, InsufficientPoints)
    assert lacking.data["missing"] == 5
    assert await points(programme, one, two) == [15, 0]
    assert await programme.rows("SELECT count(*) FROM point_transfers") == [(0,)]


async def test_new_members_wait(database: Database, vault: LocalVault) -> None:
    programme = await with_policy(database, vault, waiting_days=30)
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    await given(programme, one, two, 10)
    await programme.execute(f"UPDATE members SET signed_up_at = now() WHERE member_id = '{two}'")
    early = await refused(programme, one, two, 10)
    assert isinstance(early, errors.TransferTooEarly)
    assert early.data["days"] == 30


async def test_a_reference_gives_once_whoever_retries(programme: Programme) -> None:
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    first = await given(programme, one, two, 30, "gift")
    again = await given(programme, one, two, 30, "gift")
    (other,) = await carry(programme, give(one, two, 31, "gift"))
    assert again == first
    assert isinstance(other, ReferenceReused)
    both = await carry(programme, give(one, two, 5, "b"), give(one, two, 5, "b"))
    assert both[0] == both[1]
    assert await points(programme, one, two) == [65, 35]


async def test_dry_run_tells_and_writes_nothing(programme: Programme) -> None:
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    (told,) = await carry(programme, give(one, two, 40), dry_run=True)
    assert isinstance(told, api.Transferred)
    assert (told.transfer_id, told.amount) == (None, 40)
    assert await points(programme, one, two) == [100, 0]


@pytest.mark.parametrize("split", [1, 2, 5])
async def test_a_batch_gives_what_singles_give(database: Database, vault: LocalVault, split: int) -> None:
    programme = await with_policy(database, vault, given_per_day=60, received_per_month=50)
    one, two, three = await programme.members(3)
    for member in (one, two, three):
        await gift(programme, member, 100)
    wishes = [
        give(one, two, 40, "a"),
        give(two, three, 30, "b"),
        give(one, three, 30, "c"),
        give(one, two, 20, "d"),
        give(three, one, 60, "e"),
    ]
    found = [
        outcome for first in range(0, 5, split) for outcome in await carry(programme, *wishes[first : first + split])
    ]
    kinds = [type(one) if isinstance(one, DomainError) else one.amount for one in found]
    assert kinds == [40, 30, errors.GivenTodayLimit, errors.ReceivedThisMonthLimit, errors.ReceivedThisMonthLimit]
    assert await points(programme, one, two, three) == [60, 110, 130]
    assert await programme.problems() == {}


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_any_split_gives_the_same_books_and_sums(
    database: Database, second_database_url: str, vault: LocalVault, seed: int
) -> None:
    """L8 for transfers among four: the same books, nothing comes or goes, lots keep dates, no limit is exceeded."""
    chance = random.Random(seed)
    async with Database(second_database_url, pool_size=2) as other:
        both = [
            await with_policy(one, vault, given_per_day=80, given_per_month=150, received_per_year=260)
            for one in (database, other)
        ]
        people = await both[0].members(4)
        assert await both[1].members(4) == people
        for each in both:
            for number, member in enumerate(people):
                for lot in range(3):
                    until = NOON + (40 + 17 * lot + number) * DAY
                    fact = Accrue(
                        member_id=member,
                        wallet="points",
                        amount=70,
                        reference=f"gift-{lot}",
                        recorded_at=NOON,
                        expires_at=until,
                    )
                    await each.post(fact)
        at, wishes = NOON, []
        for number in range(40):
            at += chance.choice((timedelta(0), timedelta(hours=5), DAY))
            giver, to = chance.sample(people, 2)
            named = f"w{number if chance.random() < 0.9 else number - 1}"  # some repeat, some reuse a reference
            wishes.append(give(giver, to, chance.randint(1, 90), named, at))
        singles = [outcome for wish in wishes for outcome in await carry(both[0], wish)]
        batched, left = [], list(wishes)
        while left:
            size = chance.randint(1, 12)
            batched += await carry(both[1], *left[:size])
            left = left[size:]
        assert [str(one) for one in batched] == [str(one) for one in singles]
        assert await both[1].books() == await both[0].books()
        assert sum(await points(both[0], *people)) == 4 * 3 * 70
        dates = "SELECT DISTINCT expires_at FROM lots ORDER BY 1"
        gifts = (
            "SELECT DISTINCT l.expires_at FROM lots AS l JOIN ledger_transfers AS t ON t.member_id = l.member_id "
            "AND t.seq = l.lot_no AND t.kind = 'accrue' ORDER BY 1"
        )
        assert await both[0].rows(dates) == await both[0].rows(gifts)
        sums = await both[0].rows(
            "SELECT max(of) FROM (SELECT sum(amount)::bigint AS of FROM point_transfers WHERE side = 'given' "
            f"GROUP BY member_id, date_trunc('day', recorded_at AT TIME ZONE '{TIME_ZONE}')) AS days"
        )
        assert sums[0][0] <= 80
        assert [await each.problems() for each in both] == [{}, {}]


async def test_a_limit_says_how_much_is_left_and_when_there_is_room(database: Database, vault: LocalVault) -> None:
    programme = await with_policy(database, vault, given_per_day=60)
    one, two = await programme.members(2)
    await gift(programme, one, 200)
    await given(programme, one, two, 50)
    limit = await refused(programme, one, two, 20)
    assert isinstance(limit, errors.GivenTodayLimit)
    assert (limit.data["limit"], limit.data["left"]) == (60, 10)
    at = await now_of(programme)
    assert limit.data["again_at"] == rules.begins("day", at, TIME_ZONE, 1).isoformat()
    await given(programme, one, two, 10)
    assert isinstance(await refused(programme, one, two, 1), errors.GivenTodayLimit)


async def test_under_an_old_id_it_is_the_survivor(programme: Programme) -> None:
    survivor, absorbed, other = await programme.members(3)
    await gift(programme, absorbed, 100)
    await given(programme, absorbed, other, 10, "before")
    wish = merge_of(survivor, absorbed, await now_of(programme))
    await merge(programme, wish)

    again = await given(programme, absorbed, other, 10, "before")
    later = await given(programme, absorbed, other, 20, "later")
    assert (again.member_id, later.member_id) == (absorbed, survivor)
    assert isinstance(await refused(programme, survivor, absorbed, 5), errors.TransferToOneself)
    await given(programme, other, absorbed, 5)
    assert await points(programme, survivor, absorbed, other) == [75, 0, 25]
    assert await programme.problems() == {}

    await undo(programme, wish, await now_of(programme))
    replayed = await given(programme, absorbed, other, 20, "later")
    assert replayed == later
    assert await programme.problems() == {}


async def test_what_is_unspent_goes_back_and_the_rest_is_owed(programme: Programme) -> None:
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    dates = (await lots(programme, one))[0][1:]
    done = await given(programme, one, two, 100)
    await programme.post(Redeem(member_id=two, wallet="points", amount=70, reference="shop"))
    looked = await back(programme, one, done, dry_run=True)
    assert (looked.returned, looked.covered, looked.shortfall, looked.expired) == (30, 0, 70, 0)
    assert await points(programme, one, two) == [0, 30]

    taken = await back(programme, one, done)

    assert (taken.returned, taken.shortfall) == (30, 70)
    assert await points(programme, one, two) == [100, -70]
    assert {row[1:] for row in await lots(programme, one)} == {dates}
    with pytest.raises(errors.TransferReversedBefore):
        await back(programme, one, done)
    with pytest.raises(errors.UnknownTransfer):
        await back(programme, two, done)
    assert isinstance(await refused(programme, two, one, 1), errors.TransferOwes)
    assert await programme.problems() == {}


async def test_no_reversal_through_a_merge(programme: Programme) -> None:
    one, two, three = await programme.members(3)
    await gift(programme, one, 100)
    done = await given(programme, one, two, 50)
    wish = merge_of(three, two, await now_of(programme))
    await merge(programme, wish)
    with pytest.raises(errors.ReversalAfterMerge):
        await back(programme, one, done)
    await undo(programme, wish, await now_of(programme))
    taken = await back(programme, one, done)  # the lot itself went there and back: the same units in another one
    assert (taken.returned, taken.covered, taken.shortfall) == (0, 50, 0)
    assert await points(programme, one, two) == [100, 0]
    assert await programme.problems() == {}


async def test_a_statement_tells_neither_who_the_other_was(programme: Programme) -> None:
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    done = await given(programme, one, two, 40)
    await back(programme, one, done)
    said = {}
    for language in ("en", "zh"):
        for member in (one, two):
            async with programme.database.transaction() as tx:
                page = await api.statement(tx, member, limit=10, wallet="points", language=language)
            said[language, member] = [line.reason for line in page.lines if line.kind in {"move_in", "move_out"}]
    assert said["en", one] == [
        "40 points came back: what was given to another member was taken back.",
        "40 points were given to another member.",
    ]
    assert said["en", two] == [
        "40 points that another member had given were taken back.",
        "40 points were given by another member.",
    ]
    assert not any("mbr_" in line for lines in said.values() for line in lines)
    assert all("another" not in line for line in said["zh", one])


async def test_the_list_tells_both_sides(programme: Programme) -> None:
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    first, _ = await given(programme, one, two, 40), await given(programme, one, two, 10)
    async with programme.database.transaction() as tx:
        mine = await api.list_transfers(tx, one)
        theirs = await api.list_transfers(tx, two, before=mine[0].place)
    assert [(seen.side, seen.amount, seen.other_id) for seen in mine] == [("given", 10, two), ("given", 40, two)]
    assert [(seen.side, seen.transfer_id, seen.reference) for seen in theirs] == [("received", first.transfer_id, None)]


CORRUPTIONS = [
    "UPDATE point_transfers SET amount = amount + 1 WHERE side = 'given'",
    "UPDATE point_transfers SET recorded_at = recorded_at + interval '1 second'",
    "DELETE FROM point_transfers WHERE side = 'received'",
    "DELETE FROM point_transfers",
    "UPDATE point_transfers SET other_id = gen_random_uuid() WHERE side = 'received'",
    "UPDATE point_transfer_reversals SET returned = returned - 1",
    "DELETE FROM point_transfer_reversals",
]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
async def test_each_corruption_is_found(programme: Programme, corruption: str) -> None:
    one, two = await programme.members(2)
    await gift(programme, one, 100)
    await given(programme, one, two, 40)
    await back(programme, one, await given(programme, one, two, 20))
    assert await programme.problems() == {}

    await programme.execute(corruption)
    assert "transfers between members" in await programme.problems()


@drawn(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60)), max_size=40),
    st.integers(1, 100),
    st.integers(1, 100),
    st.integers(1, 100),
)
@settings(max_examples=200, deadline=None)
def test_limits_hold_exactly_and_there_is_room_when_they_say_so(
    wishes: list[tuple[int, int]], day: int, month: int, year: int
) -> None:
    limits = rules.limits_of(TransferPolicy(given_per_day=day, given_per_month=month, given_per_year=year), given=True)
    counted: list[Counted] = []
    for after, amount in sorted(wishes):
        at = NOON + after * DAY
        found = rules.reached(limits, counted, amount, at, TIME_ZONE)
        sums = {
            span: sum(one.amount for one in counted if one.at >= rules.begins(span, at, TIME_ZONE)) for span in limits
        }
        assert (found is None) == all(sums[span] + amount <= limit for span, limit in limits.items())
        if found is None:
            counted.append(Counted(at, amount))
            continue
        assert found.left == max(limits[found.span] - sums[found.span], 0)
        only = {found.span: found.limit}
        wanted = min(amount, found.limit)
        assert found.again_at > at
        assert rules.reached(only, counted, wanted, found.again_at, TIME_ZONE) is None
        assert rules.reached(only, counted, wanted, found.again_at - timedelta(seconds=1), TIME_ZONE) is not None or (
            wanted < amount
        )
