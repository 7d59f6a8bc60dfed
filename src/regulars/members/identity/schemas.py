"""What callers send and get about members and their identities."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from regulars.members.contracts import (
    IDENTITY_PREFIX,
    MEMBER_PREFIX,
    Identity,
    IdentityKind,
    IdentityShown,
    IdentityValue,
    Member,
    Profile,
    SignUp,
)
from regulars.members.profile.schemas import LanguageTag, ProfileBody, profile_body
from regulars.platform.clock import in_utc
from regulars.platform.ids import public_id

IdentityText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=320,
        description="A phone number (E.164, or as written in the market), an e-mail address, a card number, or "
        "namespace:id for ids of other systems and openids.",
        examples=["+86 138 0013 8000"],
    ),
]
MarketCode = Annotated[
    str, Meta(min_length=1, max_length=16, description="A market of the programme.", examples=["CN"])
]
Channel = Annotated[
    str,
    Meta(pattern="^[a-z][a-z_]{0,31}$", description="Where: online, store, app, partner, ...", examples=["store"]),
]
StoreId = Annotated[str, Meta(min_length=1, max_length=64, description="The shop, if it was in one.", examples=["367"])]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339, with its time zone.")]


class IdentityBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A value that points to a member."""

    kind: IdentityKind
    value: IdentityText


class SignUpBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sign-up. `language` defaults to the market's, `signed_up_at` to now."""

    market: MarketCode
    identities: Annotated[list[IdentityBody], Meta(max_length=20)]
    channel: Channel
    store_id: StoreId | None = None
    language: LanguageTag | None = None
    signed_up_at: Instant | None = None


class LookupBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to look for. `market` says how a phone number without a country code is read."""

    kind: IdentityKind
    value: IdentityText
    market: MarketCode | None = None


class IdentityAnswer(Struct, frozen=True, kw_only=True):
    """An identity of a member, without its value: mutations never repeat personal data."""

    identity_id: str
    kind: IdentityKind
    added_at: datetime
    verified_at: datetime | None


class IdentityAnswerShown(IdentityAnswer, frozen=True, kw_only=True):
    """An identity with its value, masked unless read in the clear for a purpose."""

    value: str | None


class MemberAnswer(Struct, frozen=True, kw_only=True):
    """A member who signed up."""

    member_id: str
    market: str
    status: str
    language: str
    signed_up_at: datetime
    recorded_at: datetime
    channel: str
    store_id: str | None
    identities: list[IdentityAnswer]


class MemberAnswerShown(Struct, frozen=True, kw_only=True):
    """A member with profile and identities, masked (`masked`) unless read in the clear for a purpose."""

    member_id: str
    market: str
    status: str
    language: str
    signed_up_at: datetime
    recorded_at: datetime
    channel: str
    store_id: str | None
    masked: bool
    profile: ProfileBody
    identities: list[IdentityAnswerShown]


def identity_answer(identity: Identity) -> IdentityAnswer:
    """Write an identity without its value."""
    return IdentityAnswer(
        identity_id=public_id(IDENTITY_PREFIX, identity.identity_id),
        kind=identity.kind,
        added_at=identity.added_at,
        verified_at=identity.verified_at,
    )


def member_answer(member: Member) -> MemberAnswer:
    """Write a member who signed up."""
    return MemberAnswer(
        member_id=public_id(MEMBER_PREFIX, member.member_id),
        market=member.market,
        status=member.status.value,
        language=member.language,
        signed_up_at=member.signed_up_at,
        recorded_at=member.recorded_at,
        channel=member.channel,
        store_id=member.store_id,
        identities=[identity_answer(identity) for identity in member.identities],
    )


def member_shown(
    member: Member, identities: Sequence[IdentityShown], profile: Profile, *, masked: bool
) -> MemberAnswerShown:
    """Write a member with profile and identities."""
    return MemberAnswerShown(
        member_id=public_id(MEMBER_PREFIX, member.member_id),
        market=member.market,
        status=member.status.value,
        language=member.language,
        signed_up_at=member.signed_up_at,
        recorded_at=member.recorded_at,
        channel=member.channel,
        store_id=member.store_id,
        masked=masked,
        profile=profile_body(profile),
        identities=[
            IdentityAnswerShown(
                identity_id=public_id(IDENTITY_PREFIX, identity.identity_id),
                kind=identity.kind,
                added_at=identity.added_at,
                verified_at=identity.verified_at,
                value=identity.value,
            )
            for identity in identities
        ],
    )


def sign_up_of(body: SignUpBody, member_id: UUID) -> SignUp:
    """Read a sign-up."""
    return SignUp(
        member_id=member_id,
        market=body.market,
        identities=tuple(identity_value(given) for given in body.identities),
        channel=body.channel,
        store_id=body.store_id,
        language=body.language,
        signed_up_at=None if body.signed_up_at is None else in_utc(body.signed_up_at),
    )


def identity_value(body: IdentityBody | LookupBody) -> IdentityValue:
    """Read a value that points to a member."""
    return IdentityValue(body.kind, body.value)
