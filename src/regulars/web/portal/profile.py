"""The member's profile: name and language can be changed; identities and consents are shown as they stand."""

from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.members import api as members
from regulars.members.contracts import (
    Calendar,
    ChangeProfile,
    Consent,
    ConsentChannel,
    Decision,
    IdentityKind,
    ProfileChange,
    Purpose,
)
from regulars.platform.errors import DomainError
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


class Own(msgspec.Struct):
    """What members may change here."""

    language: Literal["zh", "en"]
    display_name: Annotated[str, Meta(max_length=80)] | None = None


def profile_pages(kit: Kit) -> Pages:
    """Return the page of the profile."""
    entries = (Entry(HOME, mark("Profile"), icon="user", also=("/portal/devices",)),)
    return Pages(ViewerKind.MEMBER, _profile(kit), navigation=[Group("", entries)])


def _profile(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services

    async def show(request: AnyRequest, form: Form[Any] | None = None, status: int = 200) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        async with services.database.transaction() as tx:
            ((member, identities),) = await members.show_members(tx, services.vault, [member_id], clear=False)
            profile = (await members.read_profiles(tx, services.vault, [member_id], clear=True)).get(member_id)
            in_force, _ = await members.consents(tx, member_id, as_of=tx.now)
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
            consents=[_consent(one, page.language) for one in in_force],
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
            async with services.database.transaction(
                actor=getattr(viewer_of(request).session, "actor", "member")
            ) as tx:
                await members.change_profile(tx, services.vault, ChangeProfile(member_id=member_id, change=wish))
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        cookie = preference_cookie(LANGUAGE_COOKIE, form.value.language, secure=kit.secure_cookies)
        return kit.see(HOME, Notice(mark("Saved.")), cookies=[cookie])

    return [profile, change]


def _consent(consent: Consent, language: str) -> tuple[str, str, bool, Consent]:
    """Return purpose and way in words, and whether it was given."""
    way = _WAYS[consent.channel]
    said = in_language(_PURPOSES[consent.purpose], language), in_language(way, language) if way else ""
    return *said, consent.decision is Decision.GIVEN, consent
