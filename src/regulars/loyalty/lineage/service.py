"""Lineage, both ways: everything that an order caused and what became of it, and where units came from."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from regulars.loyalty.errors import UnknownLot, UnknownTransfer
from regulars.loyalty.ledger.basis import read_basis
from regulars.loyalty.ledger.moves import MOVE_OUT, MOVES
from regulars.loyalty.lineage import store
from regulars.loyalty.lineage.contracts import (
    CausedLot,
    CausedTierChange,
    CausedTransfer,
    LotMovement,
    OrderLineage,
    Origin,
    SettledOrder,
    UnitsLineage,
)
from regulars.loyalty.lineage.following import Followed, Use, Way, follow, movement, other_side, way_of
from regulars.loyalty.merging.naming import orders_of_others, reference_told
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import member_id_in, transfer_id
from regulars.loyalty.tiers.rules import code_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id

AT_MOST: Final = 100


async def settled_orders(tx: Transaction, after: UUID, up_to: UUID | None) -> list[SettledOrder]:
    """Return what is settled of the members whose id follows `after`, up to `up_to` (None: to the last), unsorted.

    For comparing books of orders with the ledger, some hundred members at a time. Source: settlements.
    """
    return [SettledOrder(*row) for row in await store.settled(tx, after, up_to)]


async def lot_lineage(
    tx: Transaction, member_id: UUID, lot_no: int, *, after: int = 0, limit: int = AT_MOST
) -> UnitsLineage:
    """Return where a lot's units came from, and what used them: the first `limit` uses behind the transfer `after`.

    Raises UnknownLot (404). One round trip of two statements, however often the lot was used; where units came from
    another member or went to one, another with a statement for each of them. Source: ledger_transfers and lots by their
    primary keys and (member_id, reference), lot_uses by (member_id, lot_no, seq).
    """
    row, uses = await store.uses_of_lot(tx, member_id, lot_no, after, limit + 1)
    if row is None or row[11] is None:
        raise UnknownLot
    shown = [Use(*each) for each in uses[:limit]]
    sides = await _other_sides(tx, member_id, row, shown)
    links = {
        way: (public_id("mbr", way.member_id), transfer_id(way.member_id, seq))
        for way, (seq, has_lot) in sides.items()
        if has_lot
    }
    # A transfer uses a lot once or, when it gives back, in a few rows: pages end between transfers.
    return UnitsLineage(
        origin=_origin(member_id, row, sides, await orders_of_others(tx, _carried(member_id, [(row[6], row[13])]))),
        movements=[movement(member_id, use, links) for use in shown],
        next_after=shown[-1].seq if len(uses) > limit else None,
    )


async def transfer_lineage(
    tx: Transaction, member_id: UUID, seq: int, *, after: int = -1, limit: int = AT_MOST
) -> UnitsLineage:
    """Return what a transfer is, and of which lots its units came: the first `limit` behind the use `after`.

    Units given back are below 0. Raises UnknownTransfer (404). One round trip of two statements, and one more of a
    move for its other side. Source: as `lot_lineage`, lot_uses by its primary key.
    """
    row, taken = await store.lots_of_transfer(tx, member_id, seq, after, limit + 1)
    if row is None:
        raise UnknownTransfer
    shown = taken[:limit]
    sides = await _other_sides(tx, member_id, row, [])
    carried = [(row[6], row[13]), *[(each[6], each[7]) for each in shown]]
    others = await orders_of_others(tx, _carried(member_id, carried))
    return UnitsLineage(
        origin=_origin(member_id, row, sides, others),
        movements=[_taken(member_id, each, others) for each in shown],
        next_after=shown[-1][8] if len(taken) > limit else None,
    )


async def lineage(
    tx: Transaction,
    configuration: Configuration,
    member_id: UUID,
    order_id: str,
    *,
    after: int = 0,
    limit: int = AT_MOST,
    follows: bool = False,
) -> OrderLineage:
    """Return everything that an order and its returns caused in the member's books, and what became of it.

    `lots` are the points it brought with what took from them since (later orders, claw-backs, expiry); `spent` what its
    payment took from which lots, in the same units, negative where a return gave back, `reference` and `order_id`
    being those of the fact that had brought the lot. With `follows` also what became of them in the books that a merge
    brought them to, and the tier that a return changed there, for who may read these. Empty lists for an order that
    caused nothing. At most `limit` transfers behind the number `after`, 100 movements of each lot, 100 lots of each
    transfer, 100 lots elsewhere.
    Raises nothing. Three round trips, those of `follow`, and one for each merge in a chain. Source: ledger_transfers
    (unique reference), lots, lot_uses, tier_changes, book_joinings.
    """
    found, tiers = await store.transfers(tx, member_id, order_id, after, limit + 1)
    rows = found[:limit]
    brought, uses, taken = await store.lots(tx, member_id, [row[0] for row in rows], AT_MOST + 1)
    changes = await _tier_changes(tx, member_id, order_id, tiers) if follows else {member_id: tiers.changes}
    if any(changes.values()):
        latest = await tx.read(configuration.question)
        await configuration.follow(tx, latest[0])
    used: dict[int, list[Use]] = {}
    for each in uses:
        used.setdefault(each[0], []).append(Use(*each))
    shown = [use for of_lot in used.values() for use in of_lot[:AT_MOST]]
    followed = Followed([], {}, more=False)
    if follows:
        followed = await follow(tx, member_id, order_id, shown, lots_at_most=AT_MOST, uses_at_most=AT_MOST)
    others = await orders_of_others(tx, _carried(member_id, [(each[6], each[7]) for each in taken]))
    return OrderLineage(
        order_id=order_id,
        transfers=[_caused(row) for row in rows],
        lots=[
            CausedLot(
                lot_no=lot_no,
                points=amount,
                remaining=remaining,
                available_at=available_at,
                expires_at=expires_at,
                movements=[movement(member_id, use, followed.links) for use in used.get(lot_no, [])[:AT_MOST]],
                has_more=len(used.get(lot_no, [])) > AT_MOST,
            )
            for lot_no, amount, remaining, _, available_at, expires_at in brought
        ],
        spent=[_taken(member_id, each, others) for each in taken if not _claws_back(rows, each[0])],
        next_after=rows[-1][0] if len(found) > limit else None,
        tier_changes=[
            _tier_change(whose, configuration.policy_of_version(row[6]), row)
            for whose, rows in changes.items()
            for row in rows
        ],
        moved=followed.lots,
        moved_more=followed.more,
    )


async def _tier_changes(
    tx: Transaction, member_id: UUID, order_id: str, own: store.TierChanges
) -> dict[UUID, Sequence[tuple[Any, ...]]]:
    """Return by member the tier changes of an order: the metric is with whoever its member was merged into."""
    found: dict[UUID, Sequence[tuple[Any, ...]]] = {member_id: own.changes}
    ahead = set(own.merged_into)
    while ahead := ahead - found.keys():
        there = await store.tier_changes(tx, sorted(ahead), order_id)
        found |= {whose: told.changes for whose, told in there.items()}
        ahead = {one for told in there.values() for one in told.merged_into}
    return found


async def _other_sides(
    tx: Transaction, member_id: UUID, row: tuple[Any, ...], uses: Sequence[Use]
) -> dict[Way, tuple[int, bool]]:
    """Return the other sides of a transfer and of uses, where they are moves, each with whether it brought a lot."""
    asked: dict[UUID, list[str]] = {}
    for way in [*_ways_of_row(row), *[way_of(member_id, use) for use in uses]]:
        if way is not None and isinstance(way.lot, str):
            asked.setdefault(way.member_id, []).append(way.lot)
    found = await store.other_sides(tx, asked)
    extended = [way for way in [way_of(member_id, use) for use in uses] if way and isinstance(way.lot, int)]
    return {Way(*key): side for key, side in found.items()} | {way: (int(way.lot), True) for way in extended}


def _ways_of_row(row: tuple[Any, ...]) -> list[Way]:
    """Return the other side of a transfer that is a move."""
    there = other_side(row[5])
    if row[2] not in MOVES or there is None:
        return []
    return [Way(member_id_in(str(read_basis(row[10])["member"])), there)]


def _carried(member_id: UUID, found: Sequence[tuple[str | None, str | None]]) -> list[tuple[UUID, str | None]]:
    """Return the orders of lots which the row that brought the lot does not name: moved and extended ones."""
    return [(member_id, of_lot) for of_row, of_lot in found if of_row is None]


def _order_told(
    member_id: UUID, of_row: str | None, of_lot: str | None, others: frozenset[tuple[UUID, str]]
) -> str | None:
    order_id = of_row or of_lot
    return None if order_id is None or (member_id, order_id) in others else order_id


def _caused(row: tuple[Any, ...]) -> CausedTransfer:
    return CausedTransfer(
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


def _taken(member_id: UUID, row: tuple[Any, ...], others: frozenset[tuple[UUID, str]]) -> LotMovement:
    seq, lot_no, amount, given_back, kind, reference, of_row, of_lot = row[:8]
    return LotMovement(
        lot_no=lot_no,
        seq=seq,
        points=-given_back if given_back else amount,
        kind=kind,
        reference=reference_told(reference),
        order_id=_order_told(member_id, of_row, of_lot, others),
    )


def _origin(
    member_id: UUID, row: tuple[Any, ...], sides: dict[Way, tuple[int, bool]], others: frozenset[tuple[UUID, str]]
) -> Origin:
    seq, wallet, kind, amount, debt_change, reference, of_row, effective_at, recorded_at, version, decided_by = row[:11]
    told = read_basis(decided_by)
    member, lot_no = told.get("member"), told.get("origin")
    other = member_id if member is None else member_id_in(str(member))
    ways = _ways_of_row(row)
    side = sides.get(ways[0]) if ways else None
    transfer = None if side is None else transfer_id(other, side[0])
    came = kind != MOVE_OUT
    return Origin(
        seq=seq,
        wallet=wallet,
        kind=kind,
        amount=amount,
        debt_change=debt_change,
        reference=reference_told(reference),
        order_id=_order_told(member_id, of_row, row[13], others),
        effective_at=effective_at,
        recorded_at=recorded_at,
        policy_version=version,
        lot_amount=row[11],
        remaining=row[12],
        from_member=str(member) if came and member is not None else None,
        from_lot=transfer_id(other, lot_no) if isinstance(lot_no, int) and row[11] is not None else None,
        from_transfer=transfer if came else None,
        to_member=None if came or member is None else str(member),
        to_transfer=None if came else transfer,
    )


def _claws_back(rows: list[tuple[object, ...]], seq: int) -> bool:
    return any(row[0] == seq and row[2] == "claw_back" for row in rows)


def _tier_change(whose: UUID, policy: Policy, row: tuple[Any, ...]) -> CausedTierChange:
    seq, before, after, cause, reference, metric, version, recorded_at = row
    return CausedTierChange(
        member_id=public_id("mbr", whose),
        seq=seq,
        from_tier=code_of(policy.tier, before),
        to_tier=code_of(policy.tier, after),
        cause=cause,
        reference=reference,
        metric=metric,
        policy_version=version,
        recorded_at=recorded_at,
    )
