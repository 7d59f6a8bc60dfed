"""The log of a webhook: deliveries, and one with what was sent and answered."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.errors import Conflict, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.public_events.catalogue import EVENT_PREFIX
from regulars.platform.public_events.telling import source_of
from regulars.platform.webhooks import service
from regulars.platform.webhooks.contracts import (
    DELIVERY_PREFIX,
    ENDPOINT_PREFIX,
    Attempt,
    Chosen,
    Delivery,
    DeliveryState,
)
from regulars.platform.webhooks.telling import body_of
from regulars.web.console.account import who
from regulars.web.console.words import member_link
from regulars.web.kit.cells import Badge, Cell, Code, Link, Tone
from regulars.web.kit.kit import Kit
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import noted
from regulars.web.kit.texts import in_language, mark

ONE: Final = "/console/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}"
READ, WRITE = "webhooks:read", "webhooks:write"
_DIGITS: Final = 18

AnyRequest = Request[Any, Any, Any]

STATES: Final[dict[str, tuple[str, Tone]]] = {
    "pending": (mark("Waits"), "warning"),
    "delivered": (mark("Delivered"), "success"),
    "failed": (mark("Given up"), "error"),
}


def _event(one: Delivery) -> Link:
    webhook, delivery = public_id(ENDPOINT_PREFIX, one.endpoint_id), public_id(DELIVERY_PREFIX, one.delivery_id)
    return Link(one.type, f"/console/webhooks/{webhook}/deliveries/{delivery}")


LISTING: Final = Listing(
    name="webhook-deliveries",
    columns=(
        Column("event", mark("Event"), _event),
        Column("state", mark("State"), lambda one: Badge(*STATES[one.state])),
        Column("member", mark("Member"), lambda one: one.member_id and member_link(one.member_id), minor=True),
        Column("attempts", mark("Attempts"), lambda one: one.attempts, minor=True),
        Column("queued", mark("Since"), lambda one: one.queued_at, minor=True),
        Column("next", mark("Next attempt"), lambda one: one.due_at, minor=True),
        Column("number", mark("Number"), lambda one: Code(str(one.position)), minor=True),
    ),
    filters=(Choice("state", mark("State"), tuple((state, label) for state, (label, _) in STATES.items())),),
    empty=mark("Nothing was delivered yet."),
)


def fetch_deliveries(endpoint_id: UUID) -> Callable[[Wanted], Awaitable[Slice]]:
    """Return what reads a webhook's log for the list."""

    async def fetch(wanted: Wanted) -> Slice:
        state = wanted.filters.get("state")
        chosen = Chosen(states=(state,) if state in STATES else (), last=_before(wanted.after))
        async with wanted.reading() as tx:
            rows = await service.list_deliveries(tx, endpoint_id, chosen, wanted.limit + 1)
        more = len(rows) > wanted.limit
        return Slice(rows[: wanted.limit], after=str(rows[wanted.limit - 1].position) if more else None)

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
            attempts=[(one, _outcome(one)) for one in reversed(attempts)],
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
