"""What a member agrees to: each consent in its words with its history, taken back at once, confirmed by a letter."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.members import api as members
from regulars.members.contracts import (
    CONSENT_PREFIX,
    Consent,
    ConsentChannel,
    ConsentSwitch,
    Decision,
    Purpose,
    ToConfirm,
)
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.texts import in_figures
from regulars.web.kit.forms import read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import noted
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.portal.own import AnyRequest, acts_as, own_id

HOME: Final = "/portal/consents"
CONFIRM: Final = "/portal/confirm-consent/{token:str}"
PURPOSES: Final = {
    Purpose.SERVICE: mark("Notices about my membership"),
    Purpose.MARKETING: mark("Offers and news"),
    Purpose.RESEARCH: mark("Surveys"),
    Purpose.PROFILING: mark("Offers chosen by what I buy"),
    Purpose.SHARING: mark("Sharing with partners"),
}
WAYS: Final = {
    ConsentChannel.EMAIL: mark("By e-mail"),
    ConsentChannel.SMS: mark("By text message"),
    ConsentChannel.PUSH: mark("On this phone"),
    ConsentChannel.WECHAT: mark("By WeChat"),
    ConsentChannel.PHONE: mark("By phone"),
    ConsentChannel.POST: mark("By post"),
    ConsentChannel.ANY: "",
}
_HAPPENED: Final = {
    Decision.GIVEN: mark("Agreed"),
    Decision.WITHDRAWN: mark("Withdrawn"),
    Decision.REQUESTED: mark("Asked to be confirmed"),
    Decision.LAPSED: mark("Ended: the e-mail address was changed"),
}
_WHERE: Final = {
    "online": mark("in your account"),
    "store": mark("in a shop"),
    "app": mark("in the app"),
    "email": mark("by the link in a letter"),
    "phone": mark("by telephone"),
}
_SAID: Final = {
    Decision.GIVEN: mark("Agreed. You can take it back here at any time."),
    Decision.WITHDRAWN: mark("Taken back from now on."),
    Decision.REQUESTED: mark("We have sent you a letter. It counts once you follow the link in it."),
}
_STANDS: Final = mark("Nothing to change: it stands so already.")
_SENT: Final = mark("The letter is on its way again. Only the newest link is good.")


class Switched(msgspec.Struct):
    """A consent that a member gives or takes back."""

    purpose: Purpose
    channel: ConsentChannel
    wording_version: Annotated[str, Meta(max_length=100)]
    on: bool = False


def consent_pages(kit: Kit) -> Pages:
    """Return the pages of consent."""
    return Pages(ViewerKind.MEMBER, [*_own(kit), *_confirming(kit)])


def _own(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services
    asked = members.double_opt_in(services.settings)

    @get(HOME, guards=[kit.guards.member()])
    async def consents(request: AnyRequest) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        async with services.database.transaction() as tx:
            switches = await members.consent_switches(tx, member_id, double_opt_in=asked)
            ((_, shown),) = await members.show_members(tx, services.vault, [member_id], clear=False)
        addresses = {one.identity_id: one.value or "" for one in shown}
        return kit.render(
            request,
            "portal/consents.html",
            page=page,
            consents=[_switch(one, addresses, page.language) for one in switches],
        )

    @post(HOME, guards=[kit.guards.member()])
    async def switch(request: AnyRequest) -> Response[bytes]:
        """Record one decision: a fact of its own, in the words that were on the page."""
        language = kit.page(request).language
        form = read_form(request, Switched, language)
        if form.value is None:
            raise NotFound
        given = form.value
        try:
            async with services.database.transaction(actor=acts_as(request)) as tx:
                done = await members.switch_consent(
                    tx,
                    own_id(request),
                    given.purpose,
                    given.channel,
                    on=given.on,
                    wording_version=given.wording_version,
                    actor=acts_as(request),
                    language=language,
                    double_opt_in=asked,
                )
        except DomainError as refusal:
            return kit.see(HOME, _refused(refusal))
        return kit.see(HOME, Notice(_STANDS, "info") if done is None else Notice(_SAID[done.decision]))

    @post(HOME + "/{consent_id:str}/letter", guards=[kit.guards.member()])
    async def send_again(request: AnyRequest, consent_id: FromPath[str]) -> Response[bytes]:
        found = parse_public_id(CONSENT_PREFIX, consent_id)
        if found is None:
            raise NotFound
        try:
            async with services.database.transaction(actor=acts_as(request)) as tx:
                await members.send_letter_again(tx, own_id(request), found)
        except DomainError as refusal:
            return kit.see(HOME, _refused(refusal))
        return kit.see(HOME, Notice(_SENT))

    return [consents, switch, send_again]


def _confirming(kit: Kit) -> list[ControllerRouterHandler]:
    """A consent is confirmed by a button: looking changes nothing, as mail scanners follow every link."""
    services = kit.services

    def show(request: Request[Any, Any, Any], token: str, asked: ToConfirm) -> Response[bytes]:
        language = kit.page(request).language
        way = WAYS[asked.channel]
        return kit.render(
            request,
            "portal/confirm_consent.html",
            token=token,
            purpose=in_language(PURPOSES[asked.purpose], language),
            way=in_language(way, language) if way else "",
            wording=in_language(asked.wording, language),
            done=asked.is_confirmed,
        )

    @get(CONFIRM, guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def ask(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        async with services.database.transaction() as tx:
            asked = await members.consent_to_confirm(tx, token)
        return show(request, token, asked)

    @post(CONFIRM, guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def confirm(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        async with services.database.transaction(actor="member") as tx:
            confirmed = await members.confirm_consent(tx, token)
        return show(request, token, confirmed)

    return [ask, confirm]


def _refused(refusal: DomainError) -> Notice:
    """Say why not, on the page to which the browser goes back."""
    return Notice(noted(refusal).message, "error", in_figures(refusal.data))


def _switch(one: ConsentSwitch, addresses: dict[Any, str], language: str) -> dict[str, Any]:
    """Return a consent in words, and how it stands."""
    way = WAYS[one.channel]
    return {
        "purpose": in_language(PURPOSES[one.purpose], language),
        "way": in_language(way, language) if way else "",
        "wording": in_language(one.wording, language) if one.wording else "",
        "switch": one,
        "address": addresses.get(one.request.identity_id, "") if one.request else "",
        "request": public_id(CONSENT_PREFIX, one.request.consent_id) if one.request else "",
        "history": [_happened(past, language) for past in one.history],
    }


def _happened(past: Consent, language: str) -> dict[str, Any]:
    """Return a decision of the past: what, when, where and by whom, in which words."""
    where = _WHERE.get(past.where, "")
    return {
        "what": in_language(_HAPPENED[past.decision], language),
        "at": past.effective_at,
        "where": in_language(where, language) if where else "",
        "store": past.store_id,
        "by": "" if past.decision is Decision.LAPSED else in_language(_by(past.actor), language),
        "version": past.wording_version,
        "wording": past.wording,
        "language": past.language,
    }


def _by(actor: str) -> str:
    """Say in general who recorded a decision: staff and keys are not named to members."""
    if actor.startswith("member"):
        return mark("by you")
    return mark("at a till") if actor.startswith("device:") else mark("by our staff")
