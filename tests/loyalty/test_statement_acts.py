"""The statement by acts: one line for what was done once, on one page, whatever it moved; the books keep each move."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from regulars.commerce import api as commerce
from regulars.loyalty import api
from regulars.loyalty.contracts import StatementLine
from regulars.platform.db.database import Database
from regulars.platform.errors import NotFound
from regulars.platform.explaining.speech import Speech
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.loyalty.giving import back, gift, given, policy_of
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import DAY, HOUR, NOON, Programme, accrue, order
from tests.loyalty.programme import back as goods_back

pytestmark = pytest.mark.anyio


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, policy_of())


async def now_of(programme: Programme) -> Any:  # noqa: ANN401 - an instant
    async with programme.database.transaction() as tx:
        return tx.now


async def lines(programme: Programme, member: UUID, **asked: Any) -> list[StatementLine]:  # noqa: ANN401 - of the reading
    async with programme.database.transaction() as tx:
        return list((await api.statement_of_acts(tx, member, **{"limit": 200, **asked})).lines)


async def books(programme: Programme, member: UUID) -> list[StatementLine]:
    async with programme.database.transaction() as tx:
        return list((await api.statement(tx, member, limit=200)).lines)


async def in_pages(programme: Programme, member: UUID, limit: int, wallet: str | None) -> list[StatementLine]:
    found, before = list[StatementLine](), None
    while True:
        async with programme.database.transaction() as tx:
            page = await api.statement_of_acts(tx, member, before=before, limit=limit, wallet=wallet)
        found += page.lines
        wallets = Counter(line.wallet for line in page.lines)
        assert len(page.lines) <= limit or len(page.lines) == len(wallets), "only one act that moved several wallets"
        if page.next_before is None:
            return found
        before = page.next_before


def short(line: StatementLine) -> tuple[str, str, int, int]:
    return line.kind, line.wallet, line.amount, line.part_count


async def test_points_of_three_lots_are_given_and_taken_back_in_one_line(programme: Programme) -> None:
    one, two = await programme.members(2)
    at = await now_of(programme)
    for days, amount in ((30, 10), (60, 20), (90, 30)):
        await gift(programme, one, amount, at + days * DAY)

    sent = await given(programme, one, two, 40)
    (gave, *_), (got,) = await lines(programme, one), await lines(programme, two)
    async with programme.database.transaction() as tx:
        rules = api.Configuration()
        told, _ = await commerce.explain_lines(tx, rules, two, [got])
        mine, _ = await commerce.explain_lines(tx, rules, one, [gave])
    await back(programme, one, sent)

    assert (short(gave), gave.balance) == (("move_out", "points", -40, 3), 20)
    assert (short(got), got.balance) == (("move_in", "points", 40, 3), 40)
    assert got.reason == "40 points were given by another member."
    assert [short(line) for line in await books(programme, two)][-3:] == [
        ("move_in", "points", 10, 1),
        ("move_in", "points", 20, 1),
        ("move_in", "points", 10, 1),
    ]
    why = told[got.seq]
    values = [(one.rule, one.values.get("amount", one.values.get("parts"))) for one in why.reasons]
    assert values == [
        ("moved.in.transfer", 40),
        ("moved.parts", 3),
        ("moved.part", 10),
        ("moved.part", 20),
        ("moved.part", 10),
        ("moved.kept", None),
    ]
    assert [one.rule for one in mine[gave.seq].reasons][2:5] == ["moved.part"] * 3
    said = [Speech.of(why, language).say(why.reasons[1]) for language in ("en", "zh")]
    assert said == ["They are of 3 parts:", "由 3 部分组成："]
    assert [short(line) for line in (await lines(programme, one))[:2]] == [
        ("move_in", "points", 40, 3),
        ("move_out", "points", -40, 3),
    ]
    assert [short(line) for line in await lines(programme, two)] == [
        ("move_out", "points", -40, 3),
        ("move_in", "points", 40, 3),
    ]


async def test_a_merge_its_undoing_and_what_a_return_took_over_are_a_line_in_each_wallet(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    for number in range(20):
        await programme.one(order(absorbed, f"A{number}", NOON + number * HOUR, 1_000 * (number + 1)))
    await programme.one(goods_back(absorbed, "A3", NOON + DAY, 1_000))
    await programme.one(order(survivor, "S", NOON + DAY, 60_000))
    wish = merge_of(survivor, absorbed, NOON + 2 * DAY)
    await merge(programme, wish)
    await programme.one(accrue(survivor, "later", NOON + 3 * DAY, 7))
    await undo(programme, wish, NOON + 4 * DAY)

    whole = await lines(programme, survivor)
    assert [short(line) for line in whole][:5] == [
        ("move_out", "growth", -2_090, 21),
        ("move_out", "points", -2_090, 20),
        ("accrue", "points", 7, 1),
        ("move_in", "growth", 2_090, 21),
        ("move_in", "points", 2_090, 20),
    ]
    assert len(whole[3].parts) == 12
    assert whole[3].effective_at == whole[3].recorded_at, "its parts are of times of their own"
    async with programme.database.transaction() as tx:
        told, _ = await commerce.explain_lines(tx, api.Configuration(), survivor, whole)
    rules = [one.rule for one in told[whole[3].seq].reasons]
    assert rules == ["moved.in.merge", "moved.parts", *["moved.entry"] * 12, "moved.more", "moved.kept"]
    for member in (survivor, absorbed):
        kept, found = await books(programme, member), await lines(programme, member)
        assert sum(line.part_count for line in found) == len(kept)
        for wallet in (None, "points", "growth"):
            expected = [line for line in found if wallet in {None, line.wallet}]
            assert sum(line.amount for line in expected) == sum(
                line.amount for line in kept if wallet in {None, line.wallet}
            )
            for limit in (1, 2, 3, 5, 20):
                assert await in_pages(programme, member, limit, wallet) == expected, (wallet, limit)


async def test_who_is_nobody_has_no_statement(programme: Programme) -> None:
    with pytest.raises(NotFound):
        await lines(programme, new_id())
