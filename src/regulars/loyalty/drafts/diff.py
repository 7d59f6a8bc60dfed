"""Comparing versions and drafts: which two, and in whose words."""

from typing import Final
from uuid import UUID

from regulars.loyalty.drafts import rules, service
from regulars.loyalty.drafts.contracts import DRAFT_PREFIX, WithdrawnBase
from regulars.loyalty.drafts.errors import NothingToBeginFrom, UnknownDraft
from regulars.loyalty.drafts.rules import Difference, Telling
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.errors import UnknownVersion
from regulars.loyalty.policy.rules import active_at
from regulars.loyalty.policy.sections import SECTIONS
from regulars.loyalty.policy.service import list_policies, read_version
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import parse_public_id
from regulars.platform.markets.service import list_markets
from regulars.platform.texts import mark, say

Named = int | UUID | None  # a version, a draft; None: what is in force
STANDS_ON_WITHDRAWN: Final = mark(
    "The draft was begun from version {version}, or last compared with it, and that version was withdrawn at "
    "{withdrawn_at}: what it said comes with the draft."
)
_MOST_DIGITS: Final = 9


async def difference(tx: Transaction, before: Named, after: Named, language: str) -> list[Difference]:
    """Return what differs between two policies, in a language's words. Raises UnknownVersion, UnknownDraft (404).

    None stands for what is in force; before anything is, for the policy that comes first (NothingToBeginFrom, 422).
    """
    found = [await policy_named(tx, one) for one in (before, after)]
    return rules.differences(found[0], found[1], await telling_in(tx, language))


async def withdrawn_base(tx: Transaction, named: Named, language: str) -> WithdrawnBase | None:
    """Return what a draft that is open stands on if that was withdrawn; None else. Raises UnknownDraft (404)."""
    if not isinstance(named, UUID):
        return None
    draft = await service.read_draft(tx, named)
    version, at = draft.based_on, draft.based_on_withdrawn_at
    if version is None or at is None or draft.state not in {"draft", "proposed"}:
        return None
    said = say(STANDS_ON_WITHDRAWN, language, version=version, withdrawn_at=at.isoformat(timespec="seconds"))
    return WithdrawnBase(version=version, withdrawn_at=at, said=said)


async def policy_named(tx: Transaction, named: Named) -> Policy:
    """Return the policy of a version, of a draft, or the one in force. See `difference`."""
    if isinstance(named, int):
        return await read_version(tx, named)
    if named is not None:
        return (await service.read_draft(tx, named)).policy
    versions = await list_policies(tx)
    if not versions:
        raise NothingToBeginFrom(pointer="/query/before")
    return active_at(versions, tx.now) or versions[0]


async def telling_in(tx: Transaction, language: str) -> Telling:
    """Return how policies are told in a language: amounts in the currency of each market."""
    return Telling(language, tuple(sorted({market.currency for market in await list_markets(tx)})))


def named_in(text: str | None) -> Named:
    """Read a version's number or a draft's id. Raises UnknownVersion, UnknownDraft (404)."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return int(text)
    found = parse_public_id(DRAFT_PREFIX, text)
    if found is None:
        raise UnknownDraft if text.startswith(DRAFT_PREFIX) else UnknownVersion(version=text[:40])
    return found


async def sheet(tx: Transaction, policy: Policy, language: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return all that a policy says, section by section: titles, and pairs of label and value in a language's words."""
    telling = await telling_in(tx, language)
    return [
        (say(section.title, language), rules.lines_of(policy, section, telling))
        for section in SECTIONS
        if getattr(policy, section.name) is not None
    ]
