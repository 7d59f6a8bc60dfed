"""What callers send and get about erasing."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.privacy import (
    ERASURE_PREFIX,
    EXPORT_PREFIX,
    Erasure,
    ErasureStanding,
    ErasureState,
    Loss,
    MemberExport,
)
from regulars.platform.ids import public_id

Reason = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=200,
        description="Why, for the audit log, which outlives the member: no names, numbers or addresses here.",
        examples=["The member asked for it"],
    ),
]


class ErasureBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A wish that a member be erased."""

    reason: Reason


class LossAnswer(Struct, frozen=True):
    """What a member has in a wallet and would lose, in its units; `debt` is what is owed."""

    wallet: str
    balance: int
    debt: int


class ErasureAnswer(Struct, frozen=True, kw_only=True):
    """An erasure. Until `due_at` it can be withdrawn; instants are the wall clock's."""

    erasure_id: str
    member_id: str
    state: ErasureState
    asked_at: datetime
    asked_by: str
    reason: str
    due_at: datetime
    ended_at: datetime | None
    losses: list[LossAnswer]


class ErasureStandingAnswer(Struct, frozen=True, kw_only=True):
    """How it stands with a member's erasure, and what would be lost by it now."""

    member_id: str
    status: Literal["active", "erased"]
    wait_hours: int
    erasure: ErasureAnswer | None
    would_lose: list[LossAnswer]


def erasure_answer(erasure: Erasure) -> ErasureAnswer:
    """Write an erasure."""
    return ErasureAnswer(
        erasure_id=public_id(ERASURE_PREFIX, erasure.erasure_id),
        member_id=public_id(MEMBER_PREFIX, erasure.member_id),
        state=erasure.state,
        asked_at=erasure.asked_at,
        asked_by=erasure.asked_by,
        reason=erasure.reason,
        due_at=erasure.due_at,
        ended_at=erasure.ended_at,
        losses=[_loss(loss) for loss in erasure.losses],
    )


def standing_answer(standing: ErasureStanding) -> ErasureStandingAnswer:
    """Write how it stands."""
    return ErasureStandingAnswer(
        member_id=public_id(MEMBER_PREFIX, standing.member_id),
        status="erased" if standing.is_erased else "active",
        wait_hours=standing.wait_hours,
        erasure=None if standing.erasure is None else erasure_answer(standing.erasure),
        would_lose=[_loss(loss) for loss in standing.losses],
    )


def _loss(loss: Loss) -> LossAnswer:
    return LossAnswer(loss.wallet, loss.balance, loss.debt)


class ExportAnswer(Struct, frozen=True, kw_only=True):
    """An export: ready when `ready_at` is set, deleted after `kept_until`; instants are the wall clock's."""

    export_id: str
    member_id: str
    state: Literal["gathering", "ready", "failed"]
    asked_at: datetime
    asked_by: str
    ready_at: datetime | None
    kept_until: datetime


class ExportsAnswer(Struct, frozen=True):
    """The exports of the last week, the last asked for first."""

    exports: list[ExportAnswer]


def export_answer(export: MemberExport) -> ExportAnswer:
    """Write an export."""
    state: Literal["gathering", "ready", "failed"] = "failed" if export.is_failed else "gathering"
    return ExportAnswer(
        export_id=public_id(EXPORT_PREFIX, export.export_id),
        member_id=public_id(MEMBER_PREFIX, export.member_id),
        state=state if export.ready_at is None else "ready",
        asked_at=export.asked_at,
        asked_by=export.asked_by,
        ready_at=export.ready_at,
        kept_until=export.expires_at,
    )
