"""SQL of consent: append-only. Who writes holds the members' rows, so that one member's decisions have an order."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from regulars.members.contracts import (
    Confirmation,
    Consent,
    ConsentChannel,
    ConsentLogged,
    Decision,
    LogWanted,
    MemberStatus,
    Purpose,
)
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Statement, Transaction

HOLD_MEMBERS: LiteralString = """
SELECT member_id, status, merged_into FROM members WHERE member_id = ANY (%s::uuid[])
ORDER BY member_id FOR NO KEY UPDATE
"""
SELECT_LAST: LiteralString = """
SELECT member_id, max(recorded_at) FROM consents WHERE member_id = ANY (%s::uuid[]) GROUP BY member_id
"""
INSERT_CONSENTS: LiteralString = """
INSERT INTO consents (
    member_id, consent_id, purpose, channel, decision, wording_version, made_in, store_id, actor, effective_at,
    recorded_at, language, confirmation, identity_id, request_id, written_at
)
SELECT fresh.*, %s FROM unnest(
    %s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
    %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[], %s::uuid[], %s::uuid[]
) AS fresh
"""
_CONSENTS: LiteralString = """
SELECT c.member_id, c.consent_id, c.purpose, c.channel, c.decision, c.wording_version, c.made_in, c.store_id, c.actor,
       c.effective_at, c.recorded_at, c.language, coalesce(w.wording, ''), c.confirmation, c.identity_id, c.request_id
FROM consents AS c LEFT JOIN consent_wordings AS w USING (wording_version, language)
"""
SELECT_CONSENTS: LiteralString = (
    _CONSENTS
    + "WHERE c.member_id = %s AND c.recorded_at <= coalesce(%s::timestamptz, 'infinity') "
    + "ORDER BY c.recorded_at, c.written_at, c.consent_id"
)
SELECT_DECIDED: LiteralString = """
SELECT member_id FROM (
    SELECT DISTINCT ON (member_id) member_id, decision FROM consents
    WHERE member_id = ANY (%s::uuid[]) AND purpose = %s AND channel = %s AND recorded_at <= %s AND effective_at <= %s
      AND decision <> 'requested'
    ORDER BY member_id, effective_at DESC, recorded_at DESC, written_at DESC, consent_id DESC
) AS in_force WHERE decision = %s
"""
SELECT_FACTS: LiteralString = """
SELECT member_id, purpose, channel, decision <> 'withdrawn', wording_version, effective_at FROM consents
WHERE member_id = ANY (%s::uuid[]) AND decision <> 'lapsed'
"""
SELECT_EMAILS: LiteralString = """
SELECT DISTINCT ON (member_id) member_id, identity_id FROM member_identities
WHERE member_id = ANY (%s::uuid[]) AND kind = 'email'
ORDER BY member_id, verified_at DESC NULLS LAST, identity_id
"""
SELECT_IDENTITIES: LiteralString = "SELECT identity_id FROM member_identities WHERE member_id = %s"
SELECT_WORDINGS: LiteralString = """
SELECT wording_version, language, wording FROM consent_wordings WHERE wording_version = ANY (%s::text[])
"""
# Who comes second is told the first one's text.
INSERT_WORDINGS: LiteralString = """
INSERT INTO consent_wordings (wording_version, language, wording, recorded_at)
SELECT fresh.*, %s FROM unnest(%s::text[], %s::text[], %s::text[]) AS fresh
ON CONFLICT (wording_version, language) DO UPDATE SET wording = consent_wordings.wording
RETURNING wording_version, language, wording
"""
INSERT_REQUESTS: LiteralString = """
INSERT INTO consent_requests (member_id, consent_id, letters, asked_at, expires_at)
SELECT fresh.*, 1, %s, %s FROM unnest(%s::uuid[], %s::uuid[]) AS fresh
"""
SELECT_REQUESTS: LiteralString = """
SELECT member_id, consent_id, letters, asked_at, expires_at, token_hash FROM consent_requests
WHERE member_id = ANY (%s::uuid[])
"""
COUNT_LETTER: LiteralString = """
UPDATE consent_requests SET letters = letters + 1, asked_at = %s, expires_at = %s
WHERE member_id = %s AND consent_id = %s
"""
KEEP_LINK: LiteralString = """
UPDATE consent_requests SET token_hash = %s WHERE member_id = %s AND consent_id = %s
"""
FORGET_REQUESTS: LiteralString = "DELETE FROM consent_requests WHERE member_id = ANY (%s::uuid[])"
FORGET_EXPIRED: LiteralString = """
WITH old AS (SELECT member_id, consent_id FROM consent_requests WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM consent_requests AS r USING old
         WHERE r.member_id = old.member_id AND r.consent_id = old.consent_id RETURNING 1)
SELECT count(*) FROM gone
"""
# A consent that was confirmed by a link says which request it confirms: of the same member, address and words, earlier.
UNFOUNDED: LiteralString = """
SELECT g.member_id, g.consent_id FROM consents AS g
WHERE g.confirmation = 'link' AND g.decision = 'given' AND NOT EXISTS (
    SELECT FROM consents AS r
    WHERE r.member_id = g.member_id AND r.consent_id = g.request_id AND r.decision = 'requested'
      AND (r.purpose, r.channel, r.wording_version, r.identity_id)
          = (g.purpose, g.channel, g.wording_version, g.identity_id)
      AND r.recorded_at <= g.recorded_at
) ORDER BY 1, 2 LIMIT %s
"""
# After a lapse or a withdrawal a request is over: nobody confirms what was ended.
TOO_LATE: LiteralString = """
SELECT g.member_id, g.consent_id FROM consents AS g
JOIN consents AS r ON r.member_id = g.member_id AND r.consent_id = g.request_id
WHERE EXISTS (
    SELECT FROM consents AS e
    WHERE e.member_id = g.member_id AND (e.purpose, e.channel) = (g.purpose, g.channel)
      AND e.decision IN ('withdrawn', 'lapsed')
      AND (e.recorded_at, e.written_at, e.consent_id) > (r.recorded_at, r.written_at, r.consent_id)
      AND (e.recorded_at, e.written_at, e.consent_id) < (g.recorded_at, g.written_at, g.consent_id)
      AND e.effective_at >= r.effective_at AND e.effective_at <= g.effective_at
) ORDER BY 1, 2 LIMIT %s
"""
COUNT_CONFIRMED: LiteralString = "SELECT count(*) FROM consents WHERE request_id IS NOT NULL"


class Held(NamedTuple):
    """A member whose row is held, and when the last of their decisions became known."""

    status: MemberStatus
    last_recorded_at: datetime | None
    merged_into: UUID | None = None


class Request(NamedTuple):
    """Letters that ask to confirm one request; instants are the wall clock's."""

    member_id: UUID
    consent_id: UUID
    letters: int
    asked_at: datetime
    expires_at: datetime
    token_hash: bytes | None


async def hold_members(tx: Transaction, member_ids: Iterable[UUID]) -> dict[UUID, Held]:
    """Hold the rows of members, so that nobody else decides for them meanwhile; unknown ones are left out."""
    ids = arrays.ids(sorted(set(member_ids)))
    held = await tx.rows(HOLD_MEMBERS, (ids,))
    last: dict[UUID, datetime] = dict(await tx.rows(SELECT_LAST, (ids,))) if held else {}
    return {member_id: Held(MemberStatus(status), last.get(member_id), into) for member_id, status, into in held}


def insert_consents(tx: Transaction, consents: Sequence[tuple[UUID, Consent]], written_at: datetime) -> None:
    """Append decisions of members."""
    rows = [consent for _, consent in consents]
    tx.write(
        INSERT_CONSENTS,
        (
            written_at,
            arrays.ids([member_id for member_id, _ in consents]),
            arrays.ids([row.consent_id for row in rows]),
            arrays.texts([row.purpose for row in rows]),
            arrays.texts([row.channel for row in rows]),
            arrays.texts([row.decision for row in rows]),
            arrays.texts([row.wording_version for row in rows]),
            arrays.texts([row.where for row in rows]),
            arrays.texts([row.store_id for row in rows]),
            arrays.texts([row.actor for row in rows]),
            arrays.instants([row.effective_at for row in rows]),
            arrays.instants([row.recorded_at for row in rows]),
            arrays.texts([row.language for row in rows]),
            arrays.texts([row.confirmation for row in rows]),
            arrays.ids([row.identity_id for row in rows]),
            arrays.ids([row.request_id for row in rows]),
        ),
    )


async def select_decided(
    tx: Transaction,
    member_ids: Sequence[UUID],
    pair: tuple[Purpose, ConsentChannel],
    decision: Decision,
    at: datetime,
) -> set[UUID]:
    """Return those whose decision in force at an instant is this one."""
    parameters = (arrays.ids(member_ids), *pair, at, at, decision.value)
    return {member_id for (member_id,) in await tx.rows(SELECT_DECIDED, parameters)}


async def select_consents(tx: Transaction, member_id: UUID, known_at: datetime | None = None) -> list[Consent]:
    """Return a member's decisions, as far as they were known at an instant, in the order in which they became known."""
    return [_logged(row).consent for row in await tx.rows(SELECT_CONSENTS, (member_id, known_at))]


class Decided(NamedTuple):
    """What a member decided at an instant: that it was asked for, or given, is one decision."""

    member_id: UUID
    purpose: str
    channel: str
    is_given: bool
    wording_version: str
    effective_at: datetime


async def select_facts(tx: Transaction, member_ids: Collection[UUID]) -> set[Decided]:
    """Return what members decided so far."""
    if not member_ids:
        return set()
    found = [Decided(*row) for row in await tx.rows(SELECT_FACTS, (arrays.ids(member_ids),))]
    return {one._replace(effective_at=one.effective_at.astimezone(UTC)) for one in found}


async def select_emails(tx: Transaction, member_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the address to which each member's mail goes: the one proved last, else the first."""
    rows = await tx.rows(SELECT_EMAILS, (arrays.ids(sorted(set(member_ids))),))
    return dict(rows)


async def select_identities(tx: Transaction, member_id: UUID) -> set[UUID]:
    """Return the ids of all that a member is found by."""
    return {identity_id for (identity_id,) in await tx.rows(SELECT_IDENTITIES, (member_id,))}


async def log(tx: Transaction, wanted: LogWanted) -> list[ConsentLogged]:
    """Return decisions, the last to become known first."""
    parts: list[LiteralString] = []
    given: list[Any] = []
    for text, value in (
        ("c.member_id = %s", wanted.member_id),
        ("c.purpose = %s", wanted.purpose),
        ("c.channel = %s", wanted.channel),
        ("c.decision = %s", wanted.decision),
        ("c.recorded_at >= %s", wanted.first),
        ("c.recorded_at < %s", wanted.until),
    ):
        if value is not None:
            parts.append(text)
            given.append(value)
    if wanted.before is not None:
        parts.append("(c.recorded_at, c.consent_id) < (%s, %s)")
        given += wanted.before
    where: LiteralString = " WHERE " + " AND ".join(parts) if parts else ""
    text = _CONSENTS + where + " ORDER BY c.recorded_at DESC, c.consent_id DESC LIMIT %s"
    return [_logged(row) for row in await tx.rows(text, (*given, wanted.limit))]


# --- wordings and letters ---------------------------------------------------------------------------------------------


async def select_wordings(tx: Transaction, versions: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the texts of versions, by version and language."""
    rows = await tx.rows(SELECT_WORDINGS, (arrays.texts(sorted(set(versions))),))
    return {(version, language): text for version, language, text in rows}


async def insert_wordings(
    tx: Transaction, wordings: dict[tuple[str, str], str], at: datetime
) -> dict[tuple[str, str], str]:
    """Keep texts; returns what is kept under each now, which somebody else may have written first."""
    keys = sorted(wordings)
    parameters = (
        at,
        arrays.texts([version for version, _ in keys]),
        arrays.texts([language for _, language in keys]),
        arrays.texts([wordings[key] for key in keys]),
    )
    return {(version, language): text for version, language, text in await tx.rows(INSERT_WORDINGS, parameters)}


def insert_requests(
    tx: Transaction, requests: Sequence[tuple[UUID, UUID]], asked_at: datetime, expires_at: datetime
) -> None:
    """Note that a letter is to be written for each request: pairs of member and consent."""
    tx.write(
        INSERT_REQUESTS,
        (
            asked_at,
            expires_at,
            arrays.ids([member_id for member_id, _ in requests]),
            arrays.ids([consent_id for _, consent_id in requests]),
        ),
    )


async def select_requests(tx: Transaction, member_ids: Iterable[UUID]) -> list[Request]:
    """Return the letters of members."""
    rows = await tx.rows(SELECT_REQUESTS, (arrays.ids(sorted(set(member_ids))),))
    return [
        Request(member_id, consent_id, letters, asked_at, expires_at, None if token is None else bytes(token))
        for member_id, consent_id, letters, asked_at, expires_at, token in rows
    ]


def count_letter(tx: Transaction, request: Request, asked_at: datetime, expires_at: datetime) -> None:
    """Note that one more letter is to be written."""
    tx.write(COUNT_LETTER, (asked_at, expires_at, request.member_id, request.consent_id))


def keep_token(tx: Transaction, member_id: UUID, consent_id: UUID, token_hash: bytes) -> None:
    """Keep what a letter's link carries, instead of what the one before carried."""
    tx.write(KEEP_LINK, (token_hash, member_id, consent_id))


def forget_requests(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget the letters of members."""
    tx.write(FORGET_REQUESTS, (arrays.ids(member_ids),))


async def forget_expired(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete letters whose links ended before an instant; True if there may be more."""
    return int((await tx.rows(FORGET_EXPIRED, (before, at_most)))[0][0]) == at_most


async def unfounded(tx: Transaction, at_most: int) -> tuple[int, list[tuple[UUID, UUID]], list[tuple[UUID, UUID]]]:
    """Return how many were confirmed, those that confirm no request, and those that confirm one that had ended."""
    counted, unfounded_ones, late = await tx.read(
        Statement(COUNT_CONFIRMED, ()), Statement(UNFOUNDED, (at_most,)), Statement(TOO_LATE, (at_most,))
    )
    return counted[0][0], [(row[0], row[1]) for row in unfounded_ones], [(row[0], row[1]) for row in late]


def _logged(row: Sequence[Any]) -> ConsentLogged:
    (
        member_id,
        consent_id,
        purpose,
        channel,
        decision,
        wording_version,
        made_in,
        store_id,
        actor,
        effective_at,
        recorded_at,
        language,
        wording,
        confirmation,
        identity_id,
        request_id,
    ) = row
    return ConsentLogged(
        member_id,
        Consent(
            consent_id=consent_id,
            purpose=Purpose(purpose),
            channel=ConsentChannel(channel),
            decision=Decision(decision),
            wording_version=wording_version,
            where=made_in,
            store_id=store_id,
            actor=actor,
            effective_at=effective_at,
            recorded_at=recorded_at,
            language=language,
            wording=wording,
            confirmation=None if confirmation is None else Confirmation(confirmation),
            identity_id=identity_id,
            request_id=request_id,
        ),
    )
