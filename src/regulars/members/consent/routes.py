"""HTTP of consent."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from regulars.members.consent import confirming, service
from regulars.members.consent.schemas import (
    ConfirmationAnswer,
    ConfirmationBody,
    ConsentAnswer,
    ConsentBody,
    ConsentHistoryAnswer,
    ConsentsAnswer,
    confirmation_answer,
    consent_answer,
    consents_answer,
    wish_of,
)
from regulars.members.consent.terms import double_opt_in
from regulars.members.contracts import (
    Consent,
    ConsentChannel,
    LogPlace,
    LogWanted,
    Purpose,
    ToConfirm,
)
from regulars.members.identity.service import check_instant, known_members
from regulars.members.public_ids import consent_id_in, member_id_in
from regulars.platform.clock import in_utc
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ALSO_REFUSES
from regulars.platform.places import read_place, write_place
from regulars.platform.services import Services

CONSENTS: Final = "/v1/members/{member_id:str}/consents"
TAGS: Final = ["members"]
AT_MOST: Final = 200

AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=AT_MOST)]

_encode = msgspec.json.Encoder().encode


class _Again(Struct, frozen=True):
    """A wish for one more letter."""

    member_id: UUID
    consent_id: UUID


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of consent."""
    return [_record(services), _list(services), _history(services), *_letters(services)]


def _record(services: Services) -> HTTPRouteHandler:
    record = partial(service.record_consents, double_opt_in=double_opt_in(services.settings))
    lane = services.lane("record_consent", record, _recorded)

    @post(
        CONSENTS,
        guards=[requires("members:write")],
        operation_id="recordConsent",
        tags=TAGS,
        summary="Record that a member gave or withdrew consent",
        response_description="The decision as recorded; `requested` is no consent until it is confirmed.",
    )
    async def record_consent(
        request: AnyRequest, member_id: FromPath[str], data: JSONBody[ConsentBody]
    ) -> Response[ConsentAnswer]:
        """Append a decision; nothing is ever edited, and the decision that took effect last is in force.

        Where double opt-in is asked for (`REGULARS_DOUBLE_OPT_IN`), a consent by e-mail is only requested by this, and
        a letter goes to the address; asking again in the same words while one waits gives that one.
        """
        wish = wish_of(member_id_in(member_id), data, principal_of(request).client)
        return await carry_out(request, lane, wish, subject=member_id)

    return record_consent


def _list(services: Services) -> HTTPRouteHandler:
    @get(
        CONSENTS,
        guards=[requires("members:read")],
        operation_id="listConsents",
        tags=TAGS,
        summary="Read what a member consented to",
        response_description="The decisions in force, what waits to be confirmed, and the history.",
    )
    async def list_consents(
        member_id: FromPath[str], as_of: Annotated[datetime | None, QueryParameter()] = None
    ) -> ConsentsAnswer:
        """Return the decisions in force and the history, now or as known at an earlier instant."""
        found = member_id_in(member_id)
        async with services.database.transaction() as tx:
            at = _checked(as_of, tx.now) if as_of is not None else tx.now
            in_force, history = await service.consents(tx, found, as_of=at)
        return consents_answer(at, in_force, history, service.waiting(history))

    return list_consents


def _history(services: Services) -> HTTPRouteHandler:
    @get(
        CONSENTS + "/history",
        guards=[requires("members:read")],
        operation_id="listConsentHistory",
        tags=TAGS,
        summary="Read everything that a member decided on consent",
        response_description="A page of decisions, the last to become known first.",
    )
    async def list_history(
        member_id: FromPath[str],
        purpose: FromQuery[Purpose | None] = None,
        channel: FromQuery[ConsentChannel | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: PageSize = 50,
    ) -> ConsentHistoryAnswer:
        """Return decisions page by page, of all purposes or one: who recorded each, where, and in which words."""
        found = member_id_in(member_id)
        place = read_place(cursor)
        if cursor is not None and place is None:
            raise WrongForm(pointer="/query/cursor", field="cursor", example="1767225600000000_" + 32 * "0")
        async with services.database.transaction() as tx:
            known = (await known_members(tx, [found])).get(found)
            if known is None:
                raise NotFound
            whom = known.stands_for
            before = None if place is None else LogPlace(*place)
            wanted = LogWanted(member_id=whom, purpose=purpose, channel=channel, before=before, limit=limit + 1)
            rows = await service.consent_log(tx, wanted)
        has_more = len(rows) > limit
        return ConsentHistoryAnswer(
            history=[consent_answer(one.consent) for one in rows[:limit]],
            has_more=has_more,
            next_cursor=_cursor(rows[limit - 1].consent) if has_more else None,
        )

    return list_history


def _letters(services: Services) -> Sequence[HTTPRouteHandler]:
    async def again(tx: Transaction, wish: _Again) -> Consent:
        return await confirming.send_letter_again(tx, wish.member_id, wish.consent_id)

    async def confirm(tx: Transaction, wish: ConfirmationBody) -> ToConfirm:
        return await confirming.confirm_consent(tx, wish.token)

    asking = services.lane("send_consent_letter", one_by_one(again), _asked)
    confirming_lane = services.lane("confirm_consent", one_by_one(confirm), _confirmed)

    @post(
        CONSENTS + "/{consent_id:str}/letters",
        guards=[requires("members:write")],
        operation_id="sendConsentLetter",
        tags=TAGS,
        summary="Send the letter that asks for confirmation once more",
        status_code=202,
        response_description="The request that waits.",
    )
    async def send_letter(
        request: AnyRequest, member_id: FromPath[str], consent_id: FromPath[str]
    ) -> Response[ConsentAnswer]:
        """Have one more letter written for a request; its link replaces the one before.

        409 `consent_not_requested` where nothing waits any more, 429 within a minute of the letter before.
        """
        wish = _Again(member_id_in(member_id), consent_id_in(consent_id))
        return await carry_out(request, asking, wish, subject=member_id)

    @post(
        "/v1/consent-confirmations",
        guards=[requires("members:write")],
        operation_id="confirmConsent",
        tags=TAGS,
        summary="Confirm a consent by what a letter's link carries",
        status_code=200,
        response_description="What was confirmed.",
        opt={ALSO_REFUSES: frozenset({404})},
    )
    async def confirm_consent(request: AnyRequest, data: JSONBody[ConfirmationBody]) -> Response[ConfirmationAnswer]:
        """Confirm as the page behind the link does, for a shop with pages of its own; again changes nothing.

        404 `consent_confirmation_over` for a link that is too old, replaced or used up. Never confirm on a GET: mail
        scanners follow links.
        """
        return await carry_out(request, confirming_lane, data, subject="")

    return [send_letter, confirm_consent]


def _checked(as_of: datetime, now: datetime) -> datetime:
    """Return the instant in UTC. Raises WrongForm without a time zone, InstantImpossible beyond all we know."""
    if as_of.tzinfo is None:
        raise WrongForm(pointer="/query/as_of", field="as_of", example="2026-05-01T12:00:00Z")
    if problem := check_instant(as_of, recorded_at=now, field="as_of"):
        problem.pointer = "/query/as_of"
        raise problem
    return in_utc(as_of)


def _recorded(consent: Consent) -> tuple[int, bytes]:
    return 201, _encode(consent_answer(consent))


def _asked(consent: Consent) -> tuple[int, bytes]:
    return 202, _encode(consent_answer(consent))


def _confirmed(confirmed: ToConfirm) -> tuple[int, bytes]:
    return 200, _encode(confirmation_answer(confirmed))


def _cursor(last: Consent) -> str:
    return write_place(last.recorded_at, last.consent_id)
