"""A till that goes on selling while the network is away, and books every sale once.

    export REGULARS_URL=https://club.example REGULARS_KEY=rgl_…
    python till.py slips.db sell "138 0013 8000" tea=3900 cup=5900
    python till.py slips.db deliver

Each sale is a slip in a file before it is sent, under an id of the till's own. Whatever is switched off in between, the
slip is sent again until an answer came: the order's id makes sure that it counts once.
"""

import os
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from regulars_client import Conflict, Invalid, Regulars, RegularsError, Retries
from regulars_client.clock import wall_seconds
from regulars_client.models import Amount, LineBody

# A customer waits at the till: five seconds, then the sale goes on without the answer.
AT_THE_TILL = Retries(attempts=4, deadline_seconds=5)


class Slip(msgspec.Struct, frozen=True):
    """One sale, as the till keeps it: no name, no phone number."""

    order_id: str
    sold_at: datetime
    lines: list[LineBody]
    member_id: str | None = None

    @property
    def total(self) -> Amount:
        """What was paid."""
        return Amount(
            amount_minor=sum(line.amount.amount_minor for line in self.lines), currency=self.lines[0].amount.currency
        )


class Till:
    """One till of a store, with its slips in a file."""

    def __init__(self, client: Regulars, slips: Path, *, store_id: str, market: str) -> None:
        self._client, self._store_id, self._market = client, store_id, market
        self._slips = sqlite3.connect(slips)
        with self._slips:
            self._slips.execute("CREATE TABLE IF NOT EXISTS slips (order_id TEXT PRIMARY KEY, slip BLOB, refused TEXT)")

    def member_by_phone(self, phone: str) -> str | None:
        """Return the member, None if nobody is found or the network is away: the sale goes on all the same."""
        try:
            return self._client.members.look_up(kind="phone", value=phone, market=self._market).member_id
        except RegularsError:
            return None

    def sell(self, lines: list[LineBody], member_id: str | None = None) -> list[str]:
        """Sell, and return what to print below the sum."""
        slip = Slip(f"till-{uuid4()}", datetime.fromtimestamp(wall_seconds(), UTC), lines, member_id)
        with self._slips:
            self._slips.execute("INSERT INTO slips VALUES (?, ?, NULL)", (slip.order_id, msgspec.json.encode(slip)))
        try:
            return self._send(slip)
        except (Conflict, Invalid) as refused:
            return [refused.detail]
        except RegularsError:  # no answer, or not at this moment: the slip waits
            return ["Your points follow."]

    def deliver(self) -> int:
        """Send what waits, the oldest first, and return how many were booked. Raises RegularsError where it stops."""
        booked = 0
        rows = self._slips.execute("SELECT slip FROM slips WHERE refused IS NULL ORDER BY rowid").fetchall()
        for (kept,) in rows:
            try:
                self._send(msgspec.json.decode(kept, type=Slip))
            except (Conflict, Invalid):
                continue  # kept with the reason, for a person
            booked += 1
        return booked

    @property
    def waiting(self) -> int:
        """How many slips wait for an answer."""
        (count,) = self._slips.execute("SELECT count(*) FROM slips WHERE refused IS NULL").fetchone()
        return int(count)

    def _send(self, slip: Slip) -> list[str]:
        """Send a slip and forget it; one that is refused for good is kept with the reason. Raises RegularsError."""
        try:
            told = self._client.orders.put(
                slip.order_id,
                state="paid",
                channel="store",
                store_id=self._store_id,
                market=self._market,
                member_id=slip.member_id,
                total=slip.total,
                lines=slip.lines,
                occurred_at=slip.sold_at,
            )
        except (Conflict, Invalid) as refused:
            with self._slips:
                self._slips.execute("UPDATE slips SET refused = ? WHERE order_id = ?", (refused.code, slip.order_id))
            raise
        with self._slips:
            self._slips.execute("DELETE FROM slips WHERE order_id = ?", (slip.order_id,))
        return [
            f"{effect.points} points, from {effect.available_at:%d.%m.%Y}" for effect in told.effects if effect.points
        ]

    def close(self) -> None:
        """Close the file."""
        self._slips.close()


def main(arguments: list[str]) -> None:
    """Sell, or deliver what waits."""
    file, command, *rest = arguments
    with Regulars(
        os.environ["REGULARS_URL"], api_key=os.environ["REGULARS_KEY"], application="till/1.0", retries=AT_THE_TILL
    ) as client:
        till = Till(client, Path(file), store_id="nanjing-road", market="CN")
        if command == "sell":
            phone, *goods = rest
            named = [one.partition("=") for one in goods]
            lines = [LineBody(sku=sku, amount=Amount(amount_minor=int(fen), currency="CNY")) for sku, _, fen in named]
            print(*till.sell(lines, till.member_by_phone(phone)), sep="\n")
        else:
            print(f"{till.deliver()} sent, {till.waiting} waiting")
        till.close()


if __name__ == "__main__":
    main(sys.argv[1:])
