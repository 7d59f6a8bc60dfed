"""HTTP of many holds in one request: placed, used, or let go."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta, Struct

from regulars.loyalty.contracts import HoldStanding, PlaceHold, PostHold, VoidHold
from regulars.loyalty.holds.schemas import (
    HOLD,
    HoldAnswer,
    HoldBody,
    HoldPostingBody,
    HoldVoidingBody,
    hold_answer,
    hold_id_in,
    place_of,
    post_of,
    void_of,
)
from regulars.loyalty.ledger import service
from regulars.loyalty.ledger.batches import RowMember
from regulars.loyalty.ledger.schemas import Reference
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
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.problems import Problem
from regulars.platform.ids import public_id
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
SCOPE: Final = "ledger:write"

AnyRequest = Request[Any, Any, Any]
_Command = PlaceHold | PostHold | VoidHold
_Batch = AskedRows[_Command]
_Decided = Decided[_Command, HoldStanding]
BatchLane = Lane[_Batch, _Decided]

_encode = msgspec.json.Encoder().encode


class BatchedHold(HoldBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: a hold, of whose units, and the reference that names it."""

    member_id: RowMember
    reference: Reference


class HoldBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Holds for any members, decided row by row in this order."""

    holds: Annotated[list[BatchedHold], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class BatchedHoldPosting(HoldPostingBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: a hold whose units are used, all of them if `amount` is left out."""

    member_id: RowMember
    hold_id: str


class HoldPostingBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Holds of any members whose units are used, decided row by row in this order."""

    holds: Annotated[list[BatchedHoldPosting], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class BatchedHoldVoiding(HoldVoidingBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: a hold that is let go."""

    member_id: RowMember
    hold_id: str


class HoldVoidingBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Holds of any members that are let go, decided row by row in this order."""

    holds: Annotated[list[BatchedHoldVoiding], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class HoldRowAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one row: the status that it would have had alone, and the hold or the problem document.

    `name` is what the row calls it: its `reference` where it is placed, its `hold_id` where it ends.
    """

    name: str
    status: int
    hold: HoldAnswer | None = None
    problem: Problem | None = None


class HoldBatchAnswer(Struct, frozen=True, kw_only=True):
    """A row for each hold, in order."""

    done: int
    refused: int
    rows: list[HoldRowAnswer]


def hold_batch_routes(services: Services, configuration: Configuration) -> list[HTTPRouteHandler]:
    """Return the routes of many holds, with their lanes made."""

    def lane_of(name: str, action: str, status: int) -> BatchLane:
        async def apply(tx: Transaction, commands: Sequence[_Command]) -> list[HoldStanding | DomainError]:
            results = await service.carry_out(tx, configuration, commands)
            return [each for each in results if isinstance(each, HoldStanding | DomainError)]

        kind: Kind[_Command] = Kind("holds", action, _about, _why)
        return batch_lane(services, name, kind, apply, partial(_render, status))

    return [
        _place(services, lane_of("place_holds", "place_hold_in_batch", 201)),
        _post(lane_of("post_holds", "post_hold_in_batch", 200)),
        _void(lane_of("void_holds", "void_hold_in_batch", 200)),
    ]


def _place(services: Services, lane: BatchLane) -> HTTPRouteHandler:
    @post(
        "/v1/holds/batch",
        guards=[requires(SCOPE)],
        operation_id="placeHolds",
        tags=TAGS,
        summary="Keep units of many members for a purpose",
        status_code=200,
        responses={200: ResponseSpec(HoldBatchAnswer, description="For each row its hold, or why it was refused.")},
    )
    async def place_holds(request: AnyRequest, data: JSONBody[HoldBatchBody]) -> Response[Any]:
        """Place up to 1,000 holds in one transaction, row by row: a refused row leaves the others as they are."""
        now = services.database.clock.now()
        batch: _Batch = asked_rows(
            request,
            data.holds,
            lambda row: place_of(member_id_in(row.member_id), row, now),
            lambda row: row.reference,
        )
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} holds")

    return place_holds


def _post(lane: BatchLane) -> HTTPRouteHandler:
    @post(
        "/v1/holds/post/batch",
        guards=[requires(SCOPE)],
        operation_id="postHolds",
        tags=TAGS,
        summary="Use what many holds keep",
        status_code=200,
        responses={200: ResponseSpec(HoldBatchAnswer, description="For each row its hold, or why it was refused.")},
    )
    async def post_holds(request: AnyRequest, data: JSONBody[HoldPostingBatchBody]) -> Response[Any]:
        """Redeem what up to 1,000 holds keep, row by row: a refused row leaves the others as they are.

        A hold ends once: a second row of the same hold is refused (409 `hold_over`).
        """
        batch: _Batch = asked_rows(
            request,
            data.holds,
            lambda row: post_of(member_id_in(row.member_id), hold_id_in(row.hold_id), row),
            lambda row: row.hold_id,
        )
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} holds")

    return post_holds


def _void(lane: BatchLane) -> HTTPRouteHandler:
    @post(
        "/v1/holds/void/batch",
        guards=[requires(SCOPE)],
        operation_id="voidHolds",
        tags=TAGS,
        summary="Let go of what many holds keep",
        status_code=200,
        responses={200: ResponseSpec(HoldBatchAnswer, description="For each row its hold, or why it was refused.")},
    )
    async def void_holds(request: AnyRequest, data: JSONBody[HoldVoidingBatchBody]) -> Response[Any]:
        """End up to 1,000 holds without using anything of them; a refused row leaves the others as they are."""
        batch: _Batch = asked_rows(
            request,
            data.holds,
            lambda row: void_of(member_id_in(row.member_id), hold_id_in(row.hold_id), row),
            lambda row: row.hold_id,
        )
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} holds")

    return void_holds


def _about(command: _Command) -> tuple[str, str]:
    detail = command.reference if isinstance(command, PlaceHold) else public_id(HOLD, command.hold_id)
    return public_id(MEMBER_PREFIX, command.member_id), detail


def _why(command: _Command) -> str:
    if isinstance(command, PlaceHold):
        return command.purpose
    return command.reason if isinstance(command, VoidHold) else ""


def _render(status: int, decided: _Decided) -> tuple[int, bytes]:
    rows = []
    for name, outcome in zip(decided.asked.names, decided.outcomes, strict=True):
        if isinstance(outcome, DomainError):
            problem = problem_of(decided.asked, outcome)
            rows.append(HoldRowAnswer(name=name, status=problem.status, problem=problem))
        else:
            rows.append(HoldRowAnswer(name=name, status=status, hold=hold_answer(outcome)))
    refused = sum([row.problem is not None for row in rows])
    return 200, _encode(HoldBatchAnswer(done=len(rows) - refused, refused=refused, rows=rows))
