"""Events that did not get through: which, why, and what a person does about them.

Nothing of what an event says is shown: its kind, its member's id, and the failure's kind and place are all there is.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, get_args

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.platform.errors import Conflict, NotFound
from regulars.platform.outbox import service
from regulars.platform.outbox.contracts import ParkedEvent, ParkedState
from regulars.platform.texts import say
from regulars.web.console.account import who
from regulars.web.console.words import member_link
from regulars.web.kit.cells import Badge, Cell, Code, Link, Tone
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import viewer_of

PARKED: Final = "/console/health/parked"
READ, WRITE = "health:read", "health:write"
DISCARD: Final = "DISCARD"  # what is typed to confirm, in every language

AnyRequest = Request[Any, Any, Any]

STATES: Final[dict[ParkedState, tuple[str, Tone]]] = {
    "parked": (mark("Waits for a person"), "error"),
    "retrying": (mark("Is tried again"), "warning"),
    "waiting": (mark("Stands behind another"), "neutral"),
}


class Reason(msgspec.Struct):
    """Why events are tried again."""

    reason: Annotated[str, Meta(min_length=3, max_length=200)]


class Discarding(msgspec.Struct):
    """Why an event is given up, and the word that confirms it."""

    because: Annotated[str, Meta(min_length=3, max_length=200)]
    confirmation: str


def _kind(event: ParkedEvent) -> Link:
    return Link(event.type, f"{PARKED}/{event.handler}/{event.seq}")


def _state(event: ParkedEvent) -> Badge:
    return Badge(*STATES[event.state])


LISTING: Final = Listing(
    name="parked-events",
    columns=(
        Column("event", mark("Event"), _kind),
        Column("state", mark("State"), _state),
        Column("why", mark("What went wrong"), lambda event: Code(event.error) if event.error else None),
        Column("handler", mark("Handler"), lambda event: Code(event.handler), minor=True),
        Column("member", mark("Member"), lambda event: event.member_id and member_link(event.member_id), minor=True),
        Column("attempts", mark("Attempts"), lambda event: event.attempts, minor=True, shown=False),
        Column("since", mark("Since"), lambda event: event.parked_at, minor=True),
        Column("next", mark("Next attempt"), lambda event: event.next_attempt_at, minor=True, shown=False),
        Column("number", mark("Number"), lambda event: Code(str(event.seq)), minor=True, shown=False),
    ),
    filters=(Choice("state", mark("State"), tuple((state, label) for state, (label, _) in STATES.items())),),
    empty=mark("Every event got through to everybody."),
)


def parked_pages(kit: Kit) -> Sequence[ControllerRouterHandler]:
    """Return the pages of parked events."""
    return [_listed(kit), _replay_all(kit), *_one(kit)]


def _listed(kit: Kit) -> ControllerRouterHandler:
    @get(PARKED, guards=[kit.guards.staff(READ)])
    async def parked(request: AnyRequest) -> Response[Any]:
        return await _show_list(kit, request, blank_form(kit.page(request).language))

    return parked


async def _show_list(kit: Kit, request: AnyRequest, form: Form[Any]) -> Response[Any]:
    async def fetch(wanted: Wanted) -> Slice:
        asked = wanted.filters.get("state")
        states = [state for state in get_args(ParkedState) if asked in {None, state}]
        async with wanted.reading() as tx:
            rows = await service.list_parked(tx, states=states, after=_after(wanted.after), limit=wanted.limit + 1)
        shown = rows[: wanted.limit]
        more = len(rows) > wanted.limit
        return Slice(shown, after=f"{shown[-1].seq}.{shown[-1].handler}" if more else None)

    async with kit.services.database.transaction() as tx:
        left = await service.backlog(tx)
    return await kit.listing(request, "console/parked.html", LISTING, fetch, form=form, left=left)


def _after(cursor: str | None) -> tuple[int, str]:
    seq, _, handler = (cursor or "").partition(".")
    return (int(seq), handler) if _is_number(seq) else (0, "")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < len(str(2**63))


def _replay_all(kit: Kit) -> ControllerRouterHandler:
    @post(f"{PARKED}/replay", guards=[kit.guards.staff(READ, WRITE)])
    async def replay_all(request: AnyRequest) -> Response[Any]:
        form = read_form(request, Reason, kit.page(request).language)
        if form.value is None:
            answer = await _show_list(kit, request, form)
            answer.status_code = 422
            return answer
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            count = await service.replay_all_parked(tx, reason=form.value.reason)
        return kit.see(PARKED, Notice(mark("{count} events are tried again at once."), values={"count": count}))

    return replay_all


def _one(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(f"{PARKED}/{{handler:str}}/{{seq:str}}", guards=[kit.guards.staff(READ)])
    async def event(request: AnyRequest, handler: FromPath[str], seq: FromPath[str]) -> Response[bytes]:
        return _show(kit, request, await _find(kit, handler, seq))

    @post(f"{PARKED}/{{handler:str}}/{{seq:str}}/replay", guards=[kit.guards.staff(READ, WRITE)])
    async def replay(request: AnyRequest, handler: FromPath[str], seq: FromPath[str]) -> Response[bytes]:
        found, form = await _find(kit, handler, seq), read_form(request, Reason, kit.page(request).language)
        if form.value is None:
            return _show(kit, request, found, replay=form)
        try:
            async with kit.services.database.transaction(actor=who(request).actor) as tx:
                await service.replay_parked(tx, found.handler, found.seq, reason=form.value.reason)
        except Conflict as refusal:
            return _show(kit, request, found, replay=form.refused(refusal))
        return kit.see(PARKED, Notice(mark("The event is tried again at once.")))

    @post(f"{PARKED}/{{handler:str}}/{{seq:str}}/discard", guards=[kit.guards.staff(READ, WRITE)])
    async def discard(request: AnyRequest, handler: FromPath[str], seq: FromPath[str]) -> Response[bytes]:
        language = kit.page(request).language
        found, form = await _find(kit, handler, seq), read_form(request, Discarding, language)
        if form.value is None or form.value.confirmation != DISCARD:
            return _show(kit, request, found, discard=_unconfirmed(form, language))
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            await service.discard_parked(tx, found.handler, found.seq, reason=form.value.because)
        return kit.see(PARKED, Notice(mark("The event is discarded; those that stood behind it go on.")))

    return [event, replay, discard]


async def _find(kit: Kit, handler: str, seq: str) -> ParkedEvent:
    if not _is_number(seq):
        raise NotFound
    async with kit.services.database.transaction() as tx:
        return await service.find_parked(tx, handler, int(seq))


def _show(
    kit: Kit,
    request: AnyRequest,
    event: ParkedEvent,
    *,
    replay: Form[Any] | None = None,
    discard: Form[Any] | None = None,
) -> Response[bytes]:
    language = kit.page(request).language
    return kit.render(
        request,
        "console/parked_event.html",
        status=422 if replay or discard else 200,
        event=event,
        facts=_facts(event, language),
        replay=replay or blank_form(language),
        discard=discard or blank_form(language),
        word=DISCARD,
        path=f"{PARKED}/{event.handler}/{event.seq}",
        may_act=viewer_of(request).may(WRITE),
    )


def _unconfirmed(form: Form[Any], language: str) -> Form[Any]:
    if form.value is None:
        return form
    said = say("Type {word}, in capitals.", language, word=DISCARD)
    return Form(language, form.values, {"confirmation": said})


def _facts(event: ParkedEvent, language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("State"), _state(event)),
        (mark("What went wrong"), Code(event.error) if event.error else None),
        (mark("Handler"), Code(event.handler)),
        (mark("Member"), member_link(event.member_id) if event.member_id else None),
        (mark("Attempts"), event.attempts),
        (mark("Since"), event.parked_at),
        (mark("Next attempt"), event.next_attempt_at),
        (mark("Number"), Code(str(event.seq))),
        (mark("Id of the event"), Code(str(event.event_id))),
    ]
    return [(in_language(label, language), value) for label, value in told]
