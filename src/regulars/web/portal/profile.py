"""The member's profile: name and language can be changed, a birthday told once; identities are shown."""

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
    IdentityKind,
    ProfileChange,
)
from regulars.platform.errors import DomainError
from regulars.web.kit.forms import Form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.preferences import LANGUAGE_COOKIE, preference_cookie
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.portal.card import name_of
from regulars.web.portal.own import AnyRequest, acts_as, own_id

HOME: Final = "/portal/profile"
LANGUAGES: Final = (("zh", "中文"), ("en", "English"))
_BELOW: Final = (
    "/portal/devices",
    "/portal/consents",
    "/portal/data",
    "/portal/data/erasure",
    "/portal/data/erasure/sure",
    "/portal/household",
    "/portal/household/leave",
)
_KINDS: Final = {
    IdentityKind.PHONE: mark("Phone number"),
    IdentityKind.EMAIL: mark("E-mail"),
    IdentityKind.CARD: mark("Card number"),
    IdentityKind.EXTERNAL: mark("Account with a partner"),
    IdentityKind.OPENID: mark("WeChat"),
}


class BirthdayTold(msgspec.Struct):
    """A birthday as its member types it."""

    month: Annotated[int, Meta(ge=1, le=12)]
    day: Annotated[int, Meta(ge=1, le=31)]
    calendar: Calendar = Calendar.SOLAR
    year: int | None = None


class Own(msgspec.Struct):
    """What members may change here."""

    language: Literal["zh", "en"]
    display_name: Annotated[str, Meta(max_length=80)] | None = None


def profile_pages(kit: Kit) -> Pages:
    """Return the page of the profile."""
    entries = (Entry(HOME, mark("Profile"), icon="user", also=_BELOW),)
    return Pages(ViewerKind.MEMBER, _profile(kit), navigation=[Group("", entries)])


def _profile(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services

    async def show(
        request: AnyRequest, form: Form[Any] | None = None, status: int = 200, *, born: Form[Any] | None = None
    ) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        async with services.database.transaction() as tx:
            ((member, identities),) = await members.show_members(tx, services.vault, [member_id], clear=False)
            profile = (await members.read_profiles(tx, services.vault, [member_id], clear=True)).get(member_id)
        birthday = profile.birthday if profile else None
        told = name_of(profile)  # who gave a name at a till or elsewhere is not asked as if there were none
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
            async with services.database.transaction(actor=acts_as(request)) as tx:
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
            async with services.database.transaction(actor=acts_as(request)) as tx:
                await members.tell_birthday(tx, services.vault, own_id(request), day)
        except DomainError as error:
            return await show(request, None, error.status, born=form.refused(error))
        return kit.see(HOME, Notice(mark("Thank you. We will think of your birthday.")))

    return [profile, change, tell_birthday]
