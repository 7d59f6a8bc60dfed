"""What callers send and get about adjustment requests."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from regulars.loyalty.contracts import AdjustmentRequest, AnswerAdjustment, AskAdjustment, RequestState
from regulars.loyalty.errors import UnknownRequest
from regulars.loyalty.ledger.schemas import AdjustmentBody, reference_of
from regulars.loyalty.public_ids import transfer_id
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.places import write_place

REQUEST: Final = "adj"


class AnswerBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the second person has to say."""

    note: Annotated[str, Meta(max_length=500, examples=["Seen the receipt"])] = ""


class RequestAnswer(Struct, frozen=True, kw_only=True):
    """A correction that was asked for, and what came of it; `transfer_id` posted it."""

    request_id: str
    member_id: str
    wallet: str
    amount: int
    reason: str
    reference: str
    state: RequestState
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    policy_version: int
    answered_by: str | None
    answered_at: datetime | None
    note: str
    transfer_id: str | None


class RequestsAnswer(Struct, frozen=True, kw_only=True):
    """A page of requests, the latest first; `next_cursor` continues it."""

    requests: list[RequestAnswer]
    has_more: bool
    next_cursor: str | None


def request_id_in(text: str) -> UUID:
    """Read the id of a request. Raises UnknownRequest."""
    found = parse_public_id(REQUEST, text)
    if found is None:
        raise UnknownRequest
    return found


def ask_of(member_id: UUID, body: AdjustmentBody, actor: str, key: str) -> AskAdjustment:
    """Read what is asked for; one that names no fact of its own is named by its idempotency key."""
    reference = reference_of(body.reference) or f"request:{actor}:{key}"
    return AskAdjustment(
        member_id=member_id,
        wallet=body.wallet,
        amount=body.amount,
        reference=reference,
        reason=body.reason,
        actor=actor,
    )


def answer_of(member_id: UUID, request_id: UUID, body: AnswerBody, actor: str, *, approve: bool) -> AnswerAdjustment:
    """Read an answer."""
    return AnswerAdjustment(member_id=member_id, request_id=request_id, approve=approve, actor=actor, note=body.note)


def request_answer(found: AdjustmentRequest) -> RequestAnswer:
    """Write a request."""
    no = found.transfer_no
    return RequestAnswer(
        request_id=public_id(REQUEST, found.request_id),
        member_id=public_id(MEMBER_PREFIX, found.member_id),
        wallet=found.wallet,
        amount=found.amount,
        reason=found.reason,
        reference=found.reference,
        state=found.state,
        asked_by=found.asked_by,
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        policy_version=found.policy_version,
        answered_by=found.answered_by,
        answered_at=found.answered_at,
        note=found.note,
        transfer_id=None if no is None else transfer_id(found.member_id, no),
    )


def requests_answer(found: Sequence[AdjustmentRequest], *, has_more: bool) -> RequestsAnswer:
    """Write a page; its cursor is the place of its last request."""
    return RequestsAnswer(
        requests=[request_answer(each) for each in found],
        has_more=has_more,
        next_cursor=write_place(found[-1].asked_at, found[-1].request_id) if has_more else None,
    )
