"""My data: what is kept and why, everything to take along, and being erased, which cannot be taken back."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.engagement import api as engagement
from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.privacy import (
    EXPORT_PREFIX,
    AskErasure,
    AskExport,
    ErasureStanding,
    MemberExport,
    WithdrawErasure,
)
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.session_cookies import browser_of, ended_cookie, passing_cookie
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.kit.whys import Why, unnamed, why_of
from regulars.web.portal.own import AnyRequest, acts_as, own_id
from regulars.web.privacy.files import export_file

HOME: Final = "/portal/data"
ERASURE: Final = f"{HOME}/erasure"
LAST: Final = "/portal/goodbye"
PROVE: Final = "/portal/sign-in?anew=1&next=/portal/data"
TICKET_COOKIE: Final = "rgl_member_anew"
WORD: Final = mark("ERASE")
_SECONDS: Final = 600
_REASON: Final = "the member asked for it in the portal"
_OWN: Final = "the member's own"

# What is kept, why, and how long: sorts of data as members think of them.
KEPT: Final = (
    (
        mark("Who you are"),
        mark("Numbers, addresses, cards, names, birthday: so that shops know you and messages reach you."),
        mark("Until you are erased."),
    ),
    (
        mark("What you bought and returned"),
        mark("So that you can return it, see what it earned, and because the law asks for books."),
        mark("Stays without your name when you are erased."),
    ),
    (
        mark("Points, growth and tier"),
        mark("With the reason of every change, so that everything can be explained."),
        mark("Points are lost when you are erased; the bookings stay without your name."),
    ),
    (
        mark("What you agreed to"),
        mark("Each decision with its words, as proof for both sides."),
        mark("Stays without your name when you are erased."),
    ),
    (
        mark("What we told you"),
        mark("So that you can read it again, and we do not tell you twice."),
        mark("E-mails for 90 days, your inbox for 400; at once when you are erased."),
    ),
    (
        mark("Where you are signed in"),
        mark("So that you can sign out of a lost device."),
        mark("Until you sign out, or are erased."),
    ),
    (
        mark("Who of our staff looked at your data"),
        mark("Each look is logged with its purpose. Nobody can change that log."),
        mark("Stays, without anything readable of you."),
    ),
)


class Sure(msgspec.Struct):
    """The word that says that somebody means it, and the code that says who it is."""

    confirmation: Annotated[str, Meta(max_length=40)]
    code: Annotated[str, Meta(max_length=20)]


def data_pages(kit: Kit) -> Pages:
    """Return the pages of a member's own data."""
    return Pages(ViewerKind.MEMBER, [_overview(kit), *_exports(kit), *_erasure(kit), *_being_sure(kit), _last(kit)])


def _overview(kit: Kit) -> ControllerRouterHandler:
    services = kit.services
    wait = timedelta(hours=services.settings.erasure_wait_hours)

    @get(HOME, guards=[kit.guards.member()])
    async def data(request: AnyRequest) -> Response[bytes]:
        member_id, language = own_id(request), kit.page(request).language
        async with services.database.transaction() as tx:
            exports = await members.list_exports(tx, member_id)
            standing = await members.erasure_standing(tx, (), wait, member_id)
        return kit.render(
            request,
            "portal/data.html",
            kept=[tuple(in_language(part, language) for part in one) for one in KEPT],
            exports=[(public_id(EXPORT_PREFIX, one.export_id), _state(one), one) for one in exports],
            prove="" if _is_proved(request) else PROVE,
            gathering=any(_state(one) == "gathering" for one in exports),
            erasure=_waiting(standing),
        )

    return data


def _exports(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services

    @post(f"{HOME}/exports", guards=[kit.guards.member()])
    async def ask(request: AnyRequest) -> Response[bytes]:
        async with services.database.transaction(actor=acts_as(request)) as tx:
            asked = await members.ask_export(tx, AskExport(member_id=own_id(request), actor=acts_as(request)))
            _note(request, tx, "ask_export", _OWN)
        if asked.ready_at is not None:
            return kit.see(f"{HOME}#export", Notice(mark("It was gathered today already: take the last one."), "info"))
        return kit.see(f"{HOME}#export", Notice(mark("It is being gathered, which takes a few seconds.")))

    @get(HOME + "/exports/{export_id:str}/{form:str}", guards=[kit.guards.member()])
    async def take(request: AnyRequest, export_id: FromPath[str], form: FromPath[str]) -> Response[Any]:
        found = parse_public_id(EXPORT_PREFIX, export_id)
        if found is None or form not in {"json", "html"}:
            raise NotFound
        if not _is_proved(request):
            return kit.see(PROVE)
        member_id, kind = own_id(request), _form(form)
        async with services.database.transaction(actor=acts_as(request)) as tx:
            document = await members.open_export(tx, services.vault, member_id, found)
            _note(request, tx, "take_own_export", f"{export_id}, {form}")
        return await export_file(document, kit.privacy, kind, kit.page(request).formats)

    return [ask, take]


def _erasure(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services
    wait, configuration = timedelta(hours=services.settings.erasure_wait_hours), loyalty.Configuration()
    deliver = engagement.code_delivery(services.settings, services.vault)

    async def show(request: AnyRequest, *, status: int = 200, refused: str = "") -> Response[bytes]:
        whys, formats = dict[str, Why](), kit.page(request).formats
        async with services.database.transaction() as tx:
            standing = await members.erasure_standing(tx, kit.privacy, wait, own_id(request))
            if lost := [one.wallet for one in standing.losses if one.balance or one.debt]:
                told = await loyalty.explain_balances(tx, configuration, own_id(request), lost)
                whys = {one.id: why_of(unnamed(one), formats) for one in told}
        waiting = _waiting(standing)
        return kit.render(
            request,
            "portal/erasure.html",
            status=status,
            wait_hours=standing.wait_hours,
            losses=[one for one in standing.losses if one.balance or one.debt],
            whys=whys,
            erasure=waiting,
            refused=refused,
        )

    @get(ERASURE, guards=[kit.guards.member()])
    async def erasure(request: AnyRequest) -> Response[bytes]:
        return await show(request)

    @post(f"{ERASURE}/code", guards=[kit.guards.member()])
    async def send_code(request: AnyRequest) -> Response[bytes]:
        language = kit.page(request).language
        try:
            async with services.database.transaction(actor=acts_as(request)) as tx:
                sent = await members.request_own_code(
                    tx,
                    services.vault,
                    deliver,
                    own_id(request),
                    browser_of(kit, request, ViewerKind.MEMBER),
                    language=language,
                )
        except DomainError as refusal:
            said = blank_form(language).refused(refusal).trouble
            return await show(request, status=refusal.status, refused=said)
        return kit.see(f"{ERASURE}/sure", cookies=[passing_cookie(kit, TICKET_COOKIE, sent.ticket, seconds=_SECONDS)])

    @post(f"{ERASURE}/withdraw", guards=[kit.guards.member()])
    async def withdraw(request: AnyRequest) -> Response[bytes]:
        wish = WithdrawErasure(member_id=own_id(request), actor=acts_as(request))
        try:
            async with services.database.transaction(actor=acts_as(request)) as tx:
                await members.withdraw_erasure(tx, wish)
                _note(request, tx, "withdraw_erasure", _OWN)
        except DomainError as refusal:
            said = blank_form(kit.page(request).language).refused(refusal).trouble
            return await show(request, status=refusal.status, refused=said)
        return kit.see(HOME, Notice(mark("You stay. Nothing was erased.")))

    return [erasure, send_code, withdraw]


def _being_sure(kit: Kit) -> list[ControllerRouterHandler]:
    """What cannot be taken back asks for a word and for a fresh code."""
    services = kit.services
    wait = timedelta(hours=services.settings.erasure_wait_hours)

    def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        shown = members.ticket_shown(services.vault, request.cookies.get(TICKET_COOKIE, ""))
        if shown is None:
            return kit.see(ERASURE)
        word = in_language(WORD, kit.page(request).language)
        return kit.render(
            request, "portal/erasure_sure.html", status=status, form=form, shown=shown, word=word, at_once=not wait
        )

    @get(f"{ERASURE}/sure", guards=[kit.guards.member()])
    async def sure(request: AnyRequest) -> Response[bytes]:
        return show(request, blank_form(kit.page(request).language))

    @post(f"{ERASURE}/sure", guards=[kit.guards.member()])
    async def erase(request: AnyRequest) -> Response[bytes]:
        language = kit.page(request).language
        form = read_form(request, Sure, language)
        if form.value is None:
            return show(request, form, 422)
        if not _is_meant(form.value, language):
            said = in_language(mark("Please type the word as it stands there."), language)
            return show(request, Form(language, form.values, {"confirmation": said}), 422)
        member_id, ticket = own_id(request), request.cookies.get(TICKET_COOKIE, "")
        async with services.database.transaction(actor=acts_as(request)) as tx:
            wrong = await members.prove_anew(tx, services.vault, ticket, form.value.code, member_id)
            if wrong is None:
                wish = AskErasure(member_id=member_id, actor=acts_as(request), reason=_REASON)
                await members.ask_erasure(tx, kit.privacy, wait, wish)
                _note(request, tx, "ask_erasure", _OWN)
        if wrong is not None:
            again: Form[Any] = Form(language, {**form.values, "code": ""}).refused(wrong)
            return show(request, again, wrong.status)
        over = passing_cookie(kit, TICKET_COOKIE, "", seconds=0)
        if wait:
            return kit.see(
                ERASURE, Notice(mark("You will be erased. Until then you can change your mind.")), cookies=[over]
            )
        return kit.see(LAST, cookies=[over, ended_cookie(kit, ViewerKind.MEMBER)])

    return [sure, erase]


def _last(kit: Kit) -> ControllerRouterHandler:
    @get(LAST, guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def goodbye(request: AnyRequest) -> Response[bytes]:
        """Say goodbye to who was erased; who is still there is told how that stands."""
        if viewer_of(request).kind is ViewerKind.MEMBER:
            return kit.see(ERASURE)
        return kit.render(request, "portal/goodbye.html")

    return goodbye


def _is_meant(sure: Sure, language: str) -> bool:
    """Whether the word was typed, in either language."""
    return sure.confirmation.casefold() in {in_language(WORD, language).casefold(), WORD.casefold()}


def _note(request: AnyRequest, tx: Any, action: str, detail: str) -> None:  # noqa: ANN401 - a Transaction
    """Write into the audit log what a member does with their own data."""
    tx.audit(
        AuditEntry(
            actor=acts_as(request),
            action=action,
            subject=public_id(MEMBER_PREFIX, own_id(request)),
            reason=_REASON if action == "ask_erasure" else "",
            request_id=tx.request_id,
            detail=detail,
        )
    )


def _is_proved(request: AnyRequest) -> bool:
    """Whether the session proved itself recently: who finds a browser signed in takes nothing along."""
    return members.proved_recently(viewer_of(request).session)


def _form(form: str) -> Literal["json", "html"]:
    return "json" if form == "json" else "html"


def _state(export: MemberExport) -> str:
    if export.ready_at is not None:
        return "ready"
    return "failed" if export.is_failed else "gathering"


def _waiting(standing: ErasureStanding) -> Any:  # noqa: ANN401 - an erasure, or None
    """Return the erasure that waits, or is under way."""
    erasure = standing.erasure
    return erasure if erasure is not None and erasure.state in {"waiting", "under_way"} else None
