"""HTTP of many sign-ups in one request."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta, Struct

from regulars.members.contracts import MEMBER_PREFIX, Member, SignUp
from regulars.members.identity import service
from regulars.members.identity.schemas import MemberAnswer, SignUpBody, member_answer, sign_up_of
from regulars.members.identity.service import EARLIEST
from regulars.members.proposals import service as proposals
from regulars.platform.commit.batches import ROWS_AT_MOST, Decided, Kind, asked_rows, batch_lane, problem_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.problems import Problem
from regulars.platform.ids import derived_id, public_id
from regulars.platform.services import Services
from regulars.platform.vault.cipher import blind_index

_FIELD: Final = "members"
_ACTION: Final = "sign_up_in_batch"
_FACT: Final = "sign-up"

_encode = msgspec.json.Encoder().encode


class BatchedSignUp(SignUpBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: a sign-up. With the same reference and values it is the same sign-up, for ever."""

    reference: Annotated[str, Meta(min_length=1, max_length=200, examples=["old-club:4711"])]


class SignUpBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sign-ups, decided row by row in this order: the first of two that name the same value gets it."""

    members: Annotated[list[BatchedSignUp], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class SignUpRowAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one row: the status that it would have had alone, and the member or the problem document."""

    reference: str
    status: int
    member: MemberAnswer | None = None
    problem: Problem | None = None


class SignUpBatchAnswer(Struct, frozen=True, kw_only=True):
    """A row for each sign-up, in order."""

    signed_up: int
    refused: int
    rows: list[SignUpRowAnswer]


def sign_up_batch_route(services: Services) -> HTTPRouteHandler:
    """Return the route of many sign-ups, with its lane made."""
    vault = services.vault

    async def apply(tx: Transaction, wishes: Sequence[SignUp]) -> list[Member | DomainError]:
        outcomes = await service.sign_up(tx, vault, wishes)
        await proposals.note(tx, vault, outcomes)
        return outcomes

    kind: Kind[SignUp] = Kind(_FIELD, _ACTION, lambda wish: (public_id(MEMBER_PREFIX, _id(wish)), ""))
    lane = batch_lane(services, "sign_up_members", kind, apply, _render)

    @post(
        "/v1/members/batch",
        guards=[requires("members:write")],
        operation_id="signUpMembers",
        tags=["members"],
        summary="Sign many members up",
        status_code=200,
        responses={200: ResponseSpec(SignUpBatchAnswer, description="For each row the member, or why it was refused.")},
    )
    async def sign_up_members(request: Request[Any, Any, Any], data: JSONBody[SignUpBatchBody]) -> Response[Any]:
        """Sign up to 1,000 members up in one transaction, row by row: a refused row leaves the others as they are.

        A row that was sent before, with the same reference and values, gives the member who came of it then.
        """
        pepper = vault.pepper
        batch = asked_rows(request, data.members, lambda row: _wish(pepper, row), lambda row: row.reference)
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} members")

    return sign_up_members


def _wish(pepper: bytes, row: BatchedSignUp) -> SignUp:
    """Read a row. The id follows from reference and values, by a keyed hash: it gives no phone number away."""
    fact = _encode([row.reference, row.market, row.identities]).decode()
    at = max(row.signed_up_at or EARLIEST, EARLIEST)
    return sign_up_of(row, derived_id(at, _FACT, blind_index(pepper, _FACT, fact).hex()))


def _id(wish: SignUp) -> UUID:
    if wish.member_id is None:
        raise ValueError("a sign-up of a batch has its member's id")
    return wish.member_id


def _render(decided: Decided[SignUp, Member]) -> tuple[int, bytes]:
    rows = []
    for reference, outcome in zip(decided.asked.names, decided.outcomes, strict=True):
        if isinstance(outcome, DomainError):
            problem = problem_of(decided.asked, outcome)
            rows.append(SignUpRowAnswer(reference=reference, status=problem.status, problem=problem))
        else:
            rows.append(SignUpRowAnswer(reference=reference, status=201, member=member_answer(outcome)))
    refused = sum([row.problem is not None for row in rows])
    return 200, _encode(SignUpBatchAnswer(signed_up=len(rows) - refused, refused=refused, rows=rows))
