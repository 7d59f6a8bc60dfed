"""What members tell about themselves, readable with their key only."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from regulars.members.contracts import Birthday, ChangeProfile, Profile, ProfileChange, ProfileChanged
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity import service as identity
from regulars.members.profile import rules, store
from regulars.members.profile.errors import BirthdayFixed
from regulars.platform.db.transaction import Question, Transaction
from regulars.platform.vault.cipher import seal, unseal
from regulars.platform.vault.contracts import Vault

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Profile).decode


async def read_profiles(
    tx: Transaction, vault: Vault, member_ids: Sequence[UUID], *, clear: bool
) -> dict[UUID, Profile]:
    """Return the profiles of those who told anything and have their key, masked unless `clear`."""
    return await ask_profiles(tx, vault, member_ids, clear=clear)()


def ask_profiles(
    tx: Transaction, vault: Vault, member_ids: Sequence[UUID], *, clear: bool
) -> Callable[[], Awaitable[dict[UUID, Profile]]]:
    """Ask for the same along with the next read; see `members.api.ask_profiles`."""
    return partial(_profiles_told, tx, vault, store.ask_profiles(tx, member_ids), clear=clear)


async def _profiles_told(tx: Transaction, vault: Vault, question: Question, *, clear: bool) -> dict[UUID, Profile]:
    kept = await store.profiles_told(tx, question)
    keys = await vault.keys_of(list(kept)) if kept else {}
    opened = {member_id: opened_profile(key, member_id, *kept[member_id]) for member_id, key in keys.items()}
    return opened if clear else {member_id: rules.masked(profile) for member_id, profile in opened.items()}


async def change_profile(tx: Transaction, vault: Vault, wish: ChangeProfile) -> ProfileChanged:
    """Lay a change over a member's profile; see `members.api.change_profile`."""
    wish = replace(wish, member_id=(await identity.meant(tx, wish.member_id, lock=True))[0])
    if problem := rules.check(wish.change, tx.now.year):
        raise problem
    kept = (await store.select_profiles(tx, [wish.member_id])).get(wish.member_id)
    fields = rules.changed_fields(wish.change)
    if isinstance(wish.change.language, str):
        identity.set_language(tx, wish.member_id, wish.change.language)
    if not set(fields) - {"language"}:
        return ProfileChanged(member_id=wish.member_id, version=kept[0] if kept else 0, changed=fields)
    key = (await vault.make_keys([wish.member_id])).get(wish.member_id)
    if key is None:
        raise MemberGone
    profile = rules.lay_over(opened_profile(key, wish.member_id, *kept) if kept else Profile(), wish.change)
    sealed = seal(key, _encode(profile), member_id=wish.member_id, field=_field(profile.version))
    store.upsert_profile(tx, wish.member_id, profile.version, sealed, tx.now)
    return ProfileChanged(member_id=wish.member_id, version=profile.version, changed=fields)


async def clear_values(tx: Transaction, vault: Vault, member_id: UUID, values: Mapping[str, Any]) -> None:
    """Clear the fields of a member's own document that say just this; the caller holds the row.

    Also of who is part of another: the document of this very id.
    """
    kept = (await store.select_profiles(tx, [member_id])).get(member_id)
    key = (await vault.keys_of([member_id])).get(member_id)
    if kept is None or key is None:
        return
    known = opened_profile(key, member_id, *kept)
    same = [field for field, value in values.items() if getattr(known, field) == value]
    if same:
        profile = replace(known, version=known.version + 1, **dict.fromkeys(same))
        sealed = seal(key, _encode(profile), member_id=member_id, field=_field(profile.version))
        store.upsert_profile(tx, member_id, profile.version, sealed, tx.now)


async def tell_birthday(tx: Transaction, vault: Vault, member_id: UUID, birthday: Birthday) -> ProfileChanged:
    """Take down a birthday that its member tells; see `members.api.tell_birthday`."""
    member_id, _ = await identity.meant(tx, member_id, lock=True)
    known = (await read_profiles(tx, vault, [member_id], clear=True)).get(member_id)
    if known is not None and known.birthday is not None:
        raise BirthdayFixed
    return await change_profile(tx, vault, ChangeProfile(member_id=member_id, change=ProfileChange(birthday=birthday)))


def forget(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget what members told."""
    store.delete_profiles(tx, member_ids)


def opened_profile(key: bytes, member_id: UUID, version: int, sealed: bytes) -> Profile:
    """Return what a member told, opened with the member's key."""
    return _decode(unseal(key, sealed, member_id=member_id, field=_field(version)))


def _field(version: int) -> str:
    return f"profile:{version}"
