"""What of members other answers can give along: members (masked), consents, households."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from regulars.members.consent import service as consent
from regulars.members.consent.schemas import ConsentsAnswer, consents_answer
from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX
from regulars.members.households import reading as households
from regulars.members.households.schemas import HouseholdAnswer, household_answer
from regulars.members.identity.reading import members_shown
from regulars.members.identity.schemas import MemberAnswerShown
from regulars.platform.errors import DomainError
from regulars.platform.http.expanding import Looking, Related
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.vault.contracts import Vault

READ: Final = "members:read"


def members_given_along(vault: Vault) -> Related:
    """Return members by their ids; in the clear they are read at their own address only, for a purpose."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, MemberAnswerShown]:
        wanted = _members(ids)
        found = await members_shown(looking.tx, vault, wanted.values(), clear=False)
        shown = {text: found[member_id][1] for text, member_id in wanted.items() if member_id in found}
        return {text: one for text, one in shown.items() if not isinstance(one, DomainError)}

    return Related(MemberAnswerShown, "getMember", READ, read)


def consents_given_along() -> Related:
    """Return what each member consented to, as it is now: for answers about one member."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, ConsentsAnswer]:
        tx, found = looking.tx, {}
        for text, member_id in _members(ids).items():
            try:
                in_force, history = await consent.consents(tx, member_id, as_of=tx.now)
            except DomainError:  # nobody any more
                continue
            found[text] = consents_answer(tx.now, in_force, history, consent.waiting(history))
        return found

    return Related(ConsentsAnswer, "listConsents", READ, read)


def households_given_along() -> Related:
    """Return households by their ids."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, HouseholdAnswer]:
        wanted = [named for text in ids if (named := parse_public_id(HOUSEHOLD_PREFIX, text)) is not None]
        found = await households.read_households(looking.tx, wanted)
        return {public_id(HOUSEHOLD_PREFIX, one.household_id): household_answer(one) for one in found}

    return Related(HouseholdAnswer, "listHouseholds.households", READ, read)


def _members(ids: Sequence[str]) -> dict[str, UUID]:
    return {text: found for text in ids if (found := parse_public_id(MEMBER_PREFIX, text)) is not None}
