"""The first page of the counter: scan or type a member."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from msgspec import Meta

from regulars.platform.errors import DomainError
from regulars.web.kit.forms import blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.store.counter import HOME, USE, Counter

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


def finding_pages(kit: Kit, counter: Counter) -> Pages:
    """Return the page on which members are found."""

    @get(HOME, guards=[kit.guards.device()])
    async def scan(request: AnyRequest) -> Response[bytes]:
        if not viewer_of(request).may(USE):
            return kit.render(request, "store/nobody_there.html", status=403)
        return kit.render(request, "store/scan.html", form=blank_form(code=""), refused="")

    @post("/store/find", guards=[kit.guards.device(USE)])
    async def find(request: AnyRequest) -> Response[bytes]:
        till = await counter.till(request)
        form = read_form(request, Typed, till.language)
        if form.value is None:
            return kit.render(
                request, "store/scan.html", status=422, form=blank_form(code=""), refused=form.problems["code"]
            )
        found = await counter.look_up(till, form.value.code)
        if isinstance(found, DomainError):
            said = told(found, till.language)
            return kit.render(request, "store/scan.html", status=found.status, form=blank_form(code=""), refused=said)
        return kit.see(f"/store/till?member={counter.ticket(till, found)}")

    return Pages(ViewerKind.DEVICE, [scan, find], navigation=[NAVIGATION])
