"""A proposal decided by two at once, and the rule beside somebody who signs in.

The locks are both members' rows, then the proposal's; whoever signs in holds the member's row, too.
"""

from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import pytest

from regulars.entrypoints.merging import PARTS
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Redeem
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, MemberOpened, SignUp, SignUpOpen
from regulars.members.contracts.proposals import (
    Confirmed,
    ConfirmProposal,
    DismissProposal,
    Proposal,
    ProposalsWanted,
)
from regulars.members.identity import store as identity_store
from regulars.members.merging import store as merging_store
from regulars.members.proposals import service, store
from regulars.members.proposals.errors import AccountMeanwhile
from regulars.members.proposals.running import examine_due
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from tests.loyalty.programme import Programme
from tests.members.entering import PHONE_BROWSER, Portal
from tests.races.test_merge_race import beside

pytestmark = pytest.mark.anyio
FANG = IdentityValue(IdentityKind.PHONE, "+8613912340001")
HOME = IdentityValue(IdentityKind.EMAIL, "fang@home.example")
Outcome = TypeVar("Outcome")


class Proposed(NamedTuple):
    """A member by a phone, one by an address, and the proposal of the two: nothing else is known of them."""

    first: UUID
    other: UUID
    proposal: Proposal


@pytest.fixture
async def proposed(programme: Programme) -> Proposed:
    vault, ids = programme.vault, []
    async with programme.database.transaction() as tx:
        for wishes in ((FANG,), (HOME,), (FANG, HOME)):
            wish = SignUp(market="US", identities=wishes, channel="store")
            outcomes = await members.sign_up(tx, vault, [wish])
            await service.note(tx, vault, outcomes)
            ids += [one.member_id for one in outcomes if isinstance(one, Member)]
    first, other = ids
    return Proposed(first, other, (await proposals(programme))[0])


async def proposals(programme: Programme) -> list[Proposal]:
    async with programme.database.transaction() as tx:
        return [one for one, _ in await members.proposals.list_proposals(tx, ProposalsWanted())]


async def given(work: Coroutine[Any, Any, Outcome]) -> Outcome | DomainError:
    """Return what comes of it, a refusal too."""
    try:
        return await work
    except DomainError as refusal:
        return refusal


async def confirm_in(tx: Transaction, programme: Programme, proposed: Proposed, by: str) -> Confirmed:
    wish = ConfirmProposal(proposal_id=proposed.proposal.proposal_id, actor=by, reason="one person")
    return await members.proposals.confirm_proposal(tx, programme.vault, PARTS, wish)


async def confirm(programme: Programme, proposed: Proposed, by: str = "wu") -> Confirmed:
    async with programme.database.transaction() as tx:
        return await confirm_in(tx, programme, proposed, by)


async def dismiss_in(tx: Transaction, proposed: Proposed) -> Proposal:
    wish = DismissProposal(proposal_id=proposed.proposal.proposal_id, actor="li", reason="two persons")
    return await members.proposals.dismiss_proposal(tx, wish)


async def dismiss(programme: Programme, proposed: Proposed) -> Proposal:
    async with programme.database.transaction() as tx:
        return await dismiss_in(tx, proposed)


async def merges(programme: Programme) -> int:
    ((found,),) = await programme.rows("SELECT count(*) FROM member_merges WHERE undone_at IS NULL")
    return int(found)


# --- two of staff -----------------------------------------------------------------------------------------------------


async def two_confirm(programme: Programme, proposed: Proposed, *, expect_wait: bool | None) -> Confirmed | DomainError:
    async with programme.database.transaction() as tx:
        await confirm_in(tx, programme, proposed, "li")
        await tx.flush()
        other = await beside(programme, given(confirm(programme, proposed)), expect_wait=expect_wait)
    found: Confirmed | DomainError = await other
    return found


async def test_of_two_who_confirm_one_is_refused(programme: Programme, proposed: Proposed) -> None:
    refused = await two_confirm(programme, proposed, expect_wait=True)

    assert isinstance(refused, DomainError)
    assert refused.code == "proposal_ended"
    (found,) = await proposals(programme)
    assert (found.state, found.ended_by, await merges(programme)) == ("confirmed", "li", 1)
    assert await programme.problems() == {}


async def test_without_the_locks_both_find_it_open(
    programme: Programme, proposed: Proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: both carry out the same proposal, and only the books' own lock refuses the second."""
    monkeypatch.setattr(merging_store, "HOLD", merging_store._REFS)
    monkeypatch.setattr(store, "HOLD", store.READ)
    refused = await two_confirm(programme, proposed, expect_wait=None)

    assert isinstance(refused, DomainError)
    assert refused.code == "books_merged"


async def dismissed_beside(
    programme: Programme, proposed: Proposed, *, expect_wait: bool | None
) -> Confirmed | DomainError:
    async with programme.database.transaction() as tx:
        await dismiss_in(tx, proposed)
        await tx.flush()
        other = await beside(programme, given(confirm(programme, proposed)), expect_wait=expect_wait)
    found: Confirmed | DomainError = await other
    return found


async def test_what_is_dismissed_meanwhile_is_not_merged(programme: Programme, proposed: Proposed) -> None:
    refused = await dismissed_beside(programme, proposed, expect_wait=True)

    assert isinstance(refused, DomainError)
    assert refused.code == "proposal_ended"
    assert ([one.state for one in await proposals(programme)], await merges(programme)) == (["dismissed"], 0)


async def test_without_the_lock_a_dismissed_proposal_is_merged(
    programme: Programme, proposed: Proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(store, "HOLD", store.READ)
    assert isinstance(await dismissed_beside(programme, proposed, expect_wait=None), Confirmed)

    assert ([one.state for one in await proposals(programme)], await merges(programme)) == (["dismissed"], 1)


async def test_what_is_merged_meanwhile_is_not_dismissed(programme: Programme, proposed: Proposed) -> None:
    async with programme.database.transaction() as tx:
        await confirm_in(tx, programme, proposed, "li")
        await tx.flush()
        other = await beside(programme, given(dismiss(programme, proposed)), expect_wait=True)
    refused = await other

    assert isinstance(refused, DomainError)
    assert refused.code == "proposal_ended"
    assert [one.state for one in await proposals(programme)] == ["confirmed"]
    assert await programme.problems() == {}


# --- the rule beside who signs in -------------------------------------------------------------------------------------


async def examine(programme: Programme, proposed: Proposed) -> bool:
    async with programme.database.transaction() as tx:
        return await service.examine(tx, programme.vault, PARTS, proposed.proposal, "rule")


async def signed_in_beside_the_rule(programme: Programme, proposed: Proposed, *, expect_wait: bool | None) -> bool:
    """Let the rule look while one of the two proves to be there."""
    portal = Portal(programme.database, programme.vault)
    sent = await portal.ask(FANG, market="US")
    async with programme.database.transaction() as tx:
        await members.sign_in_by_code(
            tx, programme.vault, sent.ticket, portal.phones.code, PHONE_BROWSER, remember=True
        )
        await tx.flush()
        looking = await beside(programme, examine(programme, proposed), expect_wait=expect_wait)
    return bool(await looking)


async def test_who_signs_in_meanwhile_is_not_merged_by_the_rule(programme: Programme, proposed: Proposed) -> None:
    assert await signed_in_beside_the_rule(programme, proposed, expect_wait=True) is False

    (found,) = await proposals(programme)
    assert (found.state, found.for_staff, await merges(programme)) == ("open", "unproved", 0)


async def test_without_the_lock_the_rule_merges_who_has_just_proved_to_hold_an_account(
    programme: Programme, proposed: Proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(merging_store, "HOLD", merging_store._REFS)
    assert await signed_in_beside_the_rule(programme, proposed, expect_wait=None) is True

    assert await merges(programme) == 1


async def sign_in_while_merging(programme: Programme, proposed: Proposed) -> MemberOpened | SignUpOpen | DomainError:
    """Sign in while the rule has merged the member, and has not committed."""
    portal = Portal(programme.database, programme.vault)
    sent = await portal.ask(HOME, market="US")
    async with programme.database.transaction() as tx:
        assert await service.examine(tx, programme.vault, PARTS, proposed.proposal, "rule")
        await tx.flush()
        coming = await beside(programme, portal.enter(sent.ticket, portal.phones.code), expect_wait=True)
    found: MemberOpened | SignUpOpen | DomainError = await coming
    return found


async def test_who_signs_in_while_being_merged_does_not_come_in_as_the_survivor(
    programme: Programme, proposed: Proposed
) -> None:
    """Nobody has proved that the address, which is the survivor's now, is the survivor's."""
    refused = await sign_in_while_merging(programme, proposed)

    assert isinstance(refused, DomainError)
    assert refused.code == "address_not_proved"
    assert await programme.rows("SELECT member_id FROM member_sessions") == []
    assert await programme.problems() == {}


async def test_without_the_lock_a_session_is_left_with_who_is_part_of_another(
    programme: Programme, proposed: Proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(identity_store, "LOCK_MEMBER", identity_store.LOCK_MEMBER.replace("FOR NO KEY UPDATE", ""))
    opened = await sign_in_while_merging(programme, proposed)

    assert isinstance(opened, MemberOpened)
    assert opened.member_id == proposed.other
    ((held,),) = await programme.rows(
        "SELECT count(*) FROM member_sessions AS s JOIN members AS m USING (member_id) WHERE m.merged_into IS NOT NULL"
    )
    assert held == 1


# --- the rule beside what is booked -----------------------------------------------------------------------------------


async def booked_beside_the_rule(programme: Programme, proposed: Proposed, *, known: bool) -> bool:
    """Let the rule look while something is booked that is not committed; `known`: the books are there before."""
    wish = Accrue(member_id=proposed.other, wallet="points", amount=10, reference="bought")
    if known:
        await programme.post(Redeem(member_id=proposed.other, wallet="points", amount=10, reference="refused"))
    async with programme.database.transaction(set_based=True) as tx:
        await loyalty.post(tx, programme.configuration, [wish])
        await tx.flush()
        looking = await beside(programme, examine(programme, proposed), expect_wait=True)
    return bool(await looking)


@pytest.mark.parametrize("known", [False, True])
async def test_who_is_booked_meanwhile_is_not_merged_by_the_rule(
    programme: Programme, proposed: Proposed, *, known: bool
) -> None:
    """The book's foreign key waits for the member, or the member for it: what was booked is seen."""
    assert await booked_beside_the_rule(programme, proposed, known=known) is False

    (found,) = await proposals(programme)
    assert (found.state, found.for_staff, await merges(programme)) == ("open", "unproved", 0)


NO_KEY: Final = "ALTER TABLE member_books DROP CONSTRAINT member_books_member_id_fkey"


async def test_without_the_key_it_is_seen_behind_the_locks_of_the_books(
    programme: Programme, proposed: Proposed
) -> None:
    await programme.execute(NO_KEY)
    with pytest.raises(AccountMeanwhile):
        await booked_beside_the_rule(programme, proposed, known=False)
    assert await merges(programme) == 0

    due = await examine_due(programme.database, programme.vault, PARTS, at=wall_now() + timedelta(minutes=11))
    (found,) = await proposals(programme)
    assert (due, found.state, found.for_staff) == (1, "open", "unproved")


async def test_without_either_the_rule_merges_who_has_just_bought(
    programme: Programme, proposed: Proposed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: asked only before the books are held, nothing was booked yet."""
    asked: list[UUID] = []

    async def answered_once(tx: Transaction, member_id: UUID) -> bool:
        asked.append(member_id)
        return False if asked.count(member_id) > 1 else await loyalty.MERGING.has_account(tx, member_id)

    parts = (replace(loyalty.MERGING, has_account=answered_once), *PARTS[1:])
    monkeypatch.setattr("tests.races.test_proposal_race.PARTS", parts)
    await programme.execute(NO_KEY)
    assert await booked_beside_the_rule(programme, proposed, known=False) is True

    assert await merges(programme) == 1
