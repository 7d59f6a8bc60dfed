"""Why: a member's balances, tier, lots and lines, each with its steps; and refusals, found by the request's id."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler
from msgspec import structs

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.platform.commit import refusals
from regulars.platform.db.transaction import Transaction
from regulars.platform.explaining.contracts import Explanation, Link, Reason
from regulars.web.console.actors import names_of
from regulars.web.console.member_privacy import who as called
from regulars.web.console.member_words import kind_name
from regulars.web.console.messages import actor_of
from regulars.web.console.sight import hidden_orders, lines_seen
from regulars.web.console.words import wallet_name
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import Viewer, ViewerKind, viewer_of
from regulars.web.kit.whys import Why, acted_in, named_by, why_of

REFUSALS: Final = "/console/refusals"
READ: Final = "health:read"
_LINES: Final = 20
_LONGEST_ID: Final = 200
_LONGEST_ROW: Final = 6
_ROWS: Final = 100

AnyRequest = Request[Any, Any, Any]


def way_on(link: Link) -> tuple[str, str] | None:
    """Return where the console has what an explanation refers to."""
    return (link.id, f"/console/orders/{link.id}") if link.kind == "order" else None


async def whys_of_member(
    tx: Transaction, viewer: Viewer, configuration: loyalty.Configuration, member_id: UUID, page: Page
) -> dict[str, Any]:
    """Read why a member's balances, tier, lots and latest lines are as they are, as far as somebody may see them.

    Who is bound to shops is told sums and dates, and of other shops' orders nothing but that there are some.
    """
    policy = await loyalty.policy_in_force(tx, configuration)
    balances = await loyalty.explain_balances(tx, configuration, member_id)
    tier = None if policy is None else await loyalty.explain_tier(tx, configuration, member_id)
    lines = (await loyalty.statement_of_acts(tx, member_id, limit=_LINES, language=page.language)).lines
    seen = await lines_seen(tx, viewer, member_id, lines, page.language)
    lots = await loyalty.lots(tx, member_id, limit=_LINES)
    told, brought = await commerce.explain_lines(tx, configuration, member_id, lines, lots)
    acted = [actor for one in (*told.values(), *brought.values()) for actor in acted_in(one)]
    names = await names_of(tx, acted, page.language)
    told = {number: named_by(one, names) for number, one in told.items()}
    brought = {number: named_by(one, names) for number, one in brought.items()}
    named = [lot.order_id for lot in lots if lot.order_id is not None]
    named += [
        link.id for one in [*told.values(), *brought.values(), *([] if tier is None else [tier])] for link in one.links
    ]
    hidden = await hidden_orders(tx, viewer, member_id, named)
    return {
        "balances": [(wallet_name(one.id, page.language), _why(without_sums(one, viewer), page)) for one in balances],
        "tier": None if tier is None else _why(seen_of(tier, viewer, hidden), page),
        "lines": [
            (line, kind_name(line.kind, page.language), _why(seen_of(told[whole.seq], viewer, hidden), page))
            for line, whole in zip(seen, lines, strict=True)
        ],
        # What is left of a lot, beside what it brought, would tell what was paid with it elsewhere.
        "tells_left": viewer.stores is None,
        "lots": [
            (lot, _why(seen_of(brought[lot.lot_no], viewer, hidden), page))
            for lot in lots
            if lot.lot_no in brought and (viewer.stores is None or lot.order_id not in hidden)
        ],
    }


def _why(found: Explanation | None, page: Page) -> Why | None:
    return None if found is None else why_of(found, page.formats, way_on)


def without_sums(found: Explanation, viewer: Viewer) -> Explanation:
    """Return why a balance is what it is; who is bound to shops is not told what was earned and spent in all."""
    if viewer.stores is None:
        return found
    return structs.replace(found, reasons=tuple([one for one in found.reasons if one.rule != "balance.moved"]))


def seen_of(found: Explanation, viewer: Viewer, hidden: frozenset[str]) -> Explanation | None:
    """Return an explanation as somebody may see it; None if it tells of an order that is not theirs to see.

    Who may see no orders at all is told everything but their ids.
    """
    orders = {link.id for link in found.links if link.kind == "order"} & hidden
    if not orders:
        return found
    if viewer.stores is not None:
        return None
    return structs.replace(
        found,
        reasons=tuple([_without_ids(one) for one in found.reasons]),
        links=tuple([link for link in found.links if link.kind != "order"]),
    )


def _without_ids(one: Reason) -> Reason:
    named = {"order_id", "return_id", "reference"}
    return Reason(one.rule, {name: "…" if name in named and value else value for name, value in one.values.items()})


# --- refusals ---------------------------------------------------------------------------------------------------------


def refusal_pages(kit: Kit) -> Pages:
    """Return the page on which a refusal is looked up."""
    entry = Entry(REFUSALS, mark("Refusals"), icon="alert-circle", permission=READ)
    return Pages(ViewerKind.STAFF, _refusals(kit), navigation=[Group(mark("Developers"), (entry,))])


def _refusals(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(REFUSALS, guards=[kit.guards.staff()])
    async def look_up(request: AnyRequest) -> Response[bytes]:
        """Tell why a request was refused: everybody's to who sees how the deployment is, else one's own."""
        viewer = viewer_of(request)
        own = None if viewer.may(READ) else actor_of(viewer)
        page, named = kit.page(request), request.query_params.get("request_id", "").strip()[:_LONGEST_ID]
        row, rows = _row(request.query_params.get("row", "")), list[int]()
        names = dict[str, str]()
        each, client = dict[str, Explanation](), request.query_params.get("client", "")
        if named:
            async with kit.services.database.transaction() as tx:
                each = await refusals.explain_each(tx, named, own, row)
                names = await names_of(tx, each, page.language)
                client = client if client in each else next(iter(each), "")
                if each and refusals.is_of_batch(each[client]):
                    rows = await refusals.refused_rows(tx, named, _ROWS + 1, client)
        found = each.get(client)
        return kit.render(
            request,
            "console/refusals.html",
            page=page,
            named=named,
            own=own is not None,
            clients=[(one, called(one, names, see_staff=False)) for one in each],
            client=client,
            asker=called(client, names, see_staff=viewer.may("staff:read")) if client else None,
            row=rows[-1] if rows and row is None else row,
            rows=rows[:_ROWS],
            more=len(rows) > _ROWS,
            refusal=found,
            why=None if found is None else why_of(found, page.formats),
            values=[] if found is None else sorted(found.reasons[0].values.items()),
        )

    return [look_up]


def _row(given: str) -> int | None:
    """Read which row of a batch is asked for; None for what is no number of one."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < _LONGEST_ROW else None
