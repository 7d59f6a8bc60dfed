"""A draft whose version was withdrawn: it says so, and brings that version's terms only for who compared it anew."""

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.drafts.errors import DraftOfOnlyWithdrawn, DraftOfWithdrawn
from regulars.loyalty.policy.errors import UnknownVersion
from regulars.platform.db.database import Database
from regulars.platform.markets.service import define_market
from regulars.platform.vault.local import LocalVault
from tests.loyalty.programme import DAY, NOON, US, Programme
from tests.loyalty.test_drafts import (
    DEARER,
    STRICT,
    agreeing,
    at_noon,
    begun,
    scheduled,
    set_clock,
    states,
    withdrawn,
    work,
)

__all__ = ["at_noon"]  # the fixture
pytestmark = pytest.mark.anyio


async def test_a_draft_brings_the_terms_of_a_withdrawn_version_only_for_who_says_so(at_noon: Programme) -> None:
    await scheduled(at_noon, await begun(at_noon), NOON + DAY)
    draft = await work(at_noon, api.CreateDraft(name="and more", actor="staff:bo"))
    more = structs.replace(DEARER, payment=api.PaymentPolicy(max_percent=9))
    change = api.ChangeDraft(draft_id=draft.draft_id, revision=1, name="and more", policy=more, actor="staff:bo")
    draft = await work(at_noon, change)
    assert (draft.based_on, draft.based_on_withdrawn_at) == (2, None)
    await withdrawn(at_noon, 2)

    database = at_noon.database
    async with database.transaction() as tx:
        found = await api.read_draft(tx, draft.draft_id)
        base = await api.withdrawn_base(tx, draft.draft_id, "en")
        assert await api.withdrawn_base(tx, 2, "en") is None
    assert (found.based_on, found.based_on_withdrawn_at) == (2, NOON)
    assert base is not None
    assert (base.version, base.withdrawn_at, NOON.isoformat() in base.said) == (2, NOON, True)
    command = api.ScheduleDraft(draft_id=draft.draft_id, revision=2, active_from=NOON + DAY, actor="staff:bo")
    for compared in (None, 2):
        with pytest.raises(DraftOfWithdrawn) as caught:
            await work(at_noon, structs.replace(command, based_on=compared))
        assert caught.value.data == {"based_on": 2, "withdrawn_at": NOON.isoformat(), "latest": 1}
    done = await work(at_noon, structs.replace(command, based_on=1))
    assert (done.version, done.based_on, done.based_on_withdrawn_at) == (3, 1, None)

    again = await work(at_noon, api.CreateDraft(name="again", actor="staff:bo", from_version=2))
    assert (again.based_on, again.based_on_withdrawn_at) == (2, NOON)
    with pytest.raises(UnknownVersion):  # compared with what is not there, it would never be behind
        await work(at_noon, api.CreateDraft(name="sent", actor="staff:bo", policy=more, from_version=9))


async def test_a_proposal_is_agreed_to_only_while_what_it_stands_on_is_there(
    database: Database, vault: LocalVault
) -> None:
    programme = await Programme.begin(database, vault, STRICT)
    set_clock(database, NOON)
    first = await begun(programme, structs.replace(DEARER, changes=STRICT.changes))
    await scheduled(programme, first, NOON + DAY)
    await work(programme, agreeing(first, NOON + DAY))
    second = await work(programme, api.CreateDraft(name="more", actor="staff:anna"))
    more = structs.replace(second.policy, payment=api.PaymentPolicy(max_percent=9))
    change = api.ChangeDraft(draft_id=second.draft_id, revision=1, name="more", policy=more, actor="staff:anna")
    second = await work(programme, change)
    await scheduled(programme, second, NOON + 2 * DAY)
    await withdrawn(programme, 2)
    with pytest.raises(DraftOfWithdrawn):
        await work(programme, agreeing(second, NOON + 2 * DAY))
    assert await states(programme) == [(1, "active"), (2, "withdrawn")]


async def test_a_draft_whose_only_version_was_withdrawn_is_scheduled_only_by_who_names_that(
    database: Database, vault: LocalVault
) -> None:
    """Nothing is there to compare it with: who schedules says that they know of which version its terms are."""
    programme = Programme(database, vault)
    async with database.transaction() as tx:
        await define_market(tx, US)
        api.define_standard_wallets(tx)
    set_clock(database, NOON)
    await scheduled(programme, await begun(programme), NOON + DAY)
    draft = await work(programme, api.CreateDraft(name="again", actor="staff:bo"))
    await withdrawn(programme, 1)

    command = api.ScheduleDraft(draft_id=draft.draft_id, revision=1, active_from=NOON + DAY, actor="staff:bo")
    with pytest.raises(DraftOfOnlyWithdrawn) as caught:
        await work(programme, command)
    assert (caught.value.code, caught.value.pointer) == ("draft_of_only_withdrawn", "/based_on")
    assert caught.value.data == {"based_on": 1, "withdrawn_at": NOON.isoformat()}
    assert await states(programme) == [(1, "withdrawn")]
    with pytest.raises(UnknownVersion):
        await work(programme, structs.replace(command, based_on=2))
    fresh = await begun(programme)  # begun when nothing was there any more: of no version's terms
    assert fresh.based_on is None
    done = await work(programme, structs.replace(command, based_on=1))
    assert (done.state, done.version) == ("scheduled", 2)
    assert await states(programme) == [(1, "withdrawn"), (2, "scheduled")]
