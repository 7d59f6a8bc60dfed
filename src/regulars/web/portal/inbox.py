"""The member's inbox, and the pages to which letters lead: notices are stopped there, an address is confirmed."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars.engagement import api as engagement
from regulars.engagement.contracts import MESSAGE_PREFIX
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.kit.forms import form_values
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.portal.errors import LinkOver

HOME: Final = "/portal/inbox"
_ROWS: Final = 20
AnyRequest = Request[Any, Any, Any]


def inbox_pages(kit: Kit) -> Pages:
    """Return the pages of the inbox."""
    entries = (Entry(HOME, mark("Inbox"), icon="inbox"),)
    return Pages(ViewerKind.MEMBER, [*_inbox(kit), *_stopping(kit), *_confirming(kit)], navigation=[Group("", entries)])


def _inbox(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services
    brand = engagement.brand_of(services.settings)

    @get(HOME, guards=[kit.guards.member()])
    async def inbox(request: AnyRequest) -> Response[bytes]:
        member_id = _member(request)
        before = parse_public_id(MESSAGE_PREFIX, request.query_params.get("after", ""))
        async with services.database.transaction() as tx:
            page = await engagement.list_inbox(tx, services.vault, brand, member_id, before=before, limit=_ROWS)
        older = None if page.next_before is None else f"{HOME}?after={public_id(MESSAGE_PREFIX, page.next_before)}"
        return kit.render(
            request,
            "portal/inbox.html",
            messages=[one for one in page.messages if one.letter is not None],
            unread=viewer_of(request).news or any(one.ref.read_at is None for one in page.messages),
            newest=public_id(MESSAGE_PREFIX, page.messages[0].ref.message_id) if page.messages else "",
            older=older,
            is_first=before is None,
        )

    @post(f"{HOME}/read", guards=[kit.guards.member()])
    async def read(request: AnyRequest) -> Response[bytes]:
        newest = parse_public_id(MESSAGE_PREFIX, form_values(request).get("up_to", ""))
        if newest is None:
            raise NotFound
        async with services.database.transaction(actor=getattr(viewer_of(request).session, "actor", "member")) as tx:
            await engagement.mark_read(tx, _member(request), up_to=newest)
        return kit.see(HOME)

    return [inbox, read]


def _stopping(kit: Kit) -> list[ControllerRouterHandler]:
    """Looking changes nothing: mail scanners follow every link."""
    services = kit.services

    @get("/stop/{token:str}", guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def ask(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        return kit.render(request, "portal/stop.html", token=token)

    @post("/stop/{token:str}/confirmed", guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def confirmed(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        async with services.database.transaction(actor="member") as tx:
            await engagement.stop_notices(tx, services.vault, token)
        del request
        return kit.see(f"/stop/{token}", Notice(mark("You will get no more notices of expiring points by e-mail.")))

    return [ask, confirmed]


def _confirming(kit: Kit) -> list[ControllerRouterHandler]:
    """An e-mail address is confirmed by a button: looking changes nothing, as mail scanners follow every link."""
    services = kit.services
    path = "/portal/confirm-address/{token:str}"

    @get(path, guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def ask(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        try:
            shown = engagement.address_to_confirm(services.vault, token)
        except NotFound:
            raise LinkOver from None
        return kit.render(request, "portal/confirm_address.html", token=token, shown=shown, done=False)

    @post(path, guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def confirm(request: AnyRequest, token: FromPath[str]) -> Response[bytes]:
        try:
            shown = engagement.address_to_confirm(services.vault, token)
            async with services.database.transaction(actor="member") as tx:
                await engagement.confirm_address(tx, services.vault, token)
        except NotFound:
            raise LinkOver from None
        return kit.render(request, "portal/confirm_address.html", token=token, shown=shown, done=True)

    return [ask, confirm]


def _member(request: AnyRequest) -> UUID:
    member_id = viewer_of(request).id
    if member_id is None:
        raise NotFound
    return member_id
