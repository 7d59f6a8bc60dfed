"""How a whole deployment stands, as its database knows: asked anew with every question."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from regulars.platform.audit.contracts import Sealing
from regulars.platform.audit.service import sealing
from regulars.platform.clock import wall_now
from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.health import store
from regulars.platform.health.contracts import Jobs, Size, TableSize, Workers
from regulars.platform.health.looks import HEARTBEAT_SECONDS
from regulars.platform.outbox.contracts import Backlog
from regulars.platform.outbox.service import backlog
from regulars.platform.verification.books import Verified, last_verified
from regulars.platform.webhooks import service as webhooks
from regulars.platform.webhooks.contracts import EndpointState, Standing

_ANSWER_MILLISECONDS: Final = 3_000


class Webhooks(NamedTuple):
    """How many endpoints are in each state, and how the deliveries of the active ones stand."""

    endpoints: dict[str, int]
    pending: int
    given_up: int
    oldest_queued_at: datetime | None


class Figures(NamedTuple):
    """How a deployment stands at `at` (wall clock)."""

    at: datetime
    backlog: Backlog
    jobs: Jobs
    workers: Workers
    size: Size
    sealing: Sealing
    webhooks: Webhooks
    books: tuple[datetime, Verified] | None


async def figures_of(database: Database) -> Figures | None:
    """Ask the database; None if it does not answer within 3 seconds a question."""
    try:
        async with database.transaction() as tx:
            store.hurry(tx, _ANSWER_MILLISECONDS)
            return await _ask(tx)
    except CONNECTION_LOST:
        return None


async def largest_tables(database: Database, limit: int) -> list[TableSize]:
    """Return the tables that take most room; none if the database does not answer within 3 seconds."""
    try:
        async with database.transaction() as tx:
            store.hurry(tx, _ANSWER_MILLISECONDS)
            return await store.largest_tables(tx, limit)
    except CONNECTION_LOST:
        return []


async def _ask(tx: Transaction) -> Figures:
    at = wall_now()
    return Figures(
        at,
        await backlog(tx),
        await store.jobs(tx, at),
        await store.workers(tx, at - timedelta(seconds=HEARTBEAT_SECONDS)),
        await store.size(tx, at),
        await sealing(tx),
        await _webhooks(tx),
        await last_verified(tx),
    )


async def _webhooks(tx: Transaction) -> Webhooks:
    endpoints = dict.fromkeys(EndpointState, 0)
    found, standings = await webhooks.every(tx), await webhooks.standings(tx)
    active: list[Standing] = []
    for one in found:
        endpoints[EndpointState(one.state)] += 1
        if one.state == EndpointState.ACTIVE and one.endpoint_id in standings:
            active.append(standings[one.endpoint_id])
    queued = [one.oldest_queued_at for one in active if one.oldest_queued_at is not None]
    return Webhooks(
        {state.value: count for state, count in endpoints.items()},
        sum([one.pending for one in active]),
        sum([one.failed for one in active]),
        min(queued, default=None),
    )
