"""HTTP of consent."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter

from regulars.members.consent import service
from regulars.members.consent.schemas import ConsentAnswer, ConsentBody, ConsentsAnswer, consent_answer
from regulars.members.contracts import Consent, ConsentGiven
from regulars.members.identity.service import check_instant
from regulars.members.public_ids import member_id_in
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.services import Services

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of consent."""
    lane = services.lane("record_consent", service.record_consents, _recorded)

    @post(
        "/v1/members/{member_id:str}/consents",
        guards=[requires("members:write")],
        operation_id="recordConsent",
        tags=["members"],
        summary="Record that a member gave or withdrew consent",
        response_description="The decision as recorded.",
    )
    async def record_consent(
        request: AnyRequest, member_id: FromPath[str], data: JSONBody[ConsentBody]
    ) -> Response[ConsentAnswer]:
        """Append a decision; nothing is ever edited, and the decision that took effect last is in force."""
        wish = ConsentGiven(
            member_id=member_id_in(member_id),
            purpose=data.purpose,
            channel=data.channel,
            decision=data.decision,
            wording_version=data.wording_version,
            where=data.where,
            store_id=data.store_id,
            effective_at=data.effective_at,
            actor=principal_of(request).client,
        )
        return await carry_out(request, lane, wish, subject=member_id)

    @get(
        "/v1/members/{member_id:str}/consents",
        guards=[requires("members:read")],
        operation_id="listConsents",
        tags=["members"],
        summary="Read what a member consented to",
        response_description="The decisions in force, and the history.",
    )
    async def list_consents(
        member_id: FromPath[str], as_of: Annotated[datetime | None, QueryParameter()] = None
    ) -> ConsentsAnswer:
        """Return the decisions in force and the history, now or as known at an earlier instant."""
        found = member_id_in(member_id)
        async with services.database.transaction() as tx:
            at = _checked(as_of, tx.now) if as_of is not None else tx.now
            in_force, history = await service.consents(tx, found, as_of=at)
        return ConsentsAnswer(
            as_of=at,
            in_force=[consent_answer(consent) for consent in in_force],
            history=[consent_answer(consent) for consent in history],
        )

    return [record_consent, list_consents]


def _checked(as_of: datetime, now: datetime) -> datetime:
    """Return the instant in UTC. Raises WrongForm without a time zone, InstantImpossible beyond all we know."""
    if as_of.tzinfo is None:
        raise WrongForm(pointer="/query/as_of", field="as_of", example="2026-05-01T12:00:00Z")
    if problem := check_instant(as_of, recorded_at=now, field="as_of"):
        problem.pointer = "/query/as_of"
        raise problem
    return as_of.astimezone(UTC)


def _recorded(consent: Consent) -> tuple[int, bytes]:
    return 201, _encode(consent_answer(consent))
