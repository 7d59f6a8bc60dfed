"""HTTP of who looked at whom."""

from datetime import datetime
from typing import Annotated, Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.merging import reading as merging
from regulars.platform.audit import service as audit
from regulars.platform.http.errors import WrongForm
from regulars.platform.http.guards import requires
from regulars.platform.http.member_filter import member_filter
from regulars.platform.ids import public_id
from regulars.platform.services import Services

AT_MOST: Final = 200
_DIGITS: Final = 18  # fits a bigint

PageSize = Annotated[int, QueryParameter(ge=1, le=AT_MOST)]


class LookAnswer(Struct, frozen=True, kw_only=True):
    """A look at somebody's personal data: by whom, how, why; by the wall clock.

    `subject` is a member; of a search that found nobody, where it was. `purpose` is as it was given; tills and searches
    ask for none: `detail` says how they looked.
    """

    at: datetime
    actor: str
    action: str
    subject: str
    purpose: str
    detail: str
    request_id: str


class LooksAnswer(Struct, frozen=True, kw_only=True):
    """A page of looks, the latest first."""

    looks: list[LookAnswer]
    has_more: bool
    next_cursor: str | None


def look_routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the route of looks."""

    @get(
        "/v1/personal-reads",
        guards=[requires("audit:read")],
        operation_id="listPersonalReads",
        tags=["privacy"],
        summary="List who looked at whose personal data",
        response_description="A page of looks, the latest first.",
    )
    async def list_personal_reads(
        member_id: FromQuery[str | None] = None,
        actor: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: PageSize = 50,
    ) -> LooksAnswer:
        """Return who looked at a member (`member_id`), at whom somebody looked (`actor`, as it stands here), or all."""
        asked_for = member_filter(member_id)
        before = _entry_in(cursor)
        async with services.database.transaction() as tx:
            ids = None if asked_for is None else await merging.ids_of(tx, asked_for)
            subjects = None if ids is None else [public_id(MEMBER_PREFIX, one) for one in ids]
            found = await audit.looks(tx, subjects=subjects, actor=actor, before=before, limit=limit + 1)
        shown = found[:limit]
        has_more = len(found) > limit
        return LooksAnswer(
            looks=[
                LookAnswer(
                    at=one.written_at,
                    actor=one.actor,
                    action=one.action,
                    subject=one.subject,
                    purpose=one.reason if one.action.startswith("read_") else "",
                    detail=one.detail,
                    request_id=one.request_id,
                )
                for one in shown
            ],
            has_more=has_more,
            next_cursor=str(shown[-1].entry_id) if has_more else None,
        )

    return [list_personal_reads]


def _entry_in(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > _DIGITS:
        raise WrongForm(pointer="/query/cursor", field="cursor", example="4711")
    return int(cursor)
