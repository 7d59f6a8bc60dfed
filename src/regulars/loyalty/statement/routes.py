"""HTTP of reading the books. Wallets are asked for by the thousand, so reads that come together are read together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from regulars.loyalty.instants import past_instant
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import member_id_in, seq_in
from regulars.loyalty.statement import service
from regulars.loyalty.statement.errors import CursorNotOfStatement
from regulars.loyalty.statement.schemas import (
    LotsAnswer,
    StatementAnswer,
    TierAnswer,
    WalletsAnswer,
    lots_answer,
    statement_answer,
    tier_answer,
    wallets_answer,
)
from regulars.members import api as members
from regulars.platform.commit.group import Attempt, GroupCommit
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import requires
from regulars.platform.http.hot import HotRead
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
SCOPE: Final = "ledger:read"
WALLETS: Final = "/v1/members/{member_id}/wallets"

AnyRequest = Request[Any, Any, Any]
AsOf = Annotated[
    datetime | None, QueryParameter(description="A past instant (RFC 3339, with its time zone); now if left out.")
]
PageSize = Annotated[int, QueryParameter(ge=1, le=service.LINES_AT_MOST)]

_encode = msgspec.json.Encoder().encode


def routes(services: Services, configuration: Configuration) -> tuple[list[HTTPRouteHandler], list[HotRead]]:
    """Return the routes of reading, and the hot twin of the wallets."""
    reads: GroupCommit[UUID, WalletsAnswer] = GroupCommit(
        _read_wallets(services), batch_size=services.settings.batch_size, recover=services.recover
    )

    async def answer(member_id: str) -> bytes:
        return _encode(await reads.submit(member_id_in(member_id)))

    hot = HotRead(WALLETS, SCOPE, answer)
    return [_wallets(services, reads), _lots(services), _statement(services), _tier(services, configuration)], [hot]


def _read_wallets(services: Services) -> Any:  # noqa: ANN401 - the type of GroupCommit's `write`
    async def read(member_ids: Sequence[UUID], _: Attempt) -> list[WalletsAnswer | DomainError]:
        async with services.database.transaction() as tx:
            found = await service.balances_or_refusals(tx, member_ids)
        return [
            wallets if isinstance(wallets, DomainError) else wallets_answer(member_id, tx.now, wallets)
            for member_id, wallets in zip(member_ids, found, strict=True)
        ]

    return read


def _wallets(services: Services, reads: GroupCommit[UUID, WalletsAnswer]) -> HTTPRouteHandler:
    @get(
        "/v1/members/{member_id:str}/wallets",
        guards=[requires(SCOPE)],
        operation_id="getWallets",
        tags=TAGS,
        summary="Read a member's wallets",
        response_description="Every wallet: what is available, pending, owed.",
    )
    async def get_wallets(member_id: FromPath[str], as_of: AsOf = None) -> WalletsAnswer:
        """Return every wallet of a member, now or as it was known at an earlier moment."""
        found = member_id_in(member_id)
        if as_of is None:
            return await reads.submit(found)
        async with services.database.transaction() as tx:
            at = past_instant(as_of, tx.now)
            found = await members.who_was(tx, found, at)
            return wallets_answer(found, at, await service.balances(tx, found, at))

    return get_wallets


def _lots(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/members/{member_id:str}/lots",
        guards=[requires(SCOPE)],
        operation_id="listLots",
        tags=TAGS,
        summary="List a member's lots",
        response_description="The lots, the soonest to expire first.",
    )
    async def list_lots(
        member_id: FromPath[str],
        *,
        spent: FromQuery[bool] = False,
        cursor: FromQuery[str | None] = None,
        limit: PageSize = 50,
    ) -> LotsAnswer:
        """Return what the member's units are made of, page by page; `spent` includes lots with nothing left.

        A page begins behind the lot that the cursor names, also when that one was spent meanwhile.
        """
        async with services.database.transaction() as tx:
            found = await members.who_is(tx, member_id_in(member_id))
            after = _cursor_of(found, cursor)
            lots = await service.lots(tx, found, spent=spent, after=after, limit=limit + 1)
        return lots_answer(found, lots[:limit], has_more=len(lots) > limit)

    return list_lots


def _statement(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/members/{member_id:str}/statement",
        guards=[requires(SCOPE)],
        operation_id="getStatement",
        tags=TAGS,
        summary="Read a member's statement",
        response_description="A page of transfers, newest first.",
    )
    async def get_statement(
        request: AnyRequest,
        member_id: FromPath[str],
        wallet: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: PageSize = 50,
    ) -> StatementAnswer:
        """Return what moved the member's balances, each with a plain reason in the caller's language."""
        async with services.database.transaction() as tx:
            found = await members.who_is(tx, member_id_in(member_id))
            before = _cursor_of(found, cursor)
            page = await service.statement(
                tx, found, before=before, limit=limit, wallet=wallet, language=asked(request.scope).language
            )
        return statement_answer(found, page)

    return get_statement


def _tier(services: Services, configuration: Configuration) -> HTTPRouteHandler:
    @get(
        "/v1/members/{member_id:str}/tier",
        guards=[requires(SCOPE)],
        operation_id="getTier",
        tags=TAGS,
        summary="Read a member's tier",
        response_description="The tier, why it is held, and what is missing for the next.",
    )
    async def get_tier(request: AnyRequest, member_id: FromPath[str], as_of: AsOf = None) -> TierAnswer:
        """Return a member's tier now or at an earlier moment, with what led to it and what comes next."""
        found = member_id_in(member_id)
        async with services.database.transaction() as tx:
            at = None if as_of is None else past_instant(as_of, tx.now)
            found = await (members.who_is(tx, found) if at is None else members.who_was(tx, found, at))
            status = await service.tier_status(tx, configuration, found, at, language=asked(request.scope).language)
        return tier_answer(found, status)

    return get_tier


def _cursor_of(member_id: UUID, cursor: str | None) -> int | None:
    """Return the number of the transfer that a cursor names. Raises CursorNotOfStatement."""
    if cursor is None:
        return None
    found = seq_in(member_id, cursor)
    if found is None:
        raise CursorNotOfStatement(pointer="/query/cursor")
    return found
