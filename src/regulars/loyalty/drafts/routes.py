"""HTTP of drafts: written, compared, scheduled, withdrawn."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.loyalty.drafts import diff, service
from regulars.loyalty.drafts.contracts import (
    AbandonDraft,
    AnswerDraft,
    ChangeDraft,
    CreateDraft,
    DraftCommand,
    PolicyDraft,
    ScheduleDraft,
    WithdrawVersion,
)
from regulars.loyalty.drafts.schemas import (
    AnswerBody,
    DifferencesAnswer,
    DraftAnswer,
    DraftBody,
    DraftChangeBody,
    DraftsAnswer,
    RevisionsAnswer,
    ScheduleBody,
    WithdrawalBody,
    draft_answer,
    draft_id_in,
    require_known_fields,
)
from regulars.loyalty.policy.contracts import PolicyVersion
from regulars.platform.commit.lane import Lane, json_answer, one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.http.asked import asked
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ALSO_REFUSES
from regulars.platform.places import read_place, write_place
from regulars.platform.services import Services

TAGS: Final = ["policies"]
READ: Final = "policies:read"
WRITE: Final = "policies:write"
APPROVE: Final = "policies:approve"
DRAFT: Final = "/v1/policy-drafts/{draft_id:str}"
PAGE_AT_MOST: Final = 200

AnyRequest = Request[Any, Any, Any]
DraftLane = Lane[DraftCommand, PolicyDraft]

_encode = msgspec.json.Encoder().encode


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of drafts, with their lanes made."""
    clock = services.database.clock

    async def apply(tx: Transaction, command: DraftCommand) -> PolicyDraft:
        return await service.carry_out(tx, clock, command)

    lane: DraftLane = services.lane(
        "work_on_policy", one_by_one(apply), json_answer(200, lambda found: _encode(draft_answer(found)))
    )
    return [
        *_reading(services),
        _create(lane),
        _change(lane),
        _abandon(lane),
        _schedule(lane),
        *_answers(lane),
        _withdraw(services),
    ]


def _said(description: str) -> dict[int, ResponseSpec]:
    return {200: ResponseSpec(DraftAnswer, description=description)}


def _create(lane: DraftLane) -> HTTPRouteHandler:
    @post(
        "/v1/policy-drafts",
        guards=[requires(WRITE)],
        operation_id="createPolicyDraft",
        tags=TAGS,
        summary="Begin a draft",
        status_code=200,
        responses=_said("The draft. It decides nothing until it is scheduled and its instant comes."),
    )
    async def create(request: AnyRequest, data: JSONBody[DraftBody]) -> Response[Any]:
        """Begin a draft of a policy, by default from what the latest version says."""
        require_known_fields(asked(request.scope).body, data.policy)
        command = CreateDraft(
            name=data.name,
            actor=principal_of(request).client,
            policy=data.policy,
            from_version=data.from_version,
        )
        return await carry_out(request, lane, command, subject="policy draft")

    return create


def _change(lane: DraftLane) -> HTTPRouteHandler:
    @put(
        DRAFT,
        guards=[requires(WRITE)],
        operation_id="changePolicyDraft",
        tags=TAGS,
        summary="Change a draft",
        responses=_said("The draft in its new revision."),
    )
    async def change(request: AnyRequest, draft_id: FromPath[str], data: JSONBody[DraftChangeBody]) -> Response[Any]:
        """Replace what a draft says. Who has not seen its last revision is refused (409), so that nothing is lost."""
        require_known_fields(asked(request.scope).body, data.policy)
        command = ChangeDraft(
            draft_id=draft_id_in(draft_id),
            revision=data.revision,
            name=data.name,
            policy=data.policy,
            actor=principal_of(request).client,
        )
        return await carry_out(request, lane, command, subject=draft_id)

    return change


def _abandon(lane: DraftLane) -> HTTPRouteHandler:
    @delete(
        DRAFT,
        guards=[requires(WRITE)],
        operation_id="abandonPolicyDraft",
        tags=TAGS,
        summary="Give a draft up",
        status_code=200,
        responses=_said("The draft, given up. It stays to be read."),
    )
    async def abandon(request: AnyRequest, draft_id: FromPath[str]) -> Response[Any]:
        """Give a draft or a proposal up. What it said stays readable, and in the audit log."""
        command = AbandonDraft(draft_id=draft_id_in(draft_id), actor=principal_of(request).client)
        return await carry_out(request, lane, command, subject=draft_id)

    return abandon


def _schedule(lane: DraftLane) -> HTTPRouteHandler:
    @post(
        f"{DRAFT}/schedule",
        guards=[requires(WRITE)],
        operation_id="schedulePolicyDraft",
        tags=TAGS,
        summary="Schedule a draft",
        status_code=200,
        responses=_said("The draft: scheduled as a version, or proposed where a second person must agree."),
    )
    async def schedule(request: AnyRequest, draft_id: FromPath[str], data: JSONBody[ScheduleBody]) -> Response[Any]:
        """Let a draft come into force at an instant, as the next version. Until then it can be withdrawn."""
        command = ScheduleDraft(
            draft_id=draft_id_in(draft_id),
            revision=data.revision,
            active_from=data.active_from,
            actor=principal_of(request).client,
            reason=data.reason,
            based_on=data.based_on,
        )
        return await carry_out(request, lane, command, subject=draft_id, reason=data.reason)

    return schedule


def _answers(lane: DraftLane) -> list[HTTPRouteHandler]:
    async def answer(request: AnyRequest, draft_id: str, data: AnswerBody, *, agree: bool) -> Response[Any]:
        command = AnswerDraft(
            draft_id=draft_id_in(draft_id),
            agree=agree,
            revision=data.revision,
            active_from=data.active_from,
            actor=principal_of(request).client,
            note=data.note,
        )
        return await carry_out(request, lane, command, subject=draft_id, reason=data.note)

    @post(
        f"{DRAFT}/approve",
        guards=[requires(APPROVE)],
        operation_id="approvePolicyDraft",
        tags=TAGS,
        summary="Agree to a proposed policy",
        status_code=200,
        responses=_said("The draft, scheduled as a version."),
    )
    async def approve(request: AnyRequest, draft_id: FromPath[str], data: JSONBody[AnswerBody]) -> Response[Any]:
        """Agree to what somebody else proposed: it is scheduled for the instant that was proposed.

        `revision` and `active_from` are those that you have seen; where another is proposed by now it is refused (409).
        """
        return await answer(request, draft_id, data, agree=True)

    @post(
        f"{DRAFT}/refuse",
        guards=[requires(APPROVE)],
        operation_id="refusePolicyDraft",
        tags=TAGS,
        summary="Give a proposed policy back",
        status_code=200,
        responses=_said("The draft, to be worked on."),
    )
    async def refuse(request: AnyRequest, draft_id: FromPath[str], data: JSONBody[AnswerBody]) -> Response[Any]:
        """Give back what was proposed, with a note."""
        return await answer(request, draft_id, data, agree=False)

    return [approve, refuse]


def _withdraw(services: Services) -> HTTPRouteHandler:
    clock = services.database.clock

    async def apply(tx: Transaction, command: WithdrawVersion) -> PolicyVersion:
        return await service.withdraw(tx, clock, command)

    lane = services.lane("ask_to_withdraw_policy", one_by_one(apply), json_answer(200, _encode))

    @post(
        "/v1/policies/{version:int}/withdraw",
        guards=[requires(WRITE)],
        operation_id="withdrawPolicy",
        tags=TAGS,
        summary="Withdraw a scheduled version",
        status_code=200,
        responses={200: ResponseSpec(PolicyVersion, description="The version, withdrawn: it never decides anything.")},
    )
    async def withdraw(request: AnyRequest, version: FromPath[int], data: JSONBody[WithdrawalBody]) -> Response[Any]:
        """Take a version back, a minute before its instant at the latest. Its number is not given again."""
        command = WithdrawVersion(version=version, actor=principal_of(request).client, reason=data.reason)
        subject = f"policy version {version}"
        return await carry_out(request, lane, command, subject=subject, reason=data.reason)

    return withdraw


def _listing(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/policy-drafts",
        guards=[requires(READ)],
        operation_id="listPolicyDrafts",
        tags=TAGS,
        summary="List the drafts",
        response_description="A page of drafts, the latest first.",
    )
    async def list_drafts(
        *,
        ended: FromQuery[bool] = False,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=PAGE_AT_MOST)] = 50,
    ) -> DraftsAnswer:
        """Return the drafts that are worked on or proposed; `ended` adds those that are scheduled or given up."""
        after = read_place(cursor)
        if cursor is not None and after is None:
            raise WrongForm(pointer="/query/cursor", field="cursor", example="1767225600000000_" + 32 * "0")
        async with services.database.transaction() as tx:
            found = await service.list_drafts(tx, ended=ended, after=after, limit=limit + 1)
        has_more = len(found) > limit
        last = found[limit - 1] if has_more else None
        return DraftsAnswer(
            drafts=[draft_answer(one) for one in found[:limit]],
            has_more=has_more,
            next_cursor=None if last is None else write_place(last.created_at, last.draft_id),
        )

    return list_drafts


def _reading(services: Services) -> list[HTTPRouteHandler]:
    @get(
        DRAFT,
        guards=[requires(READ)],
        operation_id="getPolicyDraft",
        tags=TAGS,
        summary="Read a draft",
        response_description="The draft as it stands.",
    )
    async def get_draft(draft_id: FromPath[str]) -> DraftAnswer:
        """Return one draft."""
        async with services.database.transaction() as tx:
            return draft_answer(await service.read_draft(tx, draft_id_in(draft_id)))

    @get(
        f"{DRAFT}/revisions",
        guards=[requires(READ)],
        operation_id="listPolicyDraftRevisions",
        tags=TAGS,
        summary="Read what a draft said",
        response_description="Every revision, the latest first.",
    )
    async def list_revisions(draft_id: FromPath[str]) -> RevisionsAnswer:
        """Return everything that a draft ever said, with who wrote it."""
        async with services.database.transaction() as tx:
            return RevisionsAnswer(revisions=await service.read_revisions(tx, draft_id_in(draft_id)))

    @get(
        "/v1/policy-diff",
        guards=[requires(READ)],
        operation_id="comparePolicies",
        tags=TAGS,
        summary="Compare two policies",
        response_description="What differs, as data and as sentences.",
        opt={ALSO_REFUSES: frozenset({404})},
    )
    async def compare(
        request: AnyRequest, after: FromQuery[str], before: FromQuery[str | None] = None
    ) -> DifferencesAnswer:
        """Compare two policies: each is a version's number or a draft's id; `before` is by default what is in force."""
        language = asked(request.scope).language
        named = diff.named_in(before), diff.named_in(after)
        async with services.database.transaction() as tx:
            return DifferencesAnswer(
                differences=await diff.difference(tx, *named, language),
                base_withdrawn=await diff.withdrawn_base(tx, named[1], language),
            )

    return [_listing(services), get_draft, list_revisions, compare]
