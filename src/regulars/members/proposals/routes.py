"""HTTP of proposals."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.merging import MergingParts
from regulars.members.contracts.proposals import (
    Confirmed,
    ConfirmProposal,
    DismissProposal,
    Proposal,
    ProposalState,
    ProposalsWanted,
)
from regulars.members.identity import service as identity
from regulars.members.merging.schemas import merge_answer
from regulars.members.proposals import reading, service
from regulars.members.proposals.explain import explain_proposal
from regulars.members.proposals.schemas import (
    ConfirmBody,
    ConfirmedAnswer,
    DismissBody,
    ProposalAnswer,
    ProposalAnswerRead,
    ProposalsAnswer,
    proposal_answer,
    proposal_answer_read,
)
from regulars.members.public_ids import proposal_id_in
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.cursors import place_in
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.member_filter import member_filter
from regulars.platform.http.mutations import carry_out
from regulars.platform.ids import parse_public_id
from regulars.platform.places import write_place
from regulars.platform.services import Services

PROPOSALS: Final = "/v1/merge-proposals"
ONE: Final = PROPOSALS + "/{proposal_id:str}"
READ: Final = "members:read"
MERGE: Final = "members:merge"
TAGS: Final = ["merging"]
AT_MOST: Final = 100

PageSize = Annotated[int, QueryParameter(ge=1, le=AT_MOST)]

AnyRequest = Request[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


def proposal_routes(services: Services, parts: MergingParts) -> list[HTTPRouteHandler]:
    """Return the routes of proposals."""
    return [*_reads(services, parts), *_decisions(services, parts)]


def _reads(services: Services, parts: MergingParts) -> Sequence[HTTPRouteHandler]:
    @get(
        PROPOSALS,
        guards=[requires(READ)],
        operation_id="listMergeProposals",
        tags=TAGS,
        summary="List members who may be one person",
        response_description="A page of proposals, the last seen first.",
    )
    async def list_proposals(
        in_state: Annotated[ProposalState | None, QueryParameter(name="state")] = None,
        member: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: PageSize = 50,
    ) -> ProposalsAnswer:
        """Return proposals page by page: all, those in a state, or those of a member."""
        before = place_in(cursor)
        of = member_filter(member, "member")
        async with services.database.transaction() as tx:
            whose = None if of is None else await identity.who_is(tx, of)
            found = await reading.list_proposals(tx, ProposalsWanted(in_state, whose, before, limit + 1))
        has_more = len(found) > limit
        return ProposalsAnswer(
            proposals=[proposal_answer(one) for one, _ in found[:limit]],
            has_more=has_more,
            next_cursor=_cursor(found[limit - 1][0]) if has_more else None,
        )

    @get(
        ONE,
        guards=[requires(READ)],
        operation_id="getMergeProposal",
        tags=TAGS,
        summary="Read why two members may be one person",
        response_description="The proposal, with what speaks for it; values are masked.",
    )
    async def get_proposal(request: AnyRequest, proposal_id: FromPath[str]) -> ProposalAnswerRead:
        """Return a proposal: what was seen, who holds an account, who would stay, and why, as data and in sentences."""
        async with services.database.transaction() as tx:
            read = await service.read_proposal(tx, parts, proposal_id_in(proposal_id))
            why = await explain_proposal(tx, services.vault, read)
        return proposal_answer_read(read, why, asked(request.scope).language)

    return [list_proposals, get_proposal]


def _decisions(services: Services, parts: MergingParts) -> Sequence[HTTPRouteHandler]:
    async def carry(tx: Transaction, wish: ConfirmProposal) -> Confirmed:
        return await service.confirm_proposal(tx, services.vault, parts, wish)

    confirming = services.lane("confirm_merge_proposal", one_by_one(carry), _confirmed)
    looking = services.lane("preview_merge_proposal", one_by_one(carry), _confirmed)
    dismissing = services.lane("dismiss_merge_proposal", one_by_one(service.dismiss_proposal), _dismissed)

    @post(
        ONE + "/confirm",
        guards=[requires(MERGE)],
        operation_id="confirmMergeProposal",
        tags=TAGS,
        summary="Merge two members who were proposed",
        status_code=200,
        response_description="The proposal as it ended, and what went over.",
    )
    async def confirm_proposal(
        request: AnyRequest, proposal_id: FromPath[str], data: JSONBody[ConfirmBody]
    ) -> Response[ConfirmedAnswer]:
        """Merge the two as `mergeMembers` does; it is undone by `undoMerge`. `dry_run` tells what would go over.

        409 `proposal_ended` if somebody, or the rule, was faster.
        """
        survivor = None if data.survivor is None else parse_public_id(MEMBER_PREFIX, data.survivor)
        if data.survivor is not None and survivor is None:
            raise NotFound(pointer="/survivor")
        wish = ConfirmProposal(
            proposal_id=proposal_id_in(proposal_id),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
            survivor_id=survivor,
            dry_run=data.dry_run,
        )
        lane = looking if data.dry_run else confirming
        return await carry_out(request, lane, wish, subject=proposal_id, reason=wish.reason)

    @post(
        ONE + "/dismiss",
        guards=[requires(MERGE)],
        operation_id="dismissMergeProposal",
        tags=TAGS,
        summary="Say that two members who were proposed are two",
        status_code=200,
        response_description="The proposal as it ended.",
    )
    async def dismiss_proposal(
        request: AnyRequest, proposal_id: FromPath[str], data: JSONBody[DismissBody]
    ) -> Response[ProposalAnswer]:
        """Dismiss a proposal; what speaks no stronger for it does not open it again.

        409 `proposal_ended` if somebody, or the rule, was faster.
        """
        wish = DismissProposal(
            proposal_id=proposal_id_in(proposal_id), actor=principal_of(request).client, reason=data.reason.strip()
        )
        return await carry_out(request, dismissing, wish, subject=proposal_id, reason=wish.reason)

    return [confirm_proposal, dismiss_proposal]


def _confirmed(found: Confirmed) -> tuple[int, bytes]:
    answer = ConfirmedAnswer(proposal=proposal_answer(found.proposal), merge=merge_answer(found.merge))
    return 200, _encode(answer)


def _dismissed(found: Proposal) -> tuple[int, bytes]:
    return 200, _encode(proposal_answer(found))


def _cursor(last: Proposal) -> str:
    return write_place(last.last_seen_at, last.proposal_id)
