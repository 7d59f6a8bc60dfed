"""Devices of shops: a code made in the console turns a browser into one; its key is a cookie, kept as a hash here."""

from collections.abc import Collection
from datetime import timedelta
from hmac import digest
from typing import Final
from uuid import UUID

from regulars.commerce.contracts import (
    DEVICE_PREFIX,
    DeviceEnrolled,
    DeviceViewer,
    EnrolmentCode,
    StoreDevice,
)
from regulars.commerce.devices import store
from regulars.commerce.devices.errors import DeviceNameImpossible, EnrolmentCodeRefused
from regulars.commerce.stores.service import read_store
from regulars.platform import clock
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth.browsers import agent_family
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff.contracts import Viewer as Staff
from regulars.platform.auth.staff.permissions import ROLES, Role
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.rules import Policy
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.auth.tokens import hash_of, new_token, new_typed_code, read_typed_code
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id, public_id
from regulars.platform.vault.cipher import key_for
from regulars.platform.vault.contracts import Vault

CODE_LENGTH: Final = 8  # 40 bits, for a quarter of an hour
CODE_LASTS: Final = timedelta(minutes=15)
SEEN_EVERY: Final = timedelta(minutes=10)
LONGEST_NAME: Final = 60
TRIED_FROM: Final = Policy(
    bucket="device code", free=10, base_seconds=30, cap_seconds=3_600, leak_seconds=300, success_returns=1
)


async def make_enrolment(tx: Transaction, vault: Vault, store_id: str, name: str) -> EnrolmentCode:
    """Make a code that enrols one device of a store; see `commerce.api.make_device_enrolment`."""
    named = name.strip()
    if not 1 <= len(named) <= LONGEST_NAME or not named.isprintable():
        raise DeviceNameImpossible(pointer="/name", at_most=LONGEST_NAME)
    await read_store(tx, store_id)
    code, until = new_typed_code(CODE_LENGTH), clock.wall_now() + CODE_LASTS
    store.insert_enrolment(tx, _hash(vault, code), store_id, named, until)
    _note(tx, tx.actor, "make_device_code", store_id, named)
    half = CODE_LENGTH // 2
    return EnrolmentCode(code=f"{code[:half]}-{code[half:]}", store_id=store_id, name=named, expires_at=until)


async def enrol(tx: Transaction, vault: Vault, code: str, browser: Browser) -> DeviceEnrolled | DomainError:
    """Make this browser a device of the store that the code was made for; see `commerce.api.enrol_device`."""
    at_place = Counters(vault.pepper).at(TRIED_FROM, browser.address)
    if blocked := await throttle.count(tx, at_place):
        return blocked
    now = clock.wall_now()
    used = await store.use_enrolment(tx, _hash(vault, read_typed_code(code)), now)
    if used is None:
        return EnrolmentCodeRefused(pointer="/code")
    await throttle.forgive(tx, at_place)
    store_id, name, made_by = used
    shop, token = await read_store(tx, store_id), new_token()
    device = StoreDevice(
        device_id=new_id(),
        store_id=store_id,
        store_name=shop.name,
        name=name,
        agent=agent_family(browser.user_agent),
        enrolled_by=made_by,
        enrolled_at=now,
        last_seen_at=now,
    )
    store.insert_device(tx, device, hash_of(token))
    public = public_id(DEVICE_PREFIX, device.device_id)
    _note(tx, f"device:{public}", "enrol_device", public, f"store {store_id}")
    return DeviceEnrolled(token=token, device=device)


async def recognise(tx: Transaction, token: str) -> DeviceViewer | None:
    """Return which device a key belongs to; None if none (any more). Notes now and then that it was seen."""
    found = await store.select_device(tx, hash_of(token)) if token else None
    if found is None:
        return None
    viewer, last_seen_at = found
    now = clock.wall_now()
    if now - last_seen_at >= SEEN_EVERY:
        tx.write(store.NOTE_SEEN, (now, viewer.device_id, now))
    return viewer


async def list_devices(tx: Transaction, stores: Collection[str] | None) -> list[StoreDevice]:
    """Return the devices of these stores, revoked ones last; None: of all stores."""
    return await store.select_devices(tx, None if stores is None else sorted(stores))


async def revoke_device(tx: Transaction, device_id: UUID, stores: Collection[str] | None) -> None:
    """Revoke a device of these stores; it is refused from its next request on. Raises NotFound."""
    store_id = await store.revoke(tx, device_id, None if stores is None else sorted(stores), clock.wall_now())
    if store_id is None:
        raise NotFound
    _note(tx, tx.actor, "revoke_device", public_id(DEVICE_PREFIX, device_id), f"store {store_id}")


def counter_permissions(device: DeviceViewer, staff: Staff | None, *, needs_person: bool = False) -> frozenset[str]:
    """Return what may be done at a device: as an assistant may, and what whoever signed in there may beside.

    Where a till `needs_person`, nothing may be done at it alone.
    """
    alone = frozenset[str]() if needs_person else ROLES[Role.ASSISTANT]
    return alone | staff.permissions if staff is not None and staff.sees_store(device.store_id) else alone


async def forget_old(tx: Transaction, *, at_most: int) -> bool:
    """Delete enrolment codes that ended more than a week ago; True if there may be more."""
    return await store.delete_old(tx, clock.wall_now() - timedelta(days=7), at_most)


def _hash(vault: Vault, code: str) -> bytes:
    return digest(key_for(vault.pepper, "device code"), code.encode(), "sha256")


def _note(tx: Transaction, actor: str, action: str, subject: str, detail: str) -> None:
    tx.audit(AuditEntry(actor=actor, action=action, subject=subject, request_id=tx.request_id, detail=detail))
