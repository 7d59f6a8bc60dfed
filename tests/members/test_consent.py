"""Consent as given: dated, never edited, the decision that took effect last in force."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.members import api
from regulars.members.consent.rules import check, in_force
from regulars.members.contracts import Consent, ConsentChannel, ConsentGiven, Decision, Purpose
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from regulars.platform.vault.local import LocalVault
from tests.members.people import contents, phone, rows, signed_up

MARKETING, PROFILING = Purpose.MARKETING, Purpose.PROFILING
EMAIL, SMS, ANY = ConsentChannel.EMAIL, ConsentChannel.SMS, ConsentChannel.ANY
GIVEN, WITHDRAWN = Decision.GIVEN, Decision.WITHDRAWN
LONG_AGO = datetime(2016, 3, 1, 12, tzinfo=UTC)


def decided(
    member_id: UUID,
    purpose: Purpose,
    channel: ConsentChannel,
    decision: Decision,
    **more: Any,  # noqa: ANN401 - fields of ConsentGiven
) -> ConsentGiven:
    return ConsentGiven(
        member_id=member_id,
        purpose=purpose,
        channel=channel,
        decision=decision,
        **({"wording_version": "v1", "where": "store", "store_id": "7", "actor": "key:ak_1"} | more),
    )


async def record(shop: Database, *wishes: ConsentGiven) -> list[Consent | DomainError]:
    async with shop.transaction() as tx:
        return await api.record_consents(tx, wishes)


async def state(shop: Database, member_id: UUID, as_of: datetime | None = None) -> tuple[list[Consent], list[Consent]]:
    async with shop.transaction() as tx:
        return await api.consents(tx, member_id, as_of=as_of or tx.now)


@pytest.mark.anyio
async def test_the_latest_decision_is_in_force_and_all_are_kept(shop: Database, vault: LocalVault) -> None:
    member_id = (await signed_up(shop, vault, phone())).member_id

    first, second, third = await record(
        shop,
        decided(member_id, MARKETING, EMAIL, GIVEN),
        decided(member_id, MARKETING, SMS, GIVEN, wording_version="v2"),
        decided(member_id, MARKETING, EMAIL, WITHDRAWN, actor="key:ak_2"),
    )

    assert isinstance(third, Consent)
    assert (third.purpose, third.channel, third.decision) == (MARKETING, EMAIL, WITHDRAWN)
    assert (third.wording_version, third.where, third.store_id, third.actor) == ("v1", "store", "7", "key:ak_2")
    assert third.effective_at == third.recorded_at
    force, history = await state(shop, member_id)
    assert force == [third, second]
    assert history == [first, second, third]
    assert await rows(
        shop,
        "SELECT payload::jsonb ->> 'channel', payload::jsonb ->> 'decision' FROM outbox "
        "WHERE type = 'ConsentChanged' ORDER BY seq",
    ) == [("email", "given"), ("sms", "given"), ("email", "withdrawn")]


@pytest.mark.anyio
async def test_a_late_fact_is_kept_and_overrules_nothing_later(shop: Database, vault: LocalVault) -> None:
    member_id = (await signed_up(shop, vault, phone())).member_id
    (withdrawn,) = await record(
        shop, decided(member_id, MARKETING, EMAIL, WITHDRAWN, effective_at=LONG_AGO + timedelta(days=1))
    )
    (late,) = await record(shop, decided(member_id, MARKETING, EMAIL, GIVEN, effective_at=LONG_AGO))

    force, history = await state(shop, member_id)
    assert force == [withdrawn]
    assert history == [withdrawn, late]


@pytest.mark.anyio
async def test_as_of_an_instant_only_what_was_known_and_in_effect_counts(shop: Database, vault: LocalVault) -> None:
    member_id = (await signed_up(shop, vault, phone())).member_id
    (early,) = await record(shop, decided(member_id, MARKETING, EMAIL, GIVEN, effective_at=LONG_AGO))
    (later,) = await record(shop, decided(member_id, MARKETING, EMAIL, WITHDRAWN))
    assert isinstance(early, Consent)
    assert isinstance(later, Consent)

    assert await state(shop, member_id, LONG_AGO + timedelta(days=1)) == ([], [])
    assert await state(shop, member_id, early.recorded_at) == ([early], [early])
    assert await state(shop, member_id, later.recorded_at) == ([later], [early, later])


@pytest.mark.anyio
async def test_what_cannot_be_is_refused_and_changes_nothing(shop: Database, vault: LocalVault) -> None:
    member_id = (await signed_up(shop, vault, phone())).member_id
    before = await contents(shop)

    outcomes = await record(
        shop,
        decided(new_id(), MARKETING, EMAIL, GIVEN),
        decided(member_id, PROFILING, EMAIL, GIVEN),
        decided(member_id, MARKETING, ANY, GIVEN),
        decided(member_id, MARKETING, EMAIL, GIVEN, effective_at=datetime(2100, 1, 1, tzinfo=UTC)),
        decided(member_id, MARKETING, EMAIL, GIVEN, effective_at=datetime(1900, 1, 1, tzinfo=UTC)),
    )

    assert [(one.code, one.pointer) for one in outcomes if isinstance(one, DomainError)] == [
        ("not_found", None),
        ("consent_channel_unfit", "/channel"),
        ("consent_channel_unfit", "/channel"),
        ("instant_impossible", "/effective_at"),
        ("instant_impossible", "/effective_at"),
    ]
    assert await contents(shop) == before
    with pytest.raises(DomainError, match="not_found"):
        await state(shop, new_id())


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("channel", ConsentChannel)
def test_a_purpose_goes_with_a_channel_or_with_none(purpose: Purpose, channel: ConsentChannel) -> None:
    reaches_nobody = purpose in {Purpose.PROFILING, Purpose.SHARING}

    assert (check(purpose, channel) is None) is (reaches_nobody == (channel is ANY))


decisions = st.builds(
    Consent,
    consent_id=st.uuids(),
    purpose=st.sampled_from([Purpose.MARKETING, Purpose.SERVICE]),
    channel=st.sampled_from([EMAIL, SMS]),
    decision=st.sampled_from(Decision),
    wording_version=st.just("v1"),
    where=st.just("store"),
    store_id=st.none(),
    actor=st.just("key:ak_1"),
    effective_at=st.integers(0, 5).map(lambda days: LONG_AGO + timedelta(days=days)),
    recorded_at=st.just(LONG_AGO),
)


@given(st.lists(decisions, max_size=12))
def test_in_force_is_the_last_to_take_effect_of_each_purpose_and_channel(history: list[Consent]) -> None:
    force = in_force(history)

    decided = [one for one in history if one.decision is not Decision.REQUESTED]

    assert len(force) == len({(one.purpose, one.channel) for one in decided})
    for standing in force:
        rivals = [one for one in decided if (one.purpose, one.channel) == (standing.purpose, standing.channel)]
        latest = max(one.effective_at for one in rivals)
        assert standing is [one for one in rivals if one.effective_at == latest][-1]
