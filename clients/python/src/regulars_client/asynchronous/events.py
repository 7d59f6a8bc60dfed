"""Operations on events, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call
from regulars_client.models import EventsAnswer, PublicEvent


class AsyncEvents(Group):
    """Operations on events."""

    async def list(
        self,
        *,
        cursor: str | None = None,
        types: str | None = None,
        member_id: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
    ) -> EventsAnswer:
        """Read what happened.

        Return events behind a cursor: each once, those of one member in the order they happened.

        Without a cursor the feed begins with the first event there is, with `now` behind the last one. `types` are
        names from the list of webhooks, with commas between them. An answer may hold fewer events than `limit`, even
        none: `has_more` says whether to ask on at once. With `wait`, an answer without events waits so many seconds
        for one. A cursor of before a restore is refused (410).
        """
        return await self._transport.call(
            Call(
                "GET",
                "/v1/events",
                EventsAnswer,
                query={"cursor": cursor, "types": types, "member_id": member_id, "limit": limit, "wait": wait},
            )
        )

    def iterate(
        self,
        *,
        types: str | None = None,
        member_id: str | None = None,
        limit: int | None = None,
        wait: int | None = None,
    ) -> AsyncIterator[PublicEvent]:
        """Go through all pages of `list`, row by row."""
        return walk_async(
            lambda cursor: self.list(types=types, member_id=member_id, limit=limit, wait=wait, cursor=cursor),
            lambda page: page.events,
        )
