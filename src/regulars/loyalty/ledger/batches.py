"""HTTP of many corrections, and of many redemptions, in one request."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta, Struct

from regulars.loyalty.contracts import Posting
from regulars.loyalty.ledger import service
from regulars.loyalty.ledger.needs import PostingCommand
from regulars.loyalty.ledger.schemas import (
    AdjustmentBody,
    PostingAnswer,
    RedemptionBody,
    Reference,
    adjust_of,
    posting_answer,
    redeem_of,
)
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import member_id_in
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.commit.batches import (
    ROWS_AT_MOST,
    AskedRows,
    Decided,
    Kind,
    asked_rows,
    batch_lane,
    problem_of,
)
from regulars.platform.commit.lane import Lane
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.problems import Problem
from regulars.platform.ids import public_id
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
SCOPE: Final = "ledger:write"
_POSTED: Final = 201

AnyRequest = Request[Any, Any, Any]
_Batch = AskedRows[PostingCommand]
_Decided = Decided[PostingCommand, Posting]
BatchLane = Lane[_Batch, _Decided]

_encode = msgspec.json.Encoder().encode

RowMember = Annotated[str, Meta(examples=["mbr_0190f0c27c5a7cc58f8c1d2e3f405162"])]


class BatchedAdjustment(AdjustmentBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: a correction, whose it is, and the reference that names it."""

    member_id: RowMember
    reference: Reference


class AdjustmentBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Corrections of any members, decided row by row in this order."""

    adjustments: Annotated[list[BatchedAdjustment], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class BatchedRedemption(RedemptionBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: a redemption, whose it is, and the reference that names it."""

    member_id: RowMember
    reference: Reference


class RedemptionBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Redemptions of any members, decided row by row in this order."""

    redemptions: Annotated[list[BatchedRedemption], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class PostingRowAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one row: the status that it would have had alone, and the posting or the problem document."""

    reference: str
    status: int
    posting: PostingAnswer | None = None
    problem: Problem | None = None


class PostingsAnswer(Struct, frozen=True, kw_only=True):
    """A row for each row of the batch, in order."""

    posted: int
    refused: int
    rows: list[PostingRowAnswer]


def posting_batch_routes(services: Services, configuration: Configuration) -> list[HTTPRouteHandler]:
    """Return the routes of many corrections and many redemptions, with their lanes made."""

    def lane_of(name: str, field: str, action: str) -> BatchLane:
        async def apply(tx: Transaction, commands: Sequence[PostingCommand]) -> list[Posting | DomainError]:
            return await service.post(tx, configuration, commands)

        kind: Kind[PostingCommand] = Kind(field, action, _about, lambda command: command.reason)
        return batch_lane(services, name, kind, apply, _render)

    return [
        _adjustments(lane_of("adjust_batch", "adjustments", "adjust_in_batch")),
        _redemptions(lane_of("redeem_batch", "redemptions", "redeem_in_batch")),
    ]


def _adjustments(lane: BatchLane) -> HTTPRouteHandler:
    @post(
        "/v1/adjustments/batch",
        guards=[requires(SCOPE)],
        operation_id="adjustBatch",
        tags=TAGS,
        summary="Correct many wallets",
        status_code=200,
        responses={200: ResponseSpec(PostingsAnswer, description="For each row its posting, or why it was refused.")},
    )
    async def adjust_batch(request: AnyRequest, data: JSONBody[AdjustmentBatchBody]) -> Response[Any]:
        """Post up to 1,000 corrections in one transaction, row by row: a refused row leaves the others as they are.

        A row above the policy's limits is refused as it would be alone (409): ask for it (`askAdjustment`).
        """
        actor = asked(request.scope).client.client
        batch: _Batch = asked_rows(
            request,
            data.adjustments,
            lambda row: adjust_of(member_id_in(row.member_id), row, actor),
            lambda row: row.reference,
        )
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} adjustments")

    return adjust_batch


def _redemptions(lane: BatchLane) -> HTTPRouteHandler:
    @post(
        "/v1/redemptions/batch",
        guards=[requires(SCOPE)],
        operation_id="redeemBatch",
        tags=TAGS,
        summary="Take spendable units out of many wallets",
        status_code=200,
        responses={200: ResponseSpec(PostingsAnswer, description="For each row its posting, or why it was refused.")},
    )
    async def redeem_batch(request: AnyRequest, data: JSONBody[RedemptionBatchBody]) -> Response[Any]:
        """Post up to 1,000 redemptions in one transaction, row by row: a refused row leaves the others as they are.

        Each takes from what is available behind the rows before it (409 `insufficient_points` if that is less).
        """
        batch: _Batch = asked_rows(
            request,
            data.redemptions,
            lambda row: redeem_of(member_id_in(row.member_id), row),
            lambda row: row.reference,
        )
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} redemptions")

    return redeem_batch


def _about(command: PostingCommand) -> tuple[str, str]:
    return public_id(MEMBER_PREFIX, command.member_id), command.reference


def _render(decided: _Decided) -> tuple[int, bytes]:
    rows = []
    for reference, row, outcome in zip(decided.asked.names, decided.asked.rows, decided.outcomes, strict=True):
        if isinstance(outcome, DomainError):
            problem = problem_of(decided.asked, outcome)
            rows.append(PostingRowAnswer(reference=reference, status=problem.status, problem=problem))
        elif not isinstance(row, DomainError):
            answer = posting_answer(row, outcome)
            rows.append(PostingRowAnswer(reference=reference, status=_POSTED, posting=answer))
    refused = sum([row.problem is not None for row in rows])
    return 200, _encode(PostingsAnswer(posted=len(rows) - refused, refused=refused, rows=rows))
