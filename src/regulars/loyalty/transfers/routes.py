"""HTTP of transfers between members."""

from asyncio import Future
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.loyalty.ledger.schemas import reference_of
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import member_id_in
from regulars.loyalty.transfers import service
from regulars.loyalty.transfers.contracts import (
    ReverseTransfer,
    TransferPoints,
    Transferred,
    TransferReversed,
)
from regulars.loyalty.transfers.schemas import (
    TransferAnswer,
    TransferBody,
    TransferReversalBody,
    TransferReversedAnswer,
    TransfersAnswer,
    reversed_answer,
    seen_answer,
    transfer_answer,
    transfer_id_in,
)
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.commit.lane import Call, Lane, Reply, one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.ids import parse_public_id
from regulars.platform.places import read_place_of_two, write_place
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
READS: Final = "ledger:read"
WRITES: Final = "ledger:write"
PAGE_AT_MOST: Final = 200
TRANSFERS: Final = "/v1/members/{member_id:str}/transfers"

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


class TransferLane(Lane[TransferPoints, Transferred]):
    """Carries transfers; one that names no fact of its own is named by its request, so that it happens once."""

    def begin(self, call: Call[TransferPoints]) -> "Future[Reply]":
        """Return a future of the reply to a call, as every lane does."""
        if not call.command.reference:
            call.command = msgspec.structs.replace(call.command, reference=f"request:{call.client}:{call.key}")
        return super().begin(call)


def routes(services: Services, configuration: Configuration) -> list[HTTPRouteHandler]:
    """Return the routes of transfers."""
    return [_give(services, configuration), _reverse(services, configuration), _list(services)]


def _give(services: Services, configuration: Configuration) -> HTTPRouteHandler:
    async def apply(tx: Transaction, wishes: Sequence[TransferPoints]) -> list[Transferred | DomainError]:
        return await service.transfer(tx, configuration, wishes)

    async def look(tx: Transaction, wish: TransferPoints) -> Transferred:
        (found,) = await service.transfer(tx, configuration, [wish], dry_run=True)
        if isinstance(found, DomainError):
            raise found
        return found

    settings = services.settings
    lane = TransferLane(
        "transfer_points", services.database, apply, _given, batch_size=settings.batch_size, recover=services.recover
    )
    services.lanes.append(lane)
    looking = services.lane("preview_transfer", one_by_one(look), _looked)

    @post(
        TRANSFERS,
        guards=[requires(WRITES)],
        operation_id="transferPoints",
        tags=TAGS,
        summary="Let a member give points to another",
        responses={201: ResponseSpec(TransferAnswer, description="What was given, or, with `dry_run`, would be.")},
    )
    async def transfer(request: AnyRequest, member_id: FromPath[str], data: JSONBody[TransferBody]) -> Response[Any]:
        """Move spendable points lot by lot, the soonest to run out first; each keeps its dates. As the policy allows.

        The same reference gives the first transfer again. `dry_run` tells whether it would be allowed.
        """
        to_id = parse_public_id(MEMBER_PREFIX, data.to)
        if to_id is None:
            raise NotFound(pointer="/to")
        wish = TransferPoints(
            member_id=member_id_in(member_id),
            to_id=to_id,
            amount=data.amount,
            reference=reference_of(data.reference),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
        )
        return await carry_out(request, looking if data.dry_run else lane, wish, subject=member_id, reason=wish.reason)

    return transfer


def _reverse(services: Services, configuration: Configuration) -> HTTPRouteHandler:
    async def reverse(tx: Transaction, wish: ReverseTransfer) -> TransferReversed:
        return await service.reverse(tx, configuration, wish)

    lane = services.lane("reverse_transfer", one_by_one(reverse), _reversed)
    looking = services.lane("preview_transfer_reversal", one_by_one(reverse), _reversed)

    @post(
        TRANSFERS + "/{transfer_id:str}/reverse",
        guards=[requires("ledger:approve")],
        operation_id="reverseTransfer",
        tags=TAGS,
        summary="Take a transfer back",
        status_code=200,
        responses={200: ResponseSpec(TransferReversedAnswer, description="What went back, or would.")},
    )
    async def take_back(
        request: AnyRequest, member_id: FromPath[str], transfer_id: FromPath[str], data: JSONBody[TransferReversalBody]
    ) -> Response[Any]:
        """Give back to who gave: what is unspent as it is, the rest out of other points; what is lacking is owed.

        `dry_run` tells what would go back, and what would be owed.
        """
        wish = ReverseTransfer(
            member_id=member_id_in(member_id),
            transfer_id=transfer_id_in(transfer_id),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
            dry_run=data.dry_run,
        )
        return await carry_out(request, looking if data.dry_run else lane, wish, subject=member_id, reason=wish.reason)

    return take_back


def _list(services: Services) -> HTTPRouteHandler:
    @get(
        TRANSFERS,
        guards=[requires(READS)],
        operation_id="listTransfers",
        tags=TAGS,
        summary="List what a member gave to others, and got",
        response_description="A page of transfers, the last first.",
    )
    async def list_transfers(
        member_id: FromPath[str],
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_AT_MOST)] = 50,
    ) -> TransfersAnswer:
        """Return the transfers of a member, given and received, with those of who is part of the member now."""
        before = read_place_of_two(cursor)
        if cursor is not None and before is None:
            raise WrongForm(pointer="/query/cursor", field="cursor", example=f"1767225600000000{2 * ('_' + 32 * '0')}")
        async with services.database.transaction() as tx:
            found = await service.list_transfers(tx, member_id_in(member_id), before=before, limit=limit + 1)
        has_more = len(found) > limit
        return TransfersAnswer(
            transfers=[seen_answer(one) for one in found[:limit]],
            has_more=has_more,
            next_cursor=write_place(*found[limit - 1].place) if has_more else None,
        )

    return list_transfers


def _given(found: Transferred) -> tuple[int, bytes]:
    return 201, _encode(transfer_answer(found))


def _looked(found: Transferred) -> tuple[int, bytes]:
    return 201, _encode(transfer_answer(found))


def _reversed(found: TransferReversed) -> tuple[int, bytes]:
    return 200, _encode(reversed_answer(found))
