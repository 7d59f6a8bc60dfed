"""Members who may be one person: the queue, one pair with why, and the rules by which that is told."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.commerce import api as commerce
from regulars.engagement import api as engagement
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.identity_rules import IdentityRules, KindRule
from regulars.members.contracts.merging import PROPOSAL_PREFIX, MergingParts
from regulars.members.contracts.proposals import (
    DismissProposal,
    Evidence,
    Proposal,
    ProposalRead,
    ProposalState,
    ProposalsWanted,
)
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.places import read_place, write_place
from regulars.web.console.account import who
from regulars.web.console.actors import names_of
from regulars.web.console.member import Person, read_person
from regulars.web.console.words import IDENTITIES, member_link
from regulars.web.kit.cells import Badge, Cell, Link, Quiet
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, One, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.kit.whys import acted_in, named_by, why_of

HOME: Final = "/console/proposals"
ONE: Final = f"{HOME}/{{proposal_id:str}}"
READ: Final = "members:read"
MERGE: Final = "members:merge"
PARTS: Final[MergingParts] = (loyalty.MERGING, commerce.MERGING, engagement.MERGING)
STATES: Final[dict[ProposalState, Badge]] = {
    "open": Badge(mark("To be decided"), "warning"),
    "confirmed": Badge(mark("Merged by staff"), "success"),
    "automatic": Badge(mark("Merged by the rule"), "info"),
    "done": Badge(mark("Merged otherwise"), "info"),
    "dismissed": Badge(mark("Dismissed"), "neutral"),
    "superseded": Badge(mark("Counts elsewhere"), "neutral"),
    "undone": Badge(mark("Merged and parted"), "neutral"),
}

AnyRequest = Request[Any, Any, Any]


class Dismissal(msgspec.Struct):
    """Why two members are two."""

    reason: Annotated[str, Meta(min_length=5, max_length=200)]


def proposal_pages(kit: Kit) -> Pages:
    """Return the pages of proposals."""
    entry = Entry(HOME, mark("May be one person"), icon="users-plus", permission=MERGE)
    return Pages(
        ViewerKind.STAFF, [_list(kit), _one(kit), _dismiss(kit)], navigation=[Group(mark("Member care"), (entry,))]
    )


def proposal_path(one: Proposal) -> str:
    """Return where a proposal is."""
    return f"{HOME}/{public_id(PROPOSAL_PREFIX, one.proposal_id)}"


# --- the queue --------------------------------------------------------------------------------------------------------


def _list(kit: Kit) -> ControllerRouterHandler:
    @get(HOME, guards=[kit.guards.staff(READ, MERGE)])
    async def proposals(request: AnyRequest) -> Response[Any]:
        page, names, rules = kit.page(request), dict[UUID, str](), list[IdentityRules]()

        async def fetch(wanted: Wanted) -> Slice:
            named = wanted.filters.get("member")
            whose = None if named is None else parse_public_id(MEMBER_PREFIX, named)
            if named is not None and whose is None:
                return Slice([])
            state = next((one for one in STATES if one == wanted.filters.get("state")), None)
            async with wanted.reading() as tx:
                sought = ProposalsWanted(state, whose, read_place(wanted.after), wanted.limit + 1)
                found = await members.proposals.list_proposals(tx, sought)
                names.update(await _names(kit, tx, [one for one, _ in found]))
                if not rules:
                    rules.extend(await members.proposals.list_rules(tx))
            more = len(found) > wanted.limit
            last = found[wanted.limit - 1][0] if more else None
            after = None if last is None else write_place(last.last_seen_at, last.proposal_id)
            return Slice(found[: wanted.limit], after=after)

        listing = _listing(page.language, names)
        return await kit.listing(request, "console/proposals.html", listing, fetch, rules=_Rules(rules, page.language))

    return proposals


async def _names(kit: Kit, tx: Transaction, found: Sequence[Proposal]) -> dict[UUID, str]:
    """Return what both members of proposals are called: a first character, where they told a name."""
    ids = sorted({one for proposal in found for one in (proposal.member_id, proposal.other_id)})
    profiles = await members.read_profiles(tx, kit.services.vault, ids, clear=False) if ids else {}
    told = {one: profiles[one].display_name or profiles[one].family_name for one in ids if one in profiles}
    return {one: told.get(one) or f"{MEMBER_PREFIX}_…{one.hex[-6:]}" for one in ids}


class _Rules:
    """The rules in force, as the page tells them; known once the listing was read."""

    def __init__(self, versions: Sequence[IdentityRules], language: str) -> None:
        self._versions, self._language = versions, language

    @property
    def now(self) -> IdentityRules | None:
        """The version in force."""
        return self._versions[0] if self._versions else None

    @property
    def kinds(self) -> list[tuple[str, KindRule]]:
        """What each kind is called, and what holds of it; the strongest first."""
        return [
            (in_language(IDENTITIES[one.kind.value], self._language), one)
            for one in (() if self.now is None else self.now.kinds)
        ]


def _listing(language: str, names: dict[UUID, str]) -> Listing:
    def by_kinds(row: tuple[Proposal, list[Evidence]]) -> str:
        kinds = {each: None for one in row[1] for each in (one.kind, one.other_kind) if each is not None}
        return " · ".join([in_language(IDENTITIES[one.value], language) for one in kinds])

    def both(row: tuple[Proposal, list[Evidence]]) -> Cell:
        first, other = names.get(row[0].member_id, ""), names.get(row[0].other_id, "")
        return Link(f"{first} + {other}", proposal_path(row[0]))

    return Listing(
        name="proposals",
        columns=(
            Column("members", mark("Members"), both),
            Column("kinds", mark("Named together by"), by_kinds),
            Column("state", mark("State"), lambda row: STATES[row[0].state]),
            Column("times", mark("Times seen"), lambda row: row[0].seen_count),
            Column("last", mark("Last seen"), lambda row: row[0].last_seen_at),
            Column("opened", mark("First seen"), lambda row: row[0].opened_at, minor=True, shown=False),
            Column("ended", mark("Decided"), lambda row: row[0].ended_at, minor=True),
        ),
        filters=(
            Choice("state", mark("State"), tuple((state, badge.label) for state, badge in STATES.items())),
            One("member", mark("Member"), type="text", rare=True),
        ),
        empty=mark("Nobody seems to be two members. Pairs appear here when one request names values of both."),
    )


# --- one pair ---------------------------------------------------------------------------------------------------------


async def _show(
    kit: Kit, request: AnyRequest, public: str, form: Form[Any], *, opened: str = "", status: int = 200
) -> Response[bytes]:
    page = kit.page(request)
    async with kit.services.database.transaction() as tx:
        read = await members.proposals.read_proposal(tx, PARTS, _id_in(public))
        why = await members.proposals.explain_proposal(tx, kit.services.vault, read)
        found = read.proposal
        ids = [public_id(MEMBER_PREFIX, one) for one in (found.member_id, found.other_id)]
        people = [await read_person(kit, tx, one) for one in ids]
        names = await names_of(tx, acted_in(why), page.language)
    called = {one: person.name for one, person in zip(ids, people, strict=True)}
    return kit.render(
        request,
        "console/proposal.html",
        page=page,
        status=status,
        form=form,
        opened=opened,
        found=found,
        state=STATES[found.state],
        title=" + ".join(called.values()) if found.state == "open" else "",
        path=proposal_path(found),
        why=why_of(named_by(why, names | called), page.formats),
        sides=[
            _side(read, one, person, page)
            for one, person in zip((found.member_id, found.other_id), people, strict=True)
        ],
        look=_look(read, public),
        merges=f"/console/members/{public_id(MEMBER_PREFIX, read.survivor_id)}/merges",
    )


def _look(read: ProposalRead, public: str) -> str:
    """Return where both stand beside each other, and are merged by this proposal."""
    both = {read.proposal.member_id, read.proposal.other_id}
    (absorbed,) = both - {read.survivor_id}
    stays, goes = public_id(MEMBER_PREFIX, read.survivor_id), public_id(MEMBER_PREFIX, absorbed)
    return f"/console/members/{stays}/merge?absorb={goes}&proposal={public}"


def _side(read: ProposalRead, member_id: UUID, person: Person, page: Page) -> dict[str, Any]:
    language = page.language
    facts: list[tuple[str, Cell]] = [
        (in_language(mark("Signed up"), language), person.member.signed_up_at),
        (
            in_language(mark("Account"), language),
            Badge(mark("holds one"), "info") if member_id in read.accounts else Badge(mark("none"), "neutral"),
        ),
    ]
    unproved = in_language(mark("Not confirmed"), language)
    facts += [
        (
            in_language(IDENTITIES[one.kind.value], language),
            one.value if one.verified_at or one.value is None else Quiet(one.value, unproved),
        )
        for one in person.identities
    ]
    return {"name": person.name, "link": member_link(member_id), "facts": facts}


def _one(kit: Kit) -> ControllerRouterHandler:
    @get(ONE, guards=[kit.guards.staff(READ, MERGE)])
    async def proposal(request: AnyRequest, proposal_id: FromPath[str]) -> Response[bytes]:
        return await _show(kit, request, proposal_id, blank_form(kit.page(request).language))

    return proposal


def _dismiss(kit: Kit) -> ControllerRouterHandler:
    @post(f"{ONE}/dismiss", guards=[kit.guards.staff(READ, MERGE)])
    async def dismiss(request: AnyRequest, proposal_id: FromPath[str]) -> Response[bytes]:
        form, actor = read_form(request, Dismissal, kit.page(request).language), who(request).actor
        if form.value is None:
            return await _show(kit, request, proposal_id, form, opened="dismiss", status=422)
        wish = DismissProposal(proposal_id=_id_in(proposal_id), actor=actor, reason=form.value.reason)
        try:
            async with kit.services.database.transaction(actor=actor) as tx:
                await members.proposals.dismiss_proposal(tx, wish)
                tx.audit(
                    AuditEntry(
                        actor=actor, action="dismiss_merge_proposal", subject=proposal_id, reason=form.value.reason
                    )
                )
        except NotFound:
            raise
        except DomainError as refusal:
            return await _show(kit, request, proposal_id, form.refused(refusal), status=refusal.status)
        return kit.see(
            f"{HOME}?state=open", Notice(mark("They stay two. The same evidence does not propose them again."))
        )

    return dismiss


def _id_in(public: str) -> UUID:
    found = parse_public_id(PROPOSAL_PREFIX, public)
    if found is None:
        raise NotFound
    return found
