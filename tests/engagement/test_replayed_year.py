"""A replayed year is told to nobody; the first purchase after it is."""

from pathlib import Path

import pytest

from regulars.commerce import api as commerce
from regulars.demo.facts import member_id_of
from regulars.demo.programme import END
from regulars.engagement.channels.composing import Composer
from regulars.engagement.channels.notices import tell_of_expiry
from regulars.engagement.contracts import MessageChannel
from regulars.entrypoints.reactions import REACTIONS
from regulars.loyalty import api as loyalty
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.outbox.relay import Relay
from regulars.platform.vault.local import LocalVault
from tests.commerce.shop import HOUR, MINUTE
from tests.engagement.post_office import order
from tests.year.replaying import Scope
from tests.year.replaying import replay as replay_year

pytestmark = pytest.mark.anyio


async def test_a_replayed_year_is_told_to_nobody(database: Database, tmp_path: Path) -> None:
    few = Scope("few", frozenset({1, 900}))
    await replay_year(database, tmp_path, few, "easy")
    events = await Relay(database, REACTIONS).drain()

    async def counts() -> tuple[int, int]:
        async with database.transaction() as tx:
            rows = await tx.rows(
                "SELECT (SELECT count(*) FROM message_occasions), (SELECT count(*) FROM handled_events)"
            )
        return rows[0][0], rows[0][1]

    assert events > 100
    assert await counts() == (0, 0)
    async with database.transaction() as tx:
        assert not await tell_of_expiry(tx, (14,))
    assert await counts() == (0, 0)

    bought = END + MINUTE
    fact = order(
        member_id_of(900), "after-the-year", store_id=None, market="US", currency="USD", channel="online",
        occurred_at=bought - HOUR, recorded_at=bought,
    )  # fmt: skip
    async with database.transaction(set_based=True) as tx:
        (outcome,) = await commerce.apply(tx, commerce.Commerce(loyalty.Configuration()), [fact])
    assert not isinstance(outcome, DomainError), outcome
    await Relay(database, REACTIONS).drain()
    vault = LocalVault(tmp_path / "vault")
    async with database.transaction() as tx:
        assert await Composer(vault, frozenset({MessageChannel.INBOX})).compose(tx) == 1
        assert await tx.rows("SELECT kind, channel, state FROM messages") == [("receipt", "inbox", "sent")]
    vault.close()
