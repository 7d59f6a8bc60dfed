"""Lineage: everything that an order caused, and what became of it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from regulars.loyalty.ledger.basis import read_basis
from regulars.loyalty.lineage import store
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import code_of
from regulars.platform.db.transaction import Transaction


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
    """Points that the order brought: what is left of them, and where the rest went."""

    lot_no: int
    points: int
    remaining: int
    available_at: datetime
    expires_at: datetime
    movements: list[LotMovement]


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


async def lineage(tx: Transaction, configuration: Configuration, member_id: UUID, order_id: str) -> OrderLineage:
    """Return everything that an order and its returns caused in the member's books, and what became of it.

    `lots` are the points it brought with what took from them since (later orders, claw-backs, expiry); `spent` what its
    payment took from which lots, in the same units, negative where a return gave back, `reference` and `order_id`
    being those of the fact that had brought the lot. Empty lists for an order that caused nothing. Raises nothing.
    Three round trips. Source: ledger_transfers (unique reference), lots, lot_uses, tier_changes.
    """
    rows, changes = await store.transfers(tx, member_id, order_id)
    brought, uses, taken = await store.lots(tx, member_id, [row[0] for row in rows])
    if changes:
        latest = await tx.read(configuration.question)
        await configuration.follow(tx, latest[0])
    movements: dict[int, list[LotMovement]] = {}
    for lot_no, seq, amount, kind, reference, by_order, _ in uses:
        movement = LotMovement(lot_no=lot_no, seq=seq, points=amount, kind=kind, reference=reference, order_id=by_order)
        movements.setdefault(lot_no, []).append(movement)
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
                movements=movements.get(lot_no, []),
            )
            for lot_no, amount, remaining, _, available_at, expires_at in brought
        ],
        spent=[
            LotMovement(
                lot_no=lot_no,
                seq=seq,
                points=-given_back if given_back else amount,
                kind=kind,
                reference=reference,
                order_id=from_order,
            )
            for seq, lot_no, amount, given_back, kind, reference, from_order, _ in taken
            if not _claws_back(rows, seq)
        ],
        tier_changes=[_tier_change(configuration.policy_of_version(row[6]), row) for row in changes],
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
