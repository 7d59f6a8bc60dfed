"""The development outbox: what would have been sent, whole, codes and addresses included. Development mode only."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars.engagement import api as engagement
from regulars.engagement.contracts import MESSAGE_PREFIX, MessageChannel
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.web.console.mail_frame import framed
from regulars.web.console.message_words import CHANNELS, KINDS, state_badge
from regulars.web.console.messages import message_id_in
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind

HOME: Final = "/outbox"
_LEAVING: Final = (MessageChannel.EMAIL, MessageChannel.SMS)
_ROWS: Final = 30
AnyRequest = Request[Any, Any, Any]


def outbox_pages(kit: Kit) -> Pages:
    """Return the pages of the development outbox; none where real members may be."""
    entries = (Entry(HOME, mark("Development outbox"), icon="mail-off"),)
    navigation = [Group(mark("Development"), entries)]
    return Pages(ViewerKind.NOBODY, _pages(kit) if kit.development else [], navigation=navigation)


def _pages(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services
    brand = engagement.brand_of(services.settings)

    @get(HOME)
    async def outbox(request: AnyRequest) -> Response[bytes]:
        before = parse_public_id(MESSAGE_PREFIX, request.query_params.get("after", ""))
        async with services.database.transaction() as tx:
            page = await engagement.list_messages(
                tx, services.vault, brand, channels=_LEAVING, before=before, limit=_ROWS, clear=True
            )
        return kit.render(
            request,
            "console/outbox.html",
            messages=[(public_id(MESSAGE_PREFIX, one.ref.message_id), one) for one in page.messages],
            kinds=KINDS,
            channels=CHANNELS,
            state_badge=state_badge,
            older=None if page.next_before is None else f"{HOME}?after={public_id(MESSAGE_PREFIX, page.next_before)}",
        )

    @get(f"{HOME}/{{message:str}}")
    async def one(request: AnyRequest, message: FromPath[str]) -> Response[bytes]:
        async with services.database.transaction() as tx:
            found, rendered = await engagement.read_message(
                tx, services.vault, brand, message_id_in(message), clear=True
            )
        return kit.render(
            request,
            "console/outbox_message.html",
            message=found,
            rendered=rendered,
            public=message,
            kind=KINDS[found.ref.kind],
            channel=CHANNELS[found.ref.channel],
            state=state_badge(found.ref.state),
        )

    @get(f"{HOME}/{{message:str}}/mail")
    async def mail(message: FromPath[str]) -> Response[bytes]:
        async with services.database.transaction() as tx:
            _, form = await engagement.read_message(tx, services.vault, brand, message_id_in(message), clear=True)
        if form is None or not form.html:
            raise NotFound
        return framed(form.html)

    return [outbox, one, mail]
