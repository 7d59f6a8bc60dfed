"""SQL of endpoints."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from regulars.platform.db import arrays
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.webhooks.contracts import Endpoint, Standing

_COLUMNS: LiteralString = """
endpoint_id, url, description, types, state, disabled_for, disabled_at, created_at, old_secret_until, failures,
failing_since, next_try_at, delivered_at
"""


def _endpoints(rows: Rows) -> list[Endpoint]:
    return [Endpoint._make(row) for row in rows]


async def every(tx: Transaction) -> list[Endpoint]:
    """Return every endpoint, the oldest first; they are few."""
    return _endpoints(await tx.rows(f"SELECT {_COLUMNS} FROM webhook_endpoints ORDER BY endpoint_id"))  # noqa: S608 - our own text


async def disabled_as_failing(tx: Transaction) -> int:
    """Return how many endpoints are disabled, but not by anybody."""
    text: LiteralString = (
        "SELECT count(*) FROM webhook_endpoints WHERE state = 'disabled' AND disabled_for <> 'by_hand'"
    )
    return int((await tx.rows(text))[0][0])


async def find(tx: Transaction, endpoint_id: UUID, *, hold: bool = False) -> Endpoint | None:
    """Return one endpoint, held until the transaction ends when asked to."""
    text: LiteralString = f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE endpoint_id = %s"  # noqa: S608 - our own text
    held: LiteralString = " FOR UPDATE" if hold else ""
    found = _endpoints(await tx.rows(text + held, (endpoint_id,)))
    return found[0] if found else None


async def hold(tx: Transaction, endpoint_ids: Collection[UUID]) -> list[Endpoint]:
    """Return endpoints, held until the transaction ends, in one order: who waits for another waits for no third."""
    text: LiteralString = (
        f"SELECT {_COLUMNS} FROM webhook_endpoints WHERE endpoint_id = ANY (%s::uuid[]) ORDER BY endpoint_id FOR UPDATE"  # noqa: S608 - our own text
    )
    return _endpoints(await tx.rows(text, (arrays.ids(endpoint_ids),)))


async def hold_all(tx: Transaction) -> int:
    """Keep others from adding endpoints until the transaction ends; return how many there are."""
    tx.write("LOCK TABLE webhook_endpoints IN SHARE ROW EXCLUSIVE MODE")
    return int((await tx.rows("SELECT count(*) FROM webhook_endpoints"))[0][0])


async def wanted(tx: Transaction) -> list[tuple[UUID, list[str]]]:
    """Return the active endpoints with the types that they want (none: all)."""
    rows = await tx.rows("SELECT endpoint_id, types FROM webhook_endpoints WHERE state = 'active' ORDER BY endpoint_id")
    return [(endpoint_id, types) for endpoint_id, types in rows]


_INSERT: LiteralString = """
INSERT INTO webhook_endpoints (endpoint_id, url, description, types, state, created_at, sealed_secret)
VALUES (%s, %s, %s, %s::text[], 'active', %s, %s)
"""


def insert(
    tx: Transaction,
    endpoint_id: UUID,
    *,
    url: str,
    description: str,
    types: Sequence[str],
    at: datetime,
    sealed: bytes,
) -> None:
    """Add an active endpoint."""
    tx.write(_INSERT, (endpoint_id, url, description, arrays.texts(types), at, sealed))


def change(tx: Transaction, endpoint_id: UUID, url: str, description: str, types: Sequence[str]) -> None:
    """Change what an endpoint is."""
    text: LiteralString = (
        "UPDATE webhook_endpoints SET url = %s, description = %s, types = %s::text[] WHERE endpoint_id = %s"
    )
    tx.write(text, (url, description, arrays.texts(types), endpoint_id))


def enable(tx: Transaction, endpoint_id: UUID) -> None:
    """Let events be delivered again, as if nothing had failed."""
    text: LiteralString = """
    UPDATE webhook_endpoints SET state = 'active', disabled_for = NULL, disabled_at = NULL, failures = 0,
        failing_since = NULL, next_try_at = NULL
    WHERE endpoint_id = %s
    """
    tx.write(text, (endpoint_id,))


def disable(tx: Transaction, endpoint_id: UUID, disabled_for: str, at: datetime) -> None:
    """Deliver nothing more; what is disabled already keeps its reason."""
    text: LiteralString = """
    UPDATE webhook_endpoints SET state = 'disabled', disabled_for = %s, disabled_at = %s
    WHERE endpoint_id = %s AND state = 'active'
    """
    tx.write(text, (disabled_for, at, endpoint_id))


def rotate(tx: Transaction, endpoint_id: UUID, sealed: bytes, old_until: datetime | None) -> None:
    """Let another secret sign, beside the one before until an instant; None: at once alone."""
    text: LiteralString = """
    UPDATE webhook_endpoints
    SET sealed_old_secret = CASE WHEN %(until)s::timestamptz IS NULL THEN NULL ELSE sealed_secret END,
        old_secret_until = %(until)s, sealed_secret = %(sealed)s
    WHERE endpoint_id = %(endpoint)s
    """
    tx.write(text, {"until": old_until, "sealed": sealed, "endpoint": endpoint_id})


def delete(tx: Transaction, endpoint_id: UUID) -> None:
    """Delete an endpoint. Its deliveries are led to by nothing more, and go with the retention."""
    tx.write("DELETE FROM webhook_endpoints WHERE endpoint_id = %s", (endpoint_id,))


_STANDINGS: LiteralString = """
SELECT e.endpoint_id,
       (SELECT count(*) FROM webhook_deliveries AS d WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending'),
       (SELECT min(queued_at) FROM webhook_deliveries AS d WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending'),
       (SELECT count(*) FROM webhook_deliveries AS d WHERE d.endpoint_id = e.endpoint_id AND d.state = 'failed')
FROM webhook_endpoints AS e
"""


async def standings(tx: Transaction) -> dict[UUID, Standing]:
    """Return how every endpoint's deliveries stand."""
    return {endpoint_id: Standing(*rest) for endpoint_id, *rest in await tx.rows(_STANDINGS)}
