"""Members get in by a code: whoever holds the phone, member or not, and nobody else."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from regulars.members import api
from regulars.members.access.errors import CannotReceiveCodes, CodeStale, CodeWrong, WordingUnknown
from regulars.members.access.sessions import forget_ended
from regulars.members.contracts import (
    CodeSent,
    Consent,
    ConsentOffered,
    IdentityValue,
    MemberOpened,
    SignUpByCode,
    SignUpOpen,
)
from regulars.members.identity.errors import EmailImpossible, PhoneImpossible
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.markets.errors import UnknownMarket
from regulars.platform.vault.local import LocalVault
from tests.members.entering import PHONE_BROWSER, SETTINGS, Phones, Portal
from tests.members.people import card, contents, email, lookup, phone, rows, signed_up
from tests.platform.staffing import Wall

STRANGER = Browser(address="198.51.100.44")

pytestmark = pytest.mark.anyio


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


@pytest.fixture
def portal(shop: Database, vault: LocalVault, wall: Wall) -> Portal:  # noqa: ARG001 - the clock stands before it is asked
    return Portal(shop, vault)


async def test_a_member_gets_in_and_the_address_is_proved(portal: Portal) -> None:
    member = await signed_up(portal.database, portal.vault, phone(), email())

    sent = await portal.ask(phone("138-0013-8000"))
    opened = await portal.enter(sent.ticket, f" {portal.phones.code[:3]} {portal.phones.code[3:]}")

    assert portal.phones.got == [("sms", "+8613800138000", portal.phones.code, "zh", member.member_id)]
    assert len(portal.phones.code) == 6
    assert (sent.shown, sent.resend_in_seconds) == ("+86 138****8000", 60)
    assert isinstance(opened, MemberOpened)
    viewer = await portal.recognise(opened.token)
    assert viewer is not None
    assert (viewer.member_id, viewer.session_id, viewer.market) == (member.member_id, opened.session_id, "CN")
    async with portal.database.transaction() as tx:
        ((_, shown),) = await api.show_members(tx, portal.vault, [member.member_id], clear=False)
    assert [(one.kind, one.verified_at is not None) for one in shown] == [("phone", True), ("email", False)]


async def test_asking_tells_nothing_of_who_is_a_member(portal: Portal) -> None:
    member = await signed_up(portal.database, portal.vault, phone())
    told: list[CodeSent] = [await portal.ask(phone()), await portal.ask(phone("139 0013 9000"))]

    for one, other in (told, reversed(told)):
        assert (one.expires_at, one.resend_in_seconds, len(one.ticket)) == (
            other.expires_at,
            other.resend_in_seconds,
            len(other.ticket),
        )
    assert [got[4] for got in portal.phones.got] == [member.member_id, None]
    for sent in told:
        outcome = await portal.enter(sent.ticket, "12345")
        assert isinstance(outcome, CodeWrong)
        assert outcome.data == {"tries_left": 4}


async def test_who_is_new_signs_up_with_what_they_agreed_to(portal: Portal, wall: Wall) -> None:
    sent = await portal.ask(email("New.Friend@Example.com"))
    outcome = await portal.enter(sent.ticket, portal.phones.code)
    assert isinstance(outcome, SignUpOpen)
    assert outcome.shown == "N***@example.com"
    offered = api.consents_offered(portal.vault, sent.ticket)
    assert [(one.purpose, one.channel) for one in offered] == [("marketing", "email"), ("profiling", "any")]
    async with portal.database.transaction() as tx:
        assert await api.sign_up_open(tx, portal.vault, sent.ticket) == outcome

    wish = SignUpByCode(language="en", display_name="Li", consents=offered[:1])
    opened = await portal.sign_up(sent.ticket, wish)

    async with portal.database.transaction() as tx:
        ((member, identities),) = await api.show_members(tx, portal.vault, [opened.member_id], clear=True)
        profile = (await api.read_profiles(tx, portal.vault, [opened.member_id], clear=True))[opened.member_id]
        in_force, _ = await api.consents(tx, opened.member_id, as_of=tx.now)
        assert await api.sign_up_open(tx, portal.vault, sent.ticket) is None
    assert (member.market, member.language, member.channel, member.store_id) == ("CN", "en", "online", None)
    assert [(one.value, one.verified_at is not None) for one in identities] == [("New.Friend@example.com", True)]
    assert profile.display_name == "Li"
    assert [_told(consent) for consent in in_force] == [
        ("marketing", "email", "given", "sign-up-email-2026-11", f"member:mbr_{opened.member_id.hex}")
    ]
    assert await portal.recognise(opened.token) is not None
    wall.advance(minutes=1)
    with pytest.raises(CodeStale):
        await portal.sign_up(sent.ticket, wish)


def _told(consent: Consent) -> tuple[str, str, str, str, str]:
    return consent.purpose, consent.channel, consent.decision, consent.wording_version, consent.actor


async def test_who_signed_up_in_another_window_is_signed_in(portal: Portal) -> None:
    sent = await portal.ask(email())
    await portal.enter(sent.ticket, portal.phones.code)
    member = await signed_up(portal.database, portal.vault, email(), phone())

    opened = await portal.sign_up(sent.ticket, SignUpByCode(language="en"))

    assert opened.member_id == member.member_id
    assert await rows(portal.database, "SELECT count(*) FROM members") == [(1,)]


async def test_without_the_code_nobody_signs_up(portal: Portal) -> None:
    sent = await portal.ask(email())
    before = await contents(portal.database)
    made_up = ConsentOffered(purpose="sharing", channel="any", wording_version="x", wording="x")  # type: ignore[arg-type] # as a form might say

    for ticket in (sent.ticket, sent.ticket[:-4], "", "made up", "é", "A" * 3_000):
        with pytest.raises(CodeStale):
            await portal.sign_up(ticket, SignUpByCode(language="en"))
    await portal.enter(sent.ticket, portal.phones.code)
    with pytest.raises(WordingUnknown):
        await portal.sign_up(sent.ticket, SignUpByCode(language="en", consents=(made_up,)))
    assert await contents(portal.database) == before
    assert isinstance(await portal.sign_up(sent.ticket, SignUpByCode(language="en")), MemberOpened)  # not used up


async def test_a_code_is_good_once_for_ten_minutes_and_five_tries(portal: Portal, wall: Wall) -> None:
    member = await signed_up(portal.database, portal.vault, phone())
    sent = await portal.ask(phone())
    left = []
    for _ in range(4):
        outcome = await portal.enter(sent.ticket, portal.phones.wrong)
        assert isinstance(outcome, CodeWrong)
        left.append(outcome.data["tries_left"])
    assert left == [4, 3, 2, 1]
    assert isinstance(await portal.enter(sent.ticket, portal.phones.wrong), CodeStale)
    assert isinstance(await portal.enter(sent.ticket, portal.phones.code), CodeStale)

    wall.advance(seconds=60)
    sent = await portal.ask(phone())
    wall.advance(minutes=9, seconds=59)
    opened = await portal.enter(sent.ticket, portal.phones.code)
    assert isinstance(opened, MemberOpened)
    assert opened.member_id == member.member_id
    wall.advance(minutes=1)
    assert isinstance(await portal.enter(sent.ticket, portal.phones.code), CodeStale)
    sent = await portal.ask(phone())
    wall.advance(minutes=10)
    assert isinstance(await portal.enter(sent.ticket, portal.phones.code), CodeStale)


async def test_a_code_is_good_in_the_browser_that_asked_only(portal: Portal, wall: Wall) -> None:
    """Whoever asks for a code to somebody's phone can neither use that one's code nor use up its tries."""
    await signed_up(portal.database, portal.vault, phone())
    theirs = await portal.ask(phone())
    wall.advance(seconds=60)
    mine = await portal.ask(phone())
    code = portal.phones.code

    for _ in range(5):
        await portal.enter(theirs.ticket, code)
    assert isinstance(await portal.enter(theirs.ticket, code), CodeStale)
    assert isinstance(await portal.enter(mine.ticket, code), MemberOpened)


async def test_codes_to_one_address_come_slower_and_slower(portal: Portal, wall: Wall) -> None:
    waits = []
    for _ in range(8):
        sent = await portal.ask(phone())
        waits.append(sent.resend_in_seconds)
        with pytest.raises(TooManyAttempts):
            await portal.ask(phone("+86 138 0013 8000"))
        wall.advance(seconds=sent.resend_in_seconds)

    assert waits == [60, 120, 240, 480, 960, 960, 1800, 1800]
    assert len(portal.phones.got) == 8
    sent = await portal.ask(phone())
    await portal.enter(sent.ticket, portal.phones.code)
    assert (await portal.ask(phone())).resend_in_seconds == 60  # who got in has shown whose it is


async def test_nobody_elsewhere_keeps_a_member_out(portal: Portal, wall: Wall) -> None:
    """Somebody asks for codes to a member's number whenever they may; the member gets one at once all the same."""
    for n in range(200):
        try:
            await portal.ask(phone(), STRANGER)
        except TooManyAttempts as blocked:
            wait = blocked.data["retry_after_seconds"]
            assert isinstance(wait, int)
            wall.advance(seconds=wait)
        if n % 50 == 49:
            wall.advance(minutes=2)
            sent = await portal.ask(phone())
            assert isinstance(await portal.enter(sent.ticket, portal.phones.code), SignUpOpen)
    assert len(portal.phones.got) > 90


async def test_wrong_codes_of_others_at_a_place_keep_no_known_browser_out(portal: Portal, wall: Wall) -> None:
    """A shop's network, or a carrier's, is one place for everybody in it."""
    await signed_up(portal.database, portal.vault, phone())
    opened = await portal.sign_in(phone())
    mine = Browser(address=PHONE_BROWSER.address, known=opened.known)
    wall.advance(hours=1)
    foul = await portal.ask(phone("139 0013 8001"))
    outcomes = [await portal.enter(foul.ticket, portal.phones.wrong) for _ in range(40)]
    sent = await portal.ask(phone(), mine)

    assert isinstance(outcomes[-1], TooManyAttempts)
    assert portal.phones.known == [False, False, True]
    assert isinstance(await portal.enter(sent.ticket, portal.phones.wrong, mine), CodeWrong)
    assert isinstance(await portal.enter(sent.ticket, portal.phones.code, mine), MemberOpened)
    again = await portal.ask(phone(), mine)
    tries = [await portal.enter(again.ticket, portal.phones.wrong, mine) for _ in range(6)]
    assert [isinstance(one, CodeWrong) for one in tries] == [*[True] * 4, False, False], "five tries, known or not"


async def test_a_thousand_places_side_by_side_are_a_neighbourhood(portal: Portal, wall: Wall) -> None:
    wall.advance(seconds=1)
    refused = 0
    for number in range(320):
        browser = Browser(address=f"2001:db8:7:{number:x}::1")
        try:
            await portal.ask(phone(f"139 {number:04} 8001"), browser)
        except TooManyAttempts:
            refused += 1
    assert refused > 0
    assert len(portal.phones.got) >= 300
    await portal.ask(phone(), Browser(address="2001:db8:8:1::1"))


async def test_many_places_cannot_keep_out_a_browser_that_is_known(portal: Portal, wall: Wall) -> None:
    await signed_up(portal.database, portal.vault, phone())
    opened = await portal.sign_in(phone())
    mine = Browser(address="192.0.2.7", known=opened.known)
    for n in range(30):
        with suppress(TooManyAttempts):
            await portal.ask(phone(), Browser(address=f"203.0.113.{n}"))
    with pytest.raises(TooManyAttempts):
        await portal.ask(phone(), Browser(address="192.0.2.7"))

    again = await portal.sign_in(phone(), mine)

    assert again.known != opened.known
    wall.advance(days=181)
    for n in range(30):
        with suppress(TooManyAttempts):
            await portal.ask(phone(), Browser(address=f"203.0.113.{n}"))
    with pytest.raises(TooManyAttempts):  # it is known for half a year
        await portal.ask(phone(), Browser(address="192.0.2.7", known=again.known))


async def test_nobody_has_codes_sent_to_their_own_number_for_ever(portal: Portal) -> None:
    """Each is answered, as who earns by it would; known or not."""
    await signed_up(portal.database, portal.vault, phone())
    known, refused = "", 0
    for _ in range(40):
        try:
            opened = await portal.sign_in(phone(), Browser(address="192.0.2.7", known=known))
            known = opened.known
        except TooManyAttempts:
            refused += 1
    assert (len(portal.phones.got), refused) == (11, 29)


async def test_a_second_tap_goes_on_where_the_first_one_led(portal: Portal, wall: Wall) -> None:
    member = await signed_up(portal.database, portal.vault, phone())
    sent = await portal.ask(phone())
    first = await portal.enter(sent.ticket, portal.phones.code)
    wall.advance(seconds=59)
    second = await portal.enter(sent.ticket, portal.phones.code)
    assert isinstance(first, MemberOpened)
    assert isinstance(second, MemberOpened)
    assert second.member_id == member.member_id
    assert [await portal.recognise(one.token) is not None for one in (first, second)] == [False, True]
    for _ in range(9):  # nor is it a way to guess
        assert isinstance(await portal.enter(sent.ticket, portal.phones.wrong), CodeStale)
    assert isinstance(await portal.enter(sent.ticket, portal.phones.code), CodeStale)

    fresh = await portal.ask(email("fresh@example.com"))
    for _ in range(2):
        assert isinstance(await portal.enter(fresh.ticket, portal.phones.code), SignUpOpen)
    made = [await portal.sign_up(fresh.ticket, SignUpByCode(language="en")) for _ in range(2)]
    assert made[0].member_id == made[1].member_id
    assert [await portal.recognise(one.token) is not None for one in made] == [False, True]


async def test_one_place_cannot_send_codes_to_everybody(portal: Portal) -> None:
    for n in range(30):
        await portal.ask(phone(f"138 0013 80{n:02}"))
    with pytest.raises(TooManyAttempts):
        await portal.ask(phone("138 0013 8099"))

    assert len(portal.phones.got) == 30
    await portal.ask(phone("138 0013 8099"), Browser(address="198.51.100.1"))


async def test_one_place_cannot_try_codes_for_ever(portal: Portal) -> None:
    told: list[object] = []
    for n in range(7):
        sent = await portal.ask(phone(f"138 0013 80{n:02}"))
        told += [await portal.enter(sent.ticket, portal.phones.wrong) for _ in range(5)]

    assert [type(one).__name__ for one in told[29:31]] == ["CodeStale", "TooManyAttempts"]
    assert all(isinstance(one, TooManyAttempts) for one in told[30:])


@pytest.mark.parametrize(
    ("identity", "market", "refused"),
    [
        (phone("12345"), "CN", PhoneImpossible),
        (email("nobody"), "CN", EmailImpossible),
        (card(), "CN", CannotReceiveCodes),
        (phone(), "XX", UnknownMarket),
    ],
)
async def test_what_nothing_can_be_sent_to_is_refused(
    portal: Portal, identity: IdentityValue, market: str, refused: type[DomainError]
) -> None:
    with pytest.raises(refused):
        await portal.ask(identity, market=market)
    assert portal.phones.got == []
    assert await rows(portal.database, "SELECT count(*) FROM attempts") == [(0,)]


async def test_no_address_and_no_code_is_kept(portal: Portal, database_url: str) -> None:
    sent = await portal.ask(phone())
    opened = await portal.enter(sent.ticket, portal.phones.wrong)
    assert isinstance(opened, CodeWrong)
    await _made(portal)
    session = await portal.sign_in(email())

    kept = ""
    with psycopg.connect(database_url) as connection:
        for table in ("access_codes", "attempts", "member_sessions", "audit_entries", "procrastinate_jobs"):
            for row in connection.execute(f"SELECT * FROM {table}").fetchall():
                kept += repr([bytes(value).hex() if isinstance(value, memoryview) else value for value in row])
    codes = [got[2] for got in portal.phones.got]
    hidden = [*codes, "13800138000", "wang.fang", session.token, "192.0.2.7", sent.ticket]
    assert [one for one in hidden if one.lower() in kept.lower() or one.encode().hex() in kept] == []
    assert "Safari on iPhone" in kept
    assert "****" not in repr(sent)


async def _made(portal: Portal) -> UUID:
    return (await signed_up(portal.database, portal.vault, email())).member_id


# --- sessions ---------------------------------------------------------------------------------------------------


async def test_a_remembered_device_stays_and_a_visit_ends(portal: Portal, wall: Wall) -> None:
    await _made(portal)
    remembered, visit = await portal.sign_in(email()), await portal.sign_in(email(), remember=False)

    assert (remembered.expires_at - wall.now, visit.expires_at - wall.now) == (timedelta(days=365), timedelta(days=1))
    for _ in range(12):
        wall.advance(hours=1, minutes=59)
        assert await portal.recognise(visit.token) is not None
    assert await portal.recognise(remembered.token) is not None
    wall.advance(minutes=20)
    assert await portal.recognise(visit.token) is None
    for _ in range(4):
        wall.advance(days=89)
        assert await portal.recognise(remembered.token) is not None
    wall.advance(days=90)
    assert await portal.recognise(remembered.token) is None

    again = await portal.sign_in(email(), remember=False)
    wall.advance(hours=2)
    assert await portal.recognise(again.token) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda token: token[:-6] + "AAAA==",
        lambda token: "A" * len(token),
        lambda token: token + "AAAA",
        lambda _: "é",
        lambda token: token[22:],
    ],
)
async def test_anything_else_is_nobody(portal: Portal, spoil: Callable[[str], str]) -> None:
    await _made(portal)
    opened = await portal.sign_in(email())

    assert await portal.recognise(spoil(opened.token)) is None
    assert await portal.recognise(opened.token) is not None


async def test_the_secret_of_one_member_opens_no_other(portal: Portal) -> None:
    await _made(portal)
    other = await signed_up(portal.database, portal.vault, phone())
    token = (await portal.sign_in(email())).token
    from base64 import urlsafe_b64decode, urlsafe_b64encode

    forged = urlsafe_b64encode(other.member_id.bytes + urlsafe_b64decode(token)[16:]).decode()

    assert await portal.recognise(forged) is None


async def test_devices_are_listed_and_forgotten(portal: Portal) -> None:
    member_id = await _made(portal)
    other = await signed_up(portal.database, portal.vault, phone())
    one, two = await portal.sign_in(email()), await portal.sign_in(email(), Browser(address="x"), remember=False)
    async with portal.database.transaction() as tx:
        devices = await api.list_devices(tx, SETTINGS, member_id)
        assert {(device.agent, device.remembered) for device in devices} == {("Safari on iPhone", True), ("?", False)}
        with pytest.raises(NotFound):
            await api.forget_device(tx, other.member_id, one.session_id)
        await api.forget_device(tx, member_id, one.session_id)
    assert (await portal.recognise(one.token), await portal.recognise(two.token) is None) == (None, False)

    three = await portal.sign_in(email())
    async with portal.database.transaction() as tx:
        assert await api.sign_out_member_everywhere(tx, member_id, but=three.session_id) == 1
        await api.sign_out_member(tx, two.token)
    assert (await portal.recognise(two.token), await portal.recognise(three.token) is None) == (None, False)
    async with portal.database.transaction() as tx:
        await api.sign_out_member(tx, three.token[:-6] + "AAAA==")  # who lacks the secret ends nothing
    assert await portal.recognise(three.token) is not None
    async with portal.database.transaction() as tx:
        await api.sign_out_member(tx, three.token)
        assert await api.list_devices(tx, SETTINGS, member_id) == []


async def test_signing_in_ends_the_session_brought_along(portal: Portal) -> None:
    await _made(portal)
    planted = await portal.sign_in(email())
    opened = await portal.sign_in(email(), Browser(address=PHONE_BROWSER.address, token=planted.token))

    assert await portal.recognise(planted.token) is None
    assert await portal.recognise(opened.token) is not None


async def test_what_ended_is_forgotten(portal: Portal, wall: Wall) -> None:
    await _made(portal)
    await portal.sign_in(email(), remember=False)
    kept = await portal.sign_in(email())
    wall.advance(days=9)

    async with portal.database.transaction() as tx:
        assert await forget_ended(tx, at_most=100) is False
        assert await tx.rows("SELECT count(*) FROM access_codes") == [(0,)]
        assert await tx.rows("SELECT session_id FROM member_sessions") == [(kept.session_id,)]
    assert await lookup(portal.database, portal.vault, email()) == kept.member_id
    assert Phones().got == []
