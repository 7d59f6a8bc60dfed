"""Everything that can be asked of some members' books: why each thing is so, and where units came from and went."""

import string
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.explaining.contracts import Explanation
from regulars.platform.explaining.speech import SENTENCES, Speech
from regulars.platform.ids import parse_public_id
from regulars.platform.texts import LANGUAGES
from tests.commerce.shop import Shop

PAGE = 2  # small pages, so that there are several


class Unit(NamedTuple):
    """A lot, or a transfer, in somebody's books."""

    member_id: UUID
    number: int


def unit_of(public: str) -> Unit:
    """Read the id of a lot or a transfer."""
    member_id = UUID(hex=public.removeprefix("trf_")[:32])
    number = loyalty.seq_in(member_id, public)
    assert number is not None, public
    return Unit(member_id, number)


def said(found: Explanation) -> dict[str, list[str]]:
    """Return an explanation in every language; nothing that its sentences name is missing."""
    told: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for reason in (*found.reasons, *found.near):
        sentence = SENTENCES[reason.rule].of(reason.values)
        named = {name for _, name, _, _ in string.Formatter().parse(sentence) if name}
        assert {name for name in named if reason.values.get(name) is None} == set(), (found.about, reason)
        for language in LANGUAGES:
            told[language].append(Speech.of(found, language).say(reason))
    assert found.reasons, found
    assert all(chinese != english for chinese, english in zip(told["zh"], told["en"], strict=True)), told
    assert all(one.strip() and "{" not in one for each in told.values() for one in each), told
    return told


async def asked_why(shop: Shop, members: Sequence[UUID]) -> dict[tuple[str, UUID, object], Explanation]:
    """Explain every transfer, lot, hold, balance, tier and order of members, in every language."""
    rules = shop.rules.configuration
    found: dict[tuple[str, UUID, object], Explanation] = {}
    async with shop.database.transaction() as tx:
        await rules.follow(tx, (await tx.read(rules.question))[0])
        for member_id in members:
            versions: dict[int, int] = dict(await tx.rows(_DECIDED_BY, (member_id,)))
            explained = await commerce.explain_transfers(tx, rules, member_id, list(versions))
            assert {seq: one.policy_version for seq, one in explained.items()} == versions
            found |= {("transfer", member_id, seq): one for seq, one in explained.items()}
            for lot_no in [one.lot_no for one in await loyalty.lots(tx, member_id, spent=True)]:
                found["lot", member_id, lot_no] = await commerce.explain_lot(tx, rules, member_id, lot_no)
            for (hold_id,) in await tx.rows(_HOLDS, (member_id,)):
                found["hold", member_id, hold_id] = await loyalty.explain_hold(tx, rules, member_id, hold_id)
            for one in await loyalty.explain_balances(tx, rules, member_id):
                found["balance", member_id, one.id] = one
            found["tier", member_id, ""] = await loyalty.explain_tier(tx, rules, member_id)
            for (order_id,) in await tx.rows(_ORDERS, (member_id,)):
                told = await commerce.explain_order(tx, shop.rules, order_id)
                for one in (told.order, *told.returns):
                    found[one.about, member_id, f"{order_id} {one.id}"] = one
    return found


async def asked_as_of(shop: Shop, members: Sequence[UUID], at: datetime) -> dict[tuple[str, UUID, object], Explanation]:
    """Explain every balance and tier of members as of an instant."""
    rules = shop.rules.configuration
    found: dict[tuple[str, UUID, object], Explanation] = {}
    async with shop.database.transaction() as tx:
        for member_id in members:
            for one in await loyalty.explain_balances(tx, rules, member_id, None, at):
                found[one.id, member_id, at] = one
            found["tier", member_id, at] = await loyalty.explain_tier(tx, rules, member_id, at)
    return found


class Traced(NamedTuple):
    """A lot: what it is by the books, its origin, and every use of it."""

    origin: Any
    uses: list[Any]
    order_id: str | None
    amount: int
    remaining: int


class Lineages:
    """The lineage of everything in some members' books, read page by page."""

    def __init__(self, shop: Shop, members: Sequence[UUID]) -> None:
        self.shop = shop
        self.members = members
        self.lots: dict[Unit, Traced] = {}
        self.transfers: dict[Unit, tuple[Any, list[Any]]] = {}
        self.orders: dict[str, tuple[UUID, list[Any]]] = {}
        self.tiers: list[tuple[UUID, int]] = []  # changes that orders made, and returns of them

    async def read(self) -> "Lineages":
        """Read them all, as of one moment."""
        async with self.shop.database.transaction() as tx:
            for member_id in self.members:
                self.tiers += [(member_id, seq) for (seq,) in await tx.rows(_TIERS, (member_id,))]
                for lot_no, order_id, amount, remaining in await tx.rows(_LOTS, (member_id,)):
                    origin, uses = await self._paged(tx, loyalty.lot_lineage, member_id, lot_no, 0)
                    self.lots[Unit(member_id, lot_no)] = Traced(origin, uses, order_id, amount, remaining)
                for (seq,) in await tx.rows(_TRANSFERS, (member_id,)):
                    self.transfers[Unit(member_id, seq)] = await self._paged(
                        tx, loyalty.transfer_lineage, member_id, seq, -1
                    )
                for (order_id,) in await tx.rows(_ORDERS, (member_id,)):
                    pages, after = [], 0
                    while True:
                        _, page = await commerce.order_lineage(
                            tx, self.shop.rules, order_id, after=after, limit=PAGE, follows=True
                        )
                        assert not page.moved_more
                        pages.append(page)
                        if page.next_after is None:
                            break
                        after = page.next_after
                    self.orders[order_id] = member_id, pages
        return self

    async def _paged(
        self,
        tx: Transaction,
        ask: Any,  # noqa: ANN401 - of lots or of transfers
        member_id: UUID,
        number: int,
        after: int,
    ) -> tuple[Any, list[Any]]:
        found: list[Any] = []
        while True:
            page = await ask(tx, member_id, number, after=after, limit=PAGE)
            found += page.movements
            if page.next_after is None:
                return page.origin, found
            after = page.next_after

    def roots_of(self, lot: Unit, seen: frozenset[Unit] = frozenset()) -> Counter[tuple[str, Unit]]:
        """Go back from a lot to what its units once came by; what was owed for has no other root."""
        assert lot not in seen, "units go round"
        origin, _, _, amount, _ = self.lots[lot]
        if origin.kind == "extend":
            (source,) = [used for used in self.transfers[Unit(lot.member_id, lot.number - 1)][1] if used.points > 0]
            assert (source.points, loyalty.transfer_id(lot.member_id, source.lot_no)) == (amount, origin.from_lot)
            return _scaled(self.roots_of(Unit(lot.member_id, source.lot_no), seen | {lot}), amount)
        if origin.kind != "move_in":
            return Counter({(origin.kind, lot): amount})
        gave = unit_of(origin.from_transfer)
        other, taken = self.transfers[gave]
        owed = max(other.debt_change, 0)
        assert (other.kind, unit_of(other.to_transfer)) == ("move_out", lot)
        assert gave.member_id == parse_public_id("mbr", origin.from_member)
        assert sum([one.points for one in taken]) + owed == -other.amount == origin.amount
        assert amount == origin.amount + min(origin.debt_change, 0)
        found = Counter({("owed", gave): owed}) if owed else Counter()
        for one in taken:
            found += _scaled(self.roots_of(Unit(gave.member_id, one.lot_no), seen | {lot}), one.points)
        return found

    def lots_of(self, order_id: str) -> Counter[Unit]:
        """Return the lots that the lineage of an order tells, in its member's books and elsewhere."""
        member_id, pages = self.orders[order_id]
        own = [Unit(member_id, lot.lot_no) for page in pages for lot in page.lots]
        return Counter([*own, *[unit_of(lot.lot_id) for page in pages for lot in page.moved]])

    def uses_told(self, order_id: str) -> Iterable[tuple[Unit, Any]]:
        """Give every use that the lineage of an order tells of its lots."""
        member_id, pages = self.orders[order_id]
        for page in pages:
            for lot in page.lots:
                yield from [(Unit(member_id, lot.lot_no), one) for one in lot.movements]
            for moved in page.moved:
                yield from [(unit_of(moved.lot_id), one) for one in moved.movements]


def _scaled(roots: Counter[tuple[str, Unit]], points: int) -> Counter[tuple[str, Unit]]:
    """Units of a lot are alike: what is taken of it came by what brought it, whatever each was."""
    assert sum(roots.values()) >= points
    left, found = points, Counter[tuple[str, Unit]]()
    for root, amount in roots.items():
        part = min(left, amount)
        left -= part
        if part:
            found[root] += part
    return found


_TRANSFERS = "SELECT seq FROM ledger_transfers WHERE member_id = %s ORDER BY seq"
_DECIDED_BY = (
    "SELECT t.seq, coalesce(s.policy_version, t.policy_version) FROM ledger_transfers AS t "
    "LEFT JOIN settlements AS s ON s.member_id = t.member_id AND s.order_id = t.order_id WHERE t.member_id = %s"
)
_LOTS = "SELECT lot_no, order_id, amount, remaining FROM lots WHERE member_id = %s ORDER BY lot_no"
_TIERS = "SELECT seq FROM tier_changes WHERE member_id = %s AND cause IN ('order', 'return')"
_HOLDS = "SELECT hold_id FROM holds WHERE member_id = %s"
_ORDERS = "SELECT order_id FROM orders WHERE member_id = %s ORDER BY order_id"
