"""Operations on events, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator

from regulars_client.blocking.transport import Group, walk
from regulars_client.calls import Call
from regulars_client.models import EventsAnswer, PublicEvent


class Events(Group):
    """Operations on events."""

    def list(
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
        return self._transport.call(
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
    ) -> Iterator[PublicEvent]:
        """Go through all pages of `list`, row by row."""
        return walk(
            lambda cursor: self.list(types=types, member_id=member_id, limit=limit, wait=wait, cursor=cursor),
            lambda page: page.events,
        )
