"""The checks find nothing in books that the ledger wrote, and each corruption that is planted is found by its check."""

from datetime import date
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue
from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.rollups.service import bring_up_to_date
from regulars.platform.vault.local import LocalVault
from tests.loyalty.adjusting import answer, ask
from tests.loyalty.adjusting import one as decided
from tests.loyalty.joining import merge, merge_of
from tests.loyalty.programme import (
    ANNIVERSARY,
    DAY,
    EASY,
    HARD,
    NOON,
    Fact,
    Programme,
    accrue,
    adjust,
    back,
    extend,
    hold,
    order,
    post_hold,
    redeem,
)

pytestmark = pytest.mark.anyio
OF_OTHER_TESTS = {"books of erased members", "facts posted elsewhere", "transfers between members"}


def history(member: UUID) -> list[Fact]:
    """Return facts that use every kind of row: debt, a homeless give-back, expiry, upgrades and falls."""
    return [
        order(member, "A", NOON, 110_000),
        order(member, "B", NOON + 8 * DAY, 10_040, points=400),
        back(member, "B", NOON + 9 * DAY, 5_020),
        accrue(member, "gift:2", NOON + 9 * DAY, 100, expires_at=NOON + 10 * DAY),
        accrue(member, "gift:3", NOON + 9 * DAY, 50, expires_at=NOON + 2_000 * DAY),
        hold(member, "posted", NOON + 9 * DAY, 60, NOON + 14 * DAY),
        hold(member, "timed out", NOON + 9 * DAY, 5, NOON + 11 * DAY),
        hold(member, "open", NOON + 9 * DAY, 10, NOON + 1_500 * DAY),
        accrue(member, "gift:1", NOON + 10 * DAY, 50, expires_at=NOON + 12 * DAY, reason="birthday"),
        Accrue(member_id=member, wallet="growth", amount=1_500, reference="act:1", recorded_at=NOON + 10 * DAY),
        redeem(member, "shop:1", NOON + 11 * DAY, 700),
        adjust(member, "desk:1", NOON + 11 * DAY, -20),
        adjust(member, "desk:2", NOON + 11 * DAY, 30),
        back(member, "A", NOON + 12 * DAY, 110_000, "all"),
        post_hold(member, "posted", NOON + 13 * DAY, 20),
        back(member, "B", NOON + 70 * DAY, 10_040, "r2"),
        order(member, "C", NOON + 71 * DAY, 45_000),
        order(member, "D", NOON + 400 * DAY, 90_000),
    ]


async def written(database: Database, vault: LocalVault, policy: str) -> tuple[Programme, UUID]:
    """Return a programme with the books of one busy member and one quiet one."""
    programme = await Programme.begin(database, vault, {"easy": EASY, "hard": HARD, "anniversary": ANNIVERSARY}[policy])
    busy, quiet, absorbed = await programme.members(3)
    for fact in history(busy):
        if fact.recorded_at is not None:
            await programme.expire(fact.recorded_at)
            await programme.review(fact.recorded_at)
        await programme.one(fact)
    await programme.one(accrue(busy, "gift:4", NOON + 1_000 * DAY, 70, expires_at=NOON + 1_100 * DAY))
    ((lot_no,),) = await programme.rows("SELECT seq FROM ledger_transfers WHERE reference = 'gift:4'")
    await programme.one(extend(busy, lot_no, NOON + 1_000 * DAY, NOON + 1_300 * DAY))
    await programme.one(accrue(quiet, "gift:1", NOON, 5))
    await programme.one(accrue(absorbed, "gift:1", NOON, 5))
    await merge(programme, merge_of(quiet, absorbed, NOON))
    await programme.expire(NOON + 1_000 * DAY)
    await programme.review(NOON + 1_000 * DAY)
    await programme.one(order(busy, "E", NOON + 1_001 * DAY, 1_000))
    for reference in ("desk:3", "desk:4"):
        await decided(programme, ask(busy, reference, NOON + 1_001 * DAY, 500))
        await decided(programme, answer(busy, reference, NOON + 1_002 * DAY, approve=reference == "desk:3"))
    await decided(programme, ask(busy, "desk:5", NOON + 1_002 * DAY, 5))
    return programme, busy


@pytest.mark.parametrize("policy", ["easy", "hard", "anniversary"])
async def test_books_that_the_ledger_wrote_pass_every_check(database: Database, vault: LocalVault, policy: str) -> None:
    programme, busy = await written(database, vault, policy)
    kinds = {row[0] for row in await programme.rows("SELECT DISTINCT kind FROM ledger_transfers")}
    usual = {"accrue", "adjust", "claw_back", "earn", "expire", "give_back", "redeem"}
    assert kinds == usual | {"extend", "move_in", "move_out"}
    assert max(await programme.rows("SELECT debt_change FROM ledger_transfers")) > (0,)
    assert await programme.rows("SELECT 1 FROM tier_changes WHERE member_id = %s AND cause = 'return'", (busy,))
    (erased,) = await programme.members(1, "erased")
    async with database.transaction() as tx:
        await api.PRIVACY.erase(tx, [erased])
    async with database.transaction() as tx:
        await bring_up_to_date(tx, api.BOOKS)
    async with database.transaction() as tx:
        await api.begin_close(tx, date(2017, 2, 1), by="test", reason="")
    async with database.transaction() as tx:
        await api.go_on_closing(tx, programme.configuration)
    assert await programme.problems() == {}
    for check in api.checks():
        async with database.transaction() as tx:
            found = await check.run(tx)
        assert found.rows_checked > 0 or check.name in OF_OTHER_TESTS, check.name


LATE = "SELECT seq FROM ledger_transfers WHERE member_id = '{m}' AND reference = 'late')"
CORRUPTIONS: dict[str, tuple[set[str], list[str]]] = {
    "a stored balance": (
        {"wallets against transfers", "lots against balances", "double entry, books to zero"},
        ["UPDATE member_wallets SET balance = balance + 1 WHERE member_id = '{m}' AND wallet_id = 1"],
    ),
    "a stored debt": (
        {"wallets against transfers", "lots against balances"},
        ["UPDATE member_wallets SET debt = debt + 7 WHERE member_id = '{m}' AND wallet_id = 1"],
    ),
    "a balance after a row": (
        {"balances row by row"},
        ["UPDATE ledger_transfers SET balance_after = balance_after + 1 WHERE member_id = '{m}' AND seq = 1"],
    ),
    "what is left of a lot": (
        {"lots against their uses", "lots against balances"},
        ["UPDATE lots SET remaining = remaining + 1 WHERE member_id = '{m}' AND lot_no = 1"],
    ),
    "a use of a lot that does not exist": (
        {"lots against their uses", "transfers against lots"},
        ["INSERT INTO lot_uses VALUES ('{m}', 9999, 0, 9998, 5, 0, NULL)"],
    ),
    "a use that was deleted": (
        {"lots against their uses", "transfers against lots", "nothing used out of time"},
        [
            (
                "DELETE FROM lot_uses WHERE member_id = '{m}' AND seq = "
                "(SELECT seq FROM ledger_transfers WHERE member_id = '{m}' AND reference = 'order:B:redeem')"
            )
        ],
    ),
    "when an extended lot runs out": (
        {"extensions of lots"},
        ["UPDATE lots SET expires_at = earned_at + interval '2 days' WHERE member_id = '{m}' AND lot_no = (" + LATE],
    ),
    "what an extension brings": (
        {"extensions of lots", "transfers against lots", "lots against balances"},
        [
            "UPDATE lots SET amount = amount - 1, remaining = remaining - 1 WHERE member_id = '{m}' AND lot_no = ("
            + LATE
        ],
    ),
    "from what an extension took": (
        {"extensions of lots", "transfers against lots", "lots against their uses"},
        ["DELETE FROM lot_uses WHERE member_id = '{m}' AND seq = -1 + (" + LATE],
    ),
    "what a hold keeps": (
        {"holds against lots"},
        ["UPDATE hold_lots SET amount = amount + 1 WHERE member_id = '{m}'"],
    ),
    "what was posted of a hold": (
        {"holds against lots"},
        ["UPDATE hold_ends SET posted = posted + 1 WHERE member_id = '{m}' AND how = 'posted'"],
    ),
    "the end of a hold that was deleted": (
        {"holds against lots", "books in order", "nothing used out of time"},
        ["DELETE FROM hold_ends WHERE member_id = '{m}' AND how = 'timed_out'"],
    ),
    "when the first hold is over": (
        {"holds against lots"},
        ["UPDATE member_books SET hold_until = hold_until + interval '1 day' WHERE member_id = '{m}'"],
    ),
    "a use of a lot before its time": (
        {"nothing used out of time"},
        [
            (
                "UPDATE lots SET available_at = available_at + interval '10 years', "
                "expires_at = expires_at + interval '20 years' WHERE member_id = '{m}' AND order_id = 'A'"
            )
        ],
    ),
    "points given back twice": (
        {"transfers against lots", "nothing used out of time"},
        ["UPDATE lot_uses SET gives_back = gives_back + 1000 WHERE member_id = '{m}' AND gives_back > 0"],
    ),
    "a transfer between two wallets of the member": (
        {"double entry, books to zero"},
        ["UPDATE ledger_transfers SET debit_account = 201 WHERE member_id = '{m}' AND reference = 'gift:1'"],
    ),
    "a kind on the wrong account": (
        {"double entry, books to zero"},
        ["UPDATE ledger_transfers SET debit_account = 104 WHERE member_id = '{m}' AND reference = 'gift:1'"],
    ),
    "a settlement's base": (
        {"settlements against transfers"},
        ["UPDATE settlements SET base = base + 1 WHERE member_id = '{m}' AND order_id = 'A'"],
    ),
    "a settlement's return": (
        {"settlements against transfers"},
        ["UPDATE settlements SET returned_minor = 1000 WHERE member_id = '{m}' AND order_id = 'B'"],
    ),
    "a settlement that was deleted": (
        {"settlements against transfers"},
        ["DELETE FROM settlements WHERE member_id = '{m}' AND order_id = 'C'"],
    ),
    "the tier an order was settled at": (
        {"settlements against transfers", "tiers recomputed"},
        ["UPDATE settlements SET tier = 3 WHERE member_id = '{m}' AND order_id = 'C'"],
    ),
    "a tier": ({"tiers recomputed"}, ["UPDATE member_books SET tier = 3 WHERE member_id = '{m}'"]),
    "the date of a review": (
        {"tiers recomputed"},
        ["UPDATE member_books SET review_at = '2031-01-01Z' WHERE member_id = '{m}'"],
    ),
    "a tier change's metric": (
        {"tiers recomputed"},
        ["UPDATE tier_changes SET metric = metric + 1 WHERE member_id = '{m}'"],
    ),
    "a tier change that was deleted": (
        {"tiers recomputed", "books in order"},
        ["DELETE FROM tier_changes WHERE member_id = '{m}' AND seq = (SELECT min(seq) FROM tier_changes)"],
    ),
    "the cache of the window": (
        {"growth windows"},
        ["UPDATE member_books SET window_sum = window_sum + 1 WHERE member_id = '{m}'"],
    ),
    "the oldest entry of the window": (
        {"growth windows"},
        ["UPDATE member_books SET window_oldest_at = window_at + interval '1 s' WHERE member_id = '{m}'"],
    ),
    "a reference on two transfers": (
        {"no reference twice"},
        [
            "ALTER TABLE ledger_transfers DROP CONSTRAINT ledger_transfers_member_id_reference_key",
            "UPDATE ledger_transfers SET reference = 'desk:1' WHERE member_id = '{m}' AND reference = 'desk:2'",
        ],
    ),
    "the next number": (
        {"books in order"},
        ["UPDATE member_books SET next_seq = next_seq - 1 WHERE member_id = '{m}'"],
    ),
    "a time that goes backwards": (
        {"books in order"},
        [
            (
                "UPDATE ledger_transfers SET recorded_at = recorded_at - interval '5 days' "
                "WHERE member_id = '{m}' AND reference = 'desk:2'"
            )
        ],
    ),
    "the version that decided": (
        {"decided by the version of its time"},
        ["UPDATE ledger_transfers SET policy_version = 2 WHERE member_id = '{m}' AND reference = 'gift:1'"],
    ),
    "a transfer that was deleted": (
        {
            "wallets against transfers",
            "balances row by row",
            "transfers against lots",
            "double entry, books to zero",
            "books in order",
        },
        ["DELETE FROM ledger_transfers WHERE member_id = '{m}' AND reference = 'gift:1'"],
    ),
}


@pytest.mark.parametrize("planted", CORRUPTIONS)
async def test_each_corruption_is_found_by_its_check(database: Database, vault: LocalVault, planted: str) -> None:
    finders, statements = CORRUPTIONS[planted]
    programme, busy = await written(database, vault, "anniversary")
    await programme.execute(*[statement.format(m=busy) for statement in statements])

    found = await programme.problems()

    assert set(found) == finders
    of_members = finders - {"double entry, books to zero"}  # the sums of a wallet are nobody's
    assert all(public_id("mbr", busy) in " ".join(found[name]) for name in of_members), found
