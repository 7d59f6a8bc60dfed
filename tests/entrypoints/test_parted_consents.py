"""Consents of two who were one by mistake: undoing gives back what was agreed to, as it was, and nothing else."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from regulars.members import api as members
from regulars.members.contracts import Confirmation, Consent, ConsentChannel, ConsentGiven, Decision, Purpose
from tests.entrypoints.test_merging import Door, door
from tests.entrypoints.test_parting import both, of

pytestmark = pytest.mark.anyio
__all__ = ["door"]
GIVEN, WITHDRAWN, LAPSED = Decision.GIVEN, Decision.WITHDRAWN, Decision.LAPSED


async def decided(door: Door, member: str, decision: Decision, days_ago: int, **more: object) -> None:
    async with door.services.database.transaction() as tx:
        wish = ConsentGiven(
            member_id=of(member),
            purpose=Purpose.MARKETING,
            channel=ConsentChannel.EMAIL,
            decision=decision,
            wording_version="w",
            where="portal",
            actor=f"member:{member}",
            effective_at=tx.now - timedelta(days=days_ago),
        )
        (outcome,) = await members.record_consents(tx, [structs.replace(wish, **more)])
        assert isinstance(outcome, Consent), outcome


async def in_force(door: Door, member: str) -> list[Consent]:
    async with door.services.database.transaction() as tx:
        return (await members.consents(tx, of(member), as_of=tx.now))[0]


async def may_get(door: Door, member: str) -> bool:
    async with door.services.database.transaction() as tx:
        return bool(await members.may_send(tx, [of(member)], Purpose.MARKETING, ConsentChannel.EMAIL))


async def address_of(door: Door, member: str, value: str, *, proved: bool) -> UUID:
    async with door.services.database.transaction() as tx:
        if proved:
            assert await members.prove_email(tx, door.services.vault, of(member), value)
        ((_, identities),) = await members.show_members(tx, door.services.vault, [of(member)], clear=True)
        (found,) = [one.identity_id for one in identities if one.value == value]
        return found


def said(one: Consent) -> dict[str, Any]:
    """Return all that was agreed to, and how that is known; not when it was written down."""
    return structs.asdict(one) | dict.fromkeys(("consent_id", "effective_at", "recorded_at", "request_id"))


async def test_undoing_gives_back_the_words_the_place_and_the_confirmation(door: Door) -> None:
    survivor, absorbed = await both(door)
    address = await address_of(door, survivor, "fang@example.com", proved=True)
    confirmed = {"confirmation": Confirmation.CODE, "identity_id": address}
    own = {"wording_version": "words-of-S", "language": "zh", "wording": "我同意", "where": "store", "store_id": "367"}
    await decided(door, survivor, GIVEN, 9, **own, **confirmed)
    await decided(door, absorbed, GIVEN, 8, wording_version="words-of-A", confirmation=Confirmation.ELSEWHERE)
    await decided(door, absorbed, WITHDRAWN, 7, wording_version="words-of-A")
    (before,) = await in_force(door, survivor)
    merged = await door.merge(survivor, absorbed)
    assert [one.decision for one in await in_force(door, survivor)] == [WITHDRAWN]

    looked = await door.undo(survivor, merged["merge_id"], dry_run=True)
    undone = await door.undo(survivor, merged["merge_id"])

    told = {"purpose": "marketing", "channel": "email", "decision": "given", "before": "withdrawn"}
    assert looked["consents"] == undone["consents"] == [told]
    (after,) = await in_force(door, survivor)
    assert said(after) == said(before)
    assert (after.wording_version, after.identity_id) == ("words-of-S", address)
    assert await may_get(door, survivor)
    assert not await may_get(door, absorbed)
    assert await door.problems() == {}

    async with door.services.database.transaction() as tx:  # a corruption: words that nobody agreed to
        tx.write("UPDATE consents SET wording_version = 'others' WHERE consent_id = %s", (after.consent_id,))
    assert set(await door.problems()) == {"consents after merges"}


async def test_a_grant_that_the_merge_brought_is_withdrawn_where_there_was_none(door: Door) -> None:
    survivor, absorbed = await both(door)
    await decided(door, absorbed, GIVEN, 8, confirmation=Confirmation.ELSEWHERE)
    merged = await door.merge(survivor, absorbed)
    assert await may_get(door, survivor)

    await door.undo(survivor, merged["merge_id"])

    assert [await may_get(door, one) for one in (survivor, absorbed)] == [False, True]
    assert await door.problems() == {}


async def test_what_the_survivor_decided_anew_stays(door: Door) -> None:
    survivor, absorbed = await both(door)
    await decided(door, survivor, GIVEN, 9, wording_version="first", confirmation=Confirmation.ELSEWHERE)
    await decided(door, absorbed, WITHDRAWN, 7)
    merged = await door.merge(survivor, absorbed)
    await decided(door, survivor, GIVEN, 0, wording_version="second", confirmation=Confirmation.ELSEWHERE)

    assert (await door.undo(survivor, merged["merge_id"]))["consents"] == []

    assert [one.wording_version for one in await in_force(door, survivor)] == ["second"]


@pytest.mark.parametrize("asked_anew", [False, True])
async def test_what_lapsed_as_mail_went_to_the_other_s_address_is_given_again(door: Door, *, asked_anew: bool) -> None:
    survivor = await door.sign_up(email="fang@example.com")
    absorbed = await door.sign_up(email="wang@example.com")
    own = await address_of(door, survivor, "fang@example.com", proved=True)
    await decided(door, survivor, GIVEN, 9, confirmation=Confirmation.CODE, identity_id=own)
    other = await address_of(door, absorbed, "wang@example.com", proved=True)  # later: mail goes there
    merged = await door.merge(survivor, absorbed)
    assert [one.decision for one in await in_force(door, survivor)] == [LAPSED]
    if asked_anew:  # from the stranger's address: that ends with it
        await decided(door, survivor, GIVEN, 0, confirmation=Confirmation.CODE, identity_id=other)

    await door.undo(survivor, merged["merge_id"])

    (after,) = await in_force(door, survivor)
    if asked_anew:
        assert (after.decision, await may_get(door, survivor)) == (LAPSED, False)
    else:
        assert (after.decision, after.confirmation, after.identity_id) == (GIVEN, Confirmation.CODE, own)
        assert await may_get(door, survivor)
    assert await door.problems() == {}


async def test_a_taken_over_consent_that_lapses_at_once_is_undone_to_what_there_was(door: Door) -> None:
    """The absorbed member's address is not the one that the survivor's mail goes to."""
    survivor = await door.sign_up(email="fang@example.com")
    absorbed = await door.sign_up(email="wang@example.com")
    other = await address_of(door, absorbed, "wang@example.com", proved=True)
    await address_of(door, survivor, "fang@example.com", proved=True)
    await decided(door, survivor, WITHDRAWN, 9, wording_version="words-of-S")
    await decided(door, absorbed, GIVEN, 8, confirmation=Confirmation.CODE, identity_id=other)
    merged = await door.merge(survivor, absorbed)
    assert [one.decision for one in await in_force(door, survivor)] == [LAPSED]

    await door.undo(survivor, merged["merge_id"])

    assert [(one.decision, one.wording_version) for one in await in_force(door, survivor)] == [
        (WITHDRAWN, "words-of-S")
    ]
    assert await may_get(door, absorbed)
    assert await door.problems() == {}
