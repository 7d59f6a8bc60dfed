"""The member's profile: name, language and consents can be changed, a birthday told once; identities are shown."""

from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.members import api as members
from regulars.members.contracts import (
    Birthday,
    Calendar,
    ChangeProfile,
    ConsentChannel,
    ConsentSwitch,
    IdentityKind,
    ProfileChange,
    Purpose,
)
from regulars.platform.errors import DomainError, NotFound
from regulars.web.kit.forms import Form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.preferences import LANGUAGE_COOKIE, preference_cookie
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.portal.own import AnyRequest, own_id

HOME: Final = "/portal/profile"
LANGUAGES: Final = (("zh", "中文"), ("en", "English"))
_KINDS: Final = {
    IdentityKind.PHONE: mark("Phone number"),
    IdentityKind.EMAIL: mark("E-mail"),
    IdentityKind.CARD: mark("Card number"),
    IdentityKind.EXTERNAL: mark("Account with a partner"),
    IdentityKind.OPENID: mark("WeChat"),
}
_PURPOSES: Final = {
    Purpose.SERVICE: mark("Notices about my membership"),
    Purpose.MARKETING: mark("Offers and news"),
    Purpose.RESEARCH: mark("Surveys"),
    Purpose.PROFILING: mark("Offers chosen by what I buy"),
    Purpose.SHARING: mark("Sharing with partners"),
}
_WAYS: Final = {
    ConsentChannel.EMAIL: mark("By e-mail"),
    ConsentChannel.SMS: mark("By text message"),
    ConsentChannel.PUSH: mark("On this phone"),
    ConsentChannel.WECHAT: mark("By WeChat"),
    ConsentChannel.PHONE: mark("By phone"),
    ConsentChannel.POST: mark("By post"),
    ConsentChannel.ANY: "",
}


class BirthdayTold(msgspec.Struct):
    """A birthday as its member types it."""

    month: Annotated[int, Meta(ge=1, le=12)]
    day: Annotated[int, Meta(ge=1, le=31)]
    calendar: Calendar = Calendar.SOLAR
    year: int | None = None


class Switched(msgspec.Struct):
    """A consent that a member gives or takes back."""

    purpose: Purpose
    channel: ConsentChannel
    wording_version: Annotated[str, Meta(max_length=100)]
    on: bool = False


class Own(msgspec.Struct):
    """What members may change here."""

    language: Literal["zh", "en"]
    display_name: Annotated[str, Meta(max_length=80)] | None = None


def profile_pages(kit: Kit) -> Pages:
    """Return the page of the profile."""
    entries = (Entry(HOME, mark("Profile"), icon="user", also=("/portal/devices",)),)
    return Pages(ViewerKind.MEMBER, [*_profile(kit), _consents(kit)], navigation=[Group("", entries)])


def _profile(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services

    async def show(
        request: AnyRequest, form: Form[Any] | None = None, status: int = 200, *, born: Form[Any] | None = None
    ) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        async with services.database.transaction() as tx:
            ((member, identities),) = await members.show_members(tx, services.vault, [member_id], clear=False)
            profile = (await members.read_profiles(tx, services.vault, [member_id], clear=True)).get(member_id)
            switches = await members.consent_switches(tx, member_id)
        birthday = profile.birthday if profile else None
        told = (profile and profile.display_name) or ""
        return kit.render(
            request,
            "portal/profile.html",
            page=page,
            status=status,
            form=form or Form(page.language, {"display_name": told, "language": page.language}),
            languages=LANGUAGES,
            since=member.signed_up_at,
            birthday=birthday,
            is_lunar=birthday is not None and birthday.calendar is Calendar.LUNAR,
            identities=[(in_language(_KINDS[one.kind], page.language), one) for one in identities],
            consents=[_switch(one, page.language) for one in switches],
            born=born or Form(page.language, {"calendar": Calendar.SOLAR.value}),
        )

    @get(HOME, guards=[kit.guards.member()])
    async def profile(request: AnyRequest) -> Response[bytes]:
        return await show(request)

    @post(HOME, guards=[kit.guards.member()])
    async def change(request: AnyRequest) -> Response[bytes]:
        member_id = own_id(request)
        form = read_form(request, Own, kit.page(request).language)
        if form.value is None:
            return await show(request, form, 422)
        wish = ProfileChange(display_name=form.value.display_name, language=form.value.language)
        try:
            async with services.database.transaction(actor=_told(request)) as tx:
                await members.change_profile(tx, services.vault, ChangeProfile(member_id=member_id, change=wish))
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        cookie = preference_cookie(LANGUAGE_COOKIE, form.value.language, secure=kit.secure_cookies)
        return kit.see(HOME, Notice(mark("Saved.")), cookies=[cookie])

    @post(f"{HOME}/birthday", guards=[kit.guards.member()])
    async def tell_birthday(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, BirthdayTold, kit.page(request).language)
        if form.value is None:
            return await show(request, None, 422, born=form)
        told = form.value
        day = Birthday(month=told.month, day=told.day, year=told.year, calendar=told.calendar)
        try:
            async with services.database.transaction(actor=_told(request)) as tx:
                await members.tell_birthday(tx, services.vault, own_id(request), day)
        except DomainError as error:
            return await show(request, None, error.status, born=form.refused(error))
        return kit.see(HOME, Notice(mark("Thank you. We will think of your birthday.")))

    return [profile, change, tell_birthday]


def _told(request: AnyRequest) -> str:
    """Return as whom a member acts, for the books."""
    return str(getattr(viewer_of(request).session, "actor", "member"))


def _consents(kit: Kit) -> ControllerRouterHandler:
    @post(f"{HOME}/consents", guards=[kit.guards.member()])
    async def switch(request: AnyRequest) -> Response[bytes]:
        """Record one decision: a fact of its own, in the words that were on the page."""
        form = read_form(request, Switched, kit.page(request).language)
        if form.value is None:
            raise NotFound
        given = form.value
        async with kit.services.database.transaction(actor=_told(request)) as tx:
            await members.switch_consent(
                tx,
                own_id(request),
                given.purpose,
                given.channel,
                on=given.on,
                wording_version=given.wording_version,
                actor=_told(request),
            )
        said = mark("Agreed. You can take it back here at any time.") if given.on else mark("Taken back from now on.")
        return kit.see(f"{HOME}#consents", Notice(said))

    return switch


def _switch(one: ConsentSwitch, language: str) -> dict[str, Any]:
    """Return a consent in words, and how it stands."""
    way = _WAYS[one.channel]
    return {
        "purpose": in_language(_PURPOSES[one.purpose], language),
        "way": in_language(way, language) if way else "",
        "wording": in_language(one.wording, language) if one.wording else "",
        "switch": one,
    }
