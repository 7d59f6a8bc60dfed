"""What callers send and get about direct postings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from regulars.loyalty.contracts import Accrue, Adjust, ExtendLot, Posting, Redeem
from regulars.loyalty.errors import NothingToExtend
from regulars.loyalty.ledger.errors import (
    EffectiveTooFarAhead,
    EffectiveTooLongAgo,
    ReferenceReserved,
    TermOutOfRange,
)
from regulars.loyalty.ledger.needs import PostingCommand
from regulars.loyalty.public_ids import member_id_in, seq_in, transfer_id
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.clock import in_utc
from regulars.platform.errors import DomainError
from regulars.platform.http.problems import Problem, problem_body
from regulars.platform.ids import public_id

AHEAD: Final = timedelta(minutes=5)
LATE: Final = timedelta(days=730)
LONGEST_TERM: Final = timedelta(days=365 * 50)
RESERVED: Final = ("order:", "lot:", "review:", "request:", "hold:", "adjustment:", "merge:", "transfer:")
BATCH_AT_MOST: Final = 1000
AMOUNT_AT_MOST: Final = 1_000_000_000

_problem = msgspec.json.Decoder(Problem).decode

WalletCode = Annotated[str, Meta(min_length=1, max_length=32, description="The wallet's code.", examples=["points"])]
Amount = Annotated[int, Meta(ge=1, le=AMOUNT_AT_MOST, description="Whole units of the wallet.", examples=[100])]
Change = Annotated[
    int,
    Meta(ge=-AMOUNT_AT_MOST, le=AMOUNT_AT_MOST, description="Units up, or down if negative.", examples=[-20]),
]
Why = Annotated[
    str, Meta(max_length=500, description="Why; members read it in their statement.", examples=["Birthday"])
]
Reference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="Names the fact, for ever: it posts at most once. Without one, the idempotency key names it.",
        examples=["birthday:2026"],
    ),
]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its time zone.")]


class AccrualBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units to put into a wallet. Without times: effective and available now, until the policy's expiry."""

    amount: Amount
    wallet: WalletCode = "points"
    reason: Why = ""
    reference: Reference | None = None
    effective_at: Instant | None = None
    available_at: Instant | None = None
    expires_at: Instant | None = None


class BatchedAccrual(AccrualBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: an accrual, whose it is, and the reference that names it."""

    member_id: Annotated[str, Meta(examples=["mbr_0190f0c27c5a7cc58f8c1d2e3f405162"])]
    reference: Reference


class AccrualBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accruals of any members, decided row by row in this order."""

    accruals: Annotated[list[BatchedAccrual], Meta(min_length=1, max_length=BATCH_AT_MOST)]


class RedemptionBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units to take out of a spendable wallet, the soonest to expire first."""

    amount: Amount
    wallet: WalletCode = "points"
    reason: Why = ""
    reference: Reference | None = None


class AdjustmentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A correction, up or down, with its reason."""

    amount: Change
    reason: Annotated[str, Meta(min_length=1, max_length=500, examples=["Counted twice at the till"])]
    wallet: WalletCode = "points"
    reference: Reference | None = None


class ExtensionBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The instant at which a lot shall run out instead, at most 732 days ahead, and why; the member reads that."""

    expires_at: Instant
    reason: Annotated[str, Meta(min_length=1, max_length=500, examples=["The shop was closed for repairs"])]
    reference: Reference | None = None


class BatchedExtension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: an extension of a lot. Its reference names the fact, for ever."""

    member_id: str
    lot_id: str
    expires_at: Instant
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    reference: Reference


class ExtensionBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Extensions of lots of any members, decided row by row in this order."""

    extensions: Annotated[list[BatchedExtension], Meta(min_length=1, max_length=BATCH_AT_MOST)]


class UsedLot(Struct, frozen=True):
    """What a transfer took from a lot; the lot's id is that of the transfer that brought it."""

    lot_id: str
    amount: int


class PostingAnswer(Struct, frozen=True, kw_only=True):
    """A transfer, and its wallet after it; `amount` is signed. A repeated reference gives the first transfer."""

    transfer_id: str
    member_id: str
    wallet: str
    kind: str
    amount: int
    balance: int
    debt: int
    debt_repaid: int
    reference: str
    effective_at: datetime
    recorded_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    tier: str | None
    lots: list[UsedLot]


class BatchRowAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one row: the posting, or the problem document that says why not."""

    reference: str
    posting: PostingAnswer | None = None
    problem: Problem | None = None


class BatchAnswer(Struct, frozen=True, kw_only=True):
    """A row for each accrual, in order."""

    posted: int
    refused: int
    rows: list[BatchRowAnswer]


class PostingBatch(Struct, frozen=True, kw_only=True):
    """A batch at the edge: rows as commands, or refused already. `language` and `request_id` are for its problems."""

    references: tuple[str, ...]
    rows: tuple[Accrue | ExtendLot | DomainError, ...]
    language: str
    request_id: str
    field: str = "accruals"


def accrue_of(member_id: UUID, body: AccrualBody, now: datetime) -> Accrue:
    """Read an accrual. Raises what is wrong with its times or its reference."""
    _check_times(body, now)
    return Accrue(
        member_id=member_id,
        wallet=body.wallet,
        amount=body.amount,
        reference=reference_of(body.reference),
        reason=body.reason,
        effective_at=_utc(body.effective_at),
        available_at=_utc(body.available_at),
        expires_at=_utc(body.expires_at),
    )


def redeem_of(member_id: UUID, body: RedemptionBody) -> Redeem:
    """Read a redemption."""
    reference = reference_of(body.reference)
    return Redeem(member_id=member_id, wallet=body.wallet, amount=body.amount, reference=reference, reason=body.reason)


def adjust_of(member_id: UUID, body: AdjustmentBody, actor: str) -> Adjust:
    """Read a correction."""
    reference = reference_of(body.reference)
    return Adjust(
        member_id=member_id,
        wallet=body.wallet,
        amount=body.amount,
        reference=reference,
        reason=body.reason,
        actor=actor,
    )


def extend_of(member_id: UUID, lot: str, body: ExtensionBody, actor: str) -> ExtendLot:
    """Read an extension. Raises NothingToExtend for what is no lot of the member."""
    lot_no = seq_in(member_id, lot)
    if lot_no is None:
        raise NothingToExtend(pointer="/lot_id")
    return ExtendLot(
        member_id=member_id,
        lot_no=lot_no,
        expires_at=in_utc(body.expires_at),
        reference=reference_of(body.reference),
        reason=body.reason,
        actor=actor,
    )


def extensions_of(body: ExtensionBatchBody, actor: str, language: str, request_id: str) -> PostingBatch:
    """Read a batch of extensions; what is wrong with one row is that row's alone."""
    rows: list[ExtendLot | DomainError] = []
    for position, row in enumerate(body.extensions):
        told = ExtensionBody(expires_at=row.expires_at, reason=row.reason, reference=row.reference)
        try:
            rows.append(extend_of(member_id_in(row.member_id), row.lot_id, told, actor))
        except DomainError as refusal:
            rows.append(at_row(refusal, position, "extensions"))
    return PostingBatch(
        references=tuple([row.reference for row in body.extensions]),
        rows=tuple(rows),
        language=language,
        request_id=request_id,
        field="extensions",
    )


def batch_of(body: AccrualBatchBody, now: datetime, language: str, request_id: str) -> PostingBatch:
    """Read a batch; what is wrong with one row is that row's alone."""
    rows: list[Accrue | DomainError] = []
    for position, row in enumerate(body.accruals):
        try:
            rows.append(accrue_of(member_id_in(row.member_id), row, now))
        except DomainError as refusal:
            rows.append(at_row(refusal, position, "accruals"))
    references = tuple([row.reference for row in body.accruals])
    return PostingBatch(references=references, rows=tuple(rows), language=language, request_id=request_id)


def posting_answer(command: PostingCommand, posting: Posting) -> PostingAnswer:
    """Write the posting of a command."""
    member_id, uses = posting.member_id, posting.lot_uses
    if isinstance(command, ExtendLot):
        signed, uses = posting.amount, ((command.lot_no, posting.amount),)
    else:
        signed = -command.amount if isinstance(command, Redeem) else command.amount
    return PostingAnswer(
        transfer_id=transfer_id(member_id, posting.seq),
        member_id=public_id(MEMBER_PREFIX, member_id),
        wallet=posting.wallet,
        kind=posting.kind,
        amount=signed,
        balance=posting.balance,
        debt=posting.debt,
        debt_repaid=posting.debt_repaid,
        reference=posting.reference,
        effective_at=posting.effective_at,
        recorded_at=posting.recorded_at,
        available_at=posting.available_at,
        expires_at=posting.expires_at,
        tier=posting.tier,
        lots=[UsedLot(transfer_id(member_id, lot), amount) for lot, amount in uses],
    )


def batch_answer(batch: PostingBatch, results: Sequence[Posting | DomainError]) -> BatchAnswer:
    """Write what came of a batch; `results` are those of its rows that are commands, in order."""
    rows = []
    following = iter(results)
    for position, (reference, row) in enumerate(zip(batch.references, batch.rows, strict=True)):
        refusal = row if isinstance(row, DomainError) else None
        if not isinstance(row, DomainError):
            result = next(following)
            if isinstance(result, Posting):
                rows.append(BatchRowAnswer(reference=reference, posting=posting_answer(row, result)))
            else:
                refusal = result
        if refusal is not None:
            problem = problem_body(at_row(refusal, position, batch.field), batch.language, batch.request_id)
            rows.append(BatchRowAnswer(reference=reference, problem=_problem(problem)))
    refused = sum([row.problem is not None for row in rows])
    return BatchAnswer(posted=len(rows) - refused, refused=refused, rows=rows)


def at_row(refusal: DomainError, position: int, field: str) -> DomainError:
    """Let a refusal point to its row."""
    beginning = f"/{field}/{position}"
    if not (refusal.pointer or "").startswith(beginning):
        refusal.pointer = beginning + (refusal.pointer or "")
    return refusal


def reference_of(given: str | None) -> str:
    """Return the caller's reference; empty for one that the lane makes of the idempotency key."""
    if given is None:
        return ""
    if given.startswith(RESERVED):
        raise ReferenceReserved(pointer="/reference", prefix=given.partition(":")[0] + ":")
    return given


def _check_times(body: AccrualBody, now: datetime) -> None:
    effective_at = body.effective_at or now
    if effective_at > now + AHEAD:
        raise EffectiveTooFarAhead(pointer="/effective_at", effective_at=effective_at.isoformat(), now=now.isoformat())
    if effective_at < now - LATE:
        raise EffectiveTooLongAgo(
            pointer="/effective_at", effective_at=effective_at.isoformat(), now=now.isoformat(), days=LATE.days
        )
    latest = now + LONGEST_TERM
    for field, at in (("available_at", body.available_at), ("expires_at", body.expires_at)):
        if at is not None and not min(effective_at, now) <= at <= latest:
            raise TermOutOfRange(
                pointer=f"/{field}",
                field=field,
                earliest=min(effective_at, now).isoformat(),
                latest=latest.isoformat(),
            )


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc(at)
