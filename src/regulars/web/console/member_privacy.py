"""Privacy of one member: erased or exported by staff for a purpose, what was agreed to, and who looked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX, LogWanted
from regulars.members.contracts.privacy import (
    EXPORT_PREFIX,
    AskErasure,
    AskExport,
    ErasureState,
    MemberExport,
    WithdrawErasure,
)
from regulars.platform.audit import service as audit
from regulars.platform.audit.contracts import AuditEntry, asked_as
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.console.actors import names_of_programs, names_of_staff
from regulars.web.console.member_words import CONSENT_CHANNELS, CONSENT_DECISIONS, PURPOSES
from regulars.web.console.messages import actor_of
from regulars.web.console.words import member_id_in, member_tabs, wallet_name
from regulars.web.kit.cells import Badge, Cell, Link
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import viewer_of
from regulars.web.privacy.files import export_file

READ: Final = "members:read"
EXPORT: Final = "members:export"
ERASE: Final = "members:erase"
LOOKS: Final = "privacy:read"
TAB: Final = "/console/members/{member_id:str}/privacy"
WORD: Final = mark("ERASE")
_FEW: Final = 10
_END: Final = 6  # characters by which a long number is known
_ERASURES: Final[dict[ErasureState, Badge]] = {
    "waiting": Badge(mark("Waits"), "warning"),
    "under_way": Badge(mark("Under way"), "warning"),
    "withdrawn": Badge(mark("Withdrawn")),
    "carried_out": Badge(mark("Carried out"), "success"),
}

AnyRequest = Request[Any, Any, Any]
Why = Annotated[str, Meta(min_length=5, max_length=200)]


class Purposed(msgspec.Struct):
    """Why somebody has everything gathered."""

    purpose: Why


class Taken(msgspec.Struct):
    """Why somebody takes an export, and in which form."""

    purpose: Why
    form: Literal["json", "html"] = "html"


class Erasing(msgspec.Struct):
    """Why a member is erased, and the word that says that it is meant."""

    reason: Why
    confirmation: Annotated[str, Meta(max_length=40)]


def erasure_badge(state: ErasureState) -> Badge:
    """Return an erasure's state as a badge."""
    return _ERASURES[state]


def export_badge(export: MemberExport) -> Badge:
    """Return an export's state as a badge."""
    if export.ready_at is not None:
        return Badge(mark("Ready"), "success")
    return Badge(mark("Failed"), "error") if export.is_failed else Badge(mark("Being gathered"), "info")


def who(actor: str, names: Mapping[str, str], *, see_staff: bool) -> Cell:
    """Return who acted: staff, keys and devices by name, members and other keys by their shortened numbers."""
    kind, _, rest = actor.partition(":")
    if kind == "staff":
        name = names.get(actor, actor)
        return Link(name, f"/console/staff/{rest}") if see_staff and actor in names else name
    if kind == "key" and actor not in names:
        return f"{kind}:{rest[:3]}…{rest[-_END:]}"
    found = parse_public_id(MEMBER_PREFIX, rest) if kind == "member" else None
    return names.get(actor, actor) if found is None else f"{MEMBER_PREFIX}_…{found.hex[-6:]}"


def member_privacy_handlers(kit: Kit) -> list[ControllerRouterHandler]:
    """Return the page of one member's privacy, and what is done on it."""
    return [_page(kit), *_exporting(kit), *_erasing(kit)]


async def _show(
    kit: Kit, request: AnyRequest, public: str, form: Form[Any] | None = None, *, status: int = 200
) -> Response[bytes]:
    page, viewer, services = kit.page(request), viewer_of(request), kit.services
    member_id, language = member_id_in(public), page.language
    async with services.database.transaction() as tx:
        family = members.ask_family(tx, member_id)
        standing = await members.erasure_standing(
            tx, kit.privacy, timedelta(hours=services.settings.erasure_wait_hours), member_id
        )
        exports = [] if standing.is_erased else await members.list_exports(tx, member_id)
        log = await members.consent_log(tx, LogWanted(member_id=member_id, limit=_FEW))
        subjects = [public, *[public_id(MEMBER_PREFIX, one) for one in await family()]]
        looks = await audit.looks(tx, subjects=subjects, limit=_FEW) if viewer.may(LOOKS) else []
        names = await names_of_staff(tx)
        acted = [*[one.asked_by for one in exports], *[one.actor for one in looks]]
        acted += [] if standing.erasure is None else [standing.erasure.asked_by]
        names |= await names_of_programs(tx, acted, language)
    see, sees_log = viewer.may("staff:read"), viewer.may(LOOKS) or viewer.may(ERASE)
    erasure = standing.erasure
    journal = (await services.vault.erased_among([member_id])).get(member_id) if standing.is_erased else None
    key_is_gone = standing.is_erased and not await services.vault.keys_of([member_id])
    return kit.render(
        request,
        "console/member_privacy.html",
        page=page,
        status=status,
        public=public,
        tabs=member_tabs(public, language, merges=viewer.may("members:merge")),
        form=form or blank_form(language),
        standing=standing,
        erasure=erasure,
        erasure_badge=None if erasure is None else erasure_badge(erasure.state),
        asked_by=None if erasure is None or not sees_log else who(erasure.asked_by, names, see_staff=see),
        is_open=erasure is not None and erasure.state in {"waiting", "under_way"},
        losses=[(wallet_name(one.wallet, language), one) for one in standing.losses if one.balance or one.debt],
        journal=journal,
        key_is_gone=key_is_gone,
        exports=[
            (public_id(EXPORT_PREFIX, one.export_id), one, export_badge(one), who(one.asked_by, names, see_staff=see))
            for one in exports
        ],
        consents=[
            [
                in_language(PURPOSES[one.consent.purpose], language),
                in_language(CONSENT_CHANNELS[one.consent.channel], language),
                Badge(*CONSENT_DECISIONS[one.consent.decision]),
                one.consent.wording_version,
                one.consent.effective_at,
            ]
            for one in log
        ],
        looks=[
            [
                one.written_at,
                who(one.actor, names, see_staff=see),
                one.reason if one.action.startswith("read_") else None,
            ]
            for one in looks
        ],
        sees_log=sees_log,
        sees_exports=viewer.may(LOOKS) or viewer.may(EXPORT),
        sees_looks=viewer.may(LOOKS),
        may_export=viewer.may(EXPORT) and not standing.is_erased,
        may_erase=viewer.may(ERASE) and not standing.is_erased,
        word=in_language(WORD, language),
    )


def _page(kit: Kit) -> ControllerRouterHandler:
    @get(TAB, guards=[kit.guards.staff(READ)])
    async def privacy(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        return await _show(kit, request, member_id)

    return privacy


def _exporting(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services

    @post(f"{TAB}/exports", guards=[kit.guards.staff(READ, EXPORT)])
    async def ask(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        form, found = read_form(request, Purposed, kit.page(request).language), member_id_in(member_id)
        if form.value is None:
            return await _show(kit, request, member_id, form, status=422)
        actor = actor_of(viewer_of(request))
        sent = sent_form(request, actor)
        try:
            async with services.database.transaction(actor=actor) as tx:
                if (led_to := await sent.led_to(tx)) is not None:
                    return kit.see(led_to, Notice(ALREADY, "info"))
                await members.ask_export(tx, AskExport(member_id=found, actor=actor))
                await sent.leads_to(tx, _tab(member_id))
                tx.audit(AuditEntry(actor=actor, action="ask_export", subject=member_id, reason=form.value.purpose))
        except DomainError as refusal:
            return await _show(kit, request, member_id, form.refused(refusal), status=refusal.status)
        return kit.see(_tab(member_id), Notice(mark("It is being gathered, which takes a few seconds.")))

    @post(f"{TAB}/exports/{{export_id:str}}", guards=[kit.guards.staff(READ, EXPORT)], status_code=200)
    async def take(request: AnyRequest, member_id: FromPath[str], export_id: FromPath[str]) -> Response[Any]:
        """Give the file, and log it as a look at everything, with its purpose."""
        language = kit.page(request).language
        form, found = read_form(request, Taken, language), member_id_in(member_id)
        export = parse_public_id(EXPORT_PREFIX, export_id)
        if export is None:
            raise NotFound
        if form.value is None:
            return await _show(kit, request, member_id, form, status=422)
        actor = actor_of(viewer_of(request))
        async with services.database.transaction(actor=actor) as tx:
            document = await members.open_export(tx, services.vault, found, export)
            formats = await members.formats_for(tx, document, language)
            tx.audit(
                AuditEntry(
                    actor=actor,
                    action="read_export",
                    subject=document.member_id,
                    reason=form.value.purpose,
                    detail=f"{export_id}, {form.value.form}{asked_as(member_id, document.member_id, ', ')}",
                )
            )
        return await export_file(document, kit.privacy, form.value.form, formats)

    return [ask, take]


def _erasing(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services
    wait = timedelta(hours=services.settings.erasure_wait_hours)

    @post(f"{TAB}/erase", guards=[kit.guards.staff(READ, ERASE)])
    async def erase(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        language = kit.page(request).language
        form, found = read_form(request, Erasing, language), member_id_in(member_id)
        if form.value is None:
            return await _show(kit, request, member_id, form, status=422)
        if form.value.confirmation.casefold() not in {WORD.casefold(), in_language(WORD, language).casefold()}:
            said = in_language(mark("Please type the word as it stands there."), language)
            wrong: Form[Any] = Form(language, form.values, {"confirmation": said})
            return await _show(kit, request, member_id, wrong, status=422)
        actor, reason = actor_of(viewer_of(request)), form.value.reason
        sent = sent_form(request, actor)
        try:
            async with services.database.transaction(actor=actor) as tx:
                if (led_to := await sent.led_to(tx)) is not None:
                    return kit.see(led_to, Notice(ALREADY, "info"))
                wish = AskErasure(member_id=found, actor=actor, reason=reason)
                await sent.leads_to(tx, _tab(member_id))
                await members.ask_erasure(tx, kit.privacy, wait, wish)
                tx.audit(AuditEntry(actor=actor, action="ask_erasure", subject=member_id, reason=reason))
        except DomainError as refusal:
            return await _show(kit, request, member_id, form.refused(refusal), status=refusal.status)
        return kit.see(_tab(member_id), Notice(mark("The member will be erased when the waiting time is over.")))

    @post(f"{TAB}/stay", guards=[kit.guards.staff(READ, ERASE)])
    async def withdraw(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        actor, found = actor_of(viewer_of(request)), member_id_in(member_id)
        try:
            async with services.database.transaction(actor=actor) as tx:
                await members.withdraw_erasure(tx, WithdrawErasure(member_id=found, actor=actor))
                tx.audit(AuditEntry(actor=actor, action="withdraw_erasure", subject=member_id))
        except DomainError as refusal:
            form = blank_form(kit.page(request).language).refused(refusal)
            return await _show(kit, request, member_id, form, status=refusal.status)
        return kit.see(_tab(member_id), Notice(mark("The member stays: the erasure was withdrawn.")))

    return [erase, withdraw]


def _tab(public: str) -> str:
    return f"/console/members/{public_id(MEMBER_PREFIX, member_id_in(public))}/privacy"
