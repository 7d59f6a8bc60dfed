"""Every page of the three faces, on one page."""

from collections.abc import Callable, Sequence
from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from regulars.web.console.messages import message_pages
from regulars.web.console.outbox import outbox_pages
from regulars.web.kit.gallery import gallery_pages
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.routes import page_router
from regulars.web.portal.inbox import inbox_pages

# Rooms of pages, in the order in which their entries stand in the navigation.
ROOMS: Final[Sequence[Callable[[Kit], Pages]]] = (message_pages, inbox_pages, outbox_pages)


def pages(kit: Kit) -> Router:
    """Return the router of every page; the gallery only in development mode."""
    rooms = [*ROOMS, gallery_pages] if kit.development else list(ROOMS)
    handlers: list[ControllerRouterHandler] = [handler for room in rooms for handler in kit.take(room(kit))]
    return page_router(kit, handlers)
