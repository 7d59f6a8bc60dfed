"""Following units from lot to lot: through extensions, and through merges and their undoing into other books.

A move is two rows with one reference, `…:out` and `…:in`; the lot that it opens keeps the order that earned the units.
So what came of an order's points is found from move to move, each by the unique reference of its other side.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from regulars.loyalty.ledger.basis import read_basis
from regulars.loyalty.ledger.moves import MOVE_OUT
from regulars.loyalty.lineage import store
from regulars.loyalty.lineage.contracts import LotMovement, MovedLot
from regulars.loyalty.merging.naming import reference_told
from regulars.loyalty.public_ids import member_id_in, transfer_id
from regulars.members import api as members
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id

HOPS: Final = 8  # merged, undone, merged again, extended in between: more is seldom, and its lots say it themselves
_FOLLOWED: Final = frozenset({"merge", "undo", "return"})  # what was given to another member is that member's
_EXTEND: Final = "extend"
_OUT, _IN = ":out", ":in"
_MERGE: Final = len("merge:") + 32


class Use(NamedTuple):
    """A use of a lot; `basis` is that of a move out of it."""

    lot_no: int
    seq: int
    points: int
    kind: str
    reference: str
    order_id: str | None
    basis: str | None


class Way(NamedTuple):
    """Where a use leads: to whose books, and to which lot there, by its number or by the reference of its row."""

    member_id: UUID
    lot: int | str


def other_side(reference: str) -> str | None:
    """Return the reference of a move's other row; None for what is none."""
    if reference.endswith(_OUT):
        return reference.removesuffix(_OUT) + _IN
    return reference.removesuffix(_IN) + _OUT if reference.endswith(_IN) else None


def way_of(member_id: UUID, use: Use) -> Way | None:
    """Return where a use leads that moved or extended units; None for any other."""
    if use.kind == _EXTEND:
        return Way(member_id, use.seq + 1)  # an extension is two rows, one behind the other
    told = read_basis(use.basis or "")
    there = other_side(use.reference)
    if use.kind != MOVE_OUT or there is None:
        return None
    return Way(member_id_in(str(told["member"])), there)


class _Arrived(NamedTuple):
    """A lot that units came to; `merged` is the member and the merge it came by, along extensions too."""

    member_id: UUID
    lot_no: int
    why: str
    origin: str
    points: int
    remaining: int
    available_at: Any
    expires_at: Any
    uses: list[Use]
    merged: tuple[UUID, str] | None


class Followed(NamedTuple):
    """What was found: the lots, where each use leads, and whether there are others."""

    lots: list[MovedLot]
    links: dict[Way, tuple[str, str]]
    more: bool


async def follow(
    tx: Transaction, owner: UUID, order_id: str, uses: Iterable[Use], *, lots_at_most: int, uses_at_most: int
) -> Followed:
    """Return the lots that units of an order of `owner` came to, following what used its own lots.

    One round trip a hop, of one statement for each member in whose books units arrived by it; none where nothing was
    moved, and one more for who is one with the owner now. Raises nothing. Source: ledger_transfers by
    (member_id, reference), lots, lot_uses by (member_id, lot_no, seq), book_joinings.
    """
    following = _Following(tx, owner, order_id, lots_at_most, uses_at_most)
    following.go_on(owner, list(uses), None)
    for _ in range(HOPS):
        if not following.ahead:
            break
        await following.hop()
    return await following.told()


class _Following:
    """What was followed so far, and what is to be looked up with the next hop."""

    def __init__(self, tx: Transaction, owner: UUID, order_id: str, lots_at_most: int, uses_at_most: int) -> None:
        self._tx = tx
        self._owner = owner
        self._order_id = order_id
        self._lots_at_most = lots_at_most
        self._uses_at_most = uses_at_most
        self._found: dict[tuple[UUID, int], _Arrived] = {}
        self._links: dict[Way, tuple[str, str]] = {}
        self._roots: dict[Way, tuple[UUID, str] | None] = {}
        self._more = False
        self.ahead: list[Way] = []

    def go_on(self, member_id: UUID, uses: Sequence[Use], merged: tuple[UUID, str] | None) -> None:
        """Follow what uses of a member's lot lead to, with the next hop."""
        for use in uses:
            if use.kind == MOVE_OUT and read_basis(use.basis or "").get("why") not in _FOLLOWED:
                continue
            way = way_of(member_id, use)
            if way is not None:
                self._look_up(way, merged if use.kind == _EXTEND else None)

    def _look_up(self, way: Way, merged: tuple[UUID, str] | None) -> None:
        if way in self._roots:
            return
        if len(self._found) + len(self.ahead) >= self._lots_at_most:
            self._more = True
            return
        self._roots[way] = merged
        self.ahead.append(way)

    async def hop(self) -> None:
        """Look up what is ahead, and what that leads to."""
        asked: dict[UUID, tuple[list[str], list[int]]] = {}
        for way in self.ahead:
            references, numbers = asked.setdefault(way.member_id, ([], []))
            if isinstance(way.lot, str):
                references.append(way.lot)
            else:
                numbers.append(way.lot)
        self.ahead = []
        found = await store.arrived(self._tx, asked, self._order_id, self._uses_at_most + 1)
        for member_id, rows in found.items():
            by_lot: dict[int, list[tuple[Any, ...]]] = {}
            for row in rows:
                by_lot.setdefault(row[0], []).append(row)
            for lot_rows in by_lot.values():
                self._arrive(member_id, lot_rows)

    def _arrive(self, member_id: UUID, rows: Sequence[tuple[Any, ...]]) -> None:
        lot_no, kind, reference, basis, points, remaining, available_at, expires_at, is_parted = rows[0][:9]
        if (member_id, lot_no) in self._found:
            return
        told = read_basis(basis)
        way = Way(member_id, lot_no if kind == _EXTEND else reference)
        other = member_id if kind == _EXTEND else member_id_in(str(told["member"]))
        merged = self._roots.get(way) if kind == _EXTEND else (other, reference[:_MERGE]) if is_parted else None
        uses = [Use(lot_no, *row[9:15]) for row in rows if row[9] is not None]
        self._found[member_id, lot_no] = _Arrived(
            member_id,
            lot_no,
            "cover" if ":undo:cover:" in reference else str(told.get("why", kind)),
            transfer_id(other, int(told["origin"])),
            points,
            remaining,
            available_at,
            expires_at,
            uses,
            merged,
        )
        self._links[way] = (public_id("mbr", member_id), transfer_id(member_id, lot_no))
        self.go_on(member_id, uses[: self._uses_at_most], merged)
        if merged is not None and any(use.kind not in {MOVE_OUT, _EXTEND} for use in uses):
            # Undoing the merge gave others in place of what had been spent of these.
            self._look_up(Way(merged[0], f"{merged[1]}:undo:cover:{lot_no}{_IN}"), None)

    async def told(self) -> Followed:
        """Return what was found, as the owner of the order may be told."""
        if not self._found:
            return Followed([], {}, self._more or bool(self.ahead))
        family = frozenset(await members.ids_of(self._tx, self._owner))
        return Followed(
            [self._lot(one, hides=one.member_id not in family) for one in self._found.values()],
            self._links,
            self._more or bool(self.ahead),
        )

    def _lot(self, one: _Arrived, *, hides: bool) -> MovedLot:
        return MovedLot(
            member_id=public_id("mbr", one.member_id),
            lot_id=transfer_id(one.member_id, one.lot_no),
            from_lot=one.origin,
            why=one.why,
            points=one.points,
            remaining=one.remaining,
            available_at=one.available_at,
            expires_at=one.expires_at,
            movements=[
                movement(one.member_id, use, self._links, hides=hides) for use in one.uses[: self._uses_at_most]
            ],
            has_more=len(one.uses) > self._uses_at_most,
        )


def movement(member_id: UUID, use: Use, links: dict[Way, tuple[str, str]], *, hides: bool = False) -> LotMovement:
    """Return a use as it is told; `hides`: what it was for is another person's."""
    way = way_of(member_id, use)
    to_member, to_lot = (None, None) if way is None else links.get(way, (None, None))
    return LotMovement(
        lot_no=use.lot_no,
        seq=use.seq,
        points=use.points,
        kind=use.kind,
        reference="" if hides else reference_told(use.reference),
        order_id=None if hides else use.order_id,
        to_member=to_member,
        to_lot=to_lot,
    )
