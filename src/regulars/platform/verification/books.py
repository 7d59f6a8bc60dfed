"""Verifying the books in the background: a report with a check a slice, and what the last one found.

Which checks there are the rooms above know; entrypoints hands them over once (`declare_books`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from regulars.platform.audit.checking import proven_by_checks
from regulars.platform.audit.contracts import Head
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.health.contracts import Ago, Fact, Looked, Sentence, State
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Done, Kind, More, Parameters, Report
from regulars.platform.reports.registry import KINDS, report
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import Check, Finding
from regulars.platform.verification.service import run_check

BOOKS: Final = "books"
VERIFY_EVERY: Final = timedelta(days=31)

Checks = Callable[[Head | None], Sequence[Check]]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a verification found so far; `audit_head` is that of the one before, which the log must extend."""

    findings: tuple[Finding, ...] = ()
    audit_head: str = ""

    @property
    def wrong(self) -> list[Finding]:
        """The checks that found something wrong."""
        return [one for one in self.findings if not one.ok]

    @property
    def head(self) -> str:
        """The end of the audit log as it was verified, to be written down elsewhere."""
        return "".join([one.keep for one in self.findings])

    @property
    def proven_head(self) -> str:
        """The head that the next verification starts from: an end that was found wrong proves nothing."""
        return "".join([one.keep for one in self.findings if one.ok]) or self.audit_head


def declare_books(checks: Checks) -> None:
    """Let the books be verified by these checks; a second time changes nothing."""
    if BOOKS in KINDS:
        return

    @report(BOOKS)
    async def verify_books(tx: Transaction, parameters: Parameters, carry: JsonValue) -> More | Done:
        """Run the next check, each of its own instant."""
        del parameters
        so_far = Verified(audit_head=await proven_head(tx)) if carry is None else msgspec.convert(carry, Verified)
        listed = checks(Head.parse(so_far.audit_head))
        finding = await run_check(tx, listed[len(so_far.findings)])
        now = msgspec.structs.replace(so_far, findings=(*so_far.findings, finding))
        told = msgspec.to_builtins(now)
        return Done(told) if len(now.findings) == len(listed) else More(len(now.findings), len(listed), told)


def books_kind() -> Kind:
    """Return the kind of report that verifies the books."""
    return KINDS[BOOKS]


def found_by(verified: Report) -> Verified:
    """Return what a verification found that has ended well."""
    return msgspec.convert(verified.result, Verified)


def record_books(tx: Transaction, verified: Verified, *, by: str, began: datetime) -> None:
    """Keep what a verification found that ran at once, e.g. from the command line; `began` is of the wall clock."""
    told = msgspec.to_builtins(verified)
    reports.record(tx, books_kind(), {}, told, by=by, began=began)


async def proven_head(tx: Transaction) -> str:
    """Return the end of the audit log as the verifications before proved it, which it must extend; empty: none did."""
    before = await reports.latest_done(tx, books_kind(), {})
    by_books = None if before is None else Head.parse(found_by(before).proven_head)
    proven = [one for one in (by_books, await proven_by_checks(tx)) if one is not None]
    return str(max(proven, key=lambda one: one.seal_no)) if proven else ""


async def last_verified(tx: Transaction) -> tuple[datetime, Verified] | None:
    """Return when the books were last verified, and what was found; None if they never were."""
    last = await reports.latest_done(tx, books_kind(), {}) if BOOKS in KINDS else None
    return None if last is None or last.ended_at is None else (last.ended_at, found_by(last))


async def look_at_books(tx: Transaction) -> Looked:
    """When were the books last verified, and what was found?"""
    last = await reports.latest_done(tx, books_kind(), {})
    if last is None or last.ended_at is None:
        said = Sentence(mark("never verified in full in the background"))
        remedy = Sentence(mark("Verify them: in the console under System health, or by `regulars verify`."))
        return Looked(name="books", state=State.WARNING, said=said, remedy=remedy)
    found = found_by(last)
    count = {"right": len(found.findings) - len(found.wrong), "all": len(found.findings)}
    said = Sentence(mark("{right} of {all} checks found everything right"), count)
    facts = (
        Fact(mark("Last verified"), Ago(last.ended_at)),
        Fact(mark("Checks that found all right"), Sentence(mark("{right} of {all}"), count)),
        Fact(mark("Took"), timedelta(seconds=sum([one.seconds for one in found.findings]))),
    )
    if found.wrong:
        remedy = Sentence(
            mark("Change nothing by hand. See what is wrong, keep a backup of this instant, and report it.")
        )
        return Looked(name="books", state=State.TROUBLE, said=said, remedy=remedy, facts=facts)
    if wall_now() - last.ended_at > VERIFY_EVERY:
        remedy = Sentence(mark("That was more than a month ago: verify them again."))
        return Looked(name="books", state=State.WARNING, said=said, remedy=remedy, facts=facts)
    return Looked(name="books", state=State.WELL, said=said, facts=facts)
