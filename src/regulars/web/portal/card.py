"""The member's card: the code for the till, points, tier, and what is new."""

from typing import Any, Final

import msgspec
from litestar import Response, get

from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import CardCode, Profile
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.portal.own import AnyRequest, last_moment, own_id, read_purse, read_tier

HOME: Final = "/portal"


class Codes(msgspec.Struct, frozen=True):
    """The codes to be shown one after another: from `made` (seconds since 1970), each for so many `seconds`."""

    made: int
    seconds: int
    codes: list[str]


def codes_of(made: list[CardCode]) -> Codes:
    """Write codes for the page."""
    first = made[0]
    return Codes(int(first.starts_at.timestamp()), first.shown_seconds, [one.code for one in made])


def name_of(profile: Profile | None) -> str:
    """Return what a member is called; nothing if they told nothing."""
    if profile is None:
        return ""
    full = " ".join([part for part in (profile.given_name, profile.family_name) if part])
    return profile.display_name or full


def parted_of(request: AnyRequest) -> int:
    """Return how often others were parted from the member who is signed in."""
    return int(getattr(viewer_of(request).session, "parted", 0))


def card_pages(kit: Kit) -> Pages:
    """Return the page of the card, and the codes that it asks for while it stays open."""
    services = kit.services
    configuration = loyalty.Configuration()
    notice_days = services.settings.notice_days

    @get(HOME, guards=[kit.guards.member()])
    async def card(request: AnyRequest) -> Response[bytes]:
        member_id, parted, page = own_id(request), parted_of(request), kit.page(request)
        async with services.database.transaction() as tx:
            profiles = await members.read_profiles(tx, services.vault, [member_id], clear=True)
            policy = await loyalty.policy_in_force(tx, configuration)
            purse = await read_purse(tx, member_id, policy, notice_days)
            tier = await read_tier(tx, configuration, member_id, policy, page.language)
        shown: dict[str, Any] = {
            "name": name_of(profiles.get(member_id)),
            "purse": purse,
            "tier": tier,
            "tier_name": tier and loyalty.name_of_tier(tier.tier, page.language),
            "next_name": tier and tier.next_tier and loyalty.name_of_tier(tier.next_tier, page.language),
            "unread": page.viewer.news,
            "last_moment": last_moment,
            "still": members.still_card_code(services.vault, member_id, parted).code,
            "codes": codes_of(members.card_codes(services.vault, member_id, parted)),
        }
        return kit.render(request, "portal/card.html", page=page, **shown)

    @get(f"{HOME}/card/codes", guards=[kit.guards.member()])
    async def codes(request: AnyRequest) -> Response[bytes]:
        made = codes_of(members.card_codes(services.vault, own_id(request), parted_of(request)))
        content = msgspec.json.encode(made)
        return Response(content, headers={"Cache-Control": "no-store"}, media_type="application/json")

    entries = (Entry(HOME, mark("Card"), icon="qrcode"),)
    return Pages(ViewerKind.MEMBER, [card, codes], navigation=[Group("", entries)])
