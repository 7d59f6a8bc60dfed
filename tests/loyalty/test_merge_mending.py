"""What merging and undoing must not do beside moving: debt out of holds, other lots, what members may not know."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import AnswerAdjustment, AskAdjustment, HoldStanding
from regulars.loyalty.errors import UndoWaitsForHolds
from regulars.loyalty.privacy.service import PRIVACY
from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.vault.local import LocalVault
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import (
    DAY,
    EASY,
    NOON,
    Programme,
    accrue,
    back,
    hold,
    order,
    redeem,
    void_hold,
)

pytestmark = pytest.mark.anyio
SECRET, SECOND = "A-secret", timedelta(seconds=1)


@pytest.fixture
async def programme(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, EASY)


async def test_what_is_held_of_what_came_stands_against_undoing(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "own", NOON, 1))
    await programme.one(accrue(absorbed, "gift", NOON, 100))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(hold(survivor, "h", NOON + 2 * DAY, 100, NOON + 20 * DAY))
    before = await programme.books()

    for dry_run in (True, False):
        with pytest.raises(UndoWaitsForHolds) as refused:
            await undo(programme, wish, NOON + 3 * DAY, dry_run=dry_run)
        assert refused.value.data == {"open": 1}

    assert await programme.books() == before
    assert isinstance(await programme.one(void_hold(survivor, "h", NOON + 4 * DAY)), HoldStanding)
    await undo(programme, wish, NOON + 5 * DAY)
    assert await programme.points(survivor, NOON + 5 * DAY) == (1, 1, 0, 0, 0)
    assert await programme.points(absorbed, NOON + 5 * DAY) == (100, 100, 0, 0, 0)
    assert await programme.problems() == {}


async def test_what_is_held_of_others_stands_against_undoing_where_it_would_make_debt(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "own", NOON, 60, expires_at=NOON + 200 * DAY))
    await programme.one(accrue(absorbed, "gift", NOON, 100, expires_at=NOON + 100 * DAY))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(redeem(survivor, "shop", NOON + 2 * DAY, 100))
    await programme.one(hold(survivor, "h", NOON + 2 * DAY, 60, NOON + 20 * DAY))

    with pytest.raises(UndoWaitsForHolds):
        await undo(programme, wish, NOON + 3 * DAY)

    await programme.one(void_hold(survivor, "h", NOON + 4 * DAY))
    (points,) = (await undo(programme, wish, NOON + 5 * DAY)).wallets
    assert (points.returned, points.covered, points.shortfall) == (0, 60, 40)
    assert await programme.problems() == {}


async def test_holds_on_what_nobody_asks_back_do_not_stand_against_undoing(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "own", NOON, 60, expires_at=NOON + 50 * DAY))
    await programme.one(accrue(absorbed, "gift", NOON, 100, expires_at=NOON + 100 * DAY))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(hold(survivor, "h", NOON + 2 * DAY, 60, NOON + 20 * DAY))
    (points,) = (await undo(programme, wish, NOON + 3 * DAY)).wallets
    assert (points.returned, points.shortfall) == (100, 0)
    assert await programme.problems() == {}


async def _left(programme: Programme, *members: UUID) -> list[tuple[Any, ...]]:
    return await programme.rows(
        "SELECT sum(remaining)::int, earned_at, available_at, expires_at, order_id FROM lots "
        "WHERE member_id = ANY (%s) AND remaining > 0 GROUP BY 2, 3, 4, 5 ORDER BY 4, 2, 5",
        (list(members),),
    )


@pytest.mark.parametrize("days", [1, 10, 80], ids=["pending", "mature", "spent on a lot that ran out"])
@pytest.mark.parametrize("returned", [30_000, 50_000, 100_000])
async def test_a_return_takes_the_same_lots_merged_or_not(
    database: Database, vault: LocalVault, days: int, returned: int
) -> None:
    programme = await Programme.begin(database, vault, EASY)
    taken = {}
    for how in ("never", "merged", "undone"):
        survivor, absorbed = await programme.members(2, how)
        await programme.one(accrue(survivor, "open", NOON, 1))
        await programme.one(accrue(absorbed, "soon", NOON, 500, expires_at=NOON + 60 * DAY))
        await programme.one(accrue(absorbed, "later", NOON, 90, expires_at=NOON + 300 * DAY))
        await programme.one(order(absorbed, SECRET, NOON, 100_000, points=400))
        at = NOON + days * DAY
        await programme.expire(at)
        wish = merge_of(survivor, absorbed, at, how)
        if how != "never":
            await merge(programme, wish)
        if how == "undone":
            await undo(programme, wish, at)
        await programme.one(back(absorbed, SECRET, at, returned, "first"))
        if returned < 100_000:
            await programme.one(back(absorbed, SECRET, at + DAY, returned + 10_000, "second"))
        taken[how] = await _left(programme, survivor, absorbed)
    assert taken["merged"] == taken["never"]
    assert taken["undone"] == taken["never"]
    assert await programme.problems() == {}


async def _told(programme: Programme, vault: LocalVault, member: UUID) -> str:
    async with programme.database.transaction() as tx:
        return json.dumps(await PRIVACY.export(tx, vault, member), default=str)


async def test_an_export_tells_nothing_of_who_was_merged_by_mistake(programme: Programme, vault: LocalVault) -> None:
    survivor, absorbed = await programme.members(2)
    placed = NOON + DAY + 1_234 * SECOND
    await programme.one(order(survivor, "S-own", NOON, 260_000))
    await programme.one(order(absorbed, SECRET, placed, 300_000))
    wish = merge_of(survivor, absorbed, NOON + 2 * DAY)
    await merge(programme, wish)
    await programme.one(back(absorbed, SECRET, NOON + 3 * DAY, 290_000, "R-secret"))
    standing = await _told(programme, vault, survivor)
    await undo(programme, wish, NOON + 4 * DAY)

    told, others = await _told(programme, vault, survivor), await _told(programme, vault, absorbed)

    for text, other in ((told, absorbed), (others, survivor), (standing, absorbed)):
        assert other.hex not in text
        assert str(other) not in text
    for text in (told, standing):
        assert SECRET not in text
        assert "R-secret" not in text
        assert "S-own" in text
    assert placed.isoformat() not in told
    assert placed.isoformat() in others
    assert SECRET in others
    assert "R-secret" in others


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_reasons_name_no_other_membership(programme: Programme, language: str) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "own", NOON, 1))
    await programme.one(order(absorbed, SECRET, NOON, 30_000))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    await programme.one(back(absorbed, SECRET, NOON + 2 * DAY, 10_000))
    await undo(programme, wish, NOON + 3 * DAY)
    said = []
    async with programme.database.transaction() as tx:
        for member in (survivor, absorbed):
            page = await api.statement(tx, member, before=None, limit=50, wallet=None, language=language)
            said += [entry.reason for entry in page.lines if entry.kind in {"move_in", "move_out"}]
    assert said
    for reason in said:
        assert ("another membership" if language == "en" else "另一会员") in reason
        assert public_id("mbr", survivor) not in reason
        assert public_id("mbr", absorbed) not in reason


async def test_corrections_asked_for_under_an_old_id_are_the_survivors(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(accrue(survivor, "own", NOON, 100))
    await programme.one(accrue(absorbed, "own", NOON, 100))
    await merge(programme, merge_of(survivor, absorbed, NOON + DAY))
    ask = AskAdjustment(
        member_id=absorbed,
        wallet="points",
        amount=5,
        reason="Forgotten",
        reference="q",
        actor="one",
        recorded_at=NOON + 2 * DAY,
    )
    async with programme.database.transaction() as tx:
        first, again = await api.decide_adjustments(tx, programme.configuration, [ask, ask])
    assert not isinstance(first, Exception)
    assert again == first
    assert first.member_id == survivor
    async with programme.database.transaction() as tx:
        (answered,) = await api.decide_adjustments(
            tx,
            programme.configuration,
            [
                AnswerAdjustment(
                    member_id=absorbed,
                    request_id=first.request_id,
                    approve=True,
                    actor="two",
                    note="",
                    recorded_at=NOON + 3 * DAY,
                )
            ],
        )
    assert not isinstance(answered, Exception)
    assert (await programme.points(survivor, NOON + 3 * DAY))[0] == 205
    assert await programme.problems() == {}


async def test_books_that_are_part_of_others_are_in_no_index_of_what_is_due(programme: Programme) -> None:
    survivor, absorbed = await programme.members(2)
    await programme.one(order(survivor, "S", NOON, 1_000))
    await programme.one(order(absorbed, "A", NOON, 260_000))
    wish = merge_of(survivor, absorbed, NOON + DAY)
    await merge(programme, wish)
    for name in ("member_books_review_idx", "member_books_policy_idx"):
        ((what,),) = await programme.rows("SELECT indexdef FROM pg_indexes WHERE indexname = %s", (name,))
        assert "merged_into IS NULL" in what
    ((valid,),) = await programme.rows(
        "SELECT convalidated FROM pg_constraint WHERE conname = 'member_books_merged_check'", ()
    )
    assert valid
