"""What staff merge without anybody's proof lets nobody in: until proved by who is signed in, or shown to staff."""

from datetime import timedelta

import pytest

from regulars.engagement import api as engagement
from regulars.engagement.channels import addresses
from regulars.engagement.channels.composing import Composer
from regulars.engagement.contracts import MessageChannel, MessageKind
from regulars.entrypoints.reactions import REACTIONS
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, MemberOpened
from regulars.platform.auth.contracts import Browser
from regulars.platform.errors import DomainError
from regulars.platform.outbox.relay import Relay
from regulars.platform.settings import Settings
from tests.entrypoints.proposing import EMAIL, OTHER_EMAIL, PHONE, uuid_of
from tests.entrypoints.test_merging import Door, door
from tests.members.entering import PHONE_BROWSER, Portal

__all__ = ["door"]  # the fixture
pytestmark = pytest.mark.anyio
NUMBER, ADDRESS = IdentityValue(IdentityKind.PHONE, PHONE), IdentityValue(IdentityKind.EMAIL, EMAIL)


async def entered(portal: Portal, value: IdentityValue, browser: Browser = PHONE_BROWSER) -> str:
    """Type a right code; return who one is then, or why not."""
    sent = await portal.ask(value, browser)
    outcome = await portal.enter(sent.ticket, portal.phones.code, browser)
    assert isinstance(outcome, MemberOpened | DomainError)
    return outcome.code if isinstance(outcome, DomainError) else outcome.member_id.hex


async def asked_to_confirm(door: Door) -> list[str]:
    """Let what happened be told, and return what the links of the letters carry that ask whose an address is."""
    database, vault = door.services.database, door.services.vault
    await Relay(database, REACTIONS).drain()
    async with database.transaction(set_based=True) as tx:
        await Composer(vault, frozenset({MessageChannel.INBOX, MessageChannel.EMAIL})).compose(tx)
    brand = engagement.brand_of(Settings(development=True, public_url="https://club.example"))
    async with database.transaction() as tx:
        page = await engagement.list_messages(tx, vault, brand, clear=True)
    letters = [one.letter for one in page.messages if one.ref.kind is MessageKind.CONFIRM_ADDRESS]
    return [one.button[1].rpartition("/")[2] for one in letters if one is not None and one.button is not None]


async def confirmed(door: Door, token: str) -> str:
    """Follow such a link and press its button; return why not, if it is refused."""
    try:
        async with door.services.database.transaction() as tx:
            await engagement.confirm_address(tx, door.services.vault, token)
    except DomainError as refusal:
        return refusal.code
    return ""


def portal_of(door: Door) -> Portal:
    return Portal(door.services.database, door.services.vault)


async def test_what_came_unproved_opens_no_session_until_it_is_proved_from_inside(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email=EMAIL), await door.sign_up(phone=PHONE, email=OTHER_EMAIL)
    looked = await door.merge(survivor, absorbed, dry_run=True)
    top = await door.sign_up(card="RG11223344")
    portal = portal_of(door)
    own = await portal.sign_in(ADDRESS)
    first = await door.merge(survivor, absorbed)
    assert looked["unproved"] == first["unproved"] == ["phone", "email"]

    assert await entered(portal, NUMBER) == "address_not_proved"
    async with door.services.database.transaction() as tx:  # by the link in a letter, which may be a stranger's
        assert await members.prove_email(tx, door.services.vault, uuid_of(survivor), OTHER_EMAIL) is False
    merged = await door.merge(top, survivor)
    assert merged["unproved"] == ["phone", "email"]  # the survivor's own was proved
    assert await entered(portal, NUMBER) == "address_not_proved"
    assert await entered(portal, ADDRESS) == uuid_of(top).hex
    await door.undo(top, merged["merge_id"])
    assert await entered(portal, NUMBER) == "address_not_proved"

    assert await portal.recognise(own.token) is None  # merging ended it
    mine = await portal.sign_in(ADDRESS)
    inside = Browser(address=PHONE_BROWSER.address, user_agent=PHONE_BROWSER.user_agent, token=mine.token)
    assert await entered(portal, NUMBER, inside) == uuid_of(survivor).hex
    assert await entered(portal, NUMBER) == uuid_of(survivor).hex

    await door.undo(survivor, first["merge_id"])
    assert await entered(portal, NUMBER) == uuid_of(absorbed).hex
    assert await entered(portal, IdentityValue(IdentityKind.EMAIL, OTHER_EMAIL)) == uuid_of(absorbed).hex


async def test_no_letter_asks_for_a_proof_that_its_link_could_not_take(door: Door) -> None:
    survivor, absorbed = await door.sign_up(card="RG11223344"), await door.sign_up(email=OTHER_EMAIL)
    await door.order("o-1", absorbed, 10_000)
    (before,) = await asked_to_confirm(door)
    merged = await door.merge(survivor, absorbed)
    await door.order("o-2", survivor, 10_000)
    assert await asked_to_confirm(door) == [before]

    assert await confirmed(door, before) == "address_not_proved"  # not that the link was over: it was not
    assert await entered(portal_of(door), IdentityValue(IdentityKind.EMAIL, OTHER_EMAIL)) == "address_not_proved"
    own = {"kind": "email", "value": EMAIL}
    await door.call("POST", f"/v1/members/{survivor}/identities", own, status=201)
    await door.order("o-3", survivor, 10_000)
    (asked,) = [one for one in await asked_to_confirm(door) if one != before]
    assert await confirmed(door, asked) == ""

    await door.undo(survivor, merged["merge_id"])
    assert await confirmed(door, before) == ""
    await door.order("o-4", absorbed, 10_000)
    assert await asked_to_confirm(door) == [before]  # once; what was written to both since is forgotten


async def test_no_letter_asks_for_one_behind_an_address_that_was_refused(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email=EMAIL), await door.sign_up(email=OTHER_EMAIL)
    await portal_of(door).sign_in(ADDRESS)  # the survivor's own is proved
    await door.merge(survivor, absorbed)
    async with door.services.database.transaction() as tx:
        refused = (uuid_of(survivor), addresses.hash_of(door.services.vault, EMAIL), tx.now + timedelta(minutes=1))
        tx.write(
            "INSERT INTO mail_standings (member_id, address_hash, refused_at, answer) VALUES (%s, %s, %s, '550')",
            refused,
        )

    await door.order("o-2", survivor, 10_000)

    assert await asked_to_confirm(door) == []


async def test_somebody_else_s_session_is_no_inside(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email=EMAIL), await door.sign_up(phone=PHONE)
    await door.sign_up(email=OTHER_EMAIL)
    portal = portal_of(door)
    other = await portal.sign_in(IdentityValue(IdentityKind.EMAIL, OTHER_EMAIL))
    await door.merge(survivor, absorbed)

    theirs = Browser(address=PHONE_BROWSER.address, user_agent=PHONE_BROWSER.user_agent, token=other.token)
    assert await entered(portal, NUMBER, theirs) == "address_not_proved"


async def test_what_was_shown_to_staff_is_taken_away_and_given_anew(door: Door) -> None:
    survivor, absorbed = await door.sign_up(email=EMAIL), await door.sign_up(phone=PHONE)
    await door.merge(survivor, absorbed)
    (came,) = [
        one for one in (await door.call("GET", f"/v1/members/{survivor}"))["identities"] if one["kind"] == "phone"
    ]
    path = f"/v1/members/{survivor}/identities"
    await door.call("DELETE", f"{path}/{came['identity_id']}", status=None)
    await door.call("POST", path, {"kind": "phone", "value": PHONE}, status=201)

    assert await entered(portal_of(door), NUMBER) == uuid_of(survivor).hex
