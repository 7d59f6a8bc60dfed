"""HTTP of direct postings: one lane, so that what a member is given and takes keeps its order of arrival."""

from asyncio import Future
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import msgspec
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import structs

from regulars.loyalty.contracts import (
    Accrue,
    Adjust,
    ExtendLot,
    HoldStanding,
    PlaceHold,
    PostHold,
    Posting,
    Redeem,
    VoidHold,
)
from regulars.loyalty.holds.schemas import hold_answer
from regulars.loyalty.ledger import service
from regulars.loyalty.ledger.needs import DirectCommand
from regulars.loyalty.ledger.schemas import (
    AccrualBatchBody,
    AccrualBody,
    AdjustmentBody,
    BatchAnswer,
    ExtensionBatchBody,
    ExtensionBody,
    PostingAnswer,
    PostingBatch,
    RedemptionBody,
    accrue_of,
    adjust_of,
    at_row,
    batch_answer,
    batch_of,
    extend_of,
    extensions_of,
    posting_answer,
    redeem_of,
)
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import member_id_in
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.commit import refusals
from regulars.platform.commit.lane import Call, Lane, Reply
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.http.guards import requires
from regulars.platform.http.hot import HotMutation
from regulars.platform.http.mutations import carry_out, idempotency_key
from regulars.platform.ids import public_id
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
SCOPE: Final = "ledger:write"
BATCHES_TOGETHER: Final = 4  # a batch of rows is a group already

AnyRequest = Request[Any, Any, Any]
Command = DirectCommand
Posted = tuple[Command, Posting | HoldStanding]


class AskedBatch(NamedTuple):
    """A batch and who asks, with which key: each posting of it is an act of theirs on a member."""

    batch: PostingBatch
    client: str
    key: str


BatchPosted = tuple[PostingBatch, Sequence[Posting | DomainError]]

_encode = msgspec.json.Encoder().encode


class PostingLane(Lane[Command, Posted]):
    """Carries postings; one that names no fact of its own is named by its request, so that it posts once."""

    def begin(self, call: Call[Command]) -> "Future[Reply]":
        """Return a future of the reply to a call, as every lane does."""
        command = call.command
        if not isinstance(command, PostHold | VoidHold) and not command.reference:
            call.command = structs.replace(command, reference=f"request:{call.client}:{call.key}")
        return super().begin(call)


def posting_lane(services: Services, configuration: Configuration) -> PostingLane:
    """Make the lane of all that is posted to wallets, holds included."""

    async def apply(tx: Transaction, commands: Sequence[Command]) -> list[Posted | DomainError]:
        results = await service.carry_out(tx, configuration, commands)
        return [
            result if isinstance(result, DomainError) else (command, result)
            for command, result in zip(commands, results, strict=True)
        ]

    lane = PostingLane(
        "post_to_wallet",
        services.database,
        apply,
        _posted,
        batch_size=services.settings.batch_size,
        recover=services.recover,
        assume_new=True,
        concerns=lambda command: configuration.family_of(command.member_id),
    )
    services.lanes.append(lane)
    return lane


def routes(
    services: Services, configuration: Configuration, lane: PostingLane
) -> tuple[list[HTTPRouteHandler], list[HotMutation]]:
    """Return the routes of direct postings, and the hot twins of the two that tills send."""
    hot = [
        HotMutation(
            method="POST",
            path="/v1/members/{member_id}/accruals",
            scope=SCOPE,
            body=AccrualBody,
            lane=lane,
            command=lambda member_id, body: accrue_of(member_id_in(member_id), body, services.database.clock.now()),
            reason=lambda body: body.reason,
        ),
        HotMutation(
            method="POST",
            path="/v1/members/{member_id}/redemptions",
            scope=SCOPE,
            body=RedemptionBody,
            lane=lane,
            command=lambda member_id, body: redeem_of(member_id_in(member_id), body),
            reason=lambda body: body.reason,
        ),
    ]
    return [*_single(services, lane), *_batches(services, configuration)], hot


def _single(services: Services, lane: PostingLane) -> list[HTTPRouteHandler]:
    posted = {201: ResponseSpec(PostingAnswer, description="The transfer, and the wallet after it.")}

    @post(
        "/v1/members/{member_id:str}/accruals",
        guards=[requires(SCOPE)],
        operation_id="accrue",
        tags=TAGS,
        summary="Put units into a wallet",
        responses=posted,
    )
    async def accrue(request: AnyRequest, member_id: FromPath[str], data: JSONBody[AccrualBody]) -> Response[Any]:
        """Post an accrual; debt is repaid first. The same reference posts once, and gives the first transfer again."""
        command = accrue_of(member_id_in(member_id), data, services.database.clock.now())
        return await carry_out(request, lane, command, subject=member_id, reason=data.reason)

    @post(
        "/v1/members/{member_id:str}/redemptions",
        guards=[requires(SCOPE)],
        operation_id="redeem",
        tags=TAGS,
        summary="Take spendable units out of a wallet",
        responses=posted,
    )
    async def redeem(request: AnyRequest, member_id: FromPath[str], data: JSONBody[RedemptionBody]) -> Response[Any]:
        """Post a redemption from what is available at this moment (409 `insufficient_points` if that is less)."""
        command = redeem_of(member_id_in(member_id), data)
        return await carry_out(request, lane, command, subject=member_id, reason=data.reason)

    @post(
        "/v1/members/{member_id:str}/adjustments",
        guards=[requires(SCOPE)],
        operation_id="adjust",
        tags=TAGS,
        summary="Correct a wallet",
        responses=posted,
    )
    async def adjust(request: AnyRequest, member_id: FromPath[str], data: JSONBody[AdjustmentBody]) -> Response[Any]:
        """Post a correction, up or down, with its reason. Above the policy's limit it must be asked for (409)."""
        command = adjust_of(member_id_in(member_id), data, asked(request.scope).client.client)
        return await carry_out(request, lane, command, subject=member_id, reason=data.reason)

    @post(
        "/v1/members/{member_id:str}/lots/{lot_id:str}/extensions",
        guards=[requires(SCOPE)],
        operation_id="extendLot",
        tags=TAGS,
        summary="Let a lot run out later",
        responses=posted,
    )
    async def extend(
        request: AnyRequest, member_id: FromPath[str], lot_id: FromPath[str], data: JSONBody[ExtensionBody]
    ) -> Response[Any]:
        """Extend what is free of a lot, before it is over: it becomes a lot of its own that runs out later.

        Balances are as before. What a hold keeps of the lot stays as it is (409 `nothing_to_extend` if that is all).
        """
        command = extend_of(member_id_in(member_id), lot_id, data, asked(request.scope).client.client)
        return await carry_out(request, lane, command, subject=member_id, reason=data.reason)

    return [accrue, redeem, adjust, extend]


def _batch_lane(
    services: Services, configuration: Configuration, name: str, action: str
) -> Lane[AskedBatch, BatchPosted]:
    """Make the lane of batches of one kind; each row is an `action` of the audit log."""

    async def apply(tx: Transaction, asked_for: Sequence[AskedBatch]) -> list[BatchPosted | DomainError]:
        rows = [[row for row in one.batch.rows if not isinstance(row, DomainError)] for one in asked_for]
        results = iter(await service.post(tx, configuration, list(chain.from_iterable(rows))))
        posted: list[BatchPosted | DomainError] = []
        for one, its in zip(asked_for, rows, strict=True):
            own = list(islice(results, len(its)))
            _audit_rows(tx, action, one, its, own)
            _keep_refusals(tx, action, one, own)
            posted.append((one.batch, own))
        return posted

    lane: Lane[AskedBatch, BatchPosted] = Lane(
        name,
        services.database,
        apply,
        _batch_posted,
        batch_size=BATCHES_TOGETHER,
        recover=services.recover,
        assume_new=True,
    )
    services.lanes.append(lane)
    return lane


def _batches(services: Services, configuration: Configuration) -> list[HTTPRouteHandler]:
    done = {200: ResponseSpec(BatchAnswer, description="For each row its posting, or why it was refused.")}
    accruals = _batch_lane(services, configuration, "accrue_batch", "accrue_in_batch")
    extensions = _batch_lane(services, configuration, "extend_batch", "extend_in_batch")

    @post(
        "/v1/accruals/batch",
        guards=[requires(SCOPE)],
        operation_id="accrueBatch",
        tags=TAGS,
        summary="Put units into many wallets",
        status_code=200,
        responses=done,
    )
    async def accrue_batch(request: AnyRequest, data: JSONBody[AccrualBatchBody]) -> Response[Any]:
        """Post up to 1,000 accruals in one transaction, row by row: a refused row leaves the others as they are."""
        asking = asked(request.scope)
        batch = batch_of(data, services.database.clock.now(), asking.language, asking.request_id)
        command = AskedBatch(batch, asking.client.client, idempotency_key(asking, "POST"))
        return await carry_out(request, accruals, command, subject=f"{len(batch.rows)} accruals")

    @post(
        "/v1/lots/extensions/batch",
        guards=[requires(SCOPE)],
        operation_id="extendLots",
        tags=TAGS,
        summary="Let many lots run out later",
        status_code=200,
        responses=done,
    )
    async def extend_batch(request: AnyRequest, data: JSONBody[ExtensionBatchBody]) -> Response[Any]:
        """Extend up to 1,000 lots in one transaction, row by row: a refused row leaves the others as they are."""
        asking = asked(request.scope)
        batch = extensions_of(data, asking.client.client, asking.language, asking.request_id)
        command = AskedBatch(batch, asking.client.client, idempotency_key(asking, "POST"))
        return await carry_out(request, extensions, command, subject=f"{len(batch.rows)} extensions")

    return [accrue_batch, extend_batch]


def _audit_rows(
    tx: Transaction,
    action: str,
    asked_for: AskedBatch,
    rows: Sequence[Accrue | ExtendLot],
    results: Sequence[Posting | DomainError],
) -> None:
    """Name each member whose points are touched, with the reason; all entries are written by one statement."""
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Posting):
            entry = AuditEntry(
                actor=asked_for.client,
                action=action,
                subject=public_id(MEMBER_PREFIX, row.member_id),
                reason=row.reason,
                request_id=asked_for.batch.request_id,
                detail=row.reference,
            )
            tx.audit(entry)


def _keep_refusals(
    tx: Transaction, action: str, asked_for: AskedBatch, results: Sequence[Posting | DomainError]
) -> None:
    """Keep the refusals of rows, as those of single postings are, so that somebody can ask why later."""
    batch = asked_for.batch
    places = [(at, row) for at, row in enumerate(batch.rows) if not isinstance(row, DomainError)]
    refused = [
        (public_id(MEMBER_PREFIX, row.member_id), at_row(result, at, batch.field))
        for (at, row), result in zip(places, results, strict=True)
        if isinstance(result, DomainError)
    ]
    refusals.keep_rows(tx, refusals.Batch(action, batch.request_id, asked_for.client, asked_for.key), refused)


def _posted(result: Posted) -> tuple[int, bytes]:
    command, done = result
    if isinstance(done, Posting) and isinstance(command, Accrue | Redeem | Adjust | ExtendLot):
        return 201, _encode(posting_answer(command, done))
    if isinstance(done, HoldStanding):
        return 201 if isinstance(command, PlaceHold) else 200, _encode(hold_answer(done))
    raise TypeError(f"{type(command).__name__} gave {type(done).__name__}")


def _batch_posted(result: BatchPosted) -> tuple[int, bytes]:
    return 200, _encode(batch_answer(*result))
