"""Everything about a member: asked for, gathered by the worker from every room, sealed, read until it expires.

The document is sealed under the member's key, so that erasing the member ends it too, in every copy of the database.
"""

import logging
import zlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.privacy import AskExport, Document, MemberExport, Parts, Section
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity import service as identity
from regulars.members.merging import reading as merging
from regulars.members.privacy import store
from regulars.members.privacy.errors import ExportNotReady
from regulars.members.privacy.own import OWN
from regulars.members.privacy.store import KeptExport, ListWanted
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.failures import describe
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id, public_id
from regulars.platform.vault.cipher import seal, unseal
from regulars.platform.vault.contracts import Vault

logger = logging.getLogger(__name__)

KEPT: Final = timedelta(days=7)
A_DAY: Final = 3  # exports of a member that are made within a day; then the last one is given instead
DAY: Final = timedelta(days=1)
AT_ONCE: Final = 4
TRIES: Final = 5

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Document).decode


async def ask_export(tx: Transaction, wish: AskExport) -> MemberExport:
    """Have everything about a member gathered; see `members.api.ask_export`."""
    wish = replace(wish, member_id=(await identity.meant(tx, wish.member_id, lock=True))[0])
    now = wall_now()
    if earlier := await store.waiting_of(tx, wish.member_id, now, TRIES):
        return _export(earlier)
    made = [one for one in await store.exports(tx, wish.member_id, now) if one.ready_at and now - one.asked_at < DAY]
    if len(made) >= A_DAY:
        return _export(made[0])
    kept = KeptExport(wish.member_id, new_id(), now, wish.actor, now + KEPT, 0, None)
    store.insert_export(tx, kept)
    return _export(kept)


async def list_exports(tx: Transaction, member_id: UUID) -> list[MemberExport]:
    """Return a member's exports; see `members.api.list_exports`."""
    member_id, _ = await identity.meant(tx, member_id)
    return [_export(kept) for kept in await store.exports(tx, member_id, wall_now())]


async def list_all_exports(
    tx: Transaction,
    *,
    member_id: UUID | None = None,
    before: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[MemberExport]:
    """Return exports of everybody, or of one member, of the last week, the last asked for first, from behind `before`.

    Who was erased has none. Raises nothing. Source: member_exports.
    """
    wanted = ListWanted(member_id, None, before, limit)
    return [_export(kept) for kept in await store.all_exports(tx, wanted, wall_now())]


async def read_export(tx: Transaction, member_id: UUID, export_id: UUID) -> MemberExport:
    """Return one export; see `members.api.read_export`."""
    member_id, _ = await identity.meant(tx, member_id)
    kept = await store.export(tx, member_id, export_id, wall_now())
    if kept is None:
        raise NotFound
    return _export(kept)


async def open_export(tx: Transaction, vault: Vault, member_id: UUID, export_id: UUID) -> Document:
    """Return what was gathered; see `members.api.open_export`. The caller notes who read it, and why."""
    member_id = (await read_export(tx, member_id, export_id)).member_id
    sealed = await store.document(tx, member_id, export_id)
    if sealed is None:
        raise ExportNotReady
    key = (await vault.keys_of([member_id])).get(member_id)
    if key is None:
        raise MemberGone
    return _decode(zlib.decompress(unseal(key, sealed, member_id=member_id, field=_field(export_id))))


async def gather_waiting(database: Database, vault: Vault, parts: Parts) -> int:
    """Gather the exports that wait, and forget those that have expired; returns how many were gathered."""
    now, gathered = wall_now(), 0
    async with database.transaction() as tx:
        store.forget_expired(tx, now)
        waiting = await store.waiting(tx, now, TRIES, AT_ONCE)
    for kept in waiting:
        async with database.transaction() as tx:
            mine = await store.count_attempt(tx, kept)
        if not mine:
            continue
        try:
            await _gather(database, vault, parts, kept)
            gathered += 1
        except Exception as error:  # noqa: BLE001 - one that cannot be gathered harms no other
            logger.warning("export not gathered: %s", describe(error), extra={"fields": {"tries": kept.attempts + 1}})
    return gathered


async def _gather(database: Database, vault: Vault, parts: Parts, kept: KeptExport) -> None:
    key = (await vault.keys_of([kept.member_id])).get(kept.member_id)
    if key is None:
        return
    async with database.transaction() as tx:
        store.read_one_snapshot(tx)
        document = await _gathered(tx, vault, parts, kept.member_id)
        packed = zlib.compress(_encode(document))
        sealed = seal(key, packed, member_id=kept.member_id, field=_field(kept.export_id))
        store.fill_export(tx, kept, wall_now(), sealed)


def _of(member_id: UUID, whose: UUID, rows: Section) -> Section:
    """Say of what comes from a membership that became one with the member's which that was."""
    if member_id == whose:
        return rows
    return [{"membership": public_id(MEMBER_PREFIX, member_id), **row} for row in rows]


async def gather_now(tx: Transaction, vault: Vault, parts: Parts, member_id: UUID) -> Document:
    """Gather everything about a member at once, in one snapshot, and keep nothing; it takes seconds.

    The transaction must not have read before. All in the clear: the caller notes who reads it and why. Raises NotFound
    (404), MemberGone (410). Source: the tables of all rooms.
    """
    store.read_one_snapshot(tx)
    whose, _ = await identity.meant(tx, member_id)
    return await _gathered(tx, vault, parts, whose)


async def _gathered(tx: Transaction, vault: Vault, parts: Parts, whose: UUID) -> Document:
    sections: dict[str, Section] = {}
    for member_id in (whose, *await merging.family(tx, whose)):
        for part in (OWN, *parts):
            for name, rows in (await part.export(tx, vault, member_id)).items():
                sections[name] = sections.get(name, []) + _of(member_id, whose, rows)
    return Document(member_id=public_id(MEMBER_PREFIX, whose), made_at=wall_now(), as_of=tx.now, sections=sections)


def titles(parts: Parts) -> dict[str, str]:
    """Return how each section is called, in the order in which they are shown."""
    return {name: title for part in (OWN, *parts) for name, title in part.sections.items()}


def _export(kept: KeptExport) -> MemberExport:
    return MemberExport(
        export_id=kept.export_id,
        member_id=kept.member_id,
        asked_at=kept.asked_at,
        asked_by=kept.asked_by,
        ready_at=kept.ready_at,
        expires_at=kept.expires_at,
        is_failed=kept.ready_at is None and kept.attempts >= TRIES,
    )


def _field(export_id: UUID) -> str:
    return f"export:{export_id.hex}"
