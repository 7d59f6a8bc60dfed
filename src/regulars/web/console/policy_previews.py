"""What a draft or a scheduled version would do: who is touched and how, and what past orders would have earned."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath

from regulars.loyalty import api as loyalty
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.money import Money
from regulars.platform.reports.contracts import REPORT_PREFIX
from regulars.web.console.account import who
from regulars.web.console.policy_drafts import instant_typed
from regulars.web.console.reports import cancel_path
from regulars.web.console.words import member_link
from regulars.web.kit.cells import Badge, Tone
from regulars.web.kit.forms import form_values
from regulars.web.kit.kit import Kit
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import viewer_of

HOME: Final = "/console/policies"
READ: Final = "programme:read"
WRITE: Final = "policies:write"
MEMBERS: Final = "members:read"
KINDS: Final[dict[str, tuple[str, Tone]]] = {
    "rises": (mark("Rises at once"), "success"),
    "falls": (mark("Falls at the next review"), "error"),
    "stays": (mark("Keeps more at the next review"), "info"),
    "review": (mark("Is reviewed at another date"), "neutral"),
}

AnyRequest = Request[Any, Any, Any]


def preview_handlers(kit: Kit) -> list[Any]:
    """Return the pages of previews."""

    @post(f"{HOME}/previews", guards=[kit.guards.staff(READ, WRITE)])
    async def ask(request: AnyRequest) -> Response[bytes]:
        page, sent = kit.page(request), form_values(request)
        version = sent.get("version", "")
        command = loyalty.AskPreview(
            actor=who(request).actor,
            draft_id=parse_public_id(loyalty.DRAFT_PREFIX, sent.get("draft", "")),
            version=int(version[:9]) if version.isdecimal() else None,
            active_from=instant_typed(sent.get("at", ""), page),
        )
        async with kit.services.database.transaction(actor=command.actor) as tx:
            report = await loyalty.ask_preview(tx, loyalty.PREVIEW, command)
        return kit.see(f"{HOME}/previews/{public_id(REPORT_PREFIX, report.report_id)}")

    @get(f"{HOME}/previews/{{preview_id:str}}", guards=[kit.guards.staff(READ)])
    async def preview(request: AnyRequest, preview_id: FromPath[str]) -> Response[Any]:
        page, viewer, found = kit.page(request), viewer_of(request), _preview_id(preview_id)
        lists = viewer.may(MEMBERS) and viewer.stores is None  # it names members of all shops
        async with kit.services.database.transaction() as tx:
            report = await loyalty.read_preview(tx, found)
            subject = await loyalty.preview_subject(tx, report)
            ranks = {tier.code: rank for rank, tier in enumerate(subject.policy.tier.tiers)}

        async def fetch(wanted: Wanted) -> Slice:
            if not lists:
                return Slice([])
            kind = wanted.filters.get("kind")
            async with wanted.reading() as tx:
                rows = await loyalty.preview_members(
                    tx,
                    report,
                    kind=next((one for one in loyalty.TOUCHES if one == kind), None),
                    to_tier=wanted.filters.get("tier"),
                    after=_place(wanted.after),
                    limit=wanted.limit + 1,
                )
            more = len(rows) > wanted.limit
            return Slice(rows[: wanted.limit], after=rows[wanted.limit - 1].member_id.hex if more else None)

        result = loyalty.result_of_preview(report)
        return await kit.listing(
            request,
            "console/policy_preview.html",
            _listing(page.language, list(ranks)),
            fetch,
            report=report,
            result=result,
            stop=cancel_path(report) if report.asked_by == who(request).actor else "",
            subject=subject,
            lists=lists,
            back=_back(subject),
            kinds=[] if result is None else _counted(result, page),
            orders=[] if result is None else _orders(result, page),
        )

    return [ask, preview]


def _listing(language: str, tiers: list[str]) -> Listing:
    return Listing(
        name="touched",
        columns=(
            Column("member", mark("Member"), lambda one: member_link(one.member_id)),
            Column("kind", mark("What happens"), lambda one: Badge(*KINDS[one.kind])),
            Column("from", mark("From"), lambda one: loyalty.name_of_tier(one.from_tier, language)),
            Column("to", mark("To"), lambda one: loyalty.name_of_tier(one.to_tier, language)),
            Column("metric", mark("Growth"), lambda one: one.metric),
            Column("missing", mark("Missing for the next tier"), lambda one: one.missing, minor=True),
            Column("before", mark("Next review so far"), lambda one: one.review_before, minor=True),
            Column("after", mark("Next review then"), lambda one: one.review_after, minor=True),
        ),
        filters=(
            Choice("kind", mark("What happens"), tuple((kind, label) for kind, (label, _) in KINDS.items())),
            Choice("tier", mark("To"), tuple((code, loyalty.tier_label(code)) for code in tiers)),
        ),
        empty=mark("Nobody is touched: tiers and their reviews stay as they are."),
    )


def _counted(result: loyalty.Preview, page: Page) -> list[tuple[Badge, int, list[tuple[str, str, int]]]]:
    """Return each thing that happens with how many members, and from which tier to which."""
    found = []
    for kind, (label, tone) in KINDS.items():
        flows = [
            (
                loyalty.name_of_tier(one.from_tier, page.language),
                loyalty.name_of_tier(one.to_tier, page.language),
                one.members,
            )
            for one in result.flows
            if one.kind == kind
        ]
        found.append((Badge(label, tone), sum([members for _, _, members in flows]), flows))
    return found


def _orders(result: loyalty.Preview, page: Page) -> list[tuple[str, str, int, int, int, int, Money, Money]]:
    return [
        (
            one.market,
            loyalty.name_of_tier(one.tier, page.language),
            one.orders,
            one.points,
            one.points_then,
            one.points_then - one.points,
            Money(one.cost_minor, one.currency),
            Money(one.cost_minor_then, one.currency),
        )
        for one in result.orders
    ]


def _back(subject: loyalty.PreviewSubject) -> tuple[str, str]:
    if subject.draft_id is not None:
        return subject.name, f"{HOME}/drafts/{public_id(loyalty.DRAFT_PREFIX, subject.draft_id)}"
    return f"v{subject.version}", f"{HOME}/versions/{subject.version}"


def _preview_id(text: str) -> UUID:
    found = parse_public_id(REPORT_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def _place(cursor: str | None) -> UUID | None:
    try:
        return UUID(cursor) if cursor else None
    except ValueError:
        return None
