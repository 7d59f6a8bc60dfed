"""HTTP of merging members."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.merging import Merge, MergeMembers, MergeUndone, MergingParts, UndoMerge
from regulars.members.identity import service as identity
from regulars.members.merging import reading, service
from regulars.members.merging.schemas import (
    MergeAnswer,
    MergeBody,
    MergesAnswer,
    UndoBody,
    UndoneAnswer,
    merge_answer,
    undone_answer,
)
from regulars.members.public_ids import member_id_in, merge_id_in
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.services import Services

SCOPE: Final = "members:merge"
TAGS: Final = ["merging"]

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def routes(services: Services, parts: MergingParts) -> list[HTTPRouteHandler]:
    """Return the routes of merging."""
    return [_merge(services, parts), _undo(services, parts), _list(services)]


def _merge(services: Services, parts: MergingParts) -> HTTPRouteHandler:
    async def carry(tx: Transaction, wish: MergeMembers) -> Merge:
        return await service.merge_members(tx, services.vault, parts, wish)

    lane = services.lane("merge_members", one_by_one(carry), _merged)
    looking = services.lane("preview_merge", one_by_one(carry), _merged)

    @post(
        "/v1/members/{member_id:str}/merges",
        guards=[requires(SCOPE)],
        operation_id="mergeMembers",
        tags=TAGS,
        summary="Let another member become part of this one",
        status_code=200,
        response_description="What went over, or would.",
    )
    async def merge_members(
        request: AnyRequest, member_id: FromPath[str], data: JSONBody[MergeBody]
    ) -> Response[MergeAnswer]:
        """Merge two members of one market: identities, profile, consents, and the books lot by lot.

        This one keeps its id, the other's means this one from then on. `dry_run` tells what would go over.
        """
        absorbed = parse_public_id(MEMBER_PREFIX, data.absorb)
        if absorbed is None:
            raise NotFound(pointer="/absorb")
        wish = MergeMembers(
            survivor_id=member_id_in(member_id),
            absorbed_id=absorbed,
            actor=principal_of(request).client,
            reason=data.reason.strip(),
            dry_run=data.dry_run,
        )
        return await carry_out(request, looking if data.dry_run else lane, wish, subject=member_id, reason=wish.reason)

    return merge_members


def _undo(services: Services, parts: MergingParts) -> HTTPRouteHandler:
    async def carry(tx: Transaction, wish: UndoMerge) -> tuple[MergeUndone, bool]:
        return await service.undo_merge(tx, services.vault, parts, wish), wish.dry_run

    lane = services.lane("undo_merge", one_by_one(carry), _undone)
    looking = services.lane("preview_merge_undoing", one_by_one(carry), _undone)

    @post(
        "/v1/members/{member_id:str}/merges/{merge_id:str}/undo",
        guards=[requires(SCOPE)],
        operation_id="undoMerge",
        tags=TAGS,
        summary="Let two members who were merged be two again",
        status_code=200,
        response_description="What went back, or would.",
    )
    async def undo_merge(
        request: AnyRequest, member_id: FromPath[str], merge_id: FromPath[str], data: JSONBody[UndoBody]
    ) -> Response[UndoneAnswer]:
        """Undo a merge: what is still there goes back, and the survivor owes what was spent of it meanwhile.

        `dry_run` tells what would go back, and what would be owed. Merges of merges are undone from the last.
        """
        wish = UndoMerge(
            survivor_id=member_id_in(member_id),
            merge_id=merge_id_in(merge_id),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
            dry_run=data.dry_run,
        )
        return await carry_out(request, looking if data.dry_run else lane, wish, subject=member_id, reason=wish.reason)

    return undo_merge


def _list(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/members/{member_id:str}/merges",
        guards=[requires("members:read")],
        operation_id="listMerges",
        tags=TAGS,
        summary="List the merges of a member",
        response_description="The merges, the latest first.",
    )
    async def list_merges(member_id: FromPath[str]) -> MergesAnswer:
        """Return the merges of a member and of all who are part of it; undone ones too. At most 200."""
        async with services.database.transaction() as tx:
            found = await identity.who_is(tx, member_id_in(member_id))
            merges = await reading.list_merges(tx, found)
            parts = await reading.family(tx, found)
        return MergesAnswer(
            member_id=public_id(MEMBER_PREFIX, found),
            parts=[public_id(MEMBER_PREFIX, one) for one in parts],
            merges=[merge_answer(merge) for merge in merges],
        )

    return list_merges


def _merged(merge: Merge) -> tuple[int, bytes]:
    return 200, _encode(merge_answer(merge))


def _undone(found: tuple[MergeUndone, bool]) -> tuple[int, bytes]:
    undone, dry_run = found
    return 200, _encode(undone_answer(undone, dry_run=dry_run))
