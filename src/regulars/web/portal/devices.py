"""Where a member is signed in: the list, forgetting one, signing out everywhere."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath

from regulars.members import api as members
from regulars.members.contracts import MemberViewer
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.session_cookies import ended_cookie
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import SIGN_IN_PATHS, ViewerKind, viewer_of

DEVICES: Final = "/portal/devices"
_PREFIX: Final = "mbs"
_MEMBER: Final = ViewerKind.MEMBER

AnyRequest = Request[Any, Any, Any]


def member_device_pages(kit: Kit) -> Pages:
    """Return the pages of a member's devices."""
    services = kit.services

    @get(DEVICES, guards=[kit.guards.member()])
    async def devices(request: AnyRequest) -> Response[bytes]:
        viewer = _who(request)
        async with services.database.transaction() as tx:
            found = await members.list_devices(tx, services.settings, viewer.member_id)
        listed = [(public_id(_PREFIX, device.session_id), device) for device in found]
        return kit.render(request, "portal/devices.html", devices=listed, here=viewer.session_id)

    @post(f"{DEVICES}/{{session_id:str}}/forget", guards=[kit.guards.member()])
    async def forget(request: AnyRequest, session_id: FromPath[str]) -> Response[bytes]:
        viewer, found = _who(request), parse_public_id(_PREFIX, session_id)
        if found is None:
            raise NotFound
        async with services.database.transaction(actor=viewer.actor) as tx:
            await members.forget_device(tx, viewer.member_id, found)
        if found == viewer.session_id:
            return kit.see(SIGN_IN_PATHS[_MEMBER], cookies=[ended_cookie(kit, _MEMBER)])
        return kit.see(DEVICES, Notice(mark("That device is signed out.")))

    @post(f"{DEVICES}/sign-out-everywhere", guards=[kit.guards.member()])
    async def sign_out_everywhere(request: AnyRequest) -> Response[bytes]:
        viewer = _who(request)
        async with services.database.transaction(actor=viewer.actor) as tx:
            await members.sign_out_member_everywhere(tx, viewer.member_id)
        said = Notice(mark("You are signed out everywhere."), "info")
        return kit.see(SIGN_IN_PATHS[_MEMBER], said, cookies=[ended_cookie(kit, _MEMBER)])

    return Pages(_MEMBER, [devices, forget, sign_out_everywhere])


def _who(request: AnyRequest) -> MemberViewer:
    found: MemberViewer = viewer_of(request).session
    return found
