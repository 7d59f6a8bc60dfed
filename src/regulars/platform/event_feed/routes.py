"""HTTP of the feed."""

import asyncio
from typing import Annotated, Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from regulars.platform.event_feed import service
from regulars.platform.event_feed.contracts import FeedPage, Wanted
from regulars.platform.event_feed.schemas import EventsAnswer
from regulars.platform.event_feed.waiting import Pulse
from regulars.platform.http.guards import requires
from regulars.platform.http.member_filter import member_filter
from regulars.platform.http.openapi import ALSO_REFUSES
from regulars.platform.public_events.telling import source_of
from regulars.platform.services import Services

TAGS: Final = ["events"]
PageSize = Annotated[int, QueryParameter(ge=1, le=500)]
Seconds = Annotated[int, QueryParameter(ge=0, le=20)]


def feed_routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the route of the feed."""
    source = source_of(services.settings.public_url)
    pulse = Pulse(services.database, lambda: services.stopping)

    async def read(cursor: str | None, wanted: Wanted) -> FeedPage:
        async with services.database.transaction(set_based=True) as tx:
            return await service.read_feed(tx, cursor, wanted, source)

    @get(
        "/v1/events",
        guards=[requires("events:read")],
        operation_id="listEvents",
        tags=TAGS,
        summary="Read what happened",
        response_description="Events, and where to go on.",
        opt={ALSO_REFUSES: frozenset({410})},
    )
    async def list_events(
        cursor: FromQuery[str | None] = None,
        types: FromQuery[str | None] = None,
        member_id: FromQuery[str | None] = None,
        limit: PageSize = 100,
        wait: Seconds = 0,
    ) -> EventsAnswer:
        """Return events behind a cursor: each once, those of one member in the order they happened.

        Without a cursor the feed begins with the first event there is, with `now` behind the last one. `types` are
        names from the list of webhooks, with commas between them. An answer may hold fewer events than `limit`, even
        none: `has_more` says whether to ask on at once. With `wait`, an answer without events waits so many seconds
        for one. A cursor of before a restore is refused (410).
        """
        wanted = Wanted(service.types_in(types.split(",")) if types else (), member_filter(member_id), limit)
        until = asyncio.get_running_loop().time() + wait
        while True:
            beats = pulse.beats
            page = await read(cursor, wanted)
            left = until - asyncio.get_running_loop().time()
            if page.events or page.has_more or left <= 0 or not await pulse.wait(beats, left, page.taken):
                break
            cursor = page.cursor
        return EventsAnswer(events=page.events, has_more=page.has_more, next_cursor=page.cursor)

    return [list_events]
