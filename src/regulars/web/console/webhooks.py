"""Webhooks in the console: the list and a new one, one with its log, and what is done with it."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.public_events.catalogue import PUBLIC_TYPES
from regulars.platform.texts import say
from regulars.platform.webhooks import service
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.contracts import DELIVERY_PREFIX, ENDPOINT_PREFIX, Chosen, Endpoint, EndpointState
from regulars.platform.webhooks.rules import change_in_words, endpoint_in_words, rotation_in_words
from regulars.platform.webhooks.service import Changes, Made
from regulars.platform.webhooks.signing import open_secret, shown
from regulars.web.console.account import who
from regulars.web.console.finance import instant_of
from regulars.web.console.webhook_log import delivery_pages, fetch_deliveries, listing_in
from regulars.web.kit.cells import Badge, Cell, Code
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

WEBHOOKS: Final = "/console/webhooks"
ONE: Final = f"{WEBHOOKS}/{{webhook_id:str}}"
READ, WRITE = "webhooks:read", "webhooks:write"
WORDS: Final = mark("endpoint, events, deliveries, delivery log")
NO_INSTANT: Final = mark("Please write a day and a time, as in 2026-05-01 14:30.")
_TO_THE_MINUTE: Final = timedelta(minutes=1) - timedelta.resolution  # a minute that is named is in it to its end
DELETE: Final = "DELETE"  # what is typed to confirm, in every language
WHY: Final[dict[str | None, Badge]] = {
    None: Badge(mark("Active"), "success"),
    "by_hand": Badge(mark("Disabled"), "neutral"),
    "gone": Badge(mark("Disabled: it wants no more"), "warning"),
    "failing": Badge(mark("Disabled: nothing got through"), "error"),
}
FAILING: Final = Badge(mark("Nothing gets through"), "warning")

AnyRequest = Request[Any, Any, Any]


class NewWebhook(msgspec.Struct):
    """A webhook to be made; no types: all."""

    url: Annotated[str, Meta(min_length=8, max_length=2000)]
    description: Annotated[str, Meta(max_length=200)] = ""
    types: list[str] = []


class Terms(msgspec.Struct):
    """Where a webhook's events go, what for, and which; no types: all."""

    url: Annotated[str, Meta(min_length=8, max_length=2000)]
    description: Annotated[str, Meta(max_length=200)] = ""
    types: list[str] = []


class Rotation(msgspec.Struct):
    """For how many hours both secrets sign."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24


class Turning(msgspec.Struct):
    """Whether a webhook is to be active."""

    state: EndpointState


class Replaying(msgspec.Struct):
    """Which deliveries are sent anew; `act` is whether they are only counted. Instants are local, to the minute."""

    which: Literal["failed", "delivered", "both"] = "failed"
    type: str = ""
    since: str = ""
    until: str = ""
    first: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    last: Annotated[int, Meta(ge=0, le=2**62)] | None = None
    act: Literal["count", "send"] = "count"


def _chosen(wish: Replaying, page: Page) -> Chosen | dict[str, str]:
    """Return which deliveries somebody means, or what is wrong by field."""
    since, until = (instant_of(typed, page) for typed in (wish.since, wish.until))
    given = {"since": (wish.since, since), "until": (wish.until, until)}
    if wrong := [name for name, (typed, at) in given.items() if typed and at is None]:
        return dict.fromkeys(wrong, in_language(NO_INSTANT, page.language))
    return Chosen(
        states=("failed", "delivered") if wish.which == "both" else (wish.which,),
        type=wish.type or None,
        since=since,
        until=None if until is None else until + _TO_THE_MINUTE,
        first=wish.first,
        last=wish.last,
    )


class Deleting(msgspec.Struct):
    """The word that confirms it."""

    confirmation: str


def webhook_pages(kit: Kit) -> Pages:
    """Return the pages of webhooks."""
    handlers = [*_all(kit), *_one(kit), _change(kit), *_acts(kit), *_risky(kit), *delivery_pages(kit)]
    entry = Entry(WEBHOOKS, mark("Webhooks"), icon="webhook", permission=READ, words=WORDS)
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Developers"), (entry,))])


def state_of(endpoint: Endpoint) -> Badge:
    """Return how a webhook stands."""
    is_failing = endpoint.disabled_for is None and endpoint.failing_since is not None
    return FAILING if is_failing else WHY[endpoint.disabled_for]


def endpoint_id_in(text: str) -> UUID:
    """Read the id of a webhook. Raises NotFound."""
    found = parse_public_id(ENDPOINT_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def _audit(tx: Transaction, action: str, public: str, detail: str = "") -> None:
    tx.audit(
        AuditEntry(actor=tx.actor, action=action, subject=public, reason="", request_id=tx.request_id, detail=detail)
    )


def _all(kit: Kit) -> list[Any]:
    guard = Guard(kit.services.settings.webhook_networks)

    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        async with kit.services.database.transaction() as tx:
            found = await service.every(tx)
            standings = await service.standings(tx)
        rows = [
            (public_id(ENDPOINT_PREFIX, one.endpoint_id), one, state_of(one), standings[one.endpoint_id])
            for one in found
        ]
        return kit.render(
            request,
            "console/webhooks.html",
            status=status,
            form=form,
            webhooks=rows,
            disabled=[(public, one) for public, one, _, _ in rows if one.disabled_for not in {None, "by_hand"}],
            types=[public.name for public in PUBLIC_TYPES],
        )

    @get(WEBHOOKS, guards=[kit.guards.staff(READ)])
    async def webhooks(request: AnyRequest) -> Response[bytes]:
        return await show(request, blank_form(kit.page(request).language))

    @post(WEBHOOKS, guards=[kit.guards.staff(READ, WRITE)])
    async def make(request: AnyRequest) -> Response[bytes]:
        form, actor = read_form(request, NewWebhook, kit.page(request).language), who(request).actor
        if form.value is None:
            return await show(request, form, 422)
        wish, sent = form.value, sent_form(request, actor)
        try:
            await guard.check(wish.url)
            async with kit.services.database.transaction(actor=actor) as tx:
                if (led := await sent.led_to(tx)) is not None:
                    return kit.see(led, Notice(ALREADY))
                made = await service.create(tx, kit.services.vault, wish.url, wish.description, wish.types)
                public = public_id(ENDPOINT_PREFIX, made.endpoint.endpoint_id)
                await sent.leads_to(tx, f"{WEBHOOKS}/{public}")
                _audit(tx, "create_webhook", public, endpoint_in_words(made.endpoint))
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        return show_secret(kit, request, made)

    return [webhooks, make]


def show_secret(kit: Kit, request: AnyRequest, made: Made) -> Response[bytes]:
    """Show the secret of a webhook, this once."""
    endpoint = made.endpoint
    return kit.render(
        request,
        "console/webhook_secret.html",
        secret=shown(open_secret(kit.services.vault, endpoint.endpoint_id, made.sealed)),
        endpoint=endpoint,
        path=f"{WEBHOOKS}/{public_id(ENDPOINT_PREFIX, endpoint.endpoint_id)}",
    )


async def _show_one(
    kit: Kit,
    request: AnyRequest,
    public: str,
    *,
    terms: Form[Any] | None = None,
    rotate: Form[Any] | None = None,
    replay: Form[Any] | None = None,
    delete: Form[Any] | None = None,
    counted: int | None = None,
    status: int = 200,
) -> Response[Any]:
    endpoint_id, page = endpoint_id_in(public), kit.page(request)
    async with kit.services.database.transaction() as tx:
        endpoint = await service.find(tx, endpoint_id)
        standing = (await service.standings(tx))[endpoint_id]
    answer = await kit.listing(
        request,
        "console/webhook.html",
        listing_in(page.language),
        fetch_deliveries(endpoint_id, page.formats),
        endpoint=endpoint,
        facts=_facts(endpoint, page.language),
        standing=standing,
        is_active=endpoint.state == EndpointState.ACTIVE,
        may_act=page.viewer.may(WRITE),
        path=f"{WEBHOOKS}/{public}",
        terms=terms
        or blank_form(page.language, url=endpoint.url, description=endpoint.description, types=endpoint.types),
        every_type=sorted([public.name for public in PUBLIC_TYPES], key=lambda name: name not in endpoint.types),
        rotate=rotate or blank_form(page.language, overlap_hours=24),
        replay=replay or blank_form(page.language, which="failed"),
        delete=delete or blank_form(page.language),
        counted=counted,
        types=[(name, name) for name in (endpoint.types or [public.name for public in PUBLIC_TYPES])],
        word=DELETE,
    )
    if status != 200:  # noqa: PLR2004 - HTTP's own
        answer.status_code = status
    return answer


def _facts(endpoint: Endpoint, language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("State"), state_of(endpoint)),
        (mark("Address"), Code(endpoint.url)),
        (mark("Events"), ", ".join(endpoint.types) or in_language(mark("All of them"), language)),
        (mark("What for"), endpoint.description or None),
        (mark("Last taken"), endpoint.delivered_at),
        (mark("Failing since"), endpoint.failing_since),
        (mark("Disabled since"), endpoint.disabled_at),
        (mark("Two secrets until"), endpoint.old_secret_until),
        (mark("Made"), endpoint.created_at),
        (mark("Id"), Code(public_id(ENDPOINT_PREFIX, endpoint.endpoint_id))),
    ]
    return [(in_language(label, language), value) for label, value in told]


def _one(kit: Kit) -> list[Any]:
    @get(ONE, guards=[kit.guards.staff(READ)])
    async def webhook(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        return await _show_one(kit, request, webhook_id)

    @post(f"{ONE}/state", guards=[kit.guards.staff(READ, WRITE)])
    async def turn(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        form = read_form(request, Turning, kit.page(request).language)
        if form.value is None:
            return await _show_one(kit, request, webhook_id, status=422)
        state = form.value.state
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            changed = await service.change(tx, endpoint_id_in(webhook_id), Changes(state=state))
            _audit(tx, "change_webhook", webhook_id, change_in_words(changed.before, changed.after))
        told = (
            mark("Events are delivered again.")
            if state is EndpointState.ACTIVE
            else mark("Nothing is delivered any more.")
        )
        return kit.see(f"{WEBHOOKS}/{webhook_id}", Notice(told))

    return [webhook, turn]


def _change(kit: Kit) -> Any:  # noqa: ANN401 - a route handler
    guard = Guard(kit.services.settings.webhook_networks)

    @post(f"{ONE}/terms", guards=[kit.guards.staff(READ, WRITE)])
    async def change(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        form = read_form(request, Terms, kit.page(request).language)
        if form.value is None:
            return await _show_one(kit, request, webhook_id, terms=form, status=422)
        wish, endpoint_id = form.value, endpoint_id_in(webhook_id)
        try:
            await guard.check(wish.url)
            async with kit.services.database.transaction(actor=who(request).actor) as tx:
                wanted = Changes(url=wish.url, description=wish.description, types=tuple(wish.types))
                changed = await service.change(tx, endpoint_id, wanted)
                _audit(tx, "change_webhook", webhook_id, change_in_words(changed.before, changed.after))
        except DomainError as error:
            return await _show_one(kit, request, webhook_id, terms=form.refused(error), status=error.status)
        return kit.see(f"{WEBHOOKS}/{webhook_id}", Notice(mark("The webhook is changed, also for what waits.")))

    return change


def _acts(kit: Kit) -> list[Any]:
    @post(f"{ONE}/test", guards=[kit.guards.staff(READ, WRITE)])
    async def test(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            made = await service.send_ping(tx, endpoint_id_in(webhook_id))
            _audit(tx, "test_webhook", webhook_id)
        delivery = public_id(DELIVERY_PREFIX, made.delivery_id)
        return kit.see(
            f"{WEBHOOKS}/{webhook_id}/deliveries/{delivery}", Notice(mark("An event that means nothing is sent."))
        )

    @post(f"{ONE}/replay", guards=[kit.guards.staff(READ, WRITE)])
    async def replay(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        """Count first what would be sent anew, then send it."""
        form, actor = read_form(request, Replaying, kit.page(request).language), who(request).actor
        if form.value is None:
            return await _show_one(kit, request, webhook_id, replay=form, status=422)
        wish, endpoint_id, page = form.value, endpoint_id_in(webhook_id), kit.page(request)
        chosen = _chosen(wish, page)
        if isinstance(chosen, dict):
            wrong: Form[Any] = Form(page.language, form.values, chosen)
            return await _show_one(kit, request, webhook_id, replay=wrong, status=422)
        try:
            async with kit.services.database.transaction(actor=actor) as tx:
                if wish.act == "count":
                    counted = await service.count_to_replay(tx, endpoint_id, chosen)
                else:
                    counted = await service.replay_range(tx, endpoint_id, chosen)
                    _audit(tx, "replay_deliveries", webhook_id, str(counted))
        except DomainError as error:
            return await _show_one(kit, request, webhook_id, replay=form.refused(error), status=error.status)
        if wish.act == "count":
            return await _show_one(kit, request, webhook_id, replay=form, counted=counted)
        return kit.see(
            f"{WEBHOOKS}/{webhook_id}", Notice(mark("{count} deliveries are sent anew."), values={"count": counted})
        )

    return [test, replay]


def _risky(kit: Kit) -> list[Any]:
    @post(f"{ONE}/rotate", guards=[kit.guards.staff(READ, WRITE)])
    async def rotate(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        form, actor = read_form(request, Rotation, kit.page(request).language), who(request).actor
        if form.value is None:
            return await _show_one(kit, request, webhook_id, rotate=form, status=422)
        sent, overlap = sent_form(request, actor), timedelta(hours=form.value.overlap_hours)
        async with kit.services.database.transaction(actor=actor) as tx:
            if (led := await sent.led_to(tx)) is not None:
                return kit.see(led, Notice(ALREADY))
            made = await service.rotate(tx, kit.services.vault, endpoint_id_in(webhook_id), overlap)
            await sent.leads_to(tx, f"{WEBHOOKS}/{webhook_id}")
            _audit(tx, "rotate_webhook_secret", webhook_id, rotation_in_words(made.endpoint))
        return show_secret(kit, request, made)

    @post(f"{ONE}/delete", guards=[kit.guards.staff(READ, WRITE)])
    async def delete(request: AnyRequest, webhook_id: FromPath[str]) -> Response[Any]:
        language = kit.page(request).language
        form = read_form(request, Deleting, language)
        if form.value is None or form.value.confirmation != DELETE:
            said = say("Type {word}, in capitals.", language, word=DELETE)
            unconfirmed: Form[Any] = Form(language, form.values, {"confirmation": said})
            return await _show_one(kit, request, webhook_id, delete=unconfirmed, status=422)
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            was = await service.delete(tx, endpoint_id_in(webhook_id))
            _audit(tx, "delete_webhook", webhook_id, endpoint_in_words(was))
        return kit.see(WEBHOOKS, Notice(mark("The webhook is deleted.")))

    return [rotate, delete]
