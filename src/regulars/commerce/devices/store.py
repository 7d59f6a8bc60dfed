"""SQL of devices. A code enrols one device: it is used by one guarded statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from regulars.commerce.contracts import DeviceViewer, StoreDevice
from regulars.platform.db import arrays
from regulars.platform.db.transaction import Transaction

INSERT_ENROLMENT: LiteralString = """
INSERT INTO device_enrolments (code_hash, store_id, name, made_by, expires_at) VALUES (%s, %s, %s, %s, %s)
"""
USE_ENROLMENT: LiteralString = """
UPDATE device_enrolments SET used_at = %s
WHERE code_hash = %s AND used_at IS NULL AND expires_at > %s RETURNING store_id, name, made_by
"""
INSERT_DEVICE: LiteralString = """
INSERT INTO store_devices
    (device_id, key_hash, store_id, name, agent, enrolled_by, enrolled_at, last_seen_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
SELECT_DEVICE: LiteralString = """
SELECT d.device_id, d.name, d.last_seen_at, s.store_id, s.name, s.market
FROM store_devices AS d JOIN stores AS s USING (store_id) WHERE d.key_hash = %s AND d.revoked_at IS NULL
"""
NOTE_SEEN: LiteralString = """
UPDATE store_devices SET last_seen_at = %s WHERE device_id = %s AND last_seen_at < %s
"""
SELECT_DEVICES: LiteralString = """
SELECT d.device_id, d.store_id, s.name, d.name, d.agent, d.enrolled_by, d.enrolled_at, d.last_seen_at, d.revoked_at
FROM store_devices AS d JOIN stores AS s USING (store_id)
WHERE %s::text[] IS NULL OR d.store_id = ANY (%s::text[])
ORDER BY d.revoked_at IS NOT NULL, s.name, d.store_id, d.name, d.device_id
"""
REVOKE: LiteralString = """
UPDATE store_devices SET revoked_at = coalesce(revoked_at, %s)
WHERE device_id = %s AND (%s::text[] IS NULL OR store_id = ANY (%s::text[])) RETURNING store_id
"""
DELETE_OLD: LiteralString = """
WITH old AS (SELECT code_hash FROM device_enrolments WHERE expires_at < %s LIMIT %s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM device_enrolments USING old WHERE device_enrolments.code_hash = old.code_hash RETURNING 1)
SELECT count(*) FROM gone
"""


def insert_enrolment(tx: Transaction, code_hash: bytes, store_id: str, name: str, until: datetime) -> None:
    tx.write(INSERT_ENROLMENT, (code_hash, store_id, name, tx.actor, until))


async def use_enrolment(tx: Transaction, code_hash: bytes, now: datetime) -> tuple[str, str, str] | None:
    """Use a code up; return store, name, and who made it. None if it cannot be used (any more)."""
    rows = await tx.rows(USE_ENROLMENT, (now, code_hash, now))
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


def insert_device(tx: Transaction, device: StoreDevice, key_hash: bytes) -> None:
    tx.write(
        INSERT_DEVICE,
        (
            device.device_id,
            key_hash,
            device.store_id,
            device.name,
            device.agent,
            device.enrolled_by,
            device.enrolled_at,
            device.last_seen_at,
        ),
    )


async def select_device(tx: Transaction, key_hash: bytes) -> tuple[DeviceViewer, datetime] | None:
    """Return a device that is not revoked, and when it was last seen: the last that its transaction reads."""
    rows = await tx.last_rows(SELECT_DEVICE, (key_hash,))
    if not rows:
        return None
    device_id, name, last_seen_at, store_id, store_name, market = rows[0]
    viewer = DeviceViewer(device_id=device_id, name=name, store_id=store_id, store_name=store_name, market=market)
    return viewer, last_seen_at


async def select_devices(tx: Transaction, stores: Sequence[str] | None) -> list[StoreDevice]:
    """Return the devices of these stores (None: of all), those in use first."""
    return [_device(row) for row in await tx.rows(SELECT_DEVICES, _scope(stores))]


async def revoke(tx: Transaction, device_id: UUID, stores: Sequence[str] | None, at: datetime) -> str | None:
    """Revoke a device of these stores; return its store, or None if there is no such device."""
    rows = await tx.rows(REVOKE, (at, device_id, *_scope(stores)))
    return str(rows[0][0]) if rows else None


async def delete_old(tx: Transaction, before: datetime, at_most: int) -> bool:
    """Delete codes that expired before `before`; True if there may be more."""
    return int((await tx.rows(DELETE_OLD, (before, at_most)))[0][0]) == at_most


def _scope(stores: Sequence[str] | None) -> tuple[str | None, str | None]:
    listed = None if stores is None else arrays.texts(stores)
    return listed, listed


def _device(row: tuple[Any, ...]) -> StoreDevice:
    device_id, store_id, store_name, name, agent, enrolled_by, enrolled_at, last_seen_at, revoked_at = row
    return StoreDevice(
        device_id=device_id,
        store_id=store_id,
        store_name=store_name,
        name=name,
        agent=agent,
        enrolled_by=enrolled_by,
        enrolled_at=enrolled_at,
        last_seen_at=last_seen_at,
        revoked_at=revoked_at,
    )
