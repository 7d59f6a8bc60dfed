"""The months of the year closed, and compared with what plain Python makes of the raw rows.

Nothing of the product's arithmetic is used: transfers, lots and their uses are read as they lie there.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from regulars.loyalty import api as loyalty
from regulars.loyalty.finance.journals import By
from regulars.platform.db.database import Database
from tests.loyalty.bean_check import bean_check
from tests.loyalty.test_month_close import line_of

NEW_YORK = ZoneInfo("America/New_York")
MONTHS = [date(2017, month, 1) for month in range(1, 13)]
MOVEMENTS = {
    "earn": "issued",
    "accrue": "issued",
    "redeem": "redeemed",
    "give_back": "given_back",
    "expire": "expired",
    "claw_back": "reversed",
    "adjust": "adjusted",
}


@dataclass
class Month:
    """What the raw rows say of a month: by wallet its movements, and at its end balance, debt and parts."""

    movements: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    held: dict[str, tuple[int, int]] = field(default_factory=dict)
    parts: tuple[int, int, int] = (0, 0, 0)
    transfers: int = 0
    digest: str = ""


@dataclass
class Points:
    """When the points of each lot were booked, can be spent and run out; and when points of which lot were used."""

    lots: list[tuple[int, datetime, datetime, datetime]]
    uses: list[tuple[int, int, datetime]]

    @classmethod
    def of(cls, transfers: list[dict[str, Any]], lots: list[dict[str, Any]], uses: list[dict[str, Any]]) -> "Points":
        """Look the instants up."""
        recorded = {(row["member_id"], row["seq"]): row["recorded_at"] for row in transfers}
        place = {(lot["member_id"], lot["lot_no"]): number for number, lot in enumerate(lots)}
        return cls(
            [
                (lot["amount"], recorded[lot["member_id"], lot["lot_no"]], lot["available_at"], lot["expires_at"])
                for lot in lots
            ],
            [
                (place[use["member_id"], use["lot_no"]], use["amount"], recorded[use["member_id"], use["seq"]])
                for use in uses
            ],
        )

    def parts(self, ends: list[datetime]) -> list[tuple[int, int, int]]:
        """Return what could be spent just before each instant, what was pending, and what had run out unbooked.

        A lot's points, and each use of them, count from the first instant after them: they are looked at once.
        """
        spend, run_out = ([bisect_right(ends, lot[place]) for lot in self.lots] for place in (2, 3))
        changes = [(lot, amount, booked) for lot, (amount, booked, _, _) in enumerate(self.lots)]
        changes += [(lot, -amount, used) for lot, amount, used in self.uses]
        alike: dict[tuple[int, int, int], int] = defaultdict(int)
        for lot, change, at in changes:
            alike[bisect_right(ends, at), spend[lot], run_out[lot]] += change
        found = []
        for place in range(len(ends)):
            sums = [0, 0, 0]
            for (since, spendable, gone), units in alike.items():
                if since <= place:
                    sums[2 if gone <= place else 1 if spendable > place else 0] += units
            found.append((sums[0], sums[1], sums[2]))
        return found


def _end(month: date) -> datetime:
    return datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=NEW_YORK)


def recompute(transfers: list[dict[str, Any]], lots: list[dict[str, Any]], uses: list[dict[str, Any]]) -> list[Month]:
    """Add the months up."""
    found, previous = [], bytes(32)
    held: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    parts = Points.of(transfers, lots, uses).parts([_end(month) for month in MONTHS])
    of_month: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for row in transfers:
        of_month[row["recorded_at"].astimezone(NEW_YORK).date().replace(day=1)].append(row)
    for month, parts_then in zip(MONTHS, parts, strict=True):
        made = Month(parts=parts_then, transfers=len(of_month[month]))
        lines: dict[Any, bytes] = defaultdict(bytes)
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in of_month[month]:
            units = row["amount"] if row["credit_account"] % 100 == 0 else -row["amount"]
            wallet = {1: "points", 2: "growth"}[row["wallet_id"]]
            for place, change in enumerate((1, units, row["debt_change"])):
                sums[wallet, MOVEMENTS[row["kind"]]][place] += change
            held[wallet][0] += units
            held[wallet][1] += row["debt_change"]
            lines[row["member_id"]] += line_of(row).encode()
        made.movements = {key: (sums[key][0], sums[key][1], sums[key][2]) for key in sums}
        made.held = {wallet: (balance, debt) for wallet, (balance, debt) in held.items()}
        previous = sha256(previous + f"{month:%Y-%m}\n".encode() + _digests(lines)).digest()
        made.digest = previous.hex()
        found.append(made)
    return found


def _digests(lines: dict[Any, bytes]) -> bytes:
    parts: dict[int, bytes] = defaultdict(bytes)
    for member in sorted(lines):
        parts[member.bytes[15]] += sha256(lines[member]).digest()
    return b"".join(sha256(parts[part]).digest() if part in parts else bytes(32) for part in range(256))


async def _table(database: Database, table: str, order: str) -> list[dict[str, Any]]:
    async with database.transaction() as tx:
        cursor = await tx.connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


async def assert_months_close(database: Database, folder: Path) -> None:
    """Close all twelve months; each is what the raw rows give, provable, and a journal that beancount takes."""
    expected = recompute(
        await _table(database, "ledger_transfers", "member_id, seq"),
        await _table(database, "lots", "member_id, lot_no"),
        await _table(database, "lot_uses", "member_id, seq, use_no"),
    )
    configuration = loyalty.Configuration()
    for month, made in zip(MONTHS, expected, strict=True):
        async with database.transaction() as tx:
            await loyalty.begin_close(tx, month, by="test", reason="")
        async with database.transaction() as tx:
            closed = await loyalty.go_on_closing(tx, configuration)
        assert closed is not None
        assert (closed.state, closed.transfers, closed.digest) == ("closed", made.transfers, made.digest), month
        async with database.transaction() as tx:
            assert (await loyalty.prove(tx, month)).holds
            found, _ = await loyalty.liability(tx, configuration, loyalty.Span(first=month, last=month))
        _compare(found, made)
        await _journal_is_taken(database, month, folder, by="transfer" if month.month == 3 else "day")


def _compare(found: list[loyalty.LiabilityMonth], made: Month) -> None:
    assert {one.wallet for one in found} == {"points", "growth"}
    for one in found:
        assert one.is_closed
        moved = {move.movement: (move.transfers, move.units, move.debt_change) for move in one.movements}
        assert {name: sums for name, sums in moved.items() if sums[0]} == {
            name: sums for (wallet, name), sums in made.movements.items() if wallet == one.wallet
        }
        assert (one.closing.balance, one.closing.debt) == made.held[one.wallet]
        assert one.closing.outstanding == one.closing.balance + one.closing.debt
        if one.wallet == "points":
            assert one.parts is not None
            assert (one.parts.spendable, one.parts.pending, one.parts.run_out) == made.parts
            assert sum(made.parts) == one.closing.outstanding


async def _journal_is_taken(database: Database, month: date, folder: Path, *, by: By) -> None:
    file = folder / f"{month:%Y-%m}.beancount"
    async with database.transaction() as tx:
        pieces = loyalty.read_journal(tx, loyalty.Configuration(), month, form="beancount", by=by)
        file.write_text("".join([piece async for piece in pieces]), encoding="utf-8")
    assert bean_check(file) == ""
