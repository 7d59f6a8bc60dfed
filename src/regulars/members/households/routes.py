"""HTTP of households."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.households import (
    HOUSEHOLD_PREFIX,
    ChangeHead,
    DissolveHousehold,
    FormHousehold,
    Household,
    HouseholdState,
    JoinHousehold,
    LeaveHousehold,
    RenameHousehold,
)
from regulars.members.households import reading, service
from regulars.members.households.schemas import (
    FormBody,
    HouseholdAnswer,
    HouseholdAnswerShown,
    HouseholdChangesAnswer,
    HouseholdsAnswer,
    HouseholdStaysAnswer,
    MemberBody,
    NameBody,
    ReasonBody,
    change_answer,
    household_answer,
    household_shown,
    stay_answer,
)
from regulars.members.identity import service as identity
from regulars.members.public_ids import household_id_in, member_id_in
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import principal_of, requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.http.openapi import ALSO_REFUSES
from regulars.platform.http.purposes import purpose_of
from regulars.platform.ids import new_id, parse_public_id, public_id
from regulars.platform.services import Services

HOUSEHOLDS: Final = "/v1/households"
HOUSEHOLD: Final = HOUSEHOLDS + "/{household_id:str}"
READ: Final = "members:read"
WRITE: Final = "members:write"
PERSONAL: Final = "members:personal"
TAGS: Final = ["households"]
AT_MOST: Final = 200

AnyRequest = Request[Any, Any, Any]
PageSize = Annotated[int, QueryParameter(ge=1, le=AT_MOST)]

_encode = msgspec.json.Encoder().encode


def routes(services: Services) -> Sequence[HTTPRouteHandler]:
    """Return the routes of households."""
    return [_form(services), *_people(services), _lead(services), *_itself(services), *_reads(services)]


def _form(services: Services) -> HTTPRouteHandler:
    async def form(tx: Transaction, wish: FormHousehold) -> Household:
        return await service.form_household(tx, services.vault, services.settings.household_limit, wish)

    lane = services.lane("form_household", one_by_one(form), _formed)

    @post(
        HOUSEHOLDS,
        guards=[requires(WRITE)],
        operation_id="formHousehold",
        tags=TAGS,
        summary="Let members live together",
        response_description="The household; its name is not repeated.",
        opt={ALSO_REFUSES: frozenset({404})},
    )
    async def form_household(request: AnyRequest, data: JSONBody[FormBody]) -> Response[HouseholdAnswer]:
        """Form a household of a head and others, who live in no other one (409 `in_another_household`)."""
        household_id = new_id()
        wish = FormHousehold(
            household_id=household_id,
            head_id=member_id_in(data.head),
            member_ids=tuple([member_id_in(one) for one in data.members]),
            name=data.name,
            actor=principal_of(request).client,
            reason=data.reason.strip(),
        )
        subject = public_id(HOUSEHOLD_PREFIX, household_id)
        return await carry_out(request, lane, wish, subject=subject, reason=wish.reason)

    return form_household


def _people(services: Services) -> Sequence[HTTPRouteHandler]:
    async def join(tx: Transaction, wish: JoinHousehold) -> Household:
        return await service.join_household(tx, services.settings.household_limit, wish)

    async def leave(tx: Transaction, wish: LeaveHousehold) -> Household:
        return await service.leave_household(tx, services.vault, wish)

    joining = services.lane("join_household", one_by_one(join), _told)
    leaving = services.lane("leave_household", one_by_one(leave), _told)

    @post(
        HOUSEHOLD + "/members",
        guards=[requires(WRITE)],
        operation_id="addToHousehold",
        tags=TAGS,
        summary="Let a member live in a household",
        status_code=200,
        response_description="The household.",
    )
    async def add(
        request: AnyRequest, household_id: FromPath[str], data: JSONBody[MemberBody]
    ) -> Response[HouseholdAnswer]:
        """Add a member; one who lives there already changes nothing. At most `REGULARS_HOUSEHOLD_LIMIT` live in one."""
        wish = JoinHousehold(
            household_id=household_id_in(household_id),
            member_id=_named(data),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
        )
        return await carry_out(request, joining, wish, subject=household_id, reason=wish.reason)

    @post(
        HOUSEHOLD + "/members/{member_id:str}/remove",
        guards=[requires(WRITE)],
        operation_id="removeFromHousehold",
        tags=TAGS,
        summary="Let a member live in a household no more",
        status_code=200,
        response_description="The household.",
    )
    async def remove(
        request: AnyRequest, household_id: FromPath[str], member_id: FromPath[str], data: JSONBody[ReasonBody]
    ) -> Response[HouseholdAnswer]:
        """Remove a member. Of a head who leaves, whoever lives there longest is the next; without anybody it ends."""
        wish = LeaveHousehold(
            household_id=household_id_in(household_id),
            member_id=member_id_in(member_id),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
        )
        return await carry_out(request, leaving, wish, subject=household_id, reason=wish.reason)

    return [add, remove]


def _lead(services: Services) -> HTTPRouteHandler:
    async def lead(tx: Transaction, wish: ChangeHead) -> Household:
        return await service.change_head(tx, services.vault, wish)

    leading = services.lane("change_household_head", one_by_one(lead), _told)

    @post(
        HOUSEHOLD + "/head",
        guards=[requires(WRITE)],
        operation_id="changeHouseholdHead",
        tags=TAGS,
        summary="Let another member be the head of a household",
        status_code=200,
        response_description="The household.",
    )
    async def head(
        request: AnyRequest, household_id: FromPath[str], data: JSONBody[MemberBody]
    ) -> Response[HouseholdAnswer]:
        """Let one who lives there be the head; the head before stays as a member."""
        wish = ChangeHead(
            household_id=household_id_in(household_id),
            member_id=_named(data),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
        )
        return await carry_out(request, leading, wish, subject=household_id, reason=wish.reason)

    return head


def _itself(services: Services) -> Sequence[HTTPRouteHandler]:
    async def rename(tx: Transaction, wish: RenameHousehold) -> Household:
        return await service.rename_household(tx, services.vault, wish)

    renaming = services.lane("rename_household", one_by_one(rename), _told)
    dissolving = services.lane("dissolve_household", one_by_one(service.dissolve_household), _told)

    @patch(
        HOUSEHOLD,
        guards=[requires(WRITE)],
        operation_id="renameHousehold",
        tags=TAGS,
        summary="Call a household otherwise",
        response_description="The household; its name is not repeated.",
    )
    async def name(
        request: AnyRequest, household_id: FromPath[str], data: JSONBody[NameBody]
    ) -> Response[HouseholdAnswer]:
        """Change the name, or take it away with null."""
        wish = RenameHousehold(
            household_id=household_id_in(household_id),
            name=data.name,
            actor=principal_of(request).client,
            reason=data.reason.strip(),
        )
        return await carry_out(request, renaming, wish, subject=household_id, reason=wish.reason)

    @post(
        HOUSEHOLD + "/dissolve",
        guards=[requires(WRITE)],
        operation_id="dissolveHousehold",
        tags=TAGS,
        summary="Let a household be no more",
        status_code=200,
        response_description="The household, with nobody in it.",
    )
    async def dissolve(
        request: AnyRequest, household_id: FromPath[str], data: JSONBody[ReasonBody]
    ) -> Response[HouseholdAnswer]:
        """Let everybody leave. It stays readable; whoever lived there is free for another one."""
        wish = DissolveHousehold(
            household_id=household_id_in(household_id),
            actor=principal_of(request).client,
            reason=data.reason.strip(),
        )
        return await carry_out(request, dissolving, wish, subject=household_id, reason=wish.reason)

    return [name, dissolve]


def _reads(services: Services) -> Sequence[HTTPRouteHandler]:
    @get(
        HOUSEHOLD,
        guards=[requires(READ)],
        operation_id="getHousehold",
        tags=TAGS,
        summary="Read a household",
        response_description="The household.",
    )
    async def one(request: AnyRequest, household_id: FromPath[str]) -> HouseholdAnswerShown:
        """Return a household; its name is masked.

        With the scope `members:personal` and the header `Regulars-Purpose` it is in the clear, and the audit log keeps
        who read it, and why.
        """
        principal, purpose = principal_of(request), purpose_of(request) or ""
        clear = bool(purpose) and principal.may(PERSONAL)
        async with services.database.transaction(actor=principal.client) as tx:
            found = await reading.read_household(tx, services.vault, household_id_in(household_id), clear=clear)
            if clear and found.name is not None:  # it tells of everybody who lives there
                for subject in [public_id(MEMBER_PREFIX, one.member_id) for one in found.members] or [household_id]:
                    tx.audit(
                        AuditEntry(
                            actor=principal.client,
                            action="read_personal_data",
                            subject=subject,
                            request_id=asked(request.scope).request_id,
                            reason=purpose,
                            detail=household_id,
                        )
                    )
        return household_shown(found)

    return [one, _list(services), _changes(services), _stays(services)]


def _list(services: Services) -> HTTPRouteHandler:
    @get(
        HOUSEHOLDS,
        guards=[requires(READ)],
        operation_id="listHouseholds",
        tags=TAGS,
        summary="List households",
        response_description="A page of households, the last formed first.",
    )
    async def listed(
        dissolved: FromQuery[bool | None] = None, cursor: FromQuery[str | None] = None, limit: PageSize = 50
    ) -> HouseholdsAnswer:
        """Return households page by page, without names: all, only those that were dissolved, or only the others."""
        before = None if cursor is None else parse_public_id(HOUSEHOLD_PREFIX, cursor)
        if cursor is not None and before is None:
            raise WrongForm(pointer="/query/cursor", field="cursor", example=f"{HOUSEHOLD_PREFIX}_{32 * '0'}")
        states: dict[bool | None, HouseholdState | None] = {None: None, True: "dissolved", False: "standing"}
        async with services.database.transaction() as tx:
            found = await reading.list_households(tx, state=states[dissolved], before=before, limit=limit + 1)
        shown = [household_answer(household) for household in found[:limit]]
        has_more = len(found) > limit
        return HouseholdsAnswer(shown, has_more, shown[-1].household_id if has_more else None)

    return listed


def _changes(services: Services) -> HTTPRouteHandler:
    @get(
        HOUSEHOLD + "/changes",
        guards=[requires(READ)],
        operation_id="listHouseholdChanges",
        tags=TAGS,
        summary="Read what changed in a household",
        response_description="A page of changes, the last first.",
    )
    async def changes(
        household_id: FromPath[str], cursor: FromQuery[str | None] = None, limit: PageSize = 50
    ) -> HouseholdChangesAnswer:
        """Return who came, left and became head, by whom and why; nothing of it is ever changed."""
        if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= len("1000000000")):
            raise WrongForm(pointer="/query/cursor", field="cursor", example="12")
        before = None if cursor is None else min(int(cursor), 2**31 - 1)
        found_id = household_id_in(household_id)
        async with services.database.transaction() as tx:
            found = await reading.household_changes(tx, found_id, before=before, limit=limit + 1)
        has_more = len(found) > limit
        return HouseholdChangesAnswer(
            household_id=public_id(HOUSEHOLD_PREFIX, found_id),
            changes=[change_answer(change) for change in found[:limit]],
            has_more=has_more,
            next_cursor=str(found[limit - 1].change_no) if has_more else None,
        )

    return changes


def _stays(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/members/{member_id:str}/households",
        guards=[requires(READ)],
        operation_id="listMemberHouseholds",
        tags=TAGS,
        summary="Read in which households a member lives and lived",
        response_description="The households, the last first.",
    )
    async def stays(member_id: FromPath[str]) -> HouseholdStaysAnswer:
        """Return where a member lives and lived, with the dates; at most 200."""
        async with services.database.transaction() as tx:
            named = member_id_in(member_id)
            known = (await identity.known_members(tx, [named])).get(named)
            if known is None:
                raise NotFound
            found = known.stands_for
            listed = await reading.stays_of(tx, found)
        return HouseholdStaysAnswer(public_id(MEMBER_PREFIX, found), [stay_answer(stay) for stay in listed])

    return stays


def _named(data: MemberBody) -> UUID:
    found = parse_public_id(MEMBER_PREFIX, data.member)
    if found is None:
        raise NotFound(pointer="/member")
    return found


def _formed(household: Household) -> tuple[int, bytes]:
    return 201, _encode(household_answer(household))


def _told(household: Household) -> tuple[int, bytes]:
    return 200, _encode(household_answer(household))
