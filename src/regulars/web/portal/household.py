"""My household: who lives there, as far as a member may see, and leaving it."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX, LeaveHousehold
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.portal.own import AnyRequest, acts_as, own_id
from regulars.web.portal.people import housemates

HOME: Final = "/portal/household"
LEAVE: Final = f"{HOME}/leave"
WORD: Final = mark("LEAVE")
_REASON: Final = "the member left in the portal"


class Leaving(msgspec.Struct):
    """The word that says that it is meant, and which household."""

    confirmation: Annotated[str, Meta(max_length=40)]
    household: Annotated[str, Meta(max_length=80)]


def home_pages(kit: Kit) -> Pages:
    """Return the pages of a member's household."""
    return Pages(ViewerKind.MEMBER, [_household(kit), *_leaving(kit)])


def _household(kit: Kit) -> ControllerRouterHandler:
    services = kit.services
    configuration = loyalty.Configuration()

    @get(HOME, guards=[kit.guards.member()])
    async def household(request: AnyRequest) -> Response[bytes]:
        member_id = own_id(request)
        async with services.database.transaction() as tx:
            shown = await _lives(kit, tx, request)
            stays = await members.households.stays_of(tx, member_id)
            policy = await loyalty.policy_in_force(tx, configuration)
        return kit.render(
            request,
            "portal/household.html",
            **shown,
            past=[one for one in stays if one.until is not None],
            gives=policy is not None and policy.transfers is not None,
        )

    return household


async def _lives(kit: Kit, tx: Transaction, request: AnyRequest) -> dict[str, Any]:
    """Tell of the household in which a member lives now; its name in full to the head, who gave it."""
    member_id = own_id(request)
    home = await members.households.home_of(tx, kit.services.vault, member_id)
    if home is None:
        return {"home": None}
    leads = home.head_id == member_id
    mates = await housemates(tx, kit.services.vault, member_id, home)
    return {
        "home": home,
        "name": home.name,
        "public": public_id(HOUSEHOLD_PREFIX, home.household_id),
        "mates": mates,
        "leads": leads,
        "since": next(one.since for one in home.members if one.member_id == member_id),
        "heir": min(mates, key=lambda one: (one.since, one.member_id), default=None) if leads else None,
    }


def _leaving(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services
    configuration = loyalty.Configuration()

    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        async with services.database.transaction() as tx:
            shown = await _lives(kit, tx, request)
            policy = await loyalty.policy_in_force(tx, configuration)
        if shown["home"] is None:
            return kit.see(HOME)
        within = policy is not None and policy.transfers is not None and policy.transfers.among == "household"
        word = in_language(WORD, kit.page(request).language)
        return kit.render(
            request, "portal/household_leave.html", status=status, form=form, word=word, within=within, **shown
        )

    @get(LEAVE, guards=[kit.guards.member()])
    async def ask(request: AnyRequest) -> Response[bytes]:
        return await show(request, blank_form(kit.page(request).language))

    @post(LEAVE, guards=[kit.guards.member()])
    async def leave(request: AnyRequest) -> Response[bytes]:
        """Leave the household that the page showed; sent again, or left otherwise meanwhile, nothing more happens."""
        member_id, language = own_id(request), kit.page(request).language
        form = read_form(request, Leaving, language)
        if form.value is None:
            return await show(request, form, 422)
        if form.value.confirmation.casefold() not in {in_language(WORD, language).casefold(), WORD.casefold()}:
            said = in_language(mark("Please type the word as it stands there."), language)
            return await show(request, Form(language, form.values, {"confirmation": said}), 422)
        try:
            async with services.database.transaction(actor=acts_as(request)) as tx:
                home = await members.households.home_of(tx, services.vault, member_id)
                if home is None or public_id(HOUSEHOLD_PREFIX, home.household_id) != form.value.household:
                    return kit.see(HOME)
                await _left(tx, kit, request, home.household_id)
        except DomainError as refusal:
            return await show(request, form.refused(refusal), refusal.status)
        return kit.see(HOME, Notice(mark("You have left the household.")))

    return [ask, leave]


async def _left(tx: Transaction, kit: Kit, request: AnyRequest, household_id: UUID) -> None:
    member_id, actor = own_id(request), acts_as(request)
    wish = LeaveHousehold(household_id=household_id, member_id=member_id, actor=actor, reason=_REASON)
    await members.households.leave_household(tx, kit.services.vault, wish)
    tx.audit(
        AuditEntry(
            actor=actor,
            action="leave_household",
            subject=public_id(MEMBER_PREFIX, member_id),
            reason=_REASON,
            request_id=tx.request_id,
            detail=public_id(HOUSEHOLD_PREFIX, household_id),
        )
    )
