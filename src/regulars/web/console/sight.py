"""What somebody bound to shops, or without a sight of orders, reads of a member's books: no other shop's order ids.

An order's id is the code on its receipt: whoever knows it can take its return at a till.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from regulars.commerce import api as commerce
from regulars.loyalty.contracts import StatementLine, TierStatus
from regulars.platform.db.transaction import Transaction
from regulars.web.kit.viewers import Viewer

_READ: Final = "orders:read"
_HIDDEN: Final = "…"
_OF_ORDER = re.compile(r"order:([^:]+)(?::return:([^:]+))?")


class Sight(Struct, frozen=True):
    """The orders and returns whose ids are kept from somebody; UNSET keeps every one."""

    hidden: frozenset[str] | UnsetType = frozenset()

    def line(self, line: StatementLine) -> StatementLine:
        """Return a line as it may be read."""
        kept = self._kept(line.reference)
        if not kept:
            return line
        return structs.replace(line, order_id=None, reference="", reason=_without(line.reason, kept))

    def tier(self, tier: TierStatus) -> TierStatus:
        """Return a tier with its reason as it may be read."""
        kept = self._kept(tier.why.reference) if tier.why is not None else ()
        return structs.replace(tier, reason=_without(tier.reason, kept)) if kept else tier

    def _kept(self, reference: str) -> Sequence[str]:
        """Return the ids of a reference that are kept from them."""
        found = _OF_ORDER.match(reference)
        if found is None or (self.hidden is not UNSET and found[1] not in self.hidden):
            return ()
        return [text for text in found.groups() if text]


async def sight_of(
    tx: Transaction,
    viewer: Viewer,
    member_id: UUID,
    lines: Sequence[StatementLine],
    tier: TierStatus | None = None,
) -> Sight:
    """Return what a viewer may not read of these lines, and of this tier. Whoever sees every order asks nothing."""
    if not viewer.may(_READ):
        return Sight(UNSET)
    if viewer.stores is None:
        return Sight()
    references = [line.reference for line in lines] + ([tier.why.reference] if tier is not None and tier.why else [])
    named = {found[1] for found in map(_OF_ORDER.match, references) if found is not None}
    if not named:
        return Sight()
    stores = await commerce.stores_of_orders(tx, member_id, sorted(named))
    return Sight(frozenset([order_id for order_id in named if not viewer.sees_store(stores.get(order_id))]))


def _without(text: str, ids: Collection[str]) -> str:
    for one in sorted(ids, key=len, reverse=True):
        text = re.sub(rf"(?<![\w.~-]){re.escape(one)}(?![\w~-])", _HIDDEN, text)
    return text
