"""Facts and readers for tests of the feed."""

from datetime import UTC, datetime
from uuid import UUID

from regulars.domain_events.loyalty import PointsAccrued, PointsRedeemed
from regulars.platform.db.database import Database
from regulars.platform.event_feed.contracts import FeedPage, Wanted
from regulars.platform.event_feed.service import LOOK_AT, read_feed, types_in

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANNE, BO = UUID(int=1), UUID(int=2)


def accrued(member_id: UUID | None, number: int) -> PointsAccrued:
    return PointsAccrued(member_id=member_id, recorded_at=NOON, wallet="points", amount=number, reference=f"r{number}")


def redeemed(member_id: UUID | None, number: int) -> PointsRedeemed:
    return PointsRedeemed(member_id=member_id, recorded_at=NOON, wallet="points", amount=number, reference=f"r{number}")


class Reader:
    """Somebody who reads the feed and keeps the cursor."""

    def __init__(
        self,
        database: Database,
        *types: str,
        limit: int = 100,
        look_at: int = LOOK_AT,
        member_id: UUID | None = None,
        cursor: str | None = None,
    ) -> None:
        self._database = database
        self._wanted = Wanted(types_in(types), member_id, limit)
        self._look_at = look_at
        self.cursor = cursor
        self.numbers: list[int] = []
        self.pages: list[int] = []

    async def step(self) -> FeedPage:
        """Ask once."""
        async with self._database.transaction(set_based=True) as tx:
            page = await read_feed(tx, self.cursor, self._wanted, "urn:test", look_at=self._look_at)
        self.cursor = page.cursor
        self.numbers += [event.data["amount"] for event in page.events]
        self.pages.append(len(page.events))
        return page

    async def drain(self) -> list[int]:
        """Ask until there is nothing more; return the numbers that came out of it."""
        before = len(self.numbers)
        while (await self.step()).has_more:
            pass
        return self.numbers[before:]
