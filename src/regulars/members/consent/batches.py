"""HTTP of many decisions on consent in one request."""

from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody
from msgspec import Meta, Struct

from regulars.members.consent import service
from regulars.members.consent.schemas import ConsentAnswer, ConsentBody, consent_answer, wish_of
from regulars.members.consent.terms import double_opt_in
from regulars.members.contracts import MEMBER_PREFIX, Consent, ConsentChannel, ConsentGiven, Decision, Purpose
from regulars.members.public_ids import member_id_in
from regulars.platform.commit.batches import ROWS_AT_MOST, Decided, Kind, asked_rows, batch_lane, problem_of
from regulars.platform.errors import DomainError
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.problems import Problem
from regulars.platform.ids import public_id
from regulars.platform.services import Services

_FIELD: Final = "consents"
_ACTION: Final = "record_consent_in_batch"
_GAP: Final = " "  # between what names a row; only the first of it, which the caller chose, may hold one

_encode = msgspec.json.Encoder().encode


class BatchedConsent(ConsentBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a batch: a decision, and the member whose it is."""

    member_id: Annotated[str, Meta(examples=["mbr_0190f0c27c5a7cc58f8c1d2e3f405162"])]


class ConsentBatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decisions of any members, recorded row by row in this order."""

    consents: Annotated[list[BatchedConsent], Meta(min_length=1, max_length=ROWS_AT_MOST)]


class ConsentRowAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one row: the status that it would have had alone, and the decision or the problem document.

    `member_id`, `purpose`, `channel` and `decision` are the row's own.
    """

    member_id: str
    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    status: int
    consent: ConsentAnswer | None = None
    problem: Problem | None = None


class ConsentBatchAnswer(Struct, frozen=True, kw_only=True):
    """A row for each decision, in order."""

    recorded: int
    refused: int
    rows: list[ConsentRowAnswer]


def consent_batch_route(services: Services) -> HTTPRouteHandler:
    """Return the route of many decisions, with its lane made."""
    kind: Kind[ConsentGiven] = Kind(_FIELD, _ACTION, _about)
    record = partial(service.record_consents, double_opt_in=double_opt_in(services.settings))
    lane = batch_lane(services, "record_consents", kind, record, _render)

    @post(
        "/v1/consents/batch",
        guards=[requires("members:write")],
        operation_id="recordConsents",
        tags=["members"],
        summary="Record what many members decided on consent",
        status_code=200,
        responses={
            200: ResponseSpec(ConsentBatchAnswer, description="For each row the decision, or why it was refused.")
        },
    )
    async def record_consents(request: Request[Any, Any, Any], data: JSONBody[ConsentBatchBody]) -> Response[Any]:
        """Append up to 1,000 decisions in one transaction, row by row: a refused row leaves the others as they are.

        Each is what `recordConsent` would make of it: where double opt-in is asked for, a letter asks for confirmation.
        """
        actor = principal_of(request).client
        batch = asked_rows(
            request,
            data.consents,
            lambda row: wish_of(member_id_in(row.member_id), row, actor),
            _name_of,
        )
        return await carry_out(request, lane, batch, subject=f"{len(batch.rows)} consents")

    return record_consents


def _name_of(row: BatchedConsent) -> str:
    return _GAP.join([row.member_id, row.purpose.value, row.channel.value, row.decision])


def _about(wish: ConsentGiven) -> tuple[str, str]:
    return public_id(MEMBER_PREFIX, wish.member_id), f"{wish.purpose.value} {wish.channel.value} {wish.decision.value}"


def _render(decided: Decided[ConsentGiven, Consent]) -> tuple[int, bytes]:
    rows = []
    for name, outcome in zip(decided.asked.names, decided.outcomes, strict=True):
        problem = problem_of(decided.asked, outcome) if isinstance(outcome, DomainError) else None
        member_id, purpose, channel, decision = name.rsplit(_GAP, 3)
        row = ConsentRowAnswer(
            member_id=member_id,
            purpose=Purpose(purpose),
            channel=ConsentChannel(channel),
            decision=Decision(decision),
            status=201 if problem is None else problem.status,
            consent=None if isinstance(outcome, DomainError) else consent_answer(outcome),
            problem=problem,
        )
        rows.append(row)
    refused = sum([row.problem is not None for row in rows])
    return 200, _encode(ConsentBatchAnswer(recorded=len(rows) - refused, refused=refused, rows=rows))
