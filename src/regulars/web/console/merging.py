"""Merging members: two beside each other, what would go over, and why; what was merged, and undoing it."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.commerce import api as commerce
from regulars.engagement import api as engagement
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX, Decision
from regulars.members.contracts.merging import (
    MERGE_PREFIX,
    PROPOSAL_PREFIX,
    Merge,
    MergeMembers,
    MergeUndone,
    MergingParts,
    UndoMerge,
    WalletReturned,
)
from regulars.members.contracts.proposals import ConfirmProposal
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.texts import say
from regulars.web.console.account import who
from regulars.web.console.member import Person, read_person
from regulars.web.console.member_words import CONSENT_CHANNELS, PURPOSES
from regulars.web.console.words import IDENTITIES, member_id_in, member_link, member_tabs, tier_badge, wallet_name
from regulars.web.kit.cells import Badge, Cell
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark

READ: Final = "members:read"
MERGE: Final = "members:merge"
MERGES: Final = "/console/members/{member_id:str}/merges"
PARTS: Final[MergingParts] = (loyalty.MERGING, commerce.MERGING, engagement.MERGING)
STATES: Final = {"merged": Badge(mark("Merged"), "info"), "undone": Badge(mark("Undone"), "neutral")}
FIELDS: Final = {
    "display_name": mark("Called"),
    "given_name": mark("Given name"),
    "family_name": mark("Family name"),
    "birthday": mark("Birthday"),
}

AnyRequest = Request[Any, Any, Any]


class MergeWish(msgspec.Struct):
    """Who becomes part of this member, and why."""

    absorb: str
    reason: Annotated[str, Meta(min_length=5, max_length=200)]
    proposal: str = ""


class UndoWish(msgspec.Struct):
    """Why a merge is undone."""

    reason: Annotated[str, Meta(min_length=5, max_length=200)]


def merging_handlers(kit: Kit) -> Sequence[ControllerRouterHandler]:
    """Return the pages of merging one member."""
    configuration = loyalty.Configuration()
    return [_list(kit), *_merge(kit, configuration), *_undo(kit)]


def _list(kit: Kit) -> ControllerRouterHandler:
    @get(MERGES, guards=[kit.guards.staff(READ, MERGE)])
    async def merges(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            person = await read_person(kit, tx, member_id)
            found = await members.list_merges(tx, person.member.member_id)
        return kit.render(
            request,
            "console/merges.html",
            page=page,
            person=person,
            tabs=member_tabs(person.public, page.language, merges=True),
            merges=[_row(one) for one in found],
        )

    return merges


def _row(one: Merge) -> dict[str, Any]:
    survivor = public_id(MEMBER_PREFIX, one.survivor_id)
    return {
        "state": STATES[one.state],
        "survivor": member_link(one.survivor_id),
        "absorbed": member_link(one.absorbed_id),
        "at": one.recorded_at,
        "reason": one.reason,
        "undone_at": one.undone_at,
        "undo_reason": one.undo_reason,
        "undo": f"/console/members/{survivor}/merges/{public_id(MERGE_PREFIX, one.merge_id)}/undo",
    }


# --- two beside each other --------------------------------------------------------------------------------------------


async def _side(tx: Transaction, configuration: loyalty.Configuration, person: Person, language: str) -> Any:  # noqa: ANN401 - what the template shows
    """Return what of one member stands beside the other: personal data masked."""
    member_id = person.member.member_id
    policy = await loyalty.policy_in_force(tx, configuration)
    tier = None if policy is None else await loyalty.tier_status(tx, configuration, member_id, language=language)
    in_force, _ = await members.consents(tx, member_id, as_of=tx.now)
    facts: list[tuple[str, Cell]] = [
        (in_language(mark("Signed up"), language), person.member.signed_up_at),
        (in_language(mark("Tier"), language), None if tier is None else tier_badge(tier.tier, tier.rank)),
    ]
    facts += [(wallet_name(one.wallet, language), one.balance) for one in await loyalty.balances(tx, member_id)]
    return {
        "person": person,
        "link": member_link(member_id),
        "facts": [(label, value) for label, value in facts if value is not None],
        "identities": [
            (
                in_language(IDENTITIES[one.kind.value], language),
                one.value,
                Badge(mark("Confirmed"), "success") if one.verified_at else Badge(mark("Not confirmed")),
            )
            for one in person.identities
        ],
        "consents": [
            say(
                "{what}: {how}",
                language,
                what=f"{in_language(PURPOSES[one.purpose], language)} · "
                f"{in_language(CONSENT_CHANNELS[one.channel], language)}",
                how=in_language(mark("Given") if one.decision is Decision.GIVEN else mark("Withdrawn"), language),
            )
            for one in in_force
        ],
    }


def _merge(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    async def show(
        request: AnyRequest, public: str, absorb: str, form: Form[Any], *, status: int = 200, proposal: str = ""
    ) -> Response[bytes]:
        page = kit.page(request)
        absorbed = parse_public_id(MEMBER_PREFIX, absorb.strip())
        looked: Merge | None = None
        async with kit.services.database.transaction() as tx:
            survivor = await read_person(kit, tx, public)
            sides = [await _side(tx, configuration, survivor, page.language)]
            try:
                if absorbed is None:
                    raise NotFound
                other = await read_person(kit, tx, absorb.strip())
                sides.append(await _side(tx, configuration, other, page.language))
                looked = await _looked(kit, tx, survivor.member.member_id, absorbed)
            except DomainError as refusal:
                if status == 200:  # noqa: PLR2004 - else it says why it was refused before
                    form, status = form.refused(refusal), refusal.status
        return kit.render(
            request,
            "console/merge.html",
            page=page,
            status=status,
            form=form,
            person=survivor,
            absorb=absorb.strip(),
            proposal=proposal if parse_public_id(PROPOSAL_PREFIX, proposal) is not None else "",
            sides=sides,
            looked=looked,
            moved=None if looked is None else _moved(looked, page.language),
        )

    @get("/console/members/{member_id:str}/merge", guards=[kit.guards.staff(READ, MERGE)])
    async def look(
        request: AnyRequest, member_id: FromPath[str], absorb: FromQuery[str] = "", proposal: FromQuery[str] = ""
    ) -> Response[bytes]:
        return await show(request, member_id, absorb, blank_form(kit.page(request).language), proposal=proposal)

    @post("/console/members/{member_id:str}/merge", guards=[kit.guards.staff(READ, MERGE)])
    async def merge(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        form, actor = read_form(request, MergeWish, kit.page(request).language), who(request).actor
        if form.value is None:
            absorb, proposal = [str(form.values.get(one, "")) for one in ("absorb", "proposal")]
            return await show(request, member_id, absorb, form, status=422, proposal=proposal)
        absorbed = parse_public_id(MEMBER_PREFIX, form.value.absorb)
        if absorbed is None:
            raise NotFound
        survivor, wish = member_id_in(member_id), form.value
        try:
            async with kit.services.database.transaction(actor=actor) as tx:
                await _merged(
                    kit,
                    tx,
                    wish,
                    MergeMembers(survivor_id=survivor, absorbed_id=absorbed, actor=actor, reason=wish.reason),
                )
                tx.audit(AuditEntry(actor=actor, action="merge_members", subject=member_id, reason=wish.reason))
        except DomainError as refusal:
            refused = form.refused(refusal)
            return await show(request, member_id, wish.absorb, refused, status=refusal.status, proposal=wish.proposal)
        return kit.see(f"/console/members/{member_id}/merges", Notice(mark("The two members are one now.")))

    return [look, merge]


async def _merged(kit: Kit, tx: Transaction, given: MergeWish, wish: MergeMembers) -> None:
    """Merge, by the proposal that was looked at, if there was one."""
    proposed = parse_public_id(PROPOSAL_PREFIX, given.proposal)
    if proposed is None:
        await members.merge_members(tx, kit.services.vault, PARTS, wish)
        return
    confirmed = ConfirmProposal(
        proposal_id=proposed,
        actor=wish.actor,
        reason=wish.reason,
        survivor_id=wish.survivor_id,
        absorbed_id=wish.absorbed_id,
    )
    await members.proposals.confirm_proposal(tx, kit.services.vault, PARTS, confirmed)


async def _looked(kit: Kit, tx: Transaction, survivor: UUID, absorbed: UUID) -> Merge:
    """Tell what would go over."""
    wish = MergeMembers(survivor_id=survivor, absorbed_id=absorbed, actor="", reason="", dry_run=True)
    return await members.merge_members(tx, kit.services.vault, PARTS, wish)


def _moved(looked: Merge, language: str) -> dict[str, Any]:
    tier = looked.books.tier
    return {
        "wallets": [(wallet_name(one.wallet, language), one) for one in looked.books.wallets],
        "tier_before": loyalty.name_of_tier(tier.survivor_before, language),
        "tier_after": loyalty.name_of_tier(tier.survivor_after, language),
        "filled": [in_language(FIELDS[one], language) for one in looked.filled],
        "consents": len(looked.consents),
        "identities": len(looked.identities),
        "unproved": len(looked.unproved),
    }


# --- and two again ----------------------------------------------------------------------------------------------------


def _undo(kit: Kit) -> Sequence[ControllerRouterHandler]:
    async def show(
        request: AnyRequest, public: str, merge: str, form: Form[Any], *, status: int = 200
    ) -> Response[bytes]:
        page = kit.page(request)
        looked: MergeUndone | None = None
        async with kit.services.database.transaction() as tx:
            person = await read_person(kit, tx, public)
            try:
                looked = await _part(kit, tx, public, merge, actor="", reason="")
            except NotFound:
                raise
            except DomainError as refusal:
                form, status = form.refused(refusal), refusal.status
        return kit.render(
            request,
            "console/unmerge.html",
            page=page,
            status=status,
            form=form,
            person=person,
            path=f"/console/members/{public}/merges/{merge}/undo",
            looked=looked,
            absorbed=None if looked is None else member_link(looked.absorbed_id),
            wallets=[]
            if looked is None
            else [(wallet_name(one.wallet, page.language), _back(one, page.language)) for one in looked.books.wallets],
            tiers=None
            if looked is None
            else [
                loyalty.name_of_tier(one or "", page.language)
                for one in (looked.books.tier.survivor_after, looked.books.tier.absorbed_after)
            ],
        )

    @get(f"{MERGES}/{{merge_id:str}}/undo", guards=[kit.guards.staff(READ, MERGE)])
    async def look(request: AnyRequest, member_id: FromPath[str], merge_id: FromPath[str]) -> Response[bytes]:
        return await show(request, member_id, merge_id, blank_form(kit.page(request).language))

    @post(f"{MERGES}/{{merge_id:str}}/undo", guards=[kit.guards.staff(READ, MERGE)])
    async def undo(request: AnyRequest, member_id: FromPath[str], merge_id: FromPath[str]) -> Response[bytes]:
        form, actor = read_form(request, UndoWish, kit.page(request).language), who(request).actor
        if form.value is None:
            return await show(request, member_id, merge_id, form, status=422)
        reason = form.value.reason
        try:
            async with kit.services.database.transaction(actor=actor) as tx:
                await _part(kit, tx, member_id, merge_id, actor=actor, reason=reason)
                tx.audit(AuditEntry(actor=actor, action="undo_merge", subject=member_id, reason=reason))
        except NotFound:
            raise
        except DomainError as refusal:
            return await show(request, member_id, merge_id, form.refused(refusal), status=refusal.status)
        return kit.see(f"/console/members/{member_id}/merges", Notice(mark("The two members are two again.")))

    return [look, undo]


def _back(one: WalletReturned, language: str) -> list[tuple[str, int]]:
    """Return what goes back of a wallet, and how both stand then; what is nothing is not told."""
    told = (
        (mark("Goes back as it is"), one.returned),
        (mark("Spent meanwhile, from other units"), one.covered),
        (mark("Spent meanwhile, will be owed"), one.shortfall),
        (mark("Ran out meanwhile"), one.expired),
    )
    after = ((mark("Afterwards here"), one.survivor_after), (mark("Afterwards there"), one.absorbed_after))
    return [(in_language(label, language), units) for label, units in (*[each for each in told if each[1]], *after)]


async def _part(kit: Kit, tx: Transaction, public: str, merge: str, *, actor: str, reason: str) -> MergeUndone:
    """Undo a merge, or, without an actor, tell what would go back."""
    merge_id = parse_public_id(MERGE_PREFIX, merge)
    if merge_id is None:
        raise NotFound
    wish = UndoMerge(survivor_id=member_id_in(public), merge_id=merge_id, actor=actor, reason=reason, dry_run=not actor)
    return await members.undo_merge(tx, kit.services.vault, PARTS, wish)
