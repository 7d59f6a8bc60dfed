"""What the feed gives."""

from typing import NamedTuple
from uuid import UUID

from regulars.platform.public_events.contracts import PublicEvent


class Wanted(NamedTuple):
    """What a reader asks for: the event classes of `types` (all if empty), of one member or of everybody."""

    types: tuple[str, ...] = ()
    member_id: UUID | None = None
    limit: int = 100


class FeedPage(NamedTuple):
    """Events in order for each member; `cursor` goes on behind them. `has_more`: there are rows to look at already.

    `taken` is what was visible when they were read.
    """

    events: list[PublicEvent]
    cursor: str
    has_more: bool
    taken: str
