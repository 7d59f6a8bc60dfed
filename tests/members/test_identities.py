"""Identities come and go; a member can always be found by one."""

import pytest

from regulars.members import api
from regulars.members.contracts import AddIdentity, Identity, IdentityValue, RemoveIdentity
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from regulars.platform.vault.contracts import VaultBroken
from regulars.platform.vault.local import LocalVault
from tests.members.people import card, contents, email, external, lookup, phone, rows, signed_up

pytestmark = pytest.mark.anyio


async def add(shop: Database, vault: LocalVault, member_id: object, value: IdentityValue) -> Identity:
    async with shop.transaction() as tx:
        return await api.add_identity(tx, vault, AddIdentity(member_id=member_id, identity=value))  # type: ignore[arg-type] # an id


async def remove(shop: Database, member_id: object, identity_id: object) -> Identity:
    async with shop.transaction() as tx:
        return await api.remove_identity(tx, RemoveIdentity(member_id=member_id, identity_id=identity_id))  # type: ignore[arg-type] # two ids


async def test_an_added_identity_finds_the_member(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone())

    added = await add(shop, vault, member.member_id, email())

    assert added.kind.value == "email"
    assert added.verified_at is None
    assert await lookup(shop, vault, email("WANG.FANG@example.com")) == member.member_id
    assert await rows(shop, "SELECT type, payload::jsonb ->> 'kind' FROM outbox ORDER BY seq OFFSET 1") == [
        ("IdentityAdded", "email")
    ]
    before = await contents(shop)
    assert await add(shop, vault, member.member_id, email("wang.fang@EXAMPLE.com")) == added
    assert await contents(shop) == before


async def test_a_removed_identity_is_free_for_anybody(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone(), email())

    removed = await remove(shop, member.member_id, member.identities[0].identity_id)

    assert removed == member.identities[0]
    assert await lookup(shop, vault, phone()) is None
    assert await lookup(shop, vault, email()) == member.member_id
    assert await rows(shop, "SELECT type, payload::jsonb ->> 'kind' FROM outbox ORDER BY seq OFFSET 1") == [
        ("IdentityRemoved", "phone")
    ]
    other = await signed_up(shop, vault, phone())
    assert await lookup(shop, vault, phone()) == other.member_id


async def refused(shop: Database, code: str, pointer: str | None, attempt: object) -> DomainError:
    before = await contents(shop)
    with pytest.raises(DomainError) as met:
        await attempt  # type: ignore[misc] # a coroutine
    assert (met.value.code, met.value.pointer) == (code, pointer)
    assert await contents(shop) == before
    return met.value


async def test_what_cannot_be_added_changes_nothing(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone())
    other = await signed_up(shop, vault, email())
    missing = new_id()

    taken = await refused(shop, "identity_taken", "/value", add(shop, vault, member.member_id, email()))
    assert other.member_id.hex not in str(taken)
    await refused(shop, "phone_impossible", "/value", add(shop, vault, member.member_id, phone("12345")))
    await refused(shop, "not_found", None, add(shop, vault, missing, card()))
    assert await vault.keys_of([missing]) == {}


async def test_a_member_has_at_most_twenty_identities(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, *[external(f"till-{n}:7") for n in range(20)])

    refusal = await refused(shop, "too_many_identities", None, add(shop, vault, member.member_id, card()))

    assert refusal.data == {"limit": 20}
    assert (await add(shop, vault, member.member_id, external("till-7:7"))) == member.identities[7]


async def test_the_last_identity_and_those_of_others_stay(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone())
    other = await signed_up(shop, vault, email(), card())

    await refused(shop, "last_identity", None, remove(shop, member.member_id, member.identities[0].identity_id))
    await refused(shop, "not_found", None, remove(shop, member.member_id, other.identities[0].identity_id))
    await refused(shop, "not_found", None, remove(shop, new_id(), other.identities[0].identity_id))


async def test_lookup_says_what_is_wrong_with_a_value(shop: Database, vault: LocalVault) -> None:
    await refused(shop, "phone_without_country", "/value", lookup(shop, vault, phone(), market=None))
    await refused(shop, "email_impossible", "/value", lookup(shop, vault, email("nobody")))
    await refused(shop, "unknown_market", "/market", lookup(shop, vault, phone(), market="XX"))


async def test_a_database_is_tied_to_one_vault(shop: Database, vault: LocalVault, tmp_path: object) -> None:
    other = LocalVault(tmp_path / "other")  # type: ignore[operator] # a path
    async with shop.transaction() as tx:
        await api.claim_vault(tx, vault)
        await api.claim_vault(tx, vault)

    with pytest.raises(VaultBroken, match="another vault"):
        async with shop.transaction() as tx:
            await api.claim_vault(tx, other)
    other.close()
