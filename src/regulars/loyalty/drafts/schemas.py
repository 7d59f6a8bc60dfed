"""What callers send and get about drafts."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from regulars.loyalty.drafts.contracts import DRAFT_PREFIX, DraftRevision, DraftState, PolicyDraft, WithdrawnBase
from regulars.loyalty.drafts.errors import UnknownDraft
from regulars.loyalty.drafts.rules import Difference
from regulars.loyalty.ledger.schemas import Instant
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.reading import unknown_fields
from regulars.platform.http.errors import FieldUnknown
from regulars.platform.http.likely import likeliest
from regulars.platform.ids import parse_public_id, public_id

Name = Annotated[str, Meta(min_length=1, max_length=100, description="For people.", examples=["Gold asks for more"])]
Revision = Annotated[int, Meta(ge=1, le=10**6, description="The revision that you have seen.")]
BasedOn = Annotated[int, Meta(ge=1, le=10**6, description="The latest version that you have compared the draft with.")]
Why = Annotated[str, Meta(max_length=500, examples=["Agreed in the October meeting"])]


class DraftBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draft to begin: with a policy of your own, from a version, or (neither) from the latest version."""

    name: Name
    from_version: Annotated[int, Meta(ge=1, le=10**6)] | None = None
    policy: Policy | None = None


class DraftChangeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that the draft shall say, in place of what it says."""

    revision: Revision
    name: Name
    policy: Policy


class ScheduleBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the draft comes into force, a minute from now at the earliest, and why.

    `based_on` is needed where a version came after the one that the draft began from, or that one was withdrawn. It is
    the latest that is there; where none is, the one that was withdrawn.
    """

    revision: Revision
    active_from: Annotated[Instant, Meta(examples=["2026-06-01T00:00:00+08:00"])]
    reason: Why = ""
    based_on: BasedOn | None = None


class AnswerBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which proposal the second person has seen, by its revision and its instant, and what they have to say."""

    revision: Revision
    active_from: Annotated[Instant, Meta(examples=["2026-06-01T00:00:00+08:00"])]
    note: Why = ""


class WithdrawalBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the version shall not come."""

    reason: Why = ""


class DraftAnswer(Struct, frozen=True, kw_only=True):
    """A draft as it stands; `version` is what it became.

    `based_on_withdrawn_at` is when the version that it began from, or was last compared with, was taken back.
    """

    draft_id: str
    name: str
    state: DraftState
    revision: int
    policy: Policy
    created_by: str
    created_at: datetime
    changed_by: str
    changed_at: datetime
    proposed_for: datetime | None
    proposed_by: str
    note: str
    version: int | None
    based_on: int | None
    based_on_withdrawn_at: datetime | None


class DraftsAnswer(Struct, frozen=True, kw_only=True):
    """A page of drafts, the latest first."""

    drafts: list[DraftAnswer]
    has_more: bool
    next_cursor: str | None


class RevisionsAnswer(Struct, frozen=True, kw_only=True):
    """Everything that a draft said, the latest first."""

    revisions: list[DraftRevision]


class DifferencesAnswer(Struct, frozen=True, kw_only=True):
    """What differs; none for policies that say the same.

    `base_withdrawn` tells that `after` is a draft that was begun from a version which was taken back since.
    """

    differences: list[Difference]
    base_withdrawn: WithdrawnBase | None


def draft_id_in(text: str) -> UUID:
    """Read the id of a draft. Raises UnknownDraft (404)."""
    found = parse_public_id(DRAFT_PREFIX, text)
    if found is None:
        raise UnknownDraft
    return found


def draft_answer(draft: PolicyDraft) -> DraftAnswer:
    """Write a draft."""
    values = {name: getattr(draft, name) for name in DraftAnswer.__struct_fields__ if name != "draft_id"}
    return DraftAnswer(draft_id=public_id(DRAFT_PREFIX, draft.draft_id), **values)


def require_known_fields(body: bytes, policy: Policy | None) -> None:
    """Refuse a policy with a field that nothing reads. Raises FieldUnknown (422), which names it."""
    given: Any = msgspec.json.decode(body).get("policy")
    understood: Any = msgspec.to_builtins(policy)
    for field in unknown_fields(given, understood):
        path = field.replace("[", "/").replace("]", "").replace(".", "/")
        *places, name = path.split("/")
        for place in places:
            understood = _part(understood, place)
        known = likeliest(name, understood if isinstance(understood, dict) else ())
        raise FieldUnknown(pointer=f"/policy/{path}", field=f"policy.{field}", known=known)


def _part(understood: Any, place: str) -> Any:  # noqa: ANN401 - any JSON there is
    """Return what stands at a place, None where its own name holds a dot and is not found."""
    if isinstance(understood, list):
        return understood[int(place)] if place.isdecimal() and int(place) < len(understood) else None
    return understood.get(place) if isinstance(understood, dict) else None
