"""What takes too long for a page, computed in the background: what the liability is made of, months looked at anew."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from regulars.loyalty.finance import closing, months
from regulars.loyalty.finance.store import closing as closes
from regulars.loyalty.finance.store import composing
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import code_of
from regulars.platform.db.transaction import JsonValue, Rows, Transaction
from regulars.platform.markets import service as markets
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Done, Kind, More, Parameters, Report
from regulars.platform.reports.registry import report
from regulars.platform.reports.tasks import compute_report
from regulars.platform.verification.contracts import Fault

MEMBERS_A_SLICE: Final = 20_000
LATE_ROWS: Final = 50
_NOBODY: Final = UUID(int=0)


class Composed(Struct, frozen=True, array_like=True):
    """Units outstanding at an instant: of members of a tier, earned in a month, running out in another (local)."""

    wallet: str
    market: str
    tier: str
    earned: str
    until: str
    spendable: int
    held: int
    pending: int
    run_out: int

    @property
    def outstanding(self) -> int:
        """All of them."""
        return self.spendable + self.held + self.pending + self.run_out


class Composition(Struct, frozen=True, kw_only=True):
    """What was outstanding at an instant (UTC), told apart. Source: lots, lot_uses, holds, tier_changes."""

    at: datetime
    rows: tuple[Composed, ...]


class LateSum(Struct, frozen=True, array_like=True):
    """What a month learned late: transfers of a kind, and the earliest instant at which one of them happened."""

    wallet: str
    market: str
    kind: str
    transfers: int
    units: int
    debt_change: int
    earliest: datetime


class LateRow(Struct, frozen=True, array_like=True):
    """A transfer that was recorded in a month, and had happened before it began."""

    member_id: UUID
    wallet: str
    kind: str
    units: int
    effective_at: datetime
    recorded_at: datetime


class MonthCheck(Struct, frozen=True, kw_only=True):
    """A month looked at anew, all its transfers: what was learned late in it, and, if it is closed, its proof.

    `recomputed` is the digest that the transfers give (hexadecimal), `faults` what is not as it was closed.
    """

    month: str
    late: tuple[LateSum, ...] = ()
    late_rows: tuple[LateRow, ...] = ()
    is_closed: bool = False
    digest: str = ""
    recomputed: str = ""
    transfers: int = 0
    faults: tuple[Fault, ...] = ()


# --- what the liability is made of ------------------------------------------------------------------------------------


async def composition(tx: Transaction, at: datetime | None) -> tuple[Report | None, Composition | None]:
    """Return the last report on an instant (None: on now), and what the last one found. Raises nothing."""
    last, done = await reports.latest_and_done(tx, COMPOSITION, _instant(at))
    return last, None if done is None else msgspec.convert(done.result, Composition)


async def ask_composition(tx: Transaction, at: datetime | None, *, by: str) -> Report:
    """Have it computed what was outstanding at an instant (None: now) and of what it was made. Raises nothing."""
    return await reports.ask(tx, compute_report, COMPOSITION, _instant(at), by=by)


def _instant(at: datetime | None) -> Parameters:
    return {"at": "" if at is None else at.astimezone(UTC).isoformat()}


@report("loyalty.liability_composition")
async def _compose(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    """Add up a slice of members. `carry`: the instant, the last member, how many of how many, and the sums so far."""
    given: Any = parameters
    so_far: Any = carry or {
        "at": given["at"] or tx.now.isoformat(),
        "after": str(_NOBODY),
        "done": 0,
        "all": await composing.count_books(tx),
        "sums": [],
    }
    at, after = datetime.fromisoformat(so_far["at"]), UUID(so_far["after"])
    up_to, members = await composing.next_books(tx, after, MEMBERS_A_SLICE)
    if up_to is None:
        return Done(await _composed(tx, at, so_far["sums"]))
    sums: dict[tuple[Any, ...], list[int]] = {tuple(key): units for key, units in so_far["sums"]}
    for row in await composing.composition(tx, after, up_to, at):
        known = sums.setdefault(row[:5], [0, 0, 0, 0])
        sums[row[:5]] = [one + other for one, other in zip(known, row[5:], strict=True)]
    done = so_far["done"] + members
    kept: dict[str, JsonValue] = {
        "at": so_far["at"],
        "after": str(up_to),
        "done": done,
        "all": so_far["all"],
        "sums": [[list(key), list(units)] for key, units in sums.items()],
    }
    return More(done, max(done, so_far["all"]), kept)


async def _composed(tx: Transaction, at: datetime, sums: list[Any]) -> JsonValue:
    configuration = Configuration()
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    policy = configuration.policy_at(at).tier if sums else None
    rows = [
        Composed(key[0], key[1], code_of(policy, key[2]) if policy else "", *key[3:], *units)
        for key, units in sorted(sums)
        if any(units)
    ]
    found: JsonValue = msgspec.to_builtins(Composition(at=at, rows=tuple(rows)))
    return found


COMPOSITION: Final[Kind] = _compose


# --- a month, looked at anew ------------------------------------------------------------------------------------------


async def month_check(tx: Transaction, month: date) -> tuple[Report | None, Report | None]:
    """Return the last report on a month, and the last one that found something; see `checked_by`. Raises nothing."""
    return await reports.latest_and_done(tx, MONTH_CHECK, _month(month))


async def ask_month_check(tx: Transaction, month: date, *, by: str) -> Report:
    """Have every transfer of a month read: what was learned late, and whether a closed one is as it was closed."""
    return await reports.ask(tx, compute_report, MONTH_CHECK, _month(month), by=by)


def checked_by(done: Report) -> MonthCheck:
    """Return what a report found that has ended well."""
    return msgspec.convert(done.result, MonthCheck)


def _month(month: date) -> Parameters:
    return {"month": months.name_of(month)}


@report("loyalty.month_check")
async def _check(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
    """Look for what was learned late first; then, of a closed month, for its proof."""
    given: Any = parameters
    name: str = given["month"]
    month = months.month_named(name)
    if month is None:
        return Done(msgspec.to_builtins(MonthCheck(month=name)))
    row = next((one for one in await closes.read_closes(tx) if one.month == month), None)
    is_closed = row is not None and row.closed_at is not None
    if carry is None:
        sums, rows = await composing.late(tx, await _bounds(tx, month), LATE_ROWS)
        found = MonthCheck(
            month=name, late=tuple([LateSum(*one) for one in sums]), late_rows=tuple([LateRow(*one) for one in rows])
        )
        kept: JsonValue = msgspec.to_builtins(found)
        return More(1, 2, kept) if is_closed else Done(kept)
    proof, faults = await closing.proven(tx, month)
    before: Mapping[str, Any] = msgspec.structs.asdict(msgspec.convert(carry, MonthCheck))
    proven = {
        "is_closed": True,
        "digest": proof.digest,
        "recomputed": proof.recomputed,
        "transfers": proof.transfers,
        "faults": tuple(faults),
    }
    told: JsonValue = msgspec.to_builtins(MonthCheck(**{**before, **proven}))
    return Done(told)


async def _bounds(tx: Transaction, month: date) -> Rows:
    """Return (market, time zone, since, until): as they were closed, else the calendar's."""
    return await closes.read_bounds(tx, month) or [
        (one.code, one.time_zone, months.begins(month, one.time_zone), months.ends(month, one.time_zone))
        for one in await markets.list_markets(tx)
    ]


MONTH_CHECK: Final[Kind] = _check
