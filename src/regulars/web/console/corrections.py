"""Corrections of balances: asked for with a reason, approved or refused by somebody else, and what came of each."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import (
    Adjust,
    AdjustmentRequest,
    AnswerAdjustment,
    AskAdjustment,
    RequestState,
    RequestsWanted,
)
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id, parse_public_id, public_id
from regulars.platform.places import read_place, write_place
from regulars.web.console.account import who
from regulars.web.console.actors import names_of, names_of_programs, names_of_staff
from regulars.web.console.holds import READ, WRITE
from regulars.web.console.member import read_person
from regulars.web.console.words import days_of, member_id_in, member_link, member_tabs, wallet_name
from regulars.web.kit.cells import Badge, Cell, Link
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Among, Choice, Column, Days, Listing, One, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.kit.whys import named_by, why_of

HOME: Final = "/console/corrections"
REQUEST: Final = f"{HOME}/{{member_id:str}}/{{request_id:str}}"
CORRECT: Final = "/console/members/{member_id:str}/correct"
REQUEST_PREFIX: Final = "adj"
APPROVE: Final = "points:approve"
MOST: Final = 10**12
STATES: Final[dict[RequestState, Badge]] = {
    "open": Badge(mark("Waits for an answer"), "warning"),
    "approved": Badge(mark("Approved"), "success"),
    "refused": Badge(mark("Refused"), "error"),
    "expired": Badge(mark("Not answered in time"), "neutral"),
}
TO_BE_ASKED: Final = frozenset({"already_asked_for", "approval_needed_today"})  # the same form sent again, or too much

AnyRequest = Request[Any, Any, Any]


class Correction(msgspec.Struct):
    """By how many units a wallet is wrong (negative: too many are there), and why. `key` makes it once."""

    amount: Annotated[int, Meta(ge=-MOST, le=MOST)]
    reason: Annotated[str, Meta(min_length=5, max_length=500)]
    wallet: str
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]


class Answer(msgspec.Struct):
    """What whoever answers has to say."""

    note: Annotated[str, Meta(max_length=500)] = ""


class Refusal(msgspec.Struct):
    """Why a correction is refused."""

    note: Annotated[str, Meta(min_length=3, max_length=500)]


def correction_pages(kit: Kit) -> Pages:
    """Return the pages of corrections."""
    configuration = loyalty.Configuration()
    handlers = [_list(kit), _waiting(kit), _one(kit), *_answers(kit, configuration), *_ask(kit, configuration)]
    entry = Entry(
        HOME,
        mark("Corrections"),
        icon="scale",
        permission=READ,
        badge=f"{HOME}/waiting",
        badge_permission=APPROVE,
    )
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Points"), (entry,))])


def request_path(one: AdjustmentRequest) -> str:
    """Return where a request is."""
    return f"{HOME}/{public_id(MEMBER_PREFIX, one.member_id)}/{public_id(REQUEST_PREFIX, one.request_id)}"


# --- the queue --------------------------------------------------------------------------------------------------------


def _list(kit: Kit) -> ControllerRouterHandler:
    @get(HOME, guards=[kit.guards.staff(READ)])
    async def listed(request: AnyRequest) -> Response[Any]:
        page, names, askers = kit.page(request), dict[str, str](), list[tuple[str, str]]()

        async def fetch(wanted: Wanted) -> Slice:
            sought = _sought(wanted, page)
            if sought is None:
                return Slice([])
            async with wanted.reading() as tx:
                names.update(await names_of_staff(tx))
                askers[:] = sorted(names.items(), key=lambda one: one[1].casefold())
                if set(wanted.filters.items()) == {("state", "open")}:  # what waits, by when it is over
                    found = await loyalty.waiting_adjustments(tx, after=sought.after, limit=sought.limit)
                    last = [write_place(one.expires_at, one.request_id) for one in found]
                else:
                    found = await loyalty.adjustment_requests(tx, sought)
                    last = [write_place(one.asked_at, one.request_id) for one in found]
                acted = [actor for one in found for actor in (one.asked_by, one.answered_by)]
                names.update(await names_of_programs(tx, acted, page.language))
            more = len(found) > wanted.limit
            return Slice(found[: wanted.limit], after=last[wanted.limit - 1] if more else None)

        listing = _listing(page.language, names, askers)
        return await kit.listing(request, "console/corrections.html", listing, fetch)

    return listed


def _sought(wanted: Wanted, page: Page) -> RequestsWanted | None:
    """Return which requests are wanted, days in the viewer's time zone; None for a member who is none."""
    given = wanted.filters
    named = given.get("member")
    member_id = None if named is None else parse_public_id(MEMBER_PREFIX, named)
    if named is not None and member_id is None:
        return None
    first, last = days_of(given, "asked")
    return RequestsWanted(
        member_id=member_id,
        state=next((state for state in STATES if state == given.get("state")), None),
        asked_by=given.get("by"),
        asked_from=None if first is None else datetime.combine(first, time(), page.formats.zone),
        asked_until=None if last is None else datetime.combine(last, time.max, page.formats.zone),
        after=read_place(wanted.after),
        limit=wanted.limit + 1,
    )


def _listing(language: str, names: dict[str, str], askers: Sequence[tuple[str, str]]) -> Listing:
    return Listing(
        name="corrections",
        columns=(
            Column("reason", mark("Why"), lambda one: Link(one.reason, request_path(one)), wraps=True),
            Column("member", mark("Member"), lambda one: member_link(one.member_id)),
            Column("state", mark("State"), lambda one: STATES[one.state]),
            Column("amount", mark("Change"), lambda one: one.amount),
            Column("wallet", mark("Wallet"), lambda one: wallet_name(one.wallet, language), minor=True, shown=False),
            Column("by", mark("Asked by"), lambda one: names.get(one.asked_by, one.asked_by), minor=True),
            Column("at", mark("Asked at"), lambda one: one.asked_at, minor=True),
            Column("until", mark("To be answered by"), lambda one: one.expires_at, minor=True),
            Column(
                "answered",
                mark("Answered by"),
                lambda one: names.get(one.answered_by or "", one.answered_by),
                minor=True,
                shown=False,
            ),
        ),
        filters=(
            Choice("state", mark("State"), tuple((state, badge.label) for state, badge in STATES.items())),
            Among("by", mark("Asked by"), askers),
            Days("asked", mark("Asked at")),
            One("member", mark("Member"), type="text", rare=True),
        ),
        empty=mark("Nobody has asked for a correction. A member's page is where one begins."),
    )


def _waiting(kit: Kit) -> ControllerRouterHandler:
    @get(f"{HOME}/waiting", guards=[kit.guards.staff(READ, APPROVE)])
    async def waiting(request: AnyRequest) -> Response[bytes]:
        async with kit.services.database.transaction() as tx:
            count = await loyalty.count_waiting(tx, actor=who(request).actor)
        return kit.render(request, "console/_waiting.html", count=count)

    return waiting


# --- one request ------------------------------------------------------------------------------------------------------


def _ids(member: str, request: str) -> tuple[UUID, UUID]:
    member_id, request_id = parse_public_id(MEMBER_PREFIX, member), parse_public_id(REQUEST_PREFIX, request)
    if member_id is None or request_id is None:
        raise NotFound
    return member_id, request_id


async def _show(
    kit: Kit, request: AnyRequest, ids: tuple[str, str], form: Form[Any], *, opened: str = "", status: int = 200
) -> Response[bytes]:
    page = kit.page(request)
    async with kit.services.database.transaction() as tx:
        found = await loyalty.adjustment_request(tx, *_ids(*ids))
        names = await names_of(tx, [found.asked_by, found.answered_by], page.language)
        why = await loyalty.explain_request(tx, loyalty.Configuration(), found.member_id, found.request_id)
        balance = next((one for one in await loyalty.balances(tx, found.member_id) if one.wallet == found.wallet), None)
    is_own = found.asked_by == who(request).actor
    return kit.render(
        request,
        "console/correction.html",
        page=page,
        status=status,
        form=form,
        opened=opened,
        found=found,
        state=STATES[found.state],
        why=why_of(named_by(why, names), page.formats),
        path=request_path(found),
        facts=_facts(found, names, page.language),
        balance=balance,
        is_own=is_own and found.state == "open",
        can_answer=found.state == "open" and not is_own and page.viewer.may(APPROVE),
    )


def _facts(found: AdjustmentRequest, names: dict[str, str], language: str) -> list[tuple[str, Cell]]:
    answered: tuple[str | None, datetime | None] = (found.answered_by, found.answered_at)
    told: list[tuple[str, Cell]] = [
        (mark("Member"), member_link(found.member_id)),
        (mark("Wallet"), wallet_name(found.wallet, language)),
        (mark("Change"), found.amount),
        (mark("Asked by"), names.get(found.asked_by, found.asked_by)),
        (mark("Asked at"), found.asked_at),
        (mark("To be answered by"), found.expires_at),
        (mark("Answered by"), None if answered[0] is None else names.get(answered[0], answered[0])),
        (mark("Answered at"), answered[1]),
        (mark("What was said"), found.note or None),
        (mark("Policy version"), found.policy_version),
    ]
    return [(in_language(label, language), value) for label, value in told if value is not None]


def _one(kit: Kit) -> ControllerRouterHandler:
    @get(REQUEST, guards=[kit.guards.staff(READ)])
    async def one(request: AnyRequest, member_id: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        return await _show(kit, request, (member_id, request_id), blank_form(kit.page(request).language))

    return one


def _answers(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    async def answer(request: AnyRequest, ids: tuple[str, str], form: Form[Any], *, approve: bool) -> Response[bytes]:
        opened = "approve" if approve else "refuse"
        if form.value is None:
            return await _show(kit, request, ids, form, opened=opened, status=422)
        actor, (member_id, request_id) = who(request).actor, _ids(*ids)
        wish = AnswerAdjustment(
            member_id=member_id, request_id=request_id, approve=approve, actor=actor, note=form.value.note
        )
        try:
            async with kit.services.database.transaction(actor=actor, by_keys=True) as tx:
                (outcome,) = await loyalty.decide_adjustments(tx, configuration, [wish])
                if isinstance(outcome, DomainError):
                    raise outcome
                tx.audit(
                    AuditEntry(
                        actor=actor,
                        action=f"{opened}_adjustment",
                        subject=ids[0],
                        reason=form.value.note,
                        detail=f"request {ids[1]}",
                    )
                )
        except NotFound:
            raise
        except DomainError as refusal:
            return await _show(kit, request, ids, form.refused(refusal), opened=opened, status=refusal.status)
        said = mark("The correction is approved and posted.") if approve else mark("The correction is refused.")
        return kit.see(f"{HOME}/{ids[0]}/{ids[1]}", Notice(said))

    @post(f"{REQUEST}/approve", guards=[kit.guards.staff(READ, APPROVE)])
    async def approve(request: AnyRequest, member_id: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        form = read_form(request, Answer, kit.page(request).language)
        return await answer(request, (member_id, request_id), form, approve=True)

    @post(f"{REQUEST}/refuse", guards=[kit.guards.staff(READ, APPROVE)])
    async def refuse(request: AnyRequest, member_id: FromPath[str], request_id: FromPath[str]) -> Response[bytes]:
        form = read_form(request, Refusal, kit.page(request).language)
        return await answer(request, (member_id, request_id), form, approve=False)

    return [approve, refuse]


# --- asking -----------------------------------------------------------------------------------------------------------


def _ask(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    async def show(request: AnyRequest, public: str, form: Form[Any], status: int) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            person = await read_person(kit, tx, public)
            policy = await loyalty.policy_in_force(tx, configuration)
            wallets = await loyalty.balances(tx, person.member.member_id)
        return kit.render(
            request,
            "console/correct.html",
            page=page,
            status=status,
            form=form,
            person=person,
            tabs=member_tabs(person.public, page.language, merges=page.viewer.may("members:merge")),
            wallets=[(one.wallet, wallet_name(one.wallet, page.language), one.balance) for one in wallets],
            limit=None if policy is None else policy.adjustments.approve_above,
            by_day=None if policy is None else policy.adjustments.alone_per_day,
            days=0 if policy is None else policy.adjustments.answer_days,
        )

    @get(CORRECT, guards=[kit.guards.staff("members:read", WRITE)])
    async def correct(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        form = blank_form(kit.page(request).language, key=new_id().hex, wallet="points")
        return await show(request, member_id, form, 200)

    @post(CORRECT, guards=[kit.guards.staff("members:read", WRITE)])
    async def ask(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        form, actor = read_form(request, Correction, kit.page(request).language), who(request).actor
        if form.value is None:
            return await show(request, member_id, form, 422)
        member, sent = member_id_in(member_id), sent_form(request, actor)
        try:
            async with kit.services.database.transaction(actor=actor, by_keys=True) as tx:
                if (led_to := await sent.led_to(tx)) is not None:
                    return kit.see(led_to, Notice(ALREADY, "info"))
                asked = await _corrected(tx, configuration, member, form.value, actor)
                path = f"/console/members/{member_id}/points" if asked is None else request_path(asked)
                await sent.leads_to(tx, path)
                tx.audit(
                    AuditEntry(
                        actor=actor,
                        action="adjust" if asked is None else "ask_adjustment",
                        subject=member_id,
                        reason=form.value.reason,
                    )
                )
        except NotFound:
            raise
        except DomainError as refusal:
            return await show(request, member_id, form.refused(refusal), refusal.status)
        if asked is None:
            return kit.see(path, Notice(mark("The correction is posted.")))
        return kit.see(path, Notice(mark("Asked for. It is posted as soon as somebody else approves it."), "info"))

    return [correct, ask]


async def _corrected(
    tx: Transaction, configuration: loyalty.Configuration, member_id: UUID, wish: Correction, actor: str
) -> AdjustmentRequest | None:
    """Post a correction that needs nobody else (returns None), or ask for it. Raises what is refused."""
    policy = await loyalty.policy_in_force(tx, configuration)
    limit = None if policy is None else policy.adjustments.approve_above
    reference, told = f"console:{wish.key}", {"wallet": wish.wallet, "amount": wish.amount, "reason": wish.reason}
    outcome: object
    if limit is None or abs(wish.amount) <= limit:
        post_it = Adjust(member_id=member_id, reference=reference, actor=actor, **told)  # type: ignore[arg-type] # its fields
        (outcome,) = await loyalty.post(tx, configuration, [post_it])
    else:
        outcome = None
    if outcome is None or (isinstance(outcome, DomainError) and outcome.code in TO_BE_ASKED):
        ask_for_it = AskAdjustment(member_id=member_id, reference=reference, actor=actor, **told)  # type: ignore[arg-type] # its fields
        (outcome,) = await loyalty.decide_adjustments(tx, configuration, [ask_for_it])
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome if isinstance(outcome, AdjustmentRequest) else None
