"""Two who were one by mistake and are two again: nothing that told or let in both while they were one outlives that."""

from uuid import UUID

import pytest

from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from regulars.members.cards.errors import CardCodeExpired
from regulars.members.contracts import IdentityKind, IdentityValue, MemberViewer
from regulars.members.contracts.privacy import PrivacyPart, Section
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import parse_public_id
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault
from regulars.platform.vault.local import LocalVault
from tests.engagement.post_office import PostOffice
from tests.entrypoints.proposing import prove
from tests.entrypoints.test_merging import Door, door
from tests.members import erasing
from tests.members.entering import Portal

pytestmark = pytest.mark.anyio
__all__ = ["door"]
PHONE = "+8613800138000"


def of(public: str) -> UUID:
    found = parse_public_id("mbr", public)
    assert found is not None
    return found


async def both(door: Door) -> tuple[str, str]:
    """Return a survivor with an address, and an absorbed member with a number and a card; not merged yet.

    Both have proved that these are theirs.
    """
    found = await door.sign_up(email="fang@example.com"), await door.sign_up(phone=PHONE, card="62220000")
    for one in found:
        await prove(door, one)
    return found


def portal_of(door: Door) -> Portal:
    return Portal(door.services.database, door.services.vault)


async def signed_in(portal: Portal, kind: IdentityKind, value: str) -> tuple[str, MemberViewer]:
    opened = await portal.sign_in(IdentityValue(kind, value))
    viewer = await portal.recognise(opened.token)
    assert viewer is not None
    return opened.token, viewer


async def test_the_stranger_is_not_signed_in_as_the_survivor_any_more(door: Door) -> None:
    survivor, absorbed = await both(door)
    portal = portal_of(door)
    own, _ = await signed_in(portal, IdentityKind.EMAIL, "fang@example.com")
    merged = await door.merge(survivor, absorbed)
    token, viewer = await signed_in(portal, IdentityKind.PHONE, PHONE)  # the number that came over
    assert viewer.member_id == of(survivor)

    await door.undo(survivor, merged["merge_id"], dry_run=True)
    assert await portal.recognise(token) is not None
    await door.undo(survivor, merged["merge_id"])

    assert [await portal.recognise(one) for one in (token, own)] == [None, None]
    _, viewer = await signed_in(portal, IdentityKind.PHONE, PHONE)
    assert viewer.member_id == of(absorbed)


async def test_card_codes_of_the_survivor_end_when_the_stranger_goes(door: Door) -> None:
    survivor, absorbed = await both(door)
    vault, portal = door.services.vault, portal_of(door)
    merged = await door.merge(survivor, absorbed)
    _, viewer = await signed_in(portal, IdentityKind.PHONE, PHONE)
    codes = members.card_codes(vault, viewer.member_id, viewer.parted)
    still = members.still_card_code(vault, viewer.member_id, viewer.parted)
    async with door.services.database.transaction() as tx:
        assert await members.open_card_code(tx, vault, codes[0].code) == of(survivor)
    another = members.card_codes(vault, viewer.member_id, viewer.parted)[0]

    await door.undo(survivor, merged["merge_id"])

    for code in (another, still):
        with pytest.raises(CardCodeExpired):
            async with door.services.database.transaction() as tx:
                await members.open_card_code(tx, vault, code.code)
    for kind, value, whose in (
        (IdentityKind.EMAIL, "fang@example.com", survivor),
        (IdentityKind.PHONE, PHONE, absorbed),
    ):
        _, viewer = await signed_in(portal, kind, value)
        assert viewer.parted == (1 if whose == survivor else 0)
        fresh = members.still_card_code(vault, viewer.member_id, viewer.parted)
        async with door.services.database.transaction() as tx:
            assert await members.open_card_code(tx, vault, fresh.code) == of(whose)


async def exported(door: Door, member: str) -> str:
    """Have everything about a member gathered, as the worker does; returns where it is read."""
    asked = await door.call("POST", f"/v1/members/{member}/exports", None, status=202)
    assert await members.gather_waiting(door.services.database, door.services.vault, PARTS) == 1
    return f"/v1/members/{member}/exports/{asked['export_id']}"


async def test_undoing_ends_the_exports_that_tell_of_both(door: Door) -> None:
    survivor, absorbed = await both(door)
    own = await exported(door, survivor)
    await door.client.get(own)
    async with door.services.database.transaction() as tx:
        tx.write("UPDATE member_exports SET ready_at = ready_at - interval '1 hour'")
    await door.order("A", absorbed, 120_000)
    merged = await door.merge(survivor, absorbed)
    path = await exported(door, survivor)
    assert PHONE in (await door.client.get(path)).text
    await door.call("POST", f"/v1/members/{survivor}/exports", None, status=202)  # one that still waits

    await door.undo(survivor, merged["merge_id"])

    assert (await door.client.get(path)).status_code == 404
    told = [await door.call("GET", f"/v1/members/{one}/exports") for one in (survivor, absorbed)]
    assert [[one["export_id"] for one in each["exports"]] for each in told] == [[own.rsplit("/", 1)[1]], []]
    assert PHONE not in (await door.client.get(own)).text
    assert await members.gather_waiting(door.services.database, door.services.vault, PARTS) == 0


async def test_an_export_that_was_being_gathered_while_they_were_one_is_not_kept(door: Door) -> None:
    survivor, absorbed = await both(door)
    merged = await door.merge(survivor, absorbed)
    await door.call("POST", f"/v1/members/{survivor}/exports", None, status=202)

    async def parted_meanwhile(_tx: Transaction, _vault: Vault, member_id: UUID) -> dict[str, Section]:
        if member_id == of(survivor):
            await door.undo(survivor, merged["merge_id"])
        return {}

    late = PrivacyPart(room="test", erase=PARTS[0].erase, export=parted_meanwhile, sections={}, excused={})
    await members.gather_waiting(door.services.database, door.services.vault, (*PARTS, late))

    assert (await door.call("GET", f"/v1/members/{survivor}/exports"))["exports"] == []


async def test_who_was_parted_and_erased_is_in_no_export_of_the_other(door: Door) -> None:
    survivor, absorbed = await both(door)
    merged = await door.merge(survivor, absorbed)
    path = await exported(door, survivor)
    await door.undo(survivor, merged["merge_id"])
    await erasing.erase(door.services.database, door.services.vault, of(absorbed), PARTS)

    assert (await door.client.get(path)).status_code == 404
    again = await exported(door, survivor)
    assert PHONE not in (await door.client.get(again)).text
    assert await door.problems() == {}


async def test_merging_ends_the_exports_that_wait_of_the_absorbed(door: Door) -> None:
    survivor, absorbed = await both(door)
    await door.call("POST", f"/v1/members/{absorbed}/exports", None, status=202)

    await door.merge(survivor, absorbed)

    assert await members.gather_waiting(door.services.database, door.services.vault, PARTS) == 0


async def test_undoing_forgets_what_the_survivor_was_told_meanwhile(door: Door) -> None:
    services = door.services
    assert isinstance(services.vault, LocalVault)
    office = PostOffice(services.database, services.vault, Settings(development=True, brand_name="Beichen"))
    survivor = await door.sign_up(email="fang@example.com")
    absorbed = await door.sign_up(email="wang@example.com")
    for member, address in ((survivor, "fang@example.com"), (absorbed, "wang@example.com")):
        async with services.database.transaction() as tx:
            assert await members.prove_email(tx, services.vault, of(member), address)
    await door.order("before", survivor, 120_000)
    await office.write()
    async with services.database.transaction() as tx:
        tx.write("UPDATE messages SET written_at = written_at - interval '1 hour'")
    merged = await door.merge(survivor, absorbed)
    await door.order("meanwhile", absorbed, 50_000)
    await office.write()
    told = (await door.call("GET", f"/v1/members/{survivor}/messages"))["messages"]
    addresses = {one["address"] for one in told if one["channel"] == "email"}
    assert {address[0] for address in addresses} == {"f", "w"}  # mail goes to the one proved last
    path = f"/v1/members/{survivor}/messages"

    await door.undo(survivor, merged["merge_id"], dry_run=True)
    assert (await door.call("GET", path))["messages"] == told
    await door.undo(survivor, merged["merge_id"])

    left = (await door.call("GET", path))["messages"]
    assert left
    assert {one["message_id"] for one in left} < {one["message_id"] for one in told}
    assert "meanwhile" not in str(left)
    assert {one["address"][0] for one in left if one["channel"] == "email"} == {"f"}
    assert await door.problems() == {}


async def test_pages_tell_neither_of_the_other_after_the_undoing(door: Door) -> None:
    """With an order of each, and a return of the other one while they were one."""
    survivor, absorbed = await both(door)
    await door.order("own-of-S", survivor, 80_000)
    await door.order("own-of-A", absorbed, 120_000)
    portal = portal_of(door)
    merged = await door.merge(survivor, absorbed)
    token, _ = await signed_in(portal, IdentityKind.EMAIL, "fang@example.com")
    half = {"return_id": "r-of-A", "lines": [{"line_id": "1", "quantity": 1}]}
    await door.call("POST", "/v1/orders/own-of-A/returns", half, status=201)
    during = await pages(door, token)
    assert "own-of-A" in during["/portal/orders"]

    await door.undo(survivor, merged["merge_id"])

    for kind, value, own, other in (
        (IdentityKind.EMAIL, "fang@example.com", "own-of-S", ("own-of-A", "r-of-A", absorbed)),
        (IdentityKind.PHONE, PHONE, "own-of-A", ("own-of-S", survivor)),
    ):
        token, _ = await signed_in(portal, kind, value)
        after = await pages(door, token)
        assert own in after["/portal/orders"]
        assert own in after["/portal/statement"]
        assert [(path, one) for path, text in after.items() for one in other if one in text] == []


async def pages(door: Door, token: str) -> dict[str, str]:
    """Return what the portal shows a member."""
    paths = ("", "/points", "/statement", "/tier", "/orders", "/consents", "/data", "/profile", "/inbox", "/devices")
    found = {}
    for path in paths:
        answer = await door.client.get(f"/portal{path}", headers={"Cookie": f"rgl_member={token}"})
        assert answer.status_code == 200, (path, answer.status_code)
        found[f"/portal{path}"] = answer.text
    return found
