"""The brand's door at `/`: for members, for staff, for shops; in a demo also who may sign in."""

from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from regulars.commerce import api as commerce
from regulars.loyalty import api as loyalty
from regulars.platform.errors import DomainError, NotFound
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.session_cookies import browser_of, device_cookie
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of

DOOR: Final = "/"
DEMO_TILL: Final = "/demo/till"
ROLES: Final[dict[str, str]] = {
    "owner": mark("Owner"),
    "marketer": mark("Marketer"),
    "community": mark("Community"),
    "care": mark("Care"),
    "finance": mark("Finance"),
    "store_manager": mark("Store manager"),
    "assistant": mark("Assistant"),
    "auditor": mark("Auditor"),
}
_DEVICE_NAME: Final = "Demo"
AnyRequest = Request[Any, Any, Any]


def door_pages(kit: Kit) -> Pages:
    """Return the door; in development mode also the way to a till of the demo."""
    handlers: list[ControllerRouterHandler] = [_door(kit)]
    return Pages(ViewerKind.NOBODY, [*handlers, _till(kit)] if kit.development else handlers)


def _door(kit: Kit) -> ControllerRouterHandler:
    @get(DOOR, guards=[kit.guards.anybody(ViewerKind.MEMBER)])
    async def door(request: AnyRequest) -> Response[bytes]:
        if viewer_of(request).kind is ViewerKind.MEMBER:
            return kit.see("/portal")
        page = kit.page(request)
        members = [] if kit.demo is None else kit.demo.members
        tiers = {one.email: loyalty.name_of_tier(one.tier, page.language) for one in members}
        return kit.render(request, "portal/door.html", page=page, demo=kit.demo, roles=ROLES, tiers=tiers)

    return door


def _till(kit: Kit) -> ControllerRouterHandler:
    services = kit.services

    @post(DEMO_TILL)
    async def open_till(request: AnyRequest) -> Response[bytes]:
        """Make this browser a till of the demo's shop, by the code that the console would show."""
        if kit.demo is None:
            raise NotFound
        async with services.database.transaction(actor="demo") as tx:
            made = await commerce.make_device_enrolment(tx, services.vault, kit.demo.store_id, _DEVICE_NAME)
            outcome = await commerce.enrol_device(
                tx, services.vault, made.code, browser_of(kit, request, ViewerKind.DEVICE)
            )
        if isinstance(outcome, DomainError):
            raise outcome
        said = Notice(
            mark("This device is {device} of {store} now."),
            values={"device": outcome.device.name, "store": outcome.device.store_name},
        )
        return kit.see("/store", said, cookies=[device_cookie(kit, outcome.token)])

    return open_till
