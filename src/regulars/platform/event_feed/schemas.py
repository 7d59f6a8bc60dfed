"""What callers get of the feed."""

from typing import Annotated

from msgspec import Meta, Struct

from regulars.platform.public_events.contracts import PublicEvent


class EventsAnswer(Struct, frozen=True, kw_only=True):
    """Events, in order for each member. Keep `next_cursor`, whether there are events or not, and ask with it next."""

    events: list[PublicEvent]
    has_more: Annotated[bool, Meta(description="Ask again at once: there is more to look at.")]
    next_cursor: Annotated[str, Meta(description="Never null: it is where to go on, now or tomorrow.")]
