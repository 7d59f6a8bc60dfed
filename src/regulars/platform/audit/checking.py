"""Checking the audit chain in the background: a report that walks from the first seal to the last, a stretch a slice.

First every seal is recomputed with its entries. Then all entries up to where the sealer was when the check began are
counted: more of them than the seals list were slipped in, or the last seals were taken away.
"""

from datetime import datetime
from typing import Final

import msgspec

from regulars.platform.audit import walking
from regulars.platform.audit.contracts import Head
from regulars.platform.audit.store import reads, seals
from regulars.platform.audit.store.reads import READER
from regulars.platform.audit.walking import Walk
from regulars.platform.db import snapshots
from regulars.platform.db.snapshots import Window
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Done, More, Parameters, Report
from regulars.platform.reports.registry import report

CHAIN: Final = "audit chain"
_ENTRIES_A_SLICE: Final = 50_000  # a fifth of a second and more
_COUNTED_A_SLICE: Final = 500_000


class Place(msgspec.Struct, kw_only=True):
    """How far a check has come. It goes up to the seal `last`, the sealer's `window` and the entry before `end`."""

    walk: Walk
    last: int
    window: Window
    end: int
    counted_to: int
    passed: int = 0

    @property
    def all_of_it(self) -> int:
        """How much there is to do: seals, and stretches of entries to be counted."""
        return self.last + -(-self.end // _COUNTED_A_SLICE)

    @property
    def done(self) -> int:
        """How much of that is done."""
        return min(self.walk.last_no, self.last) + self.counted_to // _COUNTED_A_SLICE


class ChainChecked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found; see `ChainReport`, of which it says the same, of the instant at which it began.

    `until` is when the last seal was closed, `broken_at` when the first broken one was (RFC 3339, empty: none).
    """

    seals: int
    entries: int
    head: str
    until: str
    known_head: str
    extends_known_head: bool | None
    broken_seal: int | None
    broken_at: str
    removed: list[int]
    changed: list[int]
    unlisted: list[int]

    @property
    def is_intact(self) -> bool:
        """True when nothing sealed was touched, and the chain extends the known head."""
        found = self.broken_seal is not None or self.removed or self.changed or self.unlisted
        return not found and self.extends_known_head is not False

    @property
    def is_until(self) -> datetime | None:
        """When the last seal was closed."""
        return datetime.fromisoformat(self.until) if self.until else None

    @property
    def broke(self) -> datetime | None:
        """When the first broken seal says that it was closed."""
        return datetime.fromisoformat(self.broken_at) if self.broken_at else None


@report(CHAIN)
async def check_chain(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    """Recompute the next seals, or count the next entries. `head` of the parameters is what the chain must extend."""
    place = await _begun(tx, parameters) if carry is None else msgspec.convert(carry, Place)
    before = place.walk.entries
    while place.walk.last_no < place.last and place.walk.entries - before < _ENTRIES_A_SLICE:
        if not await walking.walk_on(tx, place.walk, until=place.last):
            break
    if place.walk.entries == before:  # nothing was left to recompute
        until = min(place.counted_to + _COUNTED_A_SLICE, place.end)
        place.passed += await seals.count_passed(tx, place.window, place.counted_to, until)
        place.counted_to = until
        if until >= place.end:
            return Done(msgspec.to_builtins(await _ended(tx, place)))
    return More(place.done, place.all_of_it, msgspec.to_builtins(place))


def checked_by(done: Report) -> ChainChecked:
    """Return what a check found that has ended well."""
    return msgspec.convert(done.result, ChainChecked)


async def checks_of_chain(tx: Transaction, limit: int) -> list[Report]:
    """Return the last checks, whatever became of them, the last first."""
    return await reports.list_reports(tx, check_chain, limit)


async def proven_by_checks(tx: Transaction) -> Head | None:
    """Return the end of the chain as the latest of the checks before proved it."""
    for one in await checks_of_chain(tx, 10):
        if one.state == "done" and (found := checked_by(one)).is_intact:
            return Head.parse(found.head)
    return None


async def _begun(tx: Transaction, parameters: Parameters) -> Place:
    window, last = await snapshots.position(tx, READER), await seals.last_seal(tx)
    end, _ = await reads.ends(tx)
    walk = walking.begun(Head.parse(str(parameters.get("head", ""))))
    return Place(walk=walk, last=last.seal_no if last else 0, window=window, end=end, counted_to=0)


async def _ended(tx: Transaction, place: Place) -> ChainChecked:
    walk = place.walk
    more = place.passed + walk.gone > walk.entries
    return ChainChecked(
        seals=walk.seals,
        entries=walk.entries,
        head=str(walk.head),
        until=walk.sealed_at,
        known_head=walk.known_head,
        extends_known_head=walk.extends_known_head,
        broken_seal=walk.broken_seal,
        broken_at=walk.broken_at,
        removed=walk.removed,
        changed=walk.changed,
        unlisted=await seals.unlisted(tx, place.window, walking.NAMED_AT_MOST) if more else [],
    )
