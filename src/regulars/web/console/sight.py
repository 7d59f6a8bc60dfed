"""What somebody bound to shops sees of a member: balances, tier, and of other shops' orders only that there are some.

A member belongs to the brand, so whoever may see members sees how each stands. An order belongs to its shop: another
shop's staff are told "an order in another store", without its id, its amounts, its reason or a way to it. What stands
on the wallet after each line is left out as well, for its differences would tell the amounts.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from regulars.commerce import api as commerce
from regulars.loyalty.contracts import StatementLine, TierStatus
from regulars.platform.db.transaction import Transaction
from regulars.platform.texts import say
from regulars.web.kit.formats import Formats
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer

_READ: Final = "orders:read"
_HIDDEN: Final = "…"
_OF_ORDER: Final = re.compile(r"order:([^:]+)(?::return:([^:]+))?")
ELSEWHERE: Final = mark("An order in another store")


@dataclass(frozen=True, slots=True)
class LineSeen:
    """A line of a statement as somebody sees it; None where it is not theirs to see."""

    wallet: str
    kind: str
    amount: int | None
    balance: int | None
    debt_change: int | None
    order_id: str | None
    reason: str
    effective_at: datetime
    recorded_at: datetime
    policy_version: int
    part_count: int = 1


def scope_of(viewer: Viewer, chosen: str | None = None) -> list[str] | None:
    """Return the stores whose orders somebody gets to see, of those chosen; None for all."""
    if chosen is not None:
        return [chosen] if viewer.sees_store(chosen) else []
    return None if viewer.stores is None else sorted(viewer.stores)


async def orders_elsewhere(
    tx: Transaction, viewer: Viewer, member_id: UUID | None, order_ids: Iterable[str | None]
) -> frozenset[str]:
    """Return those of a member's orders that somebody may not see: of other stores or of none; all, without the right.

    An order's id is the code on its receipt: whoever knows it can take its return at a till.
    """
    named = frozenset(order_id for order_id in order_ids if order_id is not None)
    if not viewer.may(_READ) or not named or member_id is None:
        return named if not viewer.may(_READ) else frozenset()
    if viewer.stores is None:
        return frozenset()
    stores = await commerce.stores_of_orders(tx, member_id, sorted(named))
    return frozenset([order_id for order_id in named if not viewer.sees_store(stores.get(order_id))])


async def hidden_orders(tx: Transaction, viewer: Viewer, member_id: UUID, names: Iterable[str]) -> frozenset[str]:
    """Return those of some names that are orders which somebody may not see; names of other things are left out."""
    if viewer.may(_READ) and viewer.stores is None:
        return frozenset()
    return await orders_elsewhere(tx, viewer, member_id, names)


async def lines_seen(
    tx: Transaction, viewer: Viewer, member_id: UUID, lines: Sequence[StatementLine], language: str
) -> list[LineSeen]:
    """Return lines of a member's statement as somebody may see them."""
    kept = await orders_elsewhere(tx, viewer, member_id, [line.order_id for line in lines])
    return [_seen(line, viewer, language, is_kept=line.order_id in kept) for line in lines]


def _seen(line: StatementLine, viewer: Viewer, language: str, *, is_kept: bool) -> LineSeen:
    """Who is bound to shops is told nothing of other orders; who may see no orders, everything but their ids."""
    is_elsewhere = is_kept and viewer.stores is not None
    reason = line.reason
    if is_elsewhere:
        reason = in_language(ELSEWHERE, language)
    elif is_kept:
        reason = _without_ids(reason, line.reference)
    return LineSeen(
        wallet=line.wallet,
        kind=line.kind,
        amount=None if is_elsewhere else line.amount,
        balance=line.balance if viewer.stores is None else None,
        debt_change=None if is_elsewhere else line.debt_change,
        order_id=None if is_kept else line.order_id,
        reason=reason,
        effective_at=line.effective_at,
        recorded_at=line.recorded_at,
        policy_version=line.policy_version,
        part_count=line.part_count,
    )


async def tier_reason_seen(tx: Transaction, viewer: Viewer, member_id: UUID, tier: TierStatus, formats: Formats) -> str:
    """Return why a member holds a tier, without naming an order that somebody may not see."""
    if tier.why is None or not await orders_elsewhere(tx, viewer, member_id, [tier.why.order_id]):
        return tier.reason
    if viewer.stores is None:
        return _without_ids(tier.reason, tier.why.reference)
    return say(
        "An order in another store decided the tier on {day}.",
        formats.language,
        day=formats.day(tier.why.effective_at),
    )


def _without_ids(text: str, reference: str) -> str:
    """Take the ids of the order and the return that a reference names out of a sentence."""
    found = _OF_ORDER.match(reference)
    ids = [one for one in found.groups() if one] if found is not None else []
    for one in sorted(ids, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.~-]){re.escape(one)}(?![\w~-])", _HIDDEN, text)
    return text
