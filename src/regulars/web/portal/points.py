"""Points: what can be spent, what is on its way, what runs out; and the statement, line by line."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from litestar import Response, get

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import HoldStanding, LotStanding, StatementLine, StatementPage, WalletBalance
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import InvalidInput, NotFound
from regulars.platform.explaining.contracts import Explanation
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.kit.whys import Why, unnamed, why_of
from regulars.web.portal.own import AnyRequest, last_moment, own_id, read_purse

HOME: Final = "/portal/points"
STATEMENT: Final = "/portal/statement"
WALLETS: Final = ("", "points", "growth")
_ROWS: Final = 20
_LATEST: Final = 3
_LOTS: Final = 12
_LONGEST_NUMBER: Final = 18
NOTHING: Final = StatementPage(lines=(), next_before=None)


def points_pages(kit: Kit) -> Pages:
    """Return the pages of points and of the statement."""
    services = kit.services
    configuration = loyalty.Configuration()

    @get(HOME, guards=[kit.guards.member()])
    async def points(request: AnyRequest) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        days = services.settings.notice_days
        # Read as of one instant: what explains a booking knows every policy that one of these decided by.
        async with services.database.transaction(one_snapshot=True) as tx:
            policy = await loyalty.policy_in_force(tx, configuration)
            balances = await loyalty.balances(tx, member_id)
            purse = await read_purse(tx, member_id, policy, days, known=balances)
            latest = await loyalty.statement_of_acts(tx, member_id, limit=_LATEST, language=page.language)
            why, lots = None, list[LotStanding]()
            wallet = "" if policy is None else policy.spending_wallet
            if wallet:
                (why,) = await loyalty.explain_balances(tx, configuration, member_id, [wallet], known=balances)
            if wallet and latest.lines:
                lots = [one for one in await loyalty.lots(tx, member_id, limit=_LOTS + 1) if one.wallet == wallet]
            held = await _held(tx, member_id, [one for one in balances if one.wallet == wallet])
            asked = (latest.lines, lots[:_LOTS])
            lines, brought = await commerce.explain_lines(tx, configuration, member_id, *asked, followed=True)
        return kit.render(
            request,
            "portal/points.html",
            page=page,
            purse=purse,
            latest=latest.lines,
            lots=lots[:_LOTS],
            more_lots=len(lots) > _LOTS,
            held=held,
            policy=policy,
            days=days,
            last_moment=last_moment,
            balance_why=None if why is None else why_of(why, page.formats),
            whys=_whys(lines, page.formats),
            lot_whys=_whys(brought, page.formats),
        )

    @get(STATEMENT, guards=[kit.guards.member()])
    async def statement(request: AnyRequest) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        wallet, before = request.query_params.get("wallet", ""), _place(request.query_params.get("before"))
        if wallet not in WALLETS:
            raise NotFound
        async with services.database.transaction() as tx:
            try:
                found = await loyalty.statement_of_acts(
                    tx, member_id, before=before, limit=_ROWS, wallet=wallet or None, language=page.language
                )
            except InvalidInput:  # a programme without this wallet
                found = NOTHING
            lines, _ = await commerce.explain_lines(tx, configuration, member_id, found.lines)
        older = f"{STATEMENT}?before={found.next_before}" + (f"&wallet={wallet}" if wallet else "")
        return kit.render(
            request,
            "portal/statement.html",
            page=page,
            months=[(page.formats.month(at), list(of)) for at, of in groupby(found.lines, _month(page.formats))],
            older=older if found.next_before is not None else "",
            wallet=wallet,
            is_first=before is None,
            whys=_whys(lines, page.formats),
        )

    entries = (Entry(HOME, mark("Points"), icon="coins", also=(STATEMENT,)),)
    return Pages(ViewerKind.MEMBER, [points, statement], navigation=[Group("", entries)])


async def _held(tx: Transaction, member_id: UUID, balances: Sequence[WalletBalance]) -> list[HoldStanding]:
    """Return what is kept of wallets for purposes; asked for only where something is."""
    wallets = {one.wallet for one in balances if one.held}
    return [one for one in await loyalty.holds(tx, member_id, is_open=True) if one.wallet in wallets] if wallets else []


def _whys(found: Mapping[int, Explanation], formats: Formats) -> dict[int, Why]:
    """Return why each line or lot is there, step by step; the line itself says it in short."""
    return {seq: why_of(unnamed(one), formats) for seq, one in found.items()}


def _month(formats: Formats) -> Callable[[StatementLine], datetime]:
    """Return by what lines are put together: the local month of when something was booked."""

    def first_day(line: StatementLine) -> datetime:
        local = line.recorded_at.astimezone(formats.zone)
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

    return first_day


def _place(given: str | None) -> int | None:
    """Return the line before which a page begins. Raises NotFound for what no page of ours says."""
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= _LONGEST_NUMBER):
        raise NotFound
    return int(given)
