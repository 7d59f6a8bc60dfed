"""HTTP of profiles."""

from typing import Any

import msgspec
from litestar import Request, Response, patch
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from regulars.members.contracts import MEMBER_PREFIX, ChangeProfile, ProfileChanged
from regulars.members.profile import service
from regulars.members.profile.schemas import ProfileChangeBody, ProfileChangedAnswer, change_of
from regulars.members.public_ids import member_id_in
from regulars.platform.commit.lane import one_by_one
from regulars.platform.db.transaction import Transaction
from regulars.platform.http.guards import requires
from regulars.platform.http.mutations import carry_out
from regulars.platform.ids import public_id
from regulars.platform.services import Services

_encode = msgspec.json.Encoder().encode


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of profiles."""

    async def change(tx: Transaction, wish: ChangeProfile) -> ProfileChanged:
        return await service.change_profile(tx, services.vault, wish)

    lane = services.lane("change_profile", one_by_one(change), _changed)

    @patch(
        "/v1/members/{member_id:str}/profile",
        guards=[requires("members:write")],
        operation_id="changeProfile",
        tags=["members"],
        summary="Change what a member told",
        response_description="What was changed, by name, and the profile's version.",
    )
    async def change_profile(
        request: Request[Any, Any, Any], member_id: FromPath[str], data: JSONBody[ProfileChangeBody]
    ) -> Response[ProfileChangedAnswer]:
        """Change a profile: a field left out stays, null clears it. No value is repeated in the answer."""
        wish = ChangeProfile(member_id=member_id_in(member_id), change=change_of(data))
        return await carry_out(request, lane, wish, subject=member_id)

    return [change_profile]


def _changed(done: ProfileChanged) -> tuple[int, bytes]:
    return 200, _encode(
        ProfileChangedAnswer(
            member_id=public_id(MEMBER_PREFIX, done.member_id), version=done.version, changed=list(done.changed)
        )
    )
