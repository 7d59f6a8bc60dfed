"""The gallery: every piece of the kit in every state, with invented data. Only in development mode, at `/kit`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.platform.errors import Conflict
from regulars.platform.money import Money
from regulars.platform.reports.contracts import Report, State
from regulars.web.kit.cells import Badge, Cell, Code, Link, Quiet
from regulars.web.kit.charts import Chart, Series
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Days, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group, Navigation
from regulars.web.kit.notices import Notice, NoticeTone
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.timeline import Happening
from regulars.web.kit.viewers import ViewerKind

HOME: Final = "/kit"
_NOW: Final = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_PEOPLE: Final = ("陈思远", "Maria Lopez", "林晓", "Tom Becker", "王雨桐", "Aisha Khan", "赵一鸣", "Jonas Weber")
_TIERS: Final = (
    ("regular", mark("Regular"), "neutral"),
    ("silver", mark("Silver"), "info"),
    ("gold", mark("Gold"), "warning"),
    ("diamond", mark("Diamond"), "primary"),
)
_ENTRIES: Final = (
    Entry("/kit", mark("Pieces"), icon="layout-dashboard"),
    Entry("/kit/forms", mark("Forms"), icon="forms"),
    Entry("/kit/listing", mark("Listing"), icon="table"),
    Entry("/kit/charts", mark("Charts"), icon="chart-bar"),
)
_FACES: Final = (
    Entry("/kit/portal", mark("Portal"), icon="device-mobile"),
    Entry("/kit/store", mark("Store screen"), icon="device-tablet"),
    Entry("/kit/plain", mark("Plain page"), icon="square"),
    Entry("/kit/refused", mark("Refusal"), icon="alert-circle"),
)
_TABS: Final = (
    Entry("/kit/portal", mark("Card"), icon="id-badge-2"),
    Entry("/kit/portal?points", mark("Points"), icon="coins"),
    Entry("/kit/portal?orders", mark("Orders"), icon="receipt"),
    Entry("/kit/portal?profile", mark("Profile"), icon="user"),
)
_COUNTER: Final = (
    Entry("/kit/store", mark("Scan"), icon="scan"),
    Entry("/kit/store?return", mark("Return"), icon="receipt-refund"),
    Entry("/kit/store?register", mark("Register"), icon="user-plus"),
)


@dataclass(frozen=True, slots=True)
class _Person:
    number: int
    name: str
    tier: int
    points: int
    spent: Money
    joined_at: datetime


_ROWS: Final = [
    _Person(
        number=at,
        name=_PEOPLE[at * 5 % len(_PEOPLE)],
        tier=at * 7 % 11 % len(_TIERS),
        points=at * 7919 % 24_000,
        spent=Money(at * 104_729 % 3_000_000, "CNY"),
        joined_at=_NOW - timedelta(days=at * 17 % 900, minutes=at),
    )
    for at in range(1, 241)
]

PEOPLE: Final = Listing(
    name="people",
    search=mark("Search by name or number"),
    columns=(
        Column("name", mark("Name"), lambda row: Link(row.name, f"{HOME}/listing"), sortable=True),
        Column("number", mark("Number"), lambda row: Code(f"mbr_{row.number:06d}"), minor=True),
        Column("tier", mark("Tier"), lambda row: Badge(_TIERS[row.tier][1], _TIERS[row.tier][2])),
        Column("points", mark("Points"), lambda row: row.points, sortable=True),
        Column("spent", mark("Spent"), lambda row: row.spent, sortable=True, minor=True),
        Column("joined", mark("Joined"), lambda row: row.joined_at, sortable=True, minor=True),
        Column("note", mark("Note"), lambda row: "=1+1" if row.number % 9 == 0 else None, shown=False),
    ),
    filters=(
        Choice("tier", mark("Tier"), tuple((code, label) for code, label, _ in _TIERS)),
        Days("joined", mark("Joined")),
    ),
    sort="-joined",
    export=None,
    empty=mark("Nobody has joined yet."),
)
_SORTS: Final = {
    "name": lambda row: row.name,
    "points": lambda row: row.points,
    "spent": lambda row: row.spent.amount_minor,
    "joined": lambda row: row.joined_at,
}


class Registration(msgspec.Struct):
    """A form with a field of each kind."""

    name: Annotated[str, Meta(min_length=2, max_length=40)]
    phone: Annotated[str, Meta(pattern=r"^\+?[0-9 ]{6,20}$")]
    tier: str
    born_on: date | None = None
    points: Annotated[int, Meta(ge=0, le=10_000)] = 0
    note: Annotated[str, Meta(max_length=200)] = ""
    channels: list[str] = []
    greeting: str = "none"
    consent: bool = False


class NameTaken(Conflict):
    """In the gallery, one name is always taken."""

    code = "gallery_name_taken"
    message = "Somebody is registered under the name {name} already. Choose another."


def gallery_pages(kit: Kit) -> Pages:
    """Return the gallery's pages."""
    groups = (Group("", _ENTRIES), Group(mark("Faces"), _FACES))
    handlers = [*_pieces(kit), *_forms(kit), *_listings(kit), *_faces(kit)]
    return Pages(ViewerKind.NOBODY, handlers, navigation=groups)


def _reports() -> list[Report]:
    """Return a report in each of its states but the good end, which a page shows as its figures."""
    seen: list[tuple[State, int]] = [("queued", 0), ("running", 3120), ("failed", 3120), ("cancelled", 3120)]
    return [
        Report(
            report_id=UUID(int=number),
            kind="gallery",
            parameters={},
            asked_by="staff",
            asked_at=_NOW,
            state=state,
            done=done,
            all_of_it=8_000 if done else 0,
            result=None,
            error=None,
            began_at=_NOW,
            as_of=_NOW,
            ended_at=None,
        )
        for number, (state, done) in enumerate(seen)
    ]


def _pieces(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(HOME)
    async def pieces(request: Request[Any, Any, Any]) -> Response[bytes]:
        language = kit.page(request).language
        happened, facts = _happened(language), _facts(language)
        return kit.render(
            request, "kit/gallery/pieces.html", happened=happened, facts=facts, form=blank_form(), reports=_reports()
        )

    @get(f"{HOME}/charts")
    async def charts(request: Request[Any, Any, Any]) -> Response[bytes]:
        return kit.render(request, "kit/gallery/charts.html", charts=_charts(kit.page(request).language))

    @post(f"{HOME}/notice/{{tone:str}}")
    async def notice(tone: FromPath[str]) -> Response[bytes]:
        tones: dict[str, NoticeTone] = {"success": "success", "info": "info", "warning": "warning", "error": "error"}
        said = Notice(mark("{count} members were told."), tones.get(tone, "info"), {"count": 240})
        return kit.see(HOME, said)

    return [pieces, charts, notice]


def _forms(kit: Kit) -> Sequence[ControllerRouterHandler]:
    def answer(request: Request[Any, Any, Any], form: Form[Registration], status: int) -> Response[bytes]:
        tiers = [(code, in_language(label, form.language)) for code, label, _ in _TIERS]
        return kit.render(request, "kit/gallery/forms.html", status=status, form=form, tiers=tiers)

    @get(f"{HOME}/forms")
    async def blank(request: Request[Any, Any, Any]) -> Response[bytes]:
        return answer(
            request, blank_form(kit.page(request).language, points=200, channels=["sms"], greeting="none"), 200
        )

    @post(f"{HOME}/forms", status_code=200)
    async def register(request: Request[Any, Any, Any]) -> Response[bytes]:
        form = read_form(request, Registration, kit.page(request).language)
        if form.value is None:
            return answer(request, form, 422)
        if form.value.name == _PEOPLE[0]:
            return answer(request, form.refused(NameTaken(pointer="/name", name=form.value.name)), 409)
        if not form.value.consent:
            return answer(request, form.refused(Conflict()), 409)
        return kit.see(f"{HOME}/forms", Notice(mark("{name} is registered."), values={"name": form.value.name}))

    return [blank, register]


def _listings(kit: Kit) -> Sequence[ControllerRouterHandler]:
    async def by_page(wanted: Wanted) -> Slice:
        found = _found(wanted)
        return Slice(found[wanted.offset : wanted.offset + wanted.limit], total=len(found))

    async def by_cursor(wanted: Wanted) -> Slice:
        found, after = _found(wanted), wanted.after or ""
        start = int(after) if after.isascii() and after.isdecimal() and len(after) < len(found) else 0
        end = start + wanted.limit
        return Slice(found[start:end], after=str(end) if end < len(found) else None)

    async def nobody(_: Wanted) -> Slice:
        return Slice([], total=0)

    @get(f"{HOME}/listing")
    async def listing(request: Request[Any, Any, Any]) -> Response[Any]:
        return await kit.listing(request, "kit/gallery/listing.html", PEOPLE, by_page)

    @get(f"{HOME}/listing/cursor")
    async def cursor(request: Request[Any, Any, Any]) -> Response[Any]:
        return await kit.listing(request, "kit/gallery/listing.html", PEOPLE, by_cursor)

    @get(f"{HOME}/listing/empty")
    async def empty(request: Request[Any, Any, Any]) -> Response[Any]:
        return await kit.listing(request, "kit/gallery/listing.html", PEOPLE, nobody)

    return [listing, cursor, empty]


def _faces(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(f"{HOME}/portal")
    async def portal(request: Request[Any, Any, Any]) -> Response[bytes]:
        page = _with_tabs(kit.page(request), _TABS)
        return kit.render(request, "kit/gallery/portal.html", page=page, happened=_happened(page.language))

    @get(f"{HOME}/store")
    async def store(request: Request[Any, Any, Any]) -> Response[bytes]:
        page = _with_tabs(kit.page(request), _COUNTER)
        shown = _at_the_counter(page.language)
        return kit.render(request, "kit/gallery/store.html", page=page, **shown)

    @get(f"{HOME}/plain")
    async def plain(request: Request[Any, Any, Any]) -> Response[bytes]:
        return kit.render(request, "kit/gallery/plain.html", form=blank_form())

    @get(f"{HOME}/refused")
    async def refused() -> Response[bytes]:
        raise Conflict

    @get(f"{HOME}/broken")
    async def broken() -> Response[bytes]:
        raise RuntimeError("the gallery shows what a bug looks like")

    @get(f"{HOME}/locked", guards=[kit.guards.staff("members:read")])
    async def locked() -> Response[bytes]:
        raise Conflict

    return [portal, store, plain, refused, broken, locked]


def _at_the_counter(language: str) -> dict[str, Any]:
    """What a counter sees of a member, and what an order does."""
    gold = {"name": in_language(_TIERS[2][1], language), "tone": _TIERS[2][2]}
    member = {
        "name": _PEOPLE[0],
        "tier": gold,
        "tier_is_new": True,
        "birthday": "week",
        "available": 12_480,
        "pending": 240,
        "debt": 60,
    }
    nothing: dict[str, Any] = {"points": 0, "value": None, "available_at": None, "tier": None, "undone": 0}
    effects = [
        {**nothing, "kind": "points_redeemed", "tone": "info", "points": 500, "value": Money(500, "CNY")},
        {**nothing, "kind": "points_pending", "tone": "success", "points": 263, "available_at": _NOW, "undone": 40},
        {**nothing, "kind": "points_clawed_back", "tone": "warning", "points": 40},
        {**nothing, "kind": "debt", "tone": "error", "points": 12},
        {**nothing, "kind": "tier_reached", "tone": "success", "tier": gold},
    ]
    return {"member": member, "effects": effects, "amount": Money(26_300, "CNY")}


def _with_tabs(page: Page, entries: tuple[Entry, ...]) -> Page:
    return replace(page, navigation=Navigation([Group("", entries)], entries[0]))


def _found(wanted: Wanted) -> list[_Person]:
    looked_for = wanted.search.casefold()
    tier, first, last = (wanted.filters.get(name, "") for name in ("tier", "joined_from", "joined_to"))
    found = [
        row
        for row in _ROWS
        if (looked_for in row.name.casefold() or looked_for in f"mbr_{row.number:06d}")
        and tier in {"", _TIERS[row.tier][0]}
        and (not first or row.joined_at.date() >= date.fromisoformat(first))
        and (not last or row.joined_at.date() <= date.fromisoformat(last))
    ]
    return sorted(found, key=_SORTS[wanted.sort], reverse=wanted.descending)


def _happened(language: str) -> list[Happening]:
    def at(days: int) -> datetime:
        return _NOW - timedelta(days=days)

    gold, growth = in_language(mark("Reached Gold"), language), in_language(mark("2,140 growth in a year"), language)
    bought = in_language(mark("Bought in Harbour Street"), language)
    returned = in_language(mark("Returned one of three items"), language)
    return [
        Happening(at(0), gold, growth, tone="warning"),
        Happening(at(2), bought, "¥268.00", path=f"{HOME}/listing"),
        Happening(at(9), returned, tone="error"),
        Happening(at(30), in_language(mark("Signed up"), language), tone="success"),
    ]


def _facts(language: str) -> list[tuple[str, Cell]]:
    facts: list[tuple[str, Cell]] = [
        (mark("Name"), Quiet(_PEOPLE[0], "mbr_000017")),
        (mark("Tier"), Badge(mark("Gold"), "warning")),
        (mark("Spent"), Money(1_204_650, "CNY")),
        (mark("Joined"), _NOW),
        (mark("Birthday"), None),
        (mark("Member number"), Code("mbr_0190f0c27c5a7cc58f8c1d2e3f405162")),
    ]
    return [(in_language(label, language), value) for label, value in facts]


def _charts(language: str) -> list[Chart]:
    def say(sentence: str) -> str:
        return in_language(sentence, language)

    months = [f"2026-{month:02d}" for month in range(1, 11)]
    online = [Money(21_400_000 + month * 1_310_000 + month % 3 * 4_200_000, "CNY") for month in range(10)]
    stores = [Money(38_700_000 - month * 420_000 + month % 4 * 2_600_000, "CNY") for month in range(10)]
    return [
        Chart(
            kind="line",
            label_heading=say(mark("Month")),
            labels=months,
            series=[Series(say(mark("Online")), online)],
            summary=say(mark("Revenue online rose over ten months, with a peak every third one.")),
        ),
        Chart(
            kind="stack",
            label_heading=say(mark("Month")),
            labels=months,
            series=[Series(say(mark("Online")), online), Series(say(mark("Stores")), stores)],
            summary=say(mark("Revenue by channel: stores fell a little, online more than made up for it.")),
        ),
        Chart(
            kind="bar",
            label_heading=say(mark("Month")),
            labels=months,
            series=[Series(say(mark("Joined")), [120, 133, 118, 160, 171, 149, 202, 260, 231, None])],
            summary=say(mark("Between 118 and 260 members joined each month; nothing is known of the last one yet.")),
        ),
        Chart(
            kind="share",
            label_heading=say(mark("Tier")),
            labels=[say(label) for _, label, _ in _TIERS],
            series=[Series(say(mark("Members")), [1107, 751, 431, 180])],
            summary=say(mark("Of 2,469 members, 45 % are Regular and 7 % Diamond.")),
        ),
    ]
