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

_MEMBER: Final = Column("Whose.", "t.member_id", prefix=MEMBER_PREFIX)
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
    about="Members. With their identities such a file is imported again.",
    scope="members:read",
    table="members",
    key=(Key("member_id", "uuid"),),
    at="t.recorded_at",
    market="t.market",
    member="t.member_id",
    importable=("identities", "market", "channel", "store_id", "language", "signed_up_at"),
    columns={
        "member_id": Column("The member.", "t.member_id", prefix=MEMBER_PREFIX),
        "status": Column("active or erased.", "t.status"),
        "market": Column("The market.", "t.market"),
        "language": Column("In which language the member reads.", "t.language"),
        "channel": Column("Where the member signed up.", "t.channel"),
        "store_id": Column("In which store.", "t.store_id"),
        "signed_up_at": Column("When that was.", "t.signed_up_at", "instant"),
        "recorded_at": Column("When the programme learned of it.", "t.recorded_at", "instant"),
        "merged_into": Column("Who this member is now, after a merge.", "t.merged_into", prefix=MEMBER_PREFIX),
    },
)

IDENTITIES: Final = ExportKind(
    name="identities",
    about="By what kinds of values members are found, without the values.",
    scope="members:read",
    table="member_identities",
    key=(Key("member_id", "uuid"), Key("identity_id", "uuid")),
    joined=_WITH_MEMBER,
    at="t.added_at",
    market="m.market",
    columns={
        "identity_id": Column("The identity.", "t.identity_id", prefix=IDENTITY_PREFIX),
        "member_id": _MEMBER,
        "market": Column("The member's market.", "m.market"),
        "kind": Column("phone, email, card, external, openid.", "t.kind"),
        "added_at": Column("When it was added.", "t.added_at", "instant"),
        "verified_at": Column("When it was proven; nothing if never.", "t.verified_at", "instant"),
    },
)

CONSENTS: Final = ExportKind(
    name="consents",
    about="Every decision on consent, the history of all. Such a file is imported again.",
    scope="members:read",
    table="consents",
    key=(Key("member_id", "uuid"), Key("consent_id", "uuid")),
    joined=(
        _WITH_MEMBER
        + " LEFT JOIN consent_wordings AS w ON w.wording_version = t.wording_version AND w.language = t.language"
    ),
    at="t.recorded_at",
    market="m.market",
    member="t.member_id",
    importable=(
        *("phone", "email", "card", "external", "openid", "market", "purpose", "channel", "decision"),
        *("wording_version", "wording", "language", "where", "store_id", "effective_at", "confirmed_elsewhere"),
    ),
    columns={
        "consent_id": Column("The decision.", "t.consent_id", prefix=CONSENT_PREFIX),
        "member_id": _MEMBER,
        "market": Column("The member's market.", "m.market"),
        "purpose": Column("For what.", "t.purpose"),
        "channel": Column("By which channel.", "t.channel"),
        "decision": Column("given, withdrawn, requested, lapsed. Only given is consent.", "t.decision"),
        "wording_version": Column("Which words the member saw.", "t.wording_version"),
        "wording": Column("The words.", "w.wording"),
        "language": Column("In which language.", "t.language"),
        "where": Column("Where it was decided.", "t.made_in"),
        "store_id": Column("In which store.", "t.store_id"),
        "actor": Column("Who recorded it.", "t.actor"),
        "confirmed_elsewhere": Column(
            "Whether somebody has had it confirmed, here or elsewhere.", "t.confirmation IS NOT NULL", "flag"
        ),
        "confirmation": Column("How it was confirmed.", "t.confirmation"),
        "effective_at": Column("When it was decided.", "t.effective_at", "instant"),
        "recorded_at": Column("When the programme learned of it.", "t.recorded_at", "instant"),
    },
)

HOUSEHOLDS: Final = ExportKind(
    name="households",
    about="Who belongs to which household now; names of households are not told.",
    scope="members:read",
    table="household_members",
    key=(Key("member_id", "uuid"),),
    joined="JOIN households AS h ON h.household_id = t.household_id " + _WITH_MEMBER,
    at="t.since",
    market="m.market",
    member="t.member_id",
    columns={
        "household_id": Column("The household.", "t.household_id", prefix=HOUSEHOLD_PREFIX),
        "member_id": Column("A member of it.", "t.member_id", prefix=MEMBER_PREFIX),
        "is_head": Column("Whether the member is its head.", "h.head_id = t.member_id", "flag"),
        "since": Column("Since when.", "t.since", "instant"),
        "formed_at": Column("When the household was formed.", "h.formed_at", "instant"),
        "market": Column("The member's market.", "m.market"),
    },
)

MERGES: Final = ExportKind(
    name="merges",
    about="Which members became one, and which of these merges were undone.",
    scope="members:read",
    table="member_merges",
    key=(Key("member_id", "uuid"), Key("merge_id", "uuid")),
    at="t.recorded_at",
    columns={
        "merge_id": Column("The merge.", "t.merge_id", prefix=MERGE_PREFIX),
        "member_id": Column("Who became part of another.", "t.member_id", prefix=MEMBER_PREFIX),
        "survivor_id": Column("Of whom.", "t.survivor_id", prefix=MEMBER_PREFIX),
        "actor": Column("Who did it.", "t.actor"),
        "reason": Column("Why.", "t.reason"),
        "recorded_at": Column("When.", "t.recorded_at", "instant"),
        "undone_at": Column("When it was undone.", "t.undone_at", "instant"),
        "undone_by": Column("By whom.", "t.undone_by"),
        "undo_reason": Column("Why.", "t.undo_reason"),
    },
)


async def sealed(tx: Transaction, member_ids: Sequence[UUID]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return what is sealed of members: (member, identity, kind, value) in order, and (member, version, profile)."""
    wanted = arrays.ids(member_ids)
    identities, profiles = await tx.read(
        Statement(_SEALED_IDENTITIES, (wanted,)), Statement(_SEALED_PROFILES, (wanted,))
    )
    return identities, profiles
