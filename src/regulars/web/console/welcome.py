"""First steps: what each role does here, and what to try, with the way there."""

from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get

from regulars.platform.auth.staff.permissions import Role
from regulars.web.console.roles import ROLE_NAMES
from regulars.web.console.sign_in import WELCOME
from regulars.web.kit.demo import Demo
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer, ViewerKind, viewer_of

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Something to try: marked texts, where, and the permission it needs. `demo_path` leads to an example in a demo."""

    icon: str
    title: str
    text: str
    path: str
    permission: str = ""
    demo_path: str = ""


_FIGURES: Final = Step(
    icon="chart-bar",
    title=mark("Read a year of figures"),
    text=mark(
        "Choose a year above the tiles, compare it with the one before, and open any number to the rows behind it."
    ),
    path="/console",
    permission="overview:read",
)
_MEMBER: Final = Step(
    icon="user",
    title=mark("Understand one member"),
    text=mark("Points with their reasons, the tier and why, every order and message: one page answers a question."),
    path="/console/members",
    permission="members:read",
    demo_path="/console/members/{member_id}",
)
_ORDER: Final = Step(
    icon="receipt",
    title=mark("Ask an order what it did"),
    text=mark("Every point that it earned, the rule by which, and what became of it since."),
    path="/console/orders",
    permission="orders:read",
    demo_path="/console/orders/{order_id}",
)
_RETURNED: Final = Step(
    icon="arrow-back-up",
    title=mark("See a return unwind"),
    text=mark("Part of an order came back: points, growth and tier were settled anew for what remains."),
    path="/console/orders?back=some",
    permission="orders:read",
    demo_path="/console/orders/{returned_order_id}",
)
_TAKE_BACK: Final = Step(
    icon="receipt-refund",
    title=mark("Take a return, with a look ahead"),
    text=mark("Choose lines of an order and see what the return will do before anything is booked."),
    path="/console/orders",
    permission="returns:write",
    demo_path="/console/orders/{order_id}/return",
)
_PROGRAMME: Final = Step(
    icon="adjustments",
    title=mark("Read the rules in words"),
    text=mark("How points are earned, spent and lost, and what each tier asks for: the settings as they stand."),
    path="/console/programme",
    permission="programme:read",
)
_STORES: Final = Step(
    icon="building-store",
    title=mark("Compare the stores"),
    text=mark("Sort by revenue, orders or what came back, and open a store's own figures."),
    path="/console/stores?sort=-revenue",
    permission="stores:read",
)
_LETTERS: Final = Step(
    icon="template",
    title=mark("Look at the letters"),
    text=mark(
        "Receipts, new tiers and points that expire, as members get them: on a computer, on a phone, in two languages."
    ),
    path="/console/messages/templates",
    permission="messages:read",
)
_SENT: Final = Step(
    icon="mail",
    title=mark("Follow what was sent"),
    text=mark("Every message with its state; those that did not get through can be sent again or given up."),
    path="/console/messages",
    permission="messages:read",
)
_EXPORT: Final = Step(
    icon="download",
    title=mark("Take a list along"),
    text=mark("Filter the members by tier and by the day they joined, choose the columns, and download the list."),
    path="/console/members?tier=gold",
    permission="exports:write",
)
_REVEAL: Final = Step(
    icon="eye",
    title=mark("Reveal personal data, for a purpose"),
    text=mark("Names and addresses are masked. Whoever reveals them says why, and the audit log keeps it."),
    path="/console/members",
    permission="members:personal",
    demo_path="/console/members/{member_id}",
)
_STATEMENT: Final = Step(
    icon="coins",
    title=mark("Follow points through the books"),
    text=mark("A member's statement, line by line, with the balance after each and the reason in a sentence."),
    path="/console/members",
    permission="members:read",
    demo_path="/console/members/{member_id}/points",
)
_MONTHS: Final = Step(
    icon="report-money",
    title=mark("Close a month"),
    text=mark(
        "What members may still spend, by month; every figure opens to its rows, and a closed month can be proven."
    ),
    path="/console/finance/months",
    permission="finance:read",
)
_STAFF: Final = Step(
    icon="users-group",
    title=mark("Invite a colleague"),
    text=mark("Choose roles and stores; they get a link, set a password and a second factor."),
    path="/console/staff/invite",
    permission="staff:write",
)
_ROLES: Final = Step(
    icon="shield-check",
    title=mark("See who may do what"),
    text=mark("Eight roles and every permission, on one page."),
    path="/console/staff/roles",
    permission="staff:read",
)
_DEVICES: Final = Step(
    icon="device-tablet",
    title=mark("Put a tablet on the counter"),
    text=mark("Make a code here and type it on the tablet: it becomes a till of its store."),
    path="/console/devices",
    permission="devices:write",
)
_COUNTER: Final = Step(
    icon="cash-register",
    title=mark("Work at the counter"),
    text=mark("Find a member, ring up an order, pay partly with points, take a return by its receipt code."),
    path="/store",
    permission="till:use",
)
_REGISTER: Final = Step(
    icon="user-plus",
    title=mark("Register a walk-in"),
    text=mark("Two fields and their consent: the first purchase earns points at once."),
    path="/store/register",
    permission="till:use",
)
_RETURNS: Final = Step(
    icon="receipt-refund",
    title=mark("Take a return by receipt code"),
    text=mark("Bought in any shop, returned in any: the screen says what happens to the points before you confirm."),
    path="/store/returns",
    permission="till:use",
)
_TIMELINE: Final = Step(
    icon="history",
    title=mark("Retell a member's story"),
    text=mark("Sign-up, purchases, tiers and messages in the order in which they happened."),
    path="/console/members",
    permission="members:read",
    demo_path="/console/members/{member_id}/timeline",
)

STEPS: Final[dict[Role, tuple[Step, ...]]] = {
    Role.OWNER: (_FIGURES, _MEMBER, _PROGRAMME, _STAFF, _DEVICES),
    Role.MARKETER: (_FIGURES, _EXPORT, _PROGRAMME, _LETTERS, _STORES),
    Role.COMMUNITY: (_FIGURES, _TIMELINE, _LETTERS, _PROGRAMME),
    Role.CARE: (_MEMBER, _REVEAL, _RETURNED, _TAKE_BACK, _SENT),
    Role.FINANCE: (_FIGURES, _MONTHS, _STATEMENT, _RETURNED, _EXPORT, _PROGRAMME),
    Role.STORE_MANAGER: (_STORES, _COUNTER, _TAKE_BACK, _DEVICES, _REGISTER),
    Role.ASSISTANT: (_COUNTER, _REGISTER, _RETURNS),
    Role.AUDITOR: (_ROLES, _MONTHS, _STATEMENT, _ORDER, _PROGRAMME, _SENT),
}
_MOST: Final = 6


def welcome_pages(kit: Kit) -> Pages:
    """Return the page of first steps: everybody of staff may see it, whatever their roles."""

    @get(WELCOME, guards=[kit.guards.staff()])
    async def welcome(request: AnyRequest) -> Response[bytes]:
        page, viewer = kit.page(request), viewer_of(request)
        roles = [in_language(ROLE_NAMES[role], page.language) for role in viewer.session.roles]
        return kit.render(request, "console/welcome.html", page=page, steps=steps_for(viewer, kit.demo), roles=roles)

    entry = Entry(WELCOME, mark("First steps"), icon="map-2")
    return Pages(ViewerKind.STAFF, [welcome], navigation=[Group("", (entry,))])


def steps_for(viewer: Viewer, demo: Demo | None) -> list[tuple[Step, str]]:
    """Return what somebody may try, by their roles, each with the address it leads to."""
    steps = dict.fromkeys(step for role in viewer.session.roles for step in STEPS[role])
    allowed = [step for step in steps if not step.permission or viewer.may(step.permission)]
    return [(step, _address(step, demo)) for step in allowed[:_MOST]]


def _address(step: Step, demo: Demo | None) -> str:
    if demo is None or not step.demo_path:
        return step.path
    return step.demo_path.format(
        member_id=demo.member_id, order_id=demo.order_id, returned_order_id=demo.returned_order_id
    )
