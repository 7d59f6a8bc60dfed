"""The part of the walk in which lots run out later than they would have."""

from typing import Any, Protocol

import httpx


class Asks(Protocol):
    """The walk, as its parts see it."""

    async def ask(self, operation: str, says: str, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """Call an operation, and tell of it."""


async def extensions(walk: Asks, client: httpx.AsyncClient, member: str) -> None:
    """Let points of a tasting run out later, one lot and many."""
    given = await client.post(
        f"{member}/accruals",
        json={"amount": 40, "reason": "Tasting", "reference": "tasting:7", "expires_at": "2026-06-01T00:00:00Z"},
        headers={"Idempotency-Key": "tasting"},
    )
    await walk.ask(
        "extendLot",
        "Her 40 points of a tasting would run out on 1 June; the shop is closed for repairs until then.",
        "POST",
        f"{member}/lots/{given.json()['transfer_id']}/extensions",
        {
            "expires_at": "2026-07-01T00:00:00Z",
            "reason": "The shop was closed for repairs",
            "reference": "repairs:1",
        },
    )

    taken = await client.post(
        f"{member}/accruals",
        json={"amount": 20, "reason": "Tasting", "reference": "tasting:8", "expires_at": "2026-06-01T00:00:00Z"},
        headers={"Idempotency-Key": "tasting-8"},
    )
    await walk.ask(
        "extendLots",
        "The same for many members; each row is decided on its own.",
        "POST",
        "/v1/lots/extensions/batch",
        {
            "extensions": [
                {
                    "member_id": member.rpartition("/")[2],
                    "lot_id": taken.json()["transfer_id"],
                    "expires_at": "2026-07-01T00:00:00Z",
                    "reason": "The shop was closed for repairs",
                    "reference": "repairs:2",
                }
            ]
        },
    )
