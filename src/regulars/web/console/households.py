"""Households: who lives together, in which tier and with what to spend, how that came; staff change it, and say why."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX, Profile
from regulars.members.contracts.households import (
    HOUSEHOLD_PREFIX,
    ChangeHead,
    DissolveHousehold,
    FormHousehold,
    Household,
    HouseholdChange,
    HouseholdChangeKind,
    HouseholdMember,
    HouseholdState,
    JoinHousehold,
    LeaveHousehold,
    RenameHousehold,
)
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id, parse_public_id, public_id
from regulars.platform.texts import in_figures, say
from regulars.web.console.account import who
from regulars.web.console.actors import names_of_programs, names_of_staff
from regulars.web.console.member_privacy import who as who_acted
from regulars.web.console.sight import scope_of
from regulars.web.console.words import full_name, member_id_in, member_link, member_path, tier_badge
from regulars.web.kit.cells import Badge, Link, Tone
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.pages import Page
from regulars.web.kit.refusals import noted
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.timeline import Happening
from regulars.web.kit.viewers import ViewerKind, viewer_of

HOME: Final = "/console/households"
HOUSEHOLD: Final = f"{HOME}/{{household_id:str}}"
READ: Final = "members:read"
WRITE: Final = "households:write"
STATES: Final[dict[HouseholdState, Badge]] = {
    "standing": Badge(mark("Lives together"), "success"),
    "dissolved": Badge(mark("Dissolved"), "neutral"),
}
ROLES: Final = {"head": Badge(mark("Head"), "primary"), "member": Badge(mark("Lives there"), "neutral")}
CHANGES: Final[dict[HouseholdChangeKind, str]] = {
    "formed": mark("The household was formed"),
    "joined": mark("{who} came"),
    "left": mark("{who} left"),
    "head_changed": mark("{who} became the head"),
    "renamed": mark("The name was changed"),
    "dissolved": mark("The household was dissolved"),
    "revived": mark("The household stands again: a merge was undone"),
}
TONES: Final[dict[HouseholdChangeKind, Tone]] = {"joined": "success", "left": "warning", "dissolved": "error"}
WORD: Final = mark("dissolve")
NOBODY: Final = mark("Nobody is found by this. Type a phone number, an address, a card or an id in full.")
NOT_THE_WORD: Final = mark("Type the word as it stands there.")
_MANY: Final = 50

AnyRequest = Request[Any, Any, Any]
Reason = Annotated[str, Meta(min_length=3, max_length=200)]
Act = Callable[[Transaction, str], Awaitable[Household]]


class Forming(msgspec.Struct):
    """Why a household is formed, and what it is called."""

    reason: Reason
    name: Annotated[str, Meta(max_length=80)] = ""


class Adding(msgspec.Struct):
    """Who comes, as somebody types it, and why."""

    member: Annotated[str, Meta(min_length=3, max_length=320)]
    reason: Reason


class Choosing(msgspec.Struct):
    """Which of the members, and why."""

    member: str
    reason: Reason


class Naming(msgspec.Struct):
    """What a household is called (nothing, if left empty), and why."""

    reason: Reason
    name: Annotated[str, Meta(max_length=80)] = ""


class Dissolving(msgspec.Struct):
    """Why a household is dissolved, and the word that says that it is meant."""

    reason: Reason
    confirmation: Annotated[str, Meta(max_length=40)]


def household_pages(kit: Kit) -> Pages:
    """Return the pages of households."""
    entry = Entry(HOME, mark("Households"), icon="home", permission=READ)
    handlers = [
        _list(kit),
        _page(kit),
        _forming(kit),
        _adding(kit),
        _removing(kit),
        _leading(kit),
        _naming(kit),
        _dissolving(kit),
    ]
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Member care"), (entry,))])


def household_path(household_id: UUID) -> str:
    """Return where a household's page is."""
    return f"{HOME}/{public_id(HOUSEHOLD_PREFIX, household_id)}"


def household_link(household_id: UUID) -> Link:
    """Return a household's id, shortened, as a link to the page."""
    return Link(f"{HOUSEHOLD_PREFIX}_…{household_id.hex[-6:]}", household_path(household_id))


def _id_in(public: str) -> UUID:
    found = parse_public_id(HOUSEHOLD_PREFIX, public)
    if found is None:
        raise NotFound
    return found


# --- the list ---------------------------------------------------------------------------------------------------------


def _list(kit: Kit) -> ControllerRouterHandler:
    @get(HOME, guards=[kit.guards.staff(READ)])
    async def listed(request: AnyRequest) -> Response[Any]:
        async def fetch(wanted: Wanted) -> Slice:
            state = wanted.filters.get("state")
            async with wanted.reading() as tx:
                found = await members.households.list_households(
                    tx,
                    state=state if state in STATES else None,
                    before=None if wanted.after is None else parse_public_id(HOUSEHOLD_PREFIX, wanted.after),
                    limit=wanted.limit + 1,
                    stores=scope_of(viewer_of(request)),
                )
            rows = found[: wanted.limit]
            more = len(found) > wanted.limit
            return Slice(rows, after=public_id(HOUSEHOLD_PREFIX, rows[-1].household_id) if more else None)

        return await kit.listing(request, "console/households.html", LISTING, fetch)

    return listed


LISTING: Final = Listing(
    name="households",
    columns=(
        Column("household", mark("Household"), lambda one: household_link(one.household_id)),
        Column("head", mark("Head"), lambda one: None if one.head_id is None else member_link(one.head_id)),
        Column("people", mark("People"), lambda one: len(one.members)),
        Column("state", mark("State"), lambda one: STATES[one.state]),
        Column("formed", mark("Formed"), lambda one: one.formed_at, minor=True),
        Column("dissolved", mark("Dissolved"), lambda one: one.dissolved_at, minor=True),
    ),
    filters=(Choice("state", mark("State"), tuple((state, badge.label) for state, badge in STATES.items())),),
    empty=mark("No households yet. Form one from the page of the member who is to be its head."),
)


# --- one household ----------------------------------------------------------------------------------------------------


async def _show(
    kit: Kit, request: AnyRequest, public: str, form: Form[Any], *, opened: str = "", status: int = 200
) -> Response[bytes]:
    page, viewer, services = kit.page(request), viewer_of(request), kit.services
    household_id, language = _id_in(public), page.language
    async with services.database.transaction() as tx:
        household = await members.households.read_household(
            tx, services.vault, household_id, clear=False, stores=scope_of(viewer)
        )
        changes = await members.households.household_changes(tx, household_id, limit=_MANY)
        lives, called = await _people_shown(kit, tx, household.members, [one.member_id for one in changes])
        names = await names_of_staff(tx)
        names |= await names_of_programs(tx, [one.actor for one in changes], language)
    stands = household.state == "standing"
    return kit.render(
        request,
        "console/household.html",
        page=page,
        status=status,
        form=form,
        opened=opened,
        household=household,
        path=household_path(household_id),
        shown=f"{HOUSEHOLD_PREFIX}_…{household_id.hex[-6:]}",
        state=STATES[household.state],
        lives=lives,
        people=[(one["public"], one["name"]) for one in lives],
        others=[(one["public"], one["name"]) for one in lives if one["role"] != ROLES["head"]],
        limit=services.settings.household_limit,
        changes=[_happened(one, page, names, called) for one in changes],
        may_change=stands and viewer.may(WRITE),
        word=in_language(WORD, language),
    )


async def _people_shown(
    kit: Kit, tx: Transaction, lives: Sequence[HouseholdMember], others: Iterable[UUID | None]
) -> tuple[list[dict[str, Any]], dict[UUID, str]]:
    """Tell of who lives there: the name masked, the tier, and what can be spent; and what `others` are called."""
    ids = [one.member_id for one in lives]
    named = list(dict.fromkeys([*ids, *[one for one in others if one is not None]]))
    if not named:
        return [], {}
    configuration = loyalty.Configuration()
    told = members.ask_profiles(tx, kit.services.vault, named, clear=False)
    policy = await loyalty.policy_in_force(tx, configuration)
    balances = await loyalty.balances_of(tx, ids)
    roll = {} if policy is None else {one.member_id: one for one in await loyalty.roll_of(tx, configuration, ids)}
    profiles = await told()
    spending = "points" if policy is None else policy.spending_wallet
    shown = [
        {
            "public": public_id(MEMBER_PREFIX, one.member_id),
            "name": name_shown(profiles.get(one.member_id), one.member_id),
            "path": member_path(one.member_id),
            "role": ROLES[one.role],
            "since": one.since,
            "tier": tier_badge(roll[one.member_id].tier, roll[one.member_id].rank) if one.member_id in roll else None,
            "spendable": sum([each.available for each in balances.get(one.member_id, []) if each.wallet == spending]),
        }
        for one in lives
    ]
    return shown, {one: name_shown(profiles.get(one), one) for one in named}


def name_shown(profile: Profile | None, member_id: UUID) -> str:
    """Return what a member is called, as far as it may be shown; without a name the end of the number."""
    if profile is not None:
        called = profile.display_name or full_name(profile.given_name, profile.family_name)
        if called:
            return called
    return f"{MEMBER_PREFIX}_…{member_id.hex[-6:]}"


def _happened(change: HouseholdChange, page: Page, names: Mapping[str, str], called: Mapping[UUID, str]) -> Happening:
    whose = "" if change.member_id is None else called[change.member_id]
    actor = who_acted(change.actor, names, see_staff=False)
    return Happening(
        at=change.recorded_at,
        title=say(CHANGES[change.kind], page.language, who=whose),
        text=say("{what}: {how}", page.language, what=actor, how=change.reason),
        path="" if change.member_id is None else member_path(change.member_id),
        tone=TONES.get(change.kind, "neutral"),
    )


def _page(kit: Kit) -> ControllerRouterHandler:
    @get(HOUSEHOLD, guards=[kit.guards.staff(READ)])
    async def household(request: AnyRequest, household_id: FromPath[str]) -> Response[bytes]:
        return await _show(kit, request, household_id, blank_form(kit.page(request).language))

    return household


def _with_problem(form: Form[Any], field: str, problem: str) -> Form[Any]:
    problems = {**form.problems, field: in_language(problem, form.language)}
    return Form(form.language, form.values, problems, form.trouble, None)


# --- what staff do ----------------------------------------------------------------------------------------------------


async def _carried(
    kit: Kit, request: AnyRequest, *, action: str, reason: str, act: Act, said: Notice
) -> tuple[str, Notice]:
    """Do something once, in a transaction of its own, and note who did it and why; returns where that leads."""
    actor = who(request).actor
    sent = sent_form(request, actor)
    async with kit.services.database.transaction(actor=actor) as tx:
        if (led_to := await sent.led_to(tx)) is not None:
            return led_to, Notice(ALREADY, "info")
        done = await act(tx, actor)
        await sent.leads_to(tx, household_path(done.household_id))
        subject = public_id(HOUSEHOLD_PREFIX, done.household_id)
        tx.audit(AuditEntry(actor=actor, action=action, subject=subject, reason=reason))
    return household_path(done.household_id), said


def _forming(kit: Kit) -> ControllerRouterHandler:
    services = kit.services

    @post("/console/members/{member_id:str}/household", guards=[kit.guards.staff(READ, WRITE)])
    async def form_one(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        """Form a household of which a member is the head."""
        form, found = read_form(request, Forming, kit.page(request).language), member_id_in(member_id)
        if form.value is None:
            return kit.see(member_path(found), Notice(mark("Say why, in three characters or more."), "error"))
        name, reason = form.value.name.strip() or None, form.value.reason

        async def act(tx: Transaction, actor: str) -> Household:
            wish = FormHousehold(household_id=new_id(), head_id=found, name=name, actor=actor, reason=reason)
            return await members.households.form_household(tx, services.vault, services.settings.household_limit, wish)

        try:
            formed = mark("The household is formed. Add who lives there.")
            path, said = await _carried(
                kit, request, action="form_household", reason=reason, act=act, said=Notice(formed)
            )
        except NotFound:
            raise
        except DomainError as refusal:
            return kit.see(member_path(found), Notice(noted(refusal).message, "error", values=in_figures(refusal.data)))
        return kit.see(path, said)

    return form_one


async def _changed(
    kit: Kit, request: AnyRequest, public: str, form: Form[Any], *, action: str, act: Act, done: Notice
) -> Response[bytes]:
    """Carry a change out and lead back to the household, or show why not in the form that asked for it."""
    reason = form.values.get("reason", "")
    try:
        path, said = await _carried(kit, request, action=action, reason=reason, act=act, said=done)
    except DomainError as refusal:
        return await _show(kit, request, public, form.refused(refusal), opened=action, status=refusal.status)
    return kit.see(path, said)


def _adding(kit: Kit) -> ControllerRouterHandler:
    services, action = kit.services, "join_household"

    @post(f"{HOUSEHOLD}/members", guards=[kit.guards.staff(READ, WRITE)])
    async def add(request: AnyRequest, household_id: FromPath[str]) -> Response[bytes]:
        form, home = read_form(request, Adding, kit.page(request).language), _id_in(household_id)
        if form.value is None:
            return await _show(kit, request, household_id, form, opened=action, status=422)
        typed, reason = form.value.member, form.value.reason
        async with services.database.transaction() as tx:
            found = await members.find_by_any(tx, services.vault, typed)
        if len(found) != 1:
            form = _with_problem(form, "member", NOBODY)
            return await _show(kit, request, household_id, form, opened=action, status=422)

        async def act(tx: Transaction, actor: str) -> Household:
            wish = JoinHousehold(household_id=home, member_id=found[0], actor=actor, reason=reason)
            return await members.households.join_household(tx, services.settings.household_limit, wish)

        done = Notice(mark("The member lives there now."))
        return await _changed(kit, request, household_id, form, action=action, act=act, done=done)

    return add


def _removing(kit: Kit) -> ControllerRouterHandler:
    services, action = kit.services, "leave_household"

    @post(f"{HOUSEHOLD}/remove", guards=[kit.guards.staff(READ, WRITE)])
    async def remove(request: AnyRequest, household_id: FromPath[str]) -> Response[bytes]:
        form, home = read_form(request, Choosing, kit.page(request).language), _id_in(household_id)
        if form.value is None:
            return await _show(kit, request, household_id, form, opened=action, status=422)
        member_id, reason = member_id_in(form.value.member), form.value.reason

        async def act(tx: Transaction, actor: str) -> Household:
            wish = LeaveHousehold(household_id=home, member_id=member_id, actor=actor, reason=reason)
            return await members.households.leave_household(tx, services.vault, wish)

        done = Notice(mark("The member lives there no more. Adding the member again takes it back."))
        return await _changed(kit, request, household_id, form, action=action, act=act, done=done)

    return remove


def _leading(kit: Kit) -> ControllerRouterHandler:
    services, action = kit.services, "change_household_head"

    @post(f"{HOUSEHOLD}/head", guards=[kit.guards.staff(READ, WRITE)])
    async def lead(request: AnyRequest, household_id: FromPath[str]) -> Response[bytes]:
        form, home = read_form(request, Choosing, kit.page(request).language), _id_in(household_id)
        if form.value is None:
            return await _show(kit, request, household_id, form, opened=action, status=422)
        member_id, reason = member_id_in(form.value.member), form.value.reason

        async def act(tx: Transaction, actor: str) -> Household:
            wish = ChangeHead(household_id=home, member_id=member_id, actor=actor, reason=reason)
            return await members.households.change_head(tx, services.vault, wish)

        done = Notice(mark("The household has another head."))
        return await _changed(kit, request, household_id, form, action=action, act=act, done=done)

    return lead


def _naming(kit: Kit) -> ControllerRouterHandler:
    services, action = kit.services, "rename_household"

    @post(f"{HOUSEHOLD}/name", guards=[kit.guards.staff(READ, WRITE)])
    async def rename(request: AnyRequest, household_id: FromPath[str]) -> Response[bytes]:
        form, home = read_form(request, Naming, kit.page(request).language), _id_in(household_id)
        if form.value is None:
            return await _show(kit, request, household_id, form, opened=action, status=422)
        name, reason = form.value.name.strip() or None, form.value.reason

        async def act(tx: Transaction, actor: str) -> Household:
            wish = RenameHousehold(household_id=home, name=name, actor=actor, reason=reason)
            return await members.households.rename_household(tx, services.vault, wish)

        done = Notice(mark("The name was changed."))
        return await _changed(kit, request, household_id, form, action=action, act=act, done=done)

    return rename


def _dissolving(kit: Kit) -> ControllerRouterHandler:
    action = "dissolve_household"

    @post(f"{HOUSEHOLD}/dissolve", guards=[kit.guards.staff(READ, WRITE)])
    async def dissolve(request: AnyRequest, household_id: FromPath[str]) -> Response[bytes]:
        language = kit.page(request).language
        form, home = read_form(request, Dissolving, language), _id_in(household_id)
        if form.value is None:
            return await _show(kit, request, household_id, form, opened=action, status=422)
        reason = form.value.reason
        if form.value.confirmation.strip().lower() not in {WORD, in_language(WORD, language)}:
            form = _with_problem(form, "confirmation", NOT_THE_WORD)
            return await _show(kit, request, household_id, form, opened=action, status=422)

        async def act(tx: Transaction, actor: str) -> Household:
            wish = DissolveHousehold(household_id=home, actor=actor, reason=reason)
            return await members.households.dissolve_household(tx, wish)

        done = Notice(mark("The household is no more."))
        return await _changed(kit, request, household_id, form, action=action, act=act, done=done)

    return dissolve
