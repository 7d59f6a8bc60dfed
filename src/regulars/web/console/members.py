"""Members: found by any identity, listed by tier, market and day, and offered to the command palette."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import RollEntry
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX, IdentityShown, MemberSearch, Profile
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import public_id
from regulars.platform.markets.service import list_markets
from regulars.platform.places import read_place, write_place
from regulars.web.console.member import member_handlers
from regulars.web.console.merging import merging_handlers
from regulars.web.console.sight import scope_of
from regulars.web.console.words import channel_name, days_of, full_name, member_link, member_path, tier_badge
from regulars.web.kit.cells import Cell
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Days, Listing, One, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.palette import Hit, Provider
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer, ViewerKind, viewer_of

MEMBERS: Final = "/console/members"
READ: Final = "members:read"
_HITS: Final = 5
_MEMBER: Final = mark("Member")
_LOOKED_AT: Final = 200  # who bought, at once, where other filters leave some of them out
_LOOKS: Final = 10
_APART: Final = mark("What members bought and the tier of a day cannot be asked for together. Take one of them away.")

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A member in the list, names and identities masked."""

    entry: RollEntry
    profile: Profile | None
    identities: list[IdentityShown]

    @property
    def name(self) -> str | None:
        """What the member is called, as far as it may be shown."""
        return said_name(self.profile)


def said_name(profile: Profile | None) -> str | None:
    """Return what a profile says somebody is called."""
    if profile is None:
        return None
    return profile.display_name or full_name(profile.given_name, profile.family_name) or None


def member_pages(kit: Kit) -> Pages:
    """Return the pages of members."""
    entry = Entry(MEMBERS, mark("Members"), icon="users", permission=READ)
    configuration = loyalty.Configuration()
    return Pages(
        ViewerKind.STAFF,
        [_listing(kit, configuration), *member_handlers(kit, configuration), *merging_handlers(kit)],
        navigation=[Group("", (entry,))],
        providers=[Provider(READ, _finder(kit, configuration))],
    )


def listing_in(language: str, tiers: list[str], markets: list[str]) -> Listing:
    """Return the list of members, with the tiers and markets that there are."""
    return Listing(
        name="members",
        columns=(
            Column("member", mark("Member"), lambda one: member_link(one.entry.member_id)),
            Column("name", mark("Name"), lambda one: one.name),
            Column("identity", mark("Reached at"), _first_identity, minor=True),
            Column("tier", mark("Tier"), lambda one: tier_badge(one.entry.tier, one.entry.rank)),
            Column("balance", mark("Points"), lambda one: one.entry.balance),
            Column("debt", mark("Owed"), lambda one: one.entry.debt or None, minor=True, shown=False),
            Column("joined", mark("Signed up"), lambda one: one.entry.signed_up_at, minor=True),
            Column("channel", mark("Channel"), lambda one: channel_name(one.entry.channel, language), minor=True),
            Column("store", mark("Store"), lambda one: one.entry.store_id, minor=True),
            Column("market", mark("Market"), lambda one: one.entry.market, minor=True, shown=len(markets) > 1),
        ),
        filters=(
            Choice("tier", mark("Tier"), tuple((code, loyalty.tier_label(code)) for code in tiers)),
            *([Choice("market", mark("Market"), tuple((code, code) for code in markets))] if len(markets) > 1 else []),
            Days("joined", mark("Signed up")),
            Days("bought", mark("Bought"), rare=True),
            One("store", mark("At the store"), type="text", rare=True),
            One("tier_on", mark("Tier on"), rare=True),
        ),
        search=mark("Phone, e-mail, card or id, in full"),
        sort="-joined",
        empty=mark("No members yet. They appear here as they sign up in a shop, online or in the app."),
    )


def _first_identity(one: Listed) -> Cell:
    return next((found.value for found in one.identities if found.value), None)


def _listing(kit: Kit, configuration: loyalty.Configuration) -> ControllerRouterHandler:
    services = kit.services

    @get(MEMBERS, guards=[kit.guards.staff(READ)])
    async def member_list(request: AnyRequest) -> Response[Any]:
        page = kit.page(request)
        bound = viewer_of(request).stores is not None
        async with services.database.transaction() as tx:
            policy = await loyalty.policy_in_force(tx, configuration)
            markets = [market.code for market in await list_markets(tx)]
        tiers = [rule.code for rule in policy.tier.tiers] if policy is not None else []
        listing = listing_in(page.language, tiers, markets)
        search = listing.wanted(request.query_params).search
        counted = await _counted(kit, viewer_of(request), search, page.language)

        async def fetch(wanted: Wanted) -> Slice:
            if policy is None:
                return Slice([])
            if counted is not None and counted.refused:
                return Slice([], refused=counted.refused)
            async with wanted.reading() as tx:
                if wanted.search:
                    found = counted.found if counted else await members.find_by_any(tx, services.vault, wanted.search)
                    return Slice(await _listed(kit, tx, await loyalty.roll_of(tx, configuration, found)))
                if any(days_of(wanted.filters, "bought")) or "store" in wanted.filters:
                    if "tier_on" in wanted.filters:
                        return Slice([], refused=in_language(_APART, page.language))
                    return await _who_bought(kit, tx, configuration, wanted, viewer_of(request))
                first, last = days_of(wanted.filters, "joined")
                tier_on = wanted.filters.get("tier_on")
                entries = await loyalty.roll(
                    tx,
                    configuration,
                    market=wanted.filters.get("market"),
                    stores=scope_of(viewer_of(request)),
                    tier=wanted.filters.get("tier"),
                    tier_on=None if tier_on is None else date.fromisoformat(tier_on),
                    first=first,
                    last=last,
                    after=read_place(wanted.after),
                    limit=wanted.limit + 1,
                )
                rows = await _listed(kit, tx, entries[: wanted.limit])
            return Slice(rows, after=_cursor(entries[wanted.limit - 1]) if len(entries) > wanted.limit else None)

        return await kit.listing(
            request, "console/members.html", listing, fetch, settled=policy is not None, bound=bound
        )

    return member_list


class Counted(NamedTuple):
    """Whom a search that is counted found, or why it was not made."""

    found: list[UUID]
    refused: str = ""


async def _counted(kit: Kit, viewer: Viewer, text: str, language: str, *, while_typing: bool = False) -> Counted | None:
    """Look for members as somebody who may not see every member anyway; None for who may.

    The search is counted and logged in a transaction of its own, whatever a page makes of it.
    """
    if viewer.stores is None or not text:
        return None
    wish = MemberSearch(text=text, by=viewer.session.actor, while_typing=while_typing)
    async with kit.services.database.transaction(actor=viewer.session.actor) as tx:
        outcome = await members.find_counted(tx, kit.services.vault, wish)
    if isinstance(outcome, DomainError):
        return Counted([], told(outcome, language))
    return Counted(outcome)


async def _who_bought(
    kit: Kit, tx: Transaction, configuration: loyalty.Configuration, wanted: Wanted, viewer: Viewer
) -> Slice:
    """Return members who bought on some days, at stores that the viewer sees, and whom the other filters let through.

    Of many who bought few may be let through, so it looks on, but not for ever: then the page says how to go on.
    """
    zones = {market.code: ZoneInfo(market.time_zone) for market in await list_markets(tx)}
    bought, joined = days_of(wanted.filters, "bought"), days_of(wanted.filters, "joined")
    stores, after = scope_of(viewer, wanted.filters.get("store")), wanted.after
    kept: list[RollEntry] = []
    for _ in range(_LOOKS):
        found, after = await commerce.members_who_bought(
            tx, first=bought[0], last=bought[1], stores=stores, cursor=after, limit=max(wanted.limit, _LOOKED_AT)
        )
        entries = sorted(await loyalty.roll_of(tx, configuration, found), key=lambda one: one.member_id, reverse=True)
        kept += [
            one
            for one in entries
            if _lets_through(wanted.filters, joined, one, one.signed_up_at.astimezone(zones[one.market]).date())
        ]
        if after is None or len(kept) > wanted.limit:
            break
    if len(kept) > wanted.limit:
        kept, after = kept[: wanted.limit], commerce.behind_buyer(kept[wanted.limit - 1].member_id)
    return Slice(await _listed(kit, tx, kept), after=after)


def _lets_through(
    filters: Mapping[str, str], joined: tuple[date | None, date | None], one: RollEntry, joined_on: date
) -> bool:
    first, last = joined
    same = all(getattr(one, name) == filters[name] for name in ("tier", "market") if name in filters)
    return same and (first is None or first <= joined_on) and (last is None or joined_on <= last)


async def _listed(kit: Kit, tx: Transaction, entries: list[RollEntry]) -> list[Listed]:
    ids = [entry.member_id for entry in entries]
    vault = kit.services.vault
    told = members.ask_profiles(tx, vault, ids, clear=False)
    shown = {member.member_id: found for member, found in await members.show_members(tx, vault, ids, clear=False)}
    profiles = await told()
    return [Listed(entry, profiles.get(entry.member_id), shown.get(entry.member_id, [])) for entry in entries]


def _finder(kit: Kit, configuration: loyalty.Configuration) -> Any:  # noqa: ANN401 - the palette's `Find`
    async def find(text: str, viewer: Viewer) -> list[Hit]:
        services, counted = kit.services, await _counted(kit, viewer, text, "en", while_typing=True)
        try:
            async with services.database.transaction() as tx:
                found = counted.found if counted else await members.find_by_any(tx, services.vault, text)
                entries = await loyalty.roll_of(tx, configuration, found[:_HITS]) if found else []
                listed = await _listed(kit, tx, entries)
        except DomainError:  # no policy yet: nobody has a tier
            return []
        return [
            Hit(
                one.name or public_id(MEMBER_PREFIX, one.entry.member_id),
                _MEMBER,
                member_path(one.entry.member_id),
                "user",
            )
            for one in listed
        ]

    return find


def _cursor(entry: RollEntry) -> str:
    return write_place(entry.signed_up_at, entry.member_id)
