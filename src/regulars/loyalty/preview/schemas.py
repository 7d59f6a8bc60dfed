"""What callers send and get about previews."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from regulars.loyalty.errors import UnknownPreview
from regulars.loyalty.ledger.schemas import Instant
from regulars.loyalty.preview.contracts import Preview, Touch, TouchedMember, result_of
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.reports.contracts import REPORT_PREFIX, Report, State


class PreviewBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try out: a draft, or a scheduled version; and the local days whose orders are settled anew."""

    draft_id: str | None = None
    version: Annotated[int, Meta(ge=1, le=10**6)] | None = None
    active_from: Instant | None = None
    first: date | None = None
    last: date | None = None


class PreviewAnswer(Struct, frozen=True, kw_only=True):
    """A preview: how far it has come (`done` of `all_of_it` members), and what it found once it is `done`."""

    preview_id: str
    state: State
    done: int
    all_of_it: int
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None
    result: Preview | None


class TouchedAnswer(Struct, frozen=True, kw_only=True):
    """What a policy would do to one member."""

    member_id: str
    kind: Touch
    from_tier: str
    to_tier: str
    metric: int
    missing: int | None
    review_before: datetime | None
    review_after: datetime | None


class TouchedPage(Struct, frozen=True, kw_only=True):
    """A page of members, by id; `next_cursor` continues it."""

    members: list[TouchedAnswer]
    has_more: bool
    next_cursor: str | None


def preview_id_in(text: str) -> UUID:
    """Read the id of a preview. Raises UnknownPreview (404)."""
    found = parse_public_id(REPORT_PREFIX, text)
    if found is None:
        raise UnknownPreview
    return found


def preview_answer(report: Report) -> PreviewAnswer:
    """Write a preview."""
    return PreviewAnswer(
        preview_id=public_id(REPORT_PREFIX, report.report_id),
        state=report.state,
        done=report.done,
        all_of_it=report.all_of_it,
        asked_by=report.asked_by,
        asked_at=report.asked_at,
        ended_at=report.ended_at,
        result=result_of(report),
    )


def touched_page(found: Sequence[TouchedMember], *, has_more: bool) -> TouchedPage:
    """Write a page; its cursor is the id of its last member."""
    told = [TouchedAnswer(member_id=public_id(MEMBER_PREFIX, one.member_id), **_rest(one)) for one in found]
    return TouchedPage(members=told, has_more=has_more, next_cursor=told[-1].member_id if has_more else None)


def _rest(one: TouchedMember) -> dict[str, Any]:
    found = one._asdict()
    del found["member_id"]
    return found
