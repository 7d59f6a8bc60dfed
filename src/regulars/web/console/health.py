"""How the system stands: one page that says what is well, what is not, and what to do about it.

What is looked at, and what counts as trouble, is decided in the rooms (`platform/health`), for `regulars doctor` and
for this page alike; here it gets its place. While the page is open it asks anew every ten seconds, for a quarter of
an hour: a page left open must not keep a session alive for ever.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler
from markupsafe import Markup

from regulars.engagement import api as engagement
from regulars.platform.backups.standing import look_at_backups
from regulars.platform.clock import wall_now
from regulars.platform.health.contracts import Ago, Bytes, Looked, Sentence, State, Told
from regulars.platform.health.looks import LOOKS, look_at_disk, looked_together
from regulars.platform.verification.books import look_at_books
from regulars.platform.webhooks.health import look_at_webhooks
from regulars.web.console.backups import BACKUPS, plan_of
from regulars.web.console.books import BOOKS, book_pages
from regulars.web.console.health_jobs import JOBS, job_pages
from regulars.web.console.parked import PARKED, parked_pages
from regulars.web.kit.cells import Badge, Cell, Quiet, Tone
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

HEALTH: Final = "/console/health"
READ: Final = "health:read"
WORDS: Final = mark("status, incident, alarm, what is wrong, doctor")
POLL_SECONDS: Final = 10
POLLS: Final = 90
_PLAIN: Final = Markup("{}")
_COMMAND: Final = Markup('<code class="font-mono text-2xs">{}</code>')

AnyRequest = Request[Any, Any, Any]

STATES: Final[dict[State, tuple[str, Tone]]] = {
    State.WELL: (mark("Well"), "success"),
    State.WARNING: (mark("Look here"), "warning"),
    State.TROUBLE: (mark("Trouble"), "error"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding stands: its heading, and the page that tells more (a marked text and a path)."""

    title: str
    more: tuple[str, str] | None = None


PLACES: Final[dict[str, Place]] = {
    "worker": Place(mark("Worker")),
    "queues": Place(mark("Events"), (mark("Parked events"), PARKED)),
    "jobs": Place(mark("Jobs"), (mark("Schedules and failures"), JOBS)),
    "messages": Place(mark("Messages out"), (mark("All messages"), "/console/messages")),
    "codes": Place(mark("Sign-in codes")),
    "channels": Place(mark("Ways out")),
    "webhooks": Place(mark("Webhooks"), (mark("All webhooks"), "/console/webhooks")),
    "books": Place(mark("Books"), (mark("The verification"), BOOKS)),
    "audit log": Place(mark("Audit log")),
    "clock": Place(mark("Clocks")),
    "version": Place(mark("Database")),
    "disk": Place(mark("Disk")),
    "backups": Place(mark("Backups"), (mark("All backups"), BACKUPS)),
    "schema": Place(mark("Release")),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One finding as the page draws it, in the viewer's language."""

    title: str
    state: State
    badge: Badge
    said: str
    remedy: Markup
    facts: Sequence[tuple[str, Cell]]
    more: tuple[str, str] | None


def health_pages(kit: Kit) -> Pages:
    """Return the pages of the system's health."""
    handlers = [_overview(kit), *parked_pages(kit), *job_pages(kit), *book_pages(kit)]
    entry = Entry(HEALTH, mark("System health"), icon="heartbeat", permission=READ, words=WORDS)
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Operations"), (entry,))])


def _overview(kit: Kit) -> ControllerRouterHandler:
    @get(HEALTH, guards=[kit.guards.staff(READ)])
    async def health(request: AnyRequest) -> Response[bytes]:
        page = kit.page(request)
        found = await findings(kit)
        panels = [_panel(found[name], place, page.formats) for name, place in PLACES.items() if name in found]
        turn = _turn(request.query_params.get("turn", ""))
        return kit.render(
            request,
            "console/health.html",
            panels=panels,
            ill=sorted([one for one in panels if one.remedy], key=lambda one: one.state is not State.TROUBLE),
            at=wall_now(),
            next_turn=turn + 1 if turn < POLLS else None,
            poll_seconds=POLL_SECONDS,
        )

    return health


async def findings(kit: Kit) -> Mapping[str, Looked]:
    """Look at everything; by name."""
    services = kit.services
    codes = engagement.look_at_codes(services.settings)
    looks = {**LOOKS, "messages": engagement.look_at_messages, "codes": codes, "books": look_at_books}
    looks["webhooks"] = look_at_webhooks
    found = await looked_together(looks, services.database)
    found["channels"] = engagement.look_at_channels(services.settings)
    if services.settings.database_url is None:
        found["disk"] = await look_at_disk(services.settings.home)
    if kit.demo is None:
        plan = plan_of(services.settings)
        found["backups"] = await asyncio.to_thread(look_at_backups, services.settings, plan)
    return found


def _turn(text: str) -> int:
    return min(int(text), POLLS) if text.isascii() and text.isdecimal() else 0


def _panel(found: Looked, place: Place, formats: Formats) -> Panel:
    language = formats.language
    label, tone = STATES[found.state]
    now = wall_now()
    return Panel(
        title=in_language(place.title, language),
        state=found.state,
        badge=Badge(label, tone),
        said=found.said.in_language(language),
        remedy=with_commands(found.remedy.in_language(language)) if found.remedy else Markup(),
        facts=[(in_language(one.label, language), cell_of(one.told, formats, now)) for one in found.facts],
        more=(in_language(place.more[0], language), place.more[1]) if place.more else None,
    )


def with_commands(text: str) -> Markup:
    """Return a sentence with what it puts between backticks in letters of one width."""
    parts = [(_COMMAND if at % 2 else _PLAIN).format(part) for at, part in enumerate(text.split("`"))]
    return Markup().join(parts)


def cell_of(told: Told, formats: Formats, now: datetime) -> Cell:
    """Return what a fact tells as a cell."""
    match told:
        case timedelta():
            return formats.span(told)
        case Ago():
            return Quiet(formats.ago(told.at, now), formats.moment(told.at))
        case Bytes():
            return str(told)
        case Sentence():
            return told.in_language(formats.language)
        case _:
            return told
