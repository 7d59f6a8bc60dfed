"""Lineage, both ways: everything that an order caused and what became of it, and where units came from."""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import Struct

from regulars.loyalty.errors import UnknownLot, UnknownTransfer
from regulars.loyalty.ledger.basis import read_basis
from regulars.loyalty.lineage import store
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import code_of
from regulars.platform.db.transaction import Transaction

AT_MOST: Final = 100


class CausedTransfer(Struct, frozen=True, kw_only=True):
    """A transfer that the order or a return of it caused; `amount` is above 0 when the member's wallet grew."""

    seq: int
    wallet: str
    kind: str
    amount: int
    debt_change: int
    reference: str
    effective_at: datetime
    recorded_at: datetime
    policy_version: int
    basis: dict[str, str | int]


class LotMovement(Struct, frozen=True, kw_only=True):
    """Points taken from a lot (above 0) or given back to it (below 0), and for which fact."""

    lot_no: int
    seq: int
    points: int
    kind: str
    reference: str
    order_id: str | None


class CausedLot(Struct, frozen=True, kw_only=True):
    """Points that the order brought: what is left of them, and where the rest went.

    `movements` are the first 100; where there are more, the lot's own lineage has them.
    """

    lot_no: int
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime
    movements: list[LotMovement]
    has_more: bool = False


class CausedTierChange(Struct, frozen=True, kw_only=True):
    """A tier change by the order or a return of it, with the qualifying metric that decided."""

    seq: int
    from_tier: str
    to_tier: str
    cause: str
    reference: str
    metric: int
    policy_version: int
    recorded_at: datetime


class OrderLineage(Struct, frozen=True, kw_only=True):
    """Everything an order caused. `spent` are the points that it took from lots, each with the fact it came from."""

    order_id: str
    transfers: list[CausedTransfer]
    lots: list[CausedLot]
    spent: list[LotMovement]
    tier_changes: list[CausedTierChange]
    next_after: int | None = None


class Origin(Struct, frozen=True, kw_only=True):
    """The transfer that units came by: an order (`order_id`), a posting, a correction, a move from another member.

    `lot_amount` and `remaining` are of the lot that it brought (None: it brought none). `from_member` and `from_lot`
    say where moved units were before.
    """

    seq: int
    wallet: str
    kind: str
    amount: int
    debt_change: int
    reference: str
    order_id: str | None
    effective_at: datetime
    recorded_at: datetime
    policy_version: int
    lot_amount: int | None
    remaining: int | None
    from_member: str | None = None
    from_lot: int | None = None


class UnitsLineage(Struct, frozen=True, kw_only=True):
    """Where units came from and where they went: a page of movements, and behind what the next one begins.

    Of a lot each movement is a use of it; of a transfer each is a lot that it used, with the fact that had brought it.
    """

    origin: Origin
    movements: list[LotMovement]
    next_after: int | None


class SettledOrder(NamedTuple):
    """An order as the ledger settled it: its total and what has come back (minor units), the points that paid."""

    member_id: UUID
    order_id: str
    total_minor: int
    returned_minor: int
    points_used: int


async def settled_orders(tx: Transaction, after: UUID, up_to: UUID | None) -> list[SettledOrder]:
    """Return what is settled of the members whose id follows `after`, up to `up_to` (None: to the last), unsorted.

    For comparing books of orders with the ledger, some hundred members at a time. Source: settlements.
    """
    return [SettledOrder(*row) for row in await store.settled(tx, after, up_to)]


async def lot_lineage(
    tx: Transaction, member_id: UUID, lot_no: int, *, after: int = 0, limit: int = AT_MOST
) -> UnitsLineage:
    """Return where a lot's units came from, and what used them: the first `limit` uses behind the transfer `after`.

    Raises UnknownLot (404). One round trip of two statements, however often the lot was used. Source: ledger_transfers
    and lots by their primary keys, lot_uses by (member_id, lot_no, seq).
    """
    row, uses = await store.uses_of_lot(tx, member_id, lot_no, after, limit + 1)
    if row is None or row[11] is None:
        raise UnknownLot
    movements = [_use(each) for each in uses[:limit]]
    # A transfer uses a lot once or, when it gives back, in a few rows: pages end between transfers.
    return UnitsLineage(
        origin=_origin(row), movements=movements, next_after=movements[-1].seq if len(uses) > limit else None
    )


async def transfer_lineage(
    tx: Transaction, member_id: UUID, seq: int, *, after: int = -1, limit: int = AT_MOST
) -> UnitsLineage:
    """Return what a transfer is, and of which lots its units came: the first `limit` behind the use `after`.

    Units given back are below 0. Raises UnknownTransfer (404). One round trip of two statements. Source: as
    `lot_lineage`, lot_uses by its primary key.
    """
    row, taken = await store.lots_of_transfer(tx, member_id, seq, after, limit + 1)
    if row is None:
        raise UnknownTransfer
    return UnitsLineage(
        origin=_origin(row),
        movements=[_taken(each) for each in taken[:limit]],
        next_after=taken[limit - 1][8] if len(taken) > limit else None,
    )


async def lineage(
    tx: Transaction,
    configuration: Configuration,
    member_id: UUID,
    order_id: str,
    *,
    after: int = 0,
    limit: int = AT_MOST,
) -> OrderLineage:
    """Return everything that an order and its returns caused in the member's books, and what became of it.

    `lots` are the points it brought with what took from them since (later orders, claw-backs, expiry); `spent` what its
    payment took from which lots, in the same units, negative where a return gave back, `reference` and `order_id`
    being those of the fact that had brought the lot. Empty lists for an order that caused nothing. At most `limit`
    transfers behind the number `after`, 100 movements of each lot, 100 lots of each transfer. Raises nothing.
    Three round trips. Source: ledger_transfers (unique reference), lots, lot_uses, tier_changes.
    """
    found, changes = await store.transfers(tx, member_id, order_id, after, limit + 1)
    rows = found[:limit]
    brought, uses, taken = await store.lots(tx, member_id, [row[0] for row in rows], AT_MOST + 1)
    if changes:
        latest = await tx.read(configuration.question)
        await configuration.follow(tx, latest[0])
    movements: dict[int, list[LotMovement]] = {}
    for each in uses:
        movements.setdefault(each[0], []).append(_use(each))
    return OrderLineage(
        order_id=order_id,
        transfers=[
            CausedTransfer(
                seq=row[0],
                wallet=row[1],
                kind=row[2],
                amount=row[3] if row[4] else -row[3],
                debt_change=row[5],
                reference=row[6],
                effective_at=row[7],
                recorded_at=row[8],
                policy_version=row[9],
                basis=read_basis(row[10]),
            )
            for row in rows
        ],
        lots=[
            CausedLot(
                lot_no=lot_no,
                points=amount,
                remaining=remaining,
                available_at=available_at,
                expires_at=expires_at,
                movements=movements.get(lot_no, [])[:AT_MOST],
                has_more=len(movements.get(lot_no, [])) > AT_MOST,
            )
            for lot_no, amount, remaining, _, available_at, expires_at in brought
        ],
        spent=[_taken(each) for each in taken if not _claws_back(rows, each[0])],
        next_after=rows[-1][0] if len(found) > limit else None,
        tier_changes=[_tier_change(configuration.policy_of_version(row[6]), row) for row in changes],
    )


def _use(row: tuple[Any, ...]) -> LotMovement:
    lot_no, seq, amount, kind, reference, by_order, _ = row
    return LotMovement(lot_no=lot_no, seq=seq, points=amount, kind=kind, reference=reference, order_id=by_order)


def _taken(row: tuple[Any, ...]) -> LotMovement:
    seq, lot_no, amount, given_back, kind, reference, from_order = row[:7]
    return LotMovement(
        lot_no=lot_no,
        seq=seq,
        points=-given_back if given_back else amount,
        kind=kind,
        reference=reference,
        order_id=from_order,
    )


def _origin(row: tuple[Any, ...]) -> Origin:
    decided_by = read_basis(row[10])
    member, lot_no = decided_by.get("member"), decided_by.get("origin")
    return Origin(
        seq=row[0],
        wallet=row[1],
        kind=row[2],
        amount=row[3],
        debt_change=row[4],
        reference=row[5],
        order_id=row[6],
        effective_at=row[7],
        recorded_at=row[8],
        policy_version=row[9],
        lot_amount=row[11],
        remaining=row[12],
        from_member=member if isinstance(member, str) else None,
        from_lot=lot_no if isinstance(lot_no, int) and isinstance(member, str) else None,
    )


def _claws_back(rows: list[tuple[object, ...]], seq: int) -> bool:
    return any(row[0] == seq and row[2] == "claw_back" for row in rows)


def _tier_change(policy: Policy, row: tuple[int, int, int, str, str, int, int, datetime]) -> CausedTierChange:
    seq, before, after, cause, reference, metric, version, recorded_at = row
    return CausedTierChange(
        seq=seq,
        from_tier=code_of(policy.tier, before),
        to_tier=code_of(policy.tier, after),
        cause=cause,
        reference=reference,
        metric=metric,
        policy_version=version,
        recorded_at=recorded_at,
    )
