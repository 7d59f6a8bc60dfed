"""Previews as tests compute them: to their end, in this process."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from regulars.loyalty import api
from regulars.loyalty.preview.contracts import Preview, TouchedMember
from regulars.loyalty.preview.reports import PREVIEW
from regulars.platform.clock import ClockSetting, wall_now
from regulars.platform.db.database import Database
from regulars.platform.reports.computing import compute_slice


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


async def assert_it_happens(database: Database, version: int, touched: Sequence[TouchedMember]) -> None:
    """Compare all that a preview listed with the books, in which the version was just booked; and what it left out.

    Who rises, and whose review is moved, is in the books. Who falls or stays does so at their next review, after its
    grace where it opens one: there the books are led to, without writing it.
    """
    async with database.transaction() as tx:
        (policy,) = [one for one in await api.list_policies(tx) if one.version == version]
        rows = await tx.rows("SELECT member_id, tier, review_at FROM member_books")
    codes = [tier.code for tier in policy.tier.tiers]
    held = {member: (codes[tier], review_at) for member, tier, review_at in rows}
    assert await risen(database, version) == {
        one.member_id: (one.from_tier, one.to_tier) for one in touched if one.kind == "rises"
    }
    for one in touched:
        if one.kind in {"rises", "review"}:
            assert held[one.member_id] == (one.to_tier, one.review_after), one
        else:
            assert await reviewed_tier(database, one.member_id, codes) == one.to_tier, one


async def reviewed_tier(database: Database, member_id: UUID, codes: Sequence[str]) -> str:
    """Return a member's tier after the next review and its grace, if nothing more is booked."""
    async with database.transaction() as tx:
        needs = api.Needs(until=tx.now + timedelta(days=3_000), members={member_id})
        book = (await api.open_books(tx, api.Configuration(), needs, lock=False)).book(member_id)
        if book.review_at is not None:
            book.begin(book.review_at)
            if book.in_grace and book.review_at is not None:
                book.begin(book.review_at)
        return codes[book.tier]
