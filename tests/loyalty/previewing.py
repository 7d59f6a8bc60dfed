"""Previews as tests compute them: to their end, in this process."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from regulars.loyalty import api
from regulars.loyalty.preview.contracts import Preview, TouchedMember
from regulars.loyalty.preview.reports import PREVIEW
from regulars.platform.clock import ClockSetting, wall_now
from regulars.platform.db.database import Database
from regulars.platform.reports.computing import compute_slice

AT_ONCE: Final = 500


def clock_at(database: Database, at: datetime) -> None:
    """Let the programme clock stand at an instant."""
    database.clock.follow(ClockSetting(at, wall_now(), ticking=False))


async def drafted(database: Database, policy: api.Policy) -> api.PolicyDraft:
    """Begin a draft."""
    async with database.transaction() as tx:
        command = api.CreateDraft(name="tried out", actor="staff:anna", policy=policy)
        return await api.work_on_policy(tx, database.clock, command)


async def scheduled(database: Database, draft: api.PolicyDraft, at: datetime) -> api.PolicyDraft:
    """Schedule a draft."""
    async with database.transaction() as tx:
        command = api.ScheduleDraft(
            draft_id=draft.draft_id, revision=draft.revision, active_from=at, actor="staff:anna"
        )
        return await api.work_on_policy(tx, database.clock, command)


async def preview(database: Database, **asked: Any) -> tuple[Preview, list[TouchedMember]]:  # noqa: ANN401 - of AskPreview
    """Ask for a preview, compute all of it, and read it."""
    async with database.transaction() as tx:
        report = await api.ask_preview(tx, PREVIEW, api.AskPreview(actor="staff:anna", **asked))
    go_on = True
    while go_on:
        async with database.transaction() as tx:
            go_on = await compute_slice(tx, report.report_id)
    async with database.transaction() as tx:
        report = await api.read_preview(tx, report.report_id)
        assert report.state == "done", report
        found = api.result_of_preview(report)
        assert found is not None
        return found, await api.preview_members(tx, report, limit=100_000)


async def arrive(database: Database, at: datetime, at_once: int = 200) -> None:
    """Book what has come by an instant."""
    clock_at(database, at)
    go_on = True
    while go_on:
        async with database.transaction() as tx:
            go_on = await api.book_arrivals(tx, api.Configuration(), at_once)


async def risen(database: Database, version: int) -> dict[UUID, tuple[str, str]]:
    """Return who rose when a version came: from which tier to which."""
    async with database.transaction() as tx:
        (policy,) = [one for one in await api.list_policies(tx) if one.version == version]
        rows = await tx.rows(
            "SELECT member_id, from_tier, to_tier FROM tier_changes WHERE cause = 'policy' AND policy_version = %s",
            (version,),
        )
    codes = [tier.code for tier in policy.tier.tiers]
    return {member: (codes[before], codes[after]) for member, before, after in rows}


class Stand(NamedTuple):
    """How a member stands at an instant, and which tier the next review and its grace leave if nothing is booked."""

    tier: int
    review_at: datetime | None
    after_review: int
    metric: int


async def standing_at(database: Database, at: datetime) -> dict[UUID, Stand]:
    """Return how everybody stands at an instant, by the versions that are known now: led there, and nothing written."""
    async with database.transaction() as tx:
        everybody = [member for (member,) in await tx.rows("SELECT member_id FROM member_books ORDER BY member_id")]
        found: dict[UUID, Stand] = {}
        for first in range(0, len(everybody), AT_ONCE):
            some = everybody[first : first + AT_ONCE]
            needs = api.Needs(until=at + timedelta(days=3_000), members=set(some))
            books = await api.open_books(tx, api.Configuration(), needs, lock=False)
            found |= {member: _led(books, member, at) for member in some}
    return found


def _led(books: api.Books, member: UUID, at: datetime) -> Stand:
    book = books.book(member)
    book.begin(at)
    tier, review_at, metric = book.tier, book.review_at, book.growth_at(at)
    if book.review_at is not None:
        book.begin(book.review_at)
        if book.in_grace and book.review_at is not None:
            book.begin(book.review_at)
    return Stand(tier, review_at, book.tier, metric)


async def assert_it_happens(
    database: Database, version: int, touched: Sequence[TouchedMember], before: Mapping[UUID, Stand], came: datetime
) -> None:
    """Compare all that a preview listed with the books, in which the version was just booked; nobody else is touched.

    `before` is how everybody would have stood as it came (`came`) by the version before.
    """
    async with database.transaction() as tx:
        (policy,) = [one for one in await api.list_policies(tx) if one.version == version]
    codes = [tier.code for tier in policy.tier.tiers]
    after = await standing_at(database, came)
    assert after.keys() == before.keys()
    happened = {member: what for member in after if (what := _what_happened(before[member], after[member], codes))}
    assert happened == {
        one.member_id: (one.kind, one.from_tier, one.to_tier, one.metric, one.review_before, one.review_after)
        for one in touched
    }
    assert await risen(database, version) == {
        member: what[1:3] for member, what in happened.items() if what[0] == "rises"
    }


def _what_happened(before: Stand, after: Stand, codes: Sequence[str]) -> tuple[Any, ...] | None:
    """Return what a version did to a member, in the words of previews; None: nothing."""
    if after.tier > before.tier:
        kind, ranks = "rises", (before.tier, after.tier)
    elif after.after_review < before.after_review:
        kind, ranks = "falls", (after.tier, after.after_review)
    elif after.after_review > before.after_review:
        kind, ranks = "stays", (before.after_review, after.after_review)
    elif after.review_at != before.review_at:
        kind, ranks = "review", (after.tier, after.tier)
    else:
        return None
    return kind, codes[ranks[0]], codes[ranks[1]], after.metric, before.review_at, after.review_at
