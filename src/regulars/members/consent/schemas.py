"""What callers send and get about consent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from regulars.members.contracts import (
    CONSENT_PREFIX,
    IDENTITY_PREFIX,
    Confirmation,
    Consent,
    ConsentChannel,
    ConsentGiven,
    Decision,
    Purpose,
    ToConfirm,
)
from regulars.platform.clock import in_utc
from regulars.platform.http.errors import WrongForm
from regulars.platform.ids import public_id

WordingVersion = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="Which text the member saw.",
        examples=["marketing-email-2026-05"],
    ),
]
Where = Annotated[
    str,
    Meta(pattern="^[a-z][a-z_]{0,31}$", description="The channel in which it was decided.", examples=["store"]),
]


class ConsentBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member's decision. `effective_at` is when it was made, now by default.

    `wording` is the text as the member saw it, in `language`; the first one of a version is kept, another is refused.
    `confirmed_elsewhere`: you have had it confirmed from the address before, and can prove it.
    """

    purpose: Purpose
    channel: ConsentChannel
    decision: Literal["given", "withdrawn"]
    wording_version: WordingVersion
    where: Where
    store_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    effective_at: Annotated[datetime, Meta(tz=True)] | None = None
    wording: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    language: Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", examples=["zh-CN"])] | None = None
    confirmed_elsewhere: bool = False


class ConsentAnswer(Struct, frozen=True, kw_only=True):
    """A decision as recorded; `actor` is who recorded it. Only `given` is consent.

    `requested` waits until it is confirmed from the address `identity_id`, `lapsed` was confirmed from one that mail no
    longer goes to. `request_id` names the request that was confirmed. `wording` is "" where we know its version only.
    """

    consent_id: str
    purpose: Purpose
    channel: ConsentChannel
    decision: Decision
    wording_version: str
    wording: str
    language: str | None
    where: str
    store_id: str | None
    actor: str
    effective_at: datetime
    recorded_at: datetime
    confirmation: Confirmation | None
    identity_id: str | None
    request_id: str | None


class ConsentsAnswer(Struct, frozen=True, kw_only=True):
    """The decisions in force at `as_of`, and all that were known then, in the order in which they became known.

    `requested` are those that wait to be confirmed: no consent yet.
    """

    as_of: datetime
    in_force: list[ConsentAnswer]
    requested: list[ConsentAnswer]
    history: list[ConsentAnswer]


class ConsentHistoryAnswer(Struct, frozen=True, kw_only=True):
    """A page of a member's decisions, the last to become known first."""

    history: list[ConsentAnswer]
    has_more: bool
    next_cursor: str | None


class ConfirmationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the link of a letter carries, behind its last slash."""

    token: Annotated[str, Meta(min_length=20, max_length=200)]

    def __repr__(self) -> str:
        return "ConfirmationBody(…)"


class ConfirmationAnswer(Struct, frozen=True, kw_only=True):
    """What was confirmed, by whom."""

    member_id: str
    request_id: str
    purpose: Purpose
    channel: ConsentChannel
    wording_version: str
    wording: str


def wish_of(member_id: UUID, body: ConsentBody, actor: str) -> ConsentGiven:
    """Read a decision. Raises WrongForm for a text in no language."""
    if body.wording is not None and body.language is None:
        raise WrongForm(pointer="/language", field="language", example="zh-CN")
    return ConsentGiven(
        member_id=member_id,
        purpose=body.purpose,
        channel=body.channel,
        decision=Decision(body.decision),
        wording_version=body.wording_version,
        where=body.where,
        store_id=body.store_id,
        effective_at=None if body.effective_at is None else in_utc(body.effective_at),
        actor=actor,
        language=body.language,
        wording=body.wording,
        confirmation=Confirmation.ELSEWHERE if body.confirmed_elsewhere else None,
    )


def consents_answer(
    at: datetime, in_force: Sequence[Consent], history: Sequence[Consent], requested: Sequence[Consent]
) -> ConsentsAnswer:
    """Write what a member consented to."""
    return ConsentsAnswer(
        as_of=at,
        in_force=[consent_answer(consent) for consent in in_force],
        requested=[consent_answer(consent) for consent in requested],
        history=[consent_answer(consent) for consent in history],
    )


def consent_answer(consent: Consent) -> ConsentAnswer:
    """Write a decision."""
    return ConsentAnswer(
        consent_id=public_id(CONSENT_PREFIX, consent.consent_id),
        purpose=consent.purpose,
        channel=consent.channel,
        decision=consent.decision,
        wording_version=consent.wording_version,
        wording=consent.wording,
        language=consent.language,
        where=consent.where,
        store_id=consent.store_id,
        actor=consent.actor,
        effective_at=consent.effective_at,
        recorded_at=consent.recorded_at,
        confirmation=consent.confirmation,
        identity_id=None if consent.identity_id is None else public_id(IDENTITY_PREFIX, consent.identity_id),
        request_id=None if consent.request_id is None else public_id(CONSENT_PREFIX, consent.request_id),
    )


def confirmation_answer(confirmed: ToConfirm) -> ConfirmationAnswer:
    """Write what was confirmed."""
    return ConfirmationAnswer(
        member_id=public_id("mbr", confirmed.member_id),
        request_id=public_id(CONSENT_PREFIX, confirmed.consent_id),
        purpose=confirmed.purpose,
        channel=confirmed.channel,
        wording_version=confirmed.wording_version,
        wording=confirmed.wording,
    )
