"""SQL of members and identities. Values are sought by their blind index and listed by member; none is ever readable."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.members.contracts import Identity, IdentityKind, Member, MemberRef, MemberStatus
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Statement, Transaction

SELECT_OWNERS: LiteralString = "SELECT blind_index, member_id FROM identities WHERE blind_index = ANY (%s::bytea[])"

SELECT_REFS: LiteralString = (
    "SELECT member_id, market, status, signed_up_at, merged_into FROM members WHERE member_id = ANY (%s::uuid[])"
)

SELECT_MEMBERS: LiteralString = """
SELECT member_id, market, status, language, signed_up_at, recorded_at, channel, store_id, merged_into
FROM members WHERE member_id = ANY (%s::uuid[])
"""

SELECT_IDENTITIES: LiteralString = """
SELECT member_id, identity_id, kind, added_at, verified_at, blind_index, sealed_value
FROM member_identities WHERE member_id = ANY (%s::uuid[]) ORDER BY member_id, added_at, identity_id
"""

# Identities can only be added and removed while holding the member's row: the last one stays, the limit holds.
LOCK_MEMBER: LiteralString = "SELECT market, status, merged_into FROM members WHERE member_id = %s FOR NO KEY UPDATE"

INSERT_OWNERS: LiteralString = """
INSERT INTO identities (blind_index, kind, member_id) SELECT * FROM unnest(%s::bytea[], %s::text[], %s::uuid[])
"""

INSERT_MEMBERS: LiteralString = """
INSERT INTO members
    (member_id, status, market, language, signed_up_at, recorded_at, channel, store_id, written_at)
SELECT fresh.*, %s FROM unnest(
    %s::uuid[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[]
) AS fresh
"""

INSERT_IDENTITIES: LiteralString = """
INSERT INTO member_identities (member_id, identity_id, kind, blind_index, sealed_value, added_at)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bytea[], %s::bytea[], %s::timestamptz[])
"""

DELETE_OWNER: LiteralString = "DELETE FROM identities WHERE blind_index = %s AND member_id = %s"

SELECT_INDEXES: LiteralString = "SELECT blind_index FROM member_identities WHERE member_id = ANY (%s::uuid[])"

FORGET_OWNERS: LiteralString = """
DELETE FROM identities WHERE blind_index = ANY (%s::bytea[]) AND member_id = ANY (%s::uuid[])
"""

FORGET_IDENTITIES: LiteralString = "DELETE FROM member_identities WHERE member_id = ANY (%s::uuid[])"

DELETE_IDENTITY: LiteralString = "DELETE FROM member_identities WHERE member_id = %s AND identity_id = %s"

GIVE_OWNERS: LiteralString = """
UPDATE identities SET member_id = %s WHERE blind_index = ANY (%s::bytea[]) AND member_id = %s
"""
TAKE_IDENTITIES: LiteralString = """
DELETE FROM member_identities WHERE member_id = %s AND identity_id = ANY (%s::uuid[])
"""
PUT_IDENTITIES: LiteralString = """
INSERT INTO member_identities (member_id, identity_id, kind, blind_index, sealed_value, added_at, verified_at)
SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::bytea[], %s::bytea[], %s::timestamptz[], %s::timestamptz[])
"""

# What a merge that stands brought while nobody had proved it; also along a chain, by whichever of its merges.
_CAME_UNPROVED: LiteralString = """(i.verified_at IS NULL AND EXISTS (
    SELECT FROM (
        SELECT i.member_id UNION ALL SELECT p.member_id FROM members AS p WHERE p.merged_into = i.member_id
    ) AS family JOIN member_merges AS g ON g.survivor_id = family.member_id
    WHERE g.undone_at IS NULL AND g.told::jsonb -> 'identity_ids' ? i.identity_id::text))
"""
CAME_UNPROVED: LiteralString = (
    """
SELECT i.identity_id FROM member_identities AS i WHERE i.member_id = %s AND i.blind_index = %s AND """
    + _CAME_UNPROVED
)
ALL_UNPROVED: LiteralString = (
    """
SELECT i.identity_id FROM member_identities AS i WHERE i.member_id = ANY(%s::uuid[]) AND """
    + _CAME_UNPROVED
)
PROVE_FROM_INSIDE: LiteralString = """
UPDATE member_identities AS i SET verified_at = %(at)s
WHERE i.member_id = %(member_id)s AND i.blind_index = %(blind_index)s
  AND (i.verified_at IS NULL OR i.verified_at < %(at)s)
"""
NOTE_PROOF: LiteralString = PROVE_FROM_INSIDE + "  AND NOT " + _CAME_UNPROVED

PROVE_ONE: LiteralString = (
    """
UPDATE member_identities AS i SET verified_at = %(at)s
WHERE i.member_id = %(member_id)s AND i.identity_id = %(identity_id)s
  AND (i.verified_at IS NULL OR i.verified_at < %(at)s) AND NOT """
    + _CAME_UNPROVED
)

UPDATE_LANGUAGE: LiteralString = "UPDATE members SET language = %s WHERE member_id = %s"

CLAIM_VAULT: LiteralString = """
INSERT INTO member_vault (only_row, fingerprint) VALUES (1, %s) ON CONFLICT DO NOTHING
"""

SELECT_VAULT: LiteralString = "SELECT fingerprint FROM member_vault"


class KeptIdentity(NamedTuple):
    """An identity as it is kept: what is public of it, how it is found, and its sealed value."""

    member_id: UUID
    identity: Identity
    blind_index: bytes
    sealed_value: bytes


async def select_owners(tx: Transaction, blind_indexes: Sequence[bytes]) -> dict[bytes, UUID]:
    """Return whose the values are that belong to anybody."""
    return _owners(await tx.rows(SELECT_OWNERS, (arrays.blobs(blind_indexes),)))


async def select_owners_and_refs(
    tx: Transaction, blind_indexes: Sequence[bytes], member_ids: Sequence[UUID]
) -> tuple[dict[bytes, UUID], dict[UUID, Member]]:
    """Return, in one round trip, whose the values are and which of the ids are members (without identities)."""
    owners, members = await tx.read(
        Statement(SELECT_OWNERS, (arrays.blobs(blind_indexes),)),
        Statement(SELECT_MEMBERS, (arrays.ids(member_ids),)),
    )
    return _owners(owners), {row[0]: _member(row, ()) for row in members}


async def select_refs(tx: Transaction, member_ids: Sequence[UUID]) -> dict[UUID, MemberRef]:
    """Return which of the ids are members."""
    return {
        member_id: MemberRef(
            member_id=member_id, market=market, status=MemberStatus(status), signed_up_at=at, merged_into=into
        )
        for member_id, market, status, at, into in await tx.rows(SELECT_REFS, (arrays.ids(member_ids),))
    }


async def select_members(tx: Transaction, member_ids: Sequence[UUID]) -> list[tuple[Member, list[KeptIdentity]]]:
    """Return members with their identities, oldest identity first, in one round trip."""
    ids = arrays.ids(member_ids)
    members, identities = await tx.read(Statement(SELECT_MEMBERS, (ids,)), Statement(SELECT_IDENTITIES, (ids,)))
    kept: dict[UUID, list[KeptIdentity]] = {}
    for row in identities:
        kept.setdefault(row[0], []).append(_kept(row))
    return [
        (_member(row, tuple(found.identity for found in kept.get(row[0], []))), kept.get(row[0], [])) for row in members
    ]


async def select_identities(tx: Transaction, member_id: UUID) -> list[KeptIdentity]:
    """Return a member's identities, oldest first."""
    return [_kept(row) for row in await tx.rows(SELECT_IDENTITIES, (arrays.ids([member_id]),))]


async def lock_member(tx: Transaction, member_id: UUID) -> tuple[str, MemberStatus, UUID | None] | None:
    """Hold the member's row until the transaction ends; return market, status and who the member is now, if merged.

    None if there is no such member.
    """
    rows = await tx.rows(LOCK_MEMBER, (member_id,))
    return (rows[0][0], MemberStatus(rows[0][1]), rows[0][2]) if rows else None


def insert_owners(tx: Transaction, rows: Sequence[tuple[bytes, IdentityKind, UUID]]) -> None:
    """Say whose values are, in the order of the values, so that two batches never wait for each other crosswise.

    A value that somebody else took meanwhile raises psycopg's UniqueViolation.
    """
    ordered = sorted(rows)
    tx.write(
        INSERT_OWNERS,
        (
            arrays.blobs([blind_index for blind_index, _, _ in ordered]),
            arrays.texts([kind for _, kind, _ in ordered]),
            arrays.ids([member_id for _, _, member_id in ordered]),
        ),
    )


def insert_members(tx: Transaction, members: Sequence[Member], written_at: datetime) -> None:
    """Add members."""
    tx.write(
        INSERT_MEMBERS,
        (
            written_at,
            arrays.ids([member.member_id for member in members]),
            arrays.texts([member.status for member in members]),
            arrays.texts([member.market for member in members]),
            arrays.texts([member.language for member in members]),
            arrays.instants([member.signed_up_at for member in members]),
            arrays.instants([member.recorded_at for member in members]),
            arrays.texts([member.channel for member in members]),
            arrays.texts([member.store_id for member in members]),
        ),
    )


def insert_identities(tx: Transaction, kept: Sequence[KeptIdentity]) -> None:
    """Add identities to their members."""
    tx.write(
        INSERT_IDENTITIES,
        (
            arrays.ids([found.member_id for found in kept]),
            arrays.ids([found.identity.identity_id for found in kept]),
            arrays.texts([found.identity.kind for found in kept]),
            arrays.blobs([found.blind_index for found in kept]),
            arrays.blobs([found.sealed_value for found in kept]),
            arrays.instants([found.identity.added_at for found in kept]),
        ),
    )


def delete_identity(tx: Transaction, kept: KeptIdentity) -> None:
    """Forget an identity, from both sides."""
    tx.write(DELETE_OWNER, (kept.blind_index, kept.member_id))
    tx.write(DELETE_IDENTITY, (kept.member_id, kept.identity.identity_id))


def hand_over(tx: Transaction, source: UUID, kept: Sequence[KeptIdentity]) -> None:
    """Let what finds one member find another, for whom the values are sealed already; what was proved stays proved."""
    indexes = arrays.blobs([found.blind_index for found in kept])
    ids = arrays.ids([found.identity.identity_id for found in kept])
    tx.write(GIVE_OWNERS, (kept[0].member_id, indexes, source))
    tx.write(TAKE_IDENTITIES, (source, ids))
    tx.write(
        PUT_IDENTITIES,
        (
            arrays.ids([found.member_id for found in kept]),
            ids,
            arrays.texts([found.identity.kind for found in kept]),
            indexes,
            arrays.blobs([found.sealed_value for found in kept]),
            arrays.instants([found.identity.added_at for found in kept]),
            arrays.instants([found.identity.verified_at for found in kept]),
        ),
    )


async def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget every identity of members, from both sides."""
    ids = arrays.ids(member_ids)
    indexes = arrays.blobs([bytes(index) for (index,) in await tx.rows(SELECT_INDEXES, (ids,))])
    tx.write(FORGET_OWNERS, (indexes, ids))
    tx.write(FORGET_IDENTITIES, (ids,))


def note_proof(
    tx: Transaction, member_id: UUID, blind_index: bytes, at: datetime, *, from_inside: bool = False
) -> None:
    """Note when somebody proved to hold a value; the last time stays.

    Of what came by a merge, and nobody had proved, only who is signed in proves that it is the member's.
    """
    proof = PROVE_FROM_INSIDE if from_inside else NOTE_PROOF
    tx.write(proof, {"at": at, "member_id": member_id, "blind_index": blind_index})


async def came_unproved(tx: Transaction, member_id: UUID, blind_index: bytes) -> bool:
    """Say whether a value came to a member by a merge, and nobody has proved it before or since."""
    return bool(await tx.rows(CAME_UNPROVED, (member_id, blind_index)))


async def all_unproved(tx: Transaction, member_ids: Sequence[UUID]) -> set[UUID]:
    """Return the identities that came to members by a merge, and nobody has proved before or since."""
    return {identity_id for (identity_id,) in await tx.rows(ALL_UNPROVED, (arrays.ids(member_ids),))}


def note_proof_of(tx: Transaction, member_id: UUID, identity_id: UUID, at: datetime) -> None:
    """Note a proof of an identity, unless there is a later one."""
    tx.write(PROVE_ONE, {"at": at, "member_id": member_id, "identity_id": identity_id})


def update_language(tx: Transaction, member_id: UUID, language: str) -> None:
    """Set the language in which a member is spoken to."""
    tx.write(UPDATE_LANGUAGE, (language, member_id))


async def tied_vault(tx: Transaction) -> str | None:
    """Return the fingerprint of the vault to which the database is tied, if it is."""
    rows = await tx.rows(SELECT_VAULT)
    return str(rows[0][0]) if rows else None


async def claim_vault(tx: Transaction, fingerprint: str) -> str:
    """Tie the database to a vault, unless it is tied already; return the fingerprint of the one it is tied to."""
    _, rows = await tx.read(Statement(CLAIM_VAULT, (fingerprint,)), Statement(SELECT_VAULT))
    return str(rows[0][0])


def _owners(rows: Rows) -> dict[bytes, UUID]:
    return {bytes(blind_index): member_id for blind_index, member_id in rows}


def _member(row: tuple[Any, ...], identities: tuple[Identity, ...]) -> Member:
    member_id, market, status, language, signed_up_at, recorded_at, channel, store_id, merged_into = row
    return Member(
        member_id=member_id,
        market=market,
        status=MemberStatus(status),
        language=language,
        signed_up_at=signed_up_at,
        recorded_at=recorded_at,
        channel=channel,
        store_id=store_id,
        identities=identities,
        merged_into=merged_into,
    )


def _kept(row: tuple[Any, ...]) -> KeptIdentity:
    member_id, identity_id, kind, added_at, verified_at, blind_index, sealed_value = row
    return KeptIdentity(
        member_id=member_id,
        identity=Identity(identity_id=identity_id, kind=IdentityKind(kind), added_at=added_at, verified_at=verified_at),
        blind_index=bytes(blind_index),
        sealed_value=bytes(sealed_value),
    )
