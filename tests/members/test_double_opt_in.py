"""Double opt-in: what was not confirmed from the address itself is no consent, whatever happens to link and address."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.members import api
from regulars.members.consent import rules, store, verification
from regulars.members.consent.errors import (
    ConfirmationOver,
    ConsentAddressMissing,
    ConsentNotRequested,
    WordingDiffers,
)
from regulars.members.contracts import (
    AddIdentity,
    Confirmation,
    Consent,
    ConsentChannel,
    Decision,
    Member,
    Purpose,
    RemoveIdentity,
    ToConfirm,
)
from regulars.platform.auth.throttle.errors import TooManyAttempts
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.members.erasing import erase
from tests.members.people import email, phone, rows, signed_up
from tests.members.test_consent import decided

pytestmark = pytest.mark.anyio

MARKETING, RESEARCH, SERVICE = Purpose.MARKETING, Purpose.RESEARCH, Purpose.SERVICE
EMAIL, SMS = ConsentChannel.EMAIL, ConsentChannel.SMS
GIVEN, WITHDRAWN, REQUESTED, LAPSED = Decision.GIVEN, Decision.WITHDRAWN, Decision.REQUESTED, Decision.LAPSED
TAKEN_BACK_BETWEEN = """
INSERT INTO consents SELECT member_id, gen_random_uuid(), purpose, channel, 'withdrawn', wording_version, made_in,
    store_id, actor, effective_at, recorded_at, written_at + interval '1 microsecond'
FROM consents WHERE decision = 'requested'
"""
ASKED = frozenset({MARKETING, RESEARCH})


@dataclass
class Opting:
    """A member with a phone and an e-mail address, and what may happen to their consents."""

    database: Database
    vault: LocalVault
    member: Member

    @property
    def id(self) -> UUID:
        return self.member.member_id

    async def decide(
        self,
        decision: Decision = GIVEN,
        purpose: Purpose = MARKETING,
        **more: Any,  # noqa: ANN401 - fields of ConsentGiven
    ) -> Consent | DomainError:
        async with self.database.transaction() as tx:
            wish = decided(self.id, purpose, EMAIL, decision, **more)
            (outcome,) = await api.record_consents(tx, [wish], double_opt_in=ASKED)
        return outcome

    async def request(self, **more: Any) -> Consent:  # noqa: ANN401 - fields of ConsentGiven
        outcome = await self.decide(**more)
        assert isinstance(outcome, Consent), outcome
        return outcome

    async def letter(self, request: Consent) -> ToConfirm | None:
        async with self.database.transaction() as tx:
            return await api.letter_to_confirm(tx, self.id, request.consent_id)

    async def token(self, request: Consent) -> str:
        letter = await self.letter(request)
        assert letter is not None
        return letter.token

    async def confirm(self, token: str) -> ToConfirm:
        async with self.database.transaction() as tx:
            return await api.confirm_consent(tx, token)

    async def again(self, request: Consent) -> Consent:
        async with self.database.transaction() as tx:
            return await api.send_letter_again(tx, self.id, request.consent_id)

    async def may_send(self, purpose: Purpose = MARKETING) -> bool:
        async with self.database.transaction() as tx:
            return self.id in await api.may_send(tx, [self.id], purpose, EMAIL)

    async def decisions(self) -> list[tuple[Decision, Confirmation | None]]:
        async with self.database.transaction() as tx:
            _, history = await api.consents(tx, self.id, as_of=tx.now)
        return [(one.decision, one.confirmation) for one in history]

    async def add(self, address: str) -> UUID:
        async with self.database.transaction() as tx:
            wish = AddIdentity(member_id=self.id, identity=email(address))
            return (await api.add_identity(tx, self.vault, wish)).identity_id

    async def remove(self, identity_id: UUID) -> None:
        async with self.database.transaction() as tx:
            await api.remove_identity(tx, RemoveIdentity(member_id=self.id, identity_id=identity_id))

    async def prove(self, address: str) -> None:
        async with self.database.transaction() as tx:
            assert await api.prove_email(tx, self.vault, self.id, address)

    async def age(self, **by: float) -> None:
        """Let the letters be older, by the wall clock."""
        back = timedelta(**by)
        await rows(
            self.database,
            "UPDATE consent_requests SET asked_at = asked_at - %s, expires_at = expires_at - %s RETURNING 1",
            (back, back),
        )

    async def problems(self) -> list[str]:
        async with self.database.transaction() as tx:
            return [str(one) for check in verification.checks() for one in (await check.run(tx)).problems]

    @property
    def address(self) -> UUID:
        return self.member.identities[1].identity_id


@pytest.fixture
async def opting(shop: Database, vault: LocalVault) -> Opting:
    return Opting(shop, vault, await signed_up(shop, vault, phone(), email()))


async def test_a_request_is_no_consent_until_the_link_is_confirmed(opting: Opting) -> None:
    request = await opting.request(language="en", wording="Send me offers.")
    before = await opting.may_send()
    letter = await opting.letter(request)
    assert letter is not None
    async with opting.database.transaction() as tx:
        looked_at = await api.consent_to_confirm(tx, letter.token)
    after_looking = await opting.may_send()
    confirmed = await opting.confirm(letter.token)

    assert (request.decision, request.identity_id) == (REQUESTED, opting.address)
    assert (before, after_looking, await opting.may_send()) == (False, False, True)
    assert (letter.identity_id, letter.wording, letter.is_confirmed) == (opting.address, "Send me offers.", False)
    assert (looked_at.token, looked_at.is_confirmed, confirmed.is_confirmed) == ("", False, True)
    async with opting.database.transaction() as tx:
        (force,), history = await api.consents(tx, opting.id, as_of=tx.now)
        ((_, (_, shown)),) = await api.show_members(tx, opting.vault, [opting.id], clear=False)
    assert (force.decision, force.confirmation, force.request_id) == (GIVEN, Confirmation.LINK, request.consent_id)
    assert (force.wording, force.language, force.where) == ("Send me offers.", "en", "email")
    assert force.actor == f"member:mbr_{opting.id.hex}"
    assert [one.decision for one in history] == [REQUESTED, GIVEN]
    assert shown.verified_at is not None, "the link went to the address: who followed it holds it"
    assert await opting.problems() == []


async def test_the_token_is_kept_as_a_hash_only(opting: Opting) -> None:
    token = await opting.token(await opting.request())
    kept = await rows(opting.database, "SELECT token_hash FROM consent_requests")
    outbox = await rows(opting.database, "SELECT payload FROM outbox")

    assert [len(one) for (one,) in kept] == [32]
    assert [payload for (payload,) in outbox if token in str(payload)] == []
    assert token not in repr(await opting.letter(await opting.request()))


async def test_replays_are_harmless_and_never_give_what_was_taken_back(opting: Opting) -> None:
    token = await opting.token(await opting.request())
    for _ in range(3):
        assert (await opting.confirm(token)).is_confirmed
    assert await opting.decisions() == [(REQUESTED, None), (GIVEN, Confirmation.LINK)]

    await opting.decide(WITHDRAWN)
    for attempt in (opting.confirm(token), opting.confirm("x" * 86), opting.confirm("nothing")):
        with pytest.raises(ConfirmationOver):
            await attempt

    assert [one for one, _ in await opting.decisions()] == [REQUESTED, GIVEN, WITHDRAWN]
    assert not await opting.may_send()
    assert await opting.problems() == []


async def test_taking_back_ends_a_request(opting: Opting) -> None:
    request = await opting.request()
    token = await opting.token(request)
    await opting.decide(WITHDRAWN)

    with pytest.raises(ConfirmationOver):
        await opting.confirm(token)
    assert await opting.letter(request) is None
    with pytest.raises(ConsentNotRequested):
        await opting.again(request)
    assert not await opting.may_send()


async def test_links_expire_and_newer_letters_replace_older_ones(opting: Opting) -> None:
    request = await opting.request()
    first = await opting.token(request)
    with pytest.raises(TooManyAttempts):
        await opting.again(request)
    await opting.age(minutes=1)
    await opting.again(request)
    second = await opting.token(request)
    with pytest.raises(ConfirmationOver):
        await opting.confirm(first)
    await opting.age(days=7)
    with pytest.raises(ConfirmationOver):
        await opting.confirm(second)
    assert not await opting.may_send()

    await opting.again(request)
    assert (await opting.confirm(await opting.token(request))).is_confirmed
    events = await rows(
        opting.database, "SELECT payload::jsonb ->> 'letter' FROM outbox WHERE type = 'ConsentRequested' ORDER BY seq"
    )
    assert events == [("1",), ("2",), ("3",)]


async def test_asking_again_in_the_same_words_sends_no_other_letter(opting: Opting) -> None:
    first = await opting.request()
    assert (await opting.request()).consent_id == first.consent_id
    await opting.confirm(await opting.token(first))
    standing = await opting.request()

    assert (standing.decision, standing.request_id) == (GIVEN, first.consent_id)
    assert await rows(opting.database, "SELECT count(*) FROM outbox WHERE type = 'ConsentRequested'") == [(1,)]
    newer = await opting.request(wording_version="v2")
    assert newer.decision is REQUESTED
    assert await opting.may_send(), "what was confirmed stands while newer words wait"


async def test_five_letters_a_day_however_they_are_asked_for(opting: Opting) -> None:
    for number in range(5):
        assert isinstance(await opting.decide(wording_version=f"v{number}"), Consent)
    before = await opting.decisions()
    refused = await opting.decide(wording_version="v9")
    assert isinstance(refused, TooManyAttempts)
    assert 86_000 < int(refused.data["retry_after_seconds"] or 0) <= 86_400
    assert await opting.decisions() == before
    await opting.age(days=1)
    assert isinstance(await opting.decide(wording_version="v9"), Consent)


@pytest.mark.parametrize("state", ["requested", "confirmed"])
async def test_changing_the_address_drops_the_confirmation(opting: Opting, state: str) -> None:
    request = await opting.request()
    token = await opting.token(request)
    if state == "confirmed":
        await opting.confirm(token)
    await opting.remove(opting.address)

    assert not await opting.may_send()
    assert (await opting.decisions())[-1][0] is LAPSED
    with pytest.raises(ConfirmationOver):
        await opting.confirm(token)
    await opting.add("wang.fang@example.com")  # the same value again is another identity
    assert not await opting.may_send()
    with pytest.raises(ConfirmationOver):
        await opting.confirm(token)
    assert await opting.problems() == []


async def test_proving_another_address_drops_the_confirmation_and_adding_one_does_not(opting: Opting) -> None:
    await opting.confirm(await opting.token(await opting.request()))
    await opting.add("new@example.com")
    assert await opting.may_send()
    await opting.prove("new@example.com")

    assert not await opting.may_send()
    asked = await opting.request()
    assert asked.decision is REQUESTED
    assert asked.identity_id not in {None, opting.address}


async def test_without_an_address_nothing_is_recorded(shop: Database, vault: LocalVault) -> None:
    opting = Opting(shop, vault, await signed_up(shop, vault, phone()))
    refused = await opting.decide()

    assert isinstance(refused, ConsentAddressMissing)
    assert await opting.decisions() == []


async def test_what_is_confirmed_otherwise_counts_at_once(opting: Opting) -> None:
    await opting.decide(confirmation=Confirmation.ELSEWHERE)
    await opting.decide(GIVEN, SERVICE)

    assert await opting.may_send()
    assert await opting.may_send(SERVICE)
    await opting.decide(WITHDRAWN, SERVICE)
    assert (await opting.may_send(SERVICE), await opting.may_send(RESEARCH)) == (False, False)


async def test_words_are_kept_as_they_were_shown_first(opting: Opting) -> None:
    await opting.request(language="zh", wording="请给我发优惠。")
    differs = await opting.decide(WITHDRAWN, language="zh", wording="请给我发广告。")
    same = await opting.decide(WITHDRAWN, language="zh", wording="请给我发优惠。")

    assert isinstance(differs, WordingDiffers)
    assert isinstance(same, Consent)
    async with opting.database.transaction() as tx:
        _, history = await api.consents(tx, opting.id, as_of=tx.now)
    assert [one.wording for one in history] == ["请给我发优惠。"] * 2


async def test_erasing_ends_what_waits(opting: Opting) -> None:
    token = await opting.token(await opting.request())
    await erase(opting.database, opting.vault, opting.id)

    with pytest.raises(ConfirmationOver):
        await opting.confirm(token)
    assert await rows(opting.database, "SELECT count(*) FROM consent_requests") == [(0,)]


@pytest.mark.parametrize(
    ("corruption", "said"),
    [
        ("UPDATE consents SET wording_version = 'other' WHERE decision = 'requested'", "no request in the same words"),
        ("DELETE FROM consents WHERE decision = 'requested'", "no request in the same words"),
        (
            TAKEN_BACK_BETWEEN,
            "had been taken back before",
        ),
    ],
)
async def test_verify_finds_what_was_never_confirmed(opting: Opting, corruption: str, said: str) -> None:
    await opting.confirm(await opting.token(await opting.request()))
    assert await opting.problems() == []
    await rows(opting.database, f"{corruption} RETURNING 1")

    (problem,) = await opting.problems()
    assert said in problem


def test_letters_are_spaced_and_bounded() -> None:
    now = wall_now()

    assert rules.wait_for_letter([], now) == 0
    assert rules.wait_for_letter([(4, now)], now) == 0
    assert rules.wait_for_letter([(3, now), (2, now - timedelta(hours=1))], now) == 23 * 3_600
    assert rules.wait_for_letter([(9, now - timedelta(days=1))], now) == 0
    assert [rules.wait_for_another(count, now, now) for count in (1, 2, 3)] == [60, 120, 240]
    assert rules.wait_for_another(1, now - timedelta(seconds=59.5), now) == 1


def test_the_log_is_only_appended_to() -> None:
    statements = [value for value in vars(store).values() if isinstance(value, str)]

    assert [one for one in statements if "UPDATE consents" in one or "DELETE FROM consents " in one] == []
