"""The log of a webhook: deliveries, and one with what was sent and answered."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.errors import Conflict, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.public_events.catalogue import EVENT_PREFIX, PUBLIC_TYPES
from regulars.platform.public_events.telling import source_of
from regulars.platform.texts import say
from regulars.platform.webhooks import service
from regulars.platform.webhooks.contracts import (
    DELIVERY_PREFIX,
    ENDPOINT_PREFIX,
    PING,
    Attempt,
    Chosen,
    Delivery,
    DeliveryState,
)
from regulars.platform.webhooks.telling import body_of
from regulars.web.console.account import who
from regulars.web.console.words import days_of, member_link
from regulars.web.kit.cells import Badge, Cell, Code, Link, Tone
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit
from regulars.web.kit.listings import Choice, Column, Days, Listing, Slice, Wanted
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import noted
from regulars.web.kit.texts import in_language, mark

ONE: Final = "/console/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}"
READ, WRITE = "webhooks:read", "webhooks:write"
_DIGITS: Final = 18
_DAY: Final = timedelta(days=1)

AnyRequest = Request[Any, Any, Any]

STATES: Final[dict[str, tuple[str, Tone]]] = {
    "pending": (mark("Waits"), "warning"),
    "delivered": (mark("Delivered"), "success"),
    "failed": (mark("Given up"), "error"),
}


class Logged(NamedTuple):
    """A delivery with its last attempt, if there was one."""

    delivery: Delivery
    last: Attempt | None


# What the courier notes where nothing was answered, in words, and what to do then.
REASONS: Final[dict[str, tuple[str, str]]] = {
    "no connection": (
        mark("no connection"),
        mark("Nobody answers there: does the receiver run, are name and port right, does a firewall stand between?"),
    ),
    "took too long": (
        mark("took too long"),
        mark("The receiver should answer first and work afterwards: keep the event, answer 200, then work."),
    ),
    "broke off": (
        mark("broke off"),
        mark("The receiver closed the connection before it answered: its log, or its proxy's, tells why."),
    ),
    "leads to an address that is not allowed": (
        mark("leads to an address that is not allowed"),
        mark("The name leads to a private address now. The operator allows networks in REGULARS_WEBHOOK_NETWORKS."),
    ),
}
_SIGNATURE: Final = mark(
    "The receiver refuses it: does it check the signature with the secret that is in force, over the raw body?"
)
_NOTHING_THERE: Final = mark("The receiver knows no such address: compare it with what its own documentation says.")
REMEDIES: Final[dict[int, str]] = {
    3: mark("The receiver redirects, which is not followed: write the address to which it leads."),
    4: mark("The receiver refuses the event: what it answered below the attempt may say why."),
    5: mark("The receiver itself failed: its own log tells why. Nothing is lost, it is tried again."),
    400: _SIGNATURE,
    401: _SIGNATURE,
    403: _SIGNATURE,
    404: _NOTHING_THERE,
    405: _NOTHING_THERE,
    410: mark("The receiver wants no more events, so the webhook was disabled."),
    429: mark("The receiver wants fewer requests: it is asked again when it says."),
}


def _event(one: Delivery) -> Link:
    webhook, delivery = public_id(ENDPOINT_PREFIX, one.endpoint_id), public_id(DELIVERY_PREFIX, one.delivery_id)
    return Link(one.type, f"/console/webhooks/{webhook}/deliveries/{delivery}")


def answer_in_words(last: Attempt | None, language: str) -> str | None:
    """Return what came of an attempt, in words; None before the first."""
    if last is None:
        return None
    if last.error and not last.error.startswith("answered"):
        reason = last.error.partition(" (")[0]
        return in_language(REASONS.get(reason, (reason, ""))[0], language)
    return say(mark("answered {status}"), language, status=last.status or 0)


def remedy(last: Attempt | None) -> str:
    """Return a marked text that says what to do about a failed attempt; empty where nothing is, or nothing is known."""
    if last is None or not last.error:
        return ""
    status = last.status if last.error.startswith("answered") else None
    if status is None:
        return REASONS.get(last.error.partition(" (")[0], ("", ""))[1]
    return REMEDIES.get(status) or REMEDIES.get(status // 100, "")


def listing_in(language: str) -> Listing:
    """Return the log of a webhook as a list."""
    types = (*(public.name for public in PUBLIC_TYPES), PING)
    return Listing(
        name="webhook-deliveries",
        columns=(
            Column("event", mark("Event"), lambda one: _event(one.delivery)),
            Column("state", mark("State"), lambda one: Badge(*STATES[one.delivery.state])),
            Column("answer", mark("Last answer"), lambda one: answer_in_words(one.last, language), wraps=True),
            Column("member", mark("Member"), lambda one: _member(one.delivery), minor=True),
            Column("attempts", mark("Attempts"), lambda one: one.delivery.attempts, minor=True),
            Column("queued", mark("Since"), lambda one: one.delivery.queued_at),
            Column("next", mark("Next attempt"), lambda one: one.delivery.due_at, minor=True),
            Column("number", mark("Number"), lambda one: Code(str(one.delivery.position)), minor=True),
        ),
        filters=(
            Choice("state", mark("State"), tuple((state, label) for state, (label, _) in STATES.items())),
            Choice("type", mark("Event"), tuple((name, name) for name in types)),
            Days("since", mark("Since")),
        ),
        empty=mark("Nothing was delivered yet."),
    )


def _member(one: Delivery) -> Link | None:
    return member_link(one.member_id) if one.member_id else None


def fetch_deliveries(endpoint_id: UUID, formats: Formats) -> Callable[[Wanted], Awaitable[Slice]]:
    """Return what reads a webhook's log for the list."""

    async def fetch(wanted: Wanted) -> Slice:
        state = wanted.filters.get("state")
        first, last = days_of(wanted.filters, "since")
        chosen = Chosen(
            states=(state,) if state in STATES else (),
            type=wanted.filters.get("type"),
            since=None if first is None else formats.first_moment(first),
            until=None if last is None else formats.first_moment(last + _DAY) - timedelta.resolution,
            last=_before(wanted.after),
        )
        async with wanted.reading() as tx:
            found = await service.list_deliveries(tx, endpoint_id, chosen, wanted.limit + 1)
            attempts = await service.attempts_of(tx, found)
        rows = [Logged(one, next(reversed(attempts.get(one.delivery_id, [])), None)) for one in found]
        more = len(rows) > wanted.limit
        return Slice(rows[: wanted.limit], after=str(found[wanted.limit - 1].position) if more else None)

    return fetch


def _before(after: str | None) -> int | None:
    return int(after) - 1 if after and after.isascii() and after.isdecimal() and len(after) <= _DIGITS else None


def _ids(webhook_id: str, delivery_id: str) -> tuple[UUID, UUID]:
    endpoint, delivery = parse_public_id(ENDPOINT_PREFIX, webhook_id), parse_public_id(DELIVERY_PREFIX, delivery_id)
    if endpoint is None or delivery is None:
        raise NotFound
    return endpoint, delivery


def delivery_pages(kit: Kit) -> list[Any]:
    """Return the page of one delivery."""
    source = source_of(kit.services.settings.public_url)

    @get(ONE, guards=[kit.guards.staff(READ)])
    async def delivery(request: AnyRequest, webhook_id: FromPath[str], delivery_id: FromPath[str]) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            found, told = await service.find_delivery(tx, *_ids(webhook_id, delivery_id))
            attempts = (await service.attempts_of(tx, [found])).get(found.delivery_id, [])
        body = body_of(told, source)
        return kit.render(
            request,
            "console/webhook_delivery.html",
            delivery=found,
            facts=_facts(found, page.language),
            sent_headers=_headers(found),
            body=msgspec.json.format(body, indent=2).decode(),
            attempts=[(one, _outcome(one), answer_in_words(one, page.language)) for one in reversed(attempts)],
            remedy=in_language(remedy(attempts[-1] if attempts else None), page.language),
            may_replay=page.viewer.may(WRITE) and found.state != DeliveryState.PENDING,
            path=f"/console/webhooks/{webhook_id}",
            own=f"/console/webhooks/{webhook_id}/deliveries/{delivery_id}",
        )

    @post(f"{ONE}/replay", guards=[kit.guards.staff(READ, WRITE)])
    async def replay(request: AnyRequest, webhook_id: FromPath[str], delivery_id: FromPath[str]) -> Response[bytes]:
        notice = Notice(mark("The event is sent anew."))
        try:
            async with kit.services.database.transaction(actor=who(request).actor) as tx:
                await service.replay_one(tx, *_ids(webhook_id, delivery_id))
                tx.audit(
                    AuditEntry(
                        actor=tx.actor,
                        action="replay_delivery",
                        subject=delivery_id,
                        reason="",
                        request_id=tx.request_id,
                    )
                )
        except Conflict as error:
            notice = Notice(noted(error).message, "error")
        return kit.see(f"/console/webhooks/{webhook_id}/deliveries/{delivery_id}", notice)

    return [delivery, replay]


def _outcome(one: Attempt) -> Badge:
    return Badge(mark("Failed"), "error") if one.error else Badge(mark("Taken"), "success")


def _headers(found: Delivery) -> list[tuple[str, str]]:
    return [
        ("webhook-id", public_id(EVENT_PREFIX, found.event_id)),
        ("webhook-timestamp", "…"),
        ("webhook-signature", "v1,…"),
        ("Content-Type", "application/cloudevents+json"),
    ]


def _facts(found: Delivery, language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("State"), Badge(*STATES[found.state])),
        (mark("Member"), member_link(found.member_id) if found.member_id else None),
        (mark("Attempts"), found.attempts),
        (mark("Since"), found.queued_at),
        (mark("Next attempt"), found.due_at),
        (mark("Ended"), found.settled_at),
        (mark("Number"), Code(str(found.position))),
    ]
    return [(in_language(label, language), value) for label, value in told]
