"""The first page of the counter: scan or type a member."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta

from regulars.members import api as members
from regulars.members.contracts import LookUp
from regulars.platform.errors import DomainError
from regulars.platform.texts import say
from regulars.web.kit.forms import blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind
from regulars.web.store.counter import HOME, Counter, Till

AnyRequest = Request[Any, Any, Any]
NAVIGATION: Final = Group(
    "",
    (
        Entry(HOME, mark("Scan"), icon="scan"),
        Entry("/store/till", mark("Till"), icon="cash-register"),
        Entry("/store/returns", mark("Return"), icon="receipt-refund"),
        Entry("/store/register", mark("Register"), icon="user-plus"),
    ),
)


class Typed(msgspec.Struct):
    """What the scanner or the assistant typed."""

    code: Annotated[str, Meta(max_length=320)]


async def look_up(kit: Kit, till: Till, typed: str) -> UUID | DomainError:
    """Find a member by what was scanned or typed at a till; a refusal is given, because the try is counted."""
    wish = LookUp(
        typed=typed,
        market=till.market.code,
        store_id=till.device.store_id,
        device=till.device.actor,
        assistant=till.assistant,
    )
    async with kit.services.database.transaction(actor=till.device.actor, request_id=till.request_id) as tx:
        return await members.look_up_at_counter(tx, kit.services.vault, wish)


def finding_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the page on which members are found."""

    @get(HOME, guards=[kit.guards.device()])
    async def scan(request: AnyRequest) -> Response[bytes]:
        return kit.render(request, "store/scan.html", form=blank_form(code=""), refused="")

    @post("/store/find", guards=[kit.guards.device()])
    async def find(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        form = read_form(request, Typed, till.language)
        if form.value is None:
            return kit.render(
                request, "store/scan.html", status=422, form=blank_form(code=""), refused=form.problems["code"]
            )
        found = await look_up(kit, till, form.value.code)
        if isinstance(found, DomainError):
            said = say(found.message, till.language, **found.data)
            return kit.render(request, "store/scan.html", status=found.status, form=blank_form(code=""), refused=said)
        return kit.see(f"/store/till?member={counter.ticket(till, found)}")

    return Pages(ViewerKind.DEVICE, [scan, find], navigation=[NAVIGATION])
