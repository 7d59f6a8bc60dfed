"""Where members are read for exports: which tables, by which keys, and what each column says."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString
from uuid import UUID

from regulars.members.contracts import CONSENT_PREFIX, IDENTITY_PREFIX, MEMBER_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX
from regulars.members.contracts.merging import MERGE_PREFIX
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Statement, Transaction
from regulars.platform.exports.contracts import Column, ExportKind, Key
from regulars.platform.texts import mark

_MEMBER: Final = Column(mark("The member's id."), "t.member_id", prefix=MEMBER_PREFIX)
_WITH_MEMBER: Final = "JOIN members AS m ON m.member_id = t.member_id"

_SEALED_IDENTITIES: LiteralString = """
SELECT member_id, identity_id, kind, sealed_value FROM member_identities
WHERE member_id = ANY(%s::uuid[]) ORDER BY member_id, added_at, identity_id
"""
_SEALED_PROFILES: LiteralString = """
SELECT member_id, version, sealed_profile FROM member_profiles WHERE member_id = ANY(%s::uuid[])
"""

MEMBERS: Final = ExportKind(
    name="members",
    about=mark("Members, one a row. With their identities such a file is imported again."),
    scope="members:read",
    table="members",
    key=(Key("member_id", "uuid"),),
    at="t.recorded_at",
    market="t.market",
    store_id="t.store_id",
    channel="t.channel",
    member="t.member_id",
    importable=("identities", "market", "channel", "store_id", "language", "signed_up_at"),
    columns={
        "member_id": Column(mark("The member's id."), "t.member_id", prefix=MEMBER_PREFIX),
        "status": Column(mark("`active`, or `erased` once the member's own data is gone."), "t.status"),
        "market": Column(mark("The market, by its code."), "t.market"),
        "language": Column(mark("The language in which the member reads, as `zh` or `en`."), "t.language"),
        "channel": Column(mark("How the member signed up: `store`, `online`, `app` …"), "t.channel"),
        "store_id": Column(mark("The store where the member signed up, by your id."), "t.store_id"),
        "signed_up_at": Column(mark("When the member signed up."), "t.signed_up_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded it."), "t.recorded_at", "instant"),
        "merged_into": Column(
            mark("After a merge: the member that this one is part of now."), "t.merged_into", prefix=MEMBER_PREFIX
        ),
    },
)

IDENTITIES: Final = ExportKind(
    name="identities",
    about=mark("By what kinds of values members are found, one a row, without the values."),
    scope="members:read",
    table="member_identities",
    key=(Key("member_id", "uuid"), Key("identity_id", "uuid")),
    joined=_WITH_MEMBER,
    at="t.added_at",
    market="m.market",
    columns={
        "identity_id": Column(mark("The identity's id."), "t.identity_id", prefix=IDENTITY_PREFIX),
        "member_id": _MEMBER,
        "market": Column(mark("The member's market."), "m.market"),
        "kind": Column(mark("What it is: `phone`, `email`, `card`, `external` or `openid`."), "t.kind"),
        "added_at": Column(mark("When it was added."), "t.added_at", "instant"),
        "verified_at": Column(
            mark("When it was proven to be the member's; empty if never."), "t.verified_at", "instant"
        ),
    },
)

CONSENTS: Final = ExportKind(
    name="consents",
    about=mark("Every decision on consent, also those that were taken back. Such a file is imported again."),
    scope="members:read",
    table="consents",
    key=(Key("member_id", "uuid"), Key("consent_id", "uuid")),
    joined=(
        _WITH_MEMBER
        + " LEFT JOIN consent_wordings AS w ON w.wording_version = t.wording_version AND w.language = t.language"
    ),
    at="t.recorded_at",
    market="m.market",
    store_id="t.store_id",
    channel="t.channel",
    member="t.member_id",
    importable=(
        *("phone", "email", "card", "external", "openid", "market", "purpose", "channel", "decision"),
        *("wording_version", "wording", "language", "where", "store_id", "effective_at", "confirmed_elsewhere"),
    ),
    columns={
        "consent_id": Column(mark("The decision's id."), "t.consent_id", prefix=CONSENT_PREFIX),
        "member_id": _MEMBER,
        "market": Column(mark("The member's market."), "m.market"),
        "purpose": Column(mark("What the member decided on, as `marketing`."), "t.purpose"),
        "channel": Column(mark("By which channel messages may come, as `email`."), "t.channel"),
        "decision": Column(
            mark("`given`, `withdrawn`, `requested` or `lapsed`. Only `given` is consent."), "t.decision"
        ),
        "wording_version": Column(mark("The version of the words that the member saw."), "t.wording_version"),
        "wording": Column(mark("Those words."), "w.wording"),
        "language": Column(mark("The language of the words."), "t.language"),
        "where": Column(mark("Where it was decided, as `portal` or `store`."), "t.made_in"),
        "store_id": Column(mark("The store where it was decided, by your id."), "t.store_id"),
        "actor": Column(mark("Who recorded it."), "t.actor"),
        "confirmed_elsewhere": Column(
            mark("Whether the member's address was confirmed, here or elsewhere."), "t.confirmation IS NOT NULL", "flag"
        ),
        "confirmation": Column(mark("How it was confirmed."), "t.confirmation"),
        "effective_at": Column(mark("When the member decided."), "t.effective_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded it."), "t.recorded_at", "instant"),
    },
)

HOUSEHOLDS: Final = ExportKind(
    name="households",
    about=mark("Who belongs to which household now, one member a row; names of households are not told."),
    scope="members:read",
    table="household_members",
    key=(Key("member_id", "uuid"),),
    joined="JOIN households AS h ON h.household_id = t.household_id " + _WITH_MEMBER,
    at="t.since",
    market="m.market",
    member="t.member_id",
    columns={
        "household_id": Column(mark("The household's id."), "t.household_id", prefix=HOUSEHOLD_PREFIX),
        "member_id": Column(mark("A member of it, by id."), "t.member_id", prefix=MEMBER_PREFIX),
        "is_head": Column(mark("Whether this member is its head."), "h.head_id = t.member_id", "flag"),
        "since": Column(mark("Since when the member belongs to it."), "t.since", "instant"),
        "formed_at": Column(mark("When the household was formed."), "h.formed_at", "instant"),
        "market": Column(mark("The member's market."), "m.market"),
    },
)

MERGES: Final = ExportKind(
    name="merges",
    about=mark("Which members became one, and which of these merges were undone."),
    scope="members:read",
    table="member_merges",
    key=(Key("member_id", "uuid"), Key("merge_id", "uuid")),
    at="t.recorded_at",
    columns={
        "merge_id": Column(mark("The merge's id."), "t.merge_id", prefix=MERGE_PREFIX),
        "member_id": Column(mark("The member who became part of another, by id."), "t.member_id", prefix=MEMBER_PREFIX),
        "survivor_id": Column(mark("The member whom it became part of, by id."), "t.survivor_id", prefix=MEMBER_PREFIX),
        "actor": Column(mark("Who merged them."), "t.actor"),
        "reason": Column(mark("Why, in the words of whoever did it."), "t.reason"),
        "recorded_at": Column(mark("When they were merged."), "t.recorded_at", "instant"),
        "undone_at": Column(mark("When it was undone; empty if it stands."), "t.undone_at", "instant"),
        "undone_by": Column(mark("Who undid it."), "t.undone_by"),
        "undo_reason": Column(mark("Why it was undone."), "t.undo_reason"),
    },
)


async def sealed(tx: Transaction, member_ids: Sequence[UUID]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return what is sealed of members: (member, identity, kind, value) in order, and (member, version, profile)."""
    wanted = arrays.ids(member_ids)
    identities, profiles = await tx.read(
        Statement(_SEALED_IDENTITIES, (wanted,)), Statement(_SEALED_PROFILES, (wanted,))
    )
    return identities, profiles
