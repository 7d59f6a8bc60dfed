"""A day at Beichen's by the API, every operation once: carried out, and told in docs/walkthrough.md (`make docs`).

Each part of the day stands in a file of its own (`walking_*.py`); here is their order.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx

from regulars.entrypoints.configure import configure, read_programme
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import web
from regulars.platform.auth import service as keys
from tests.architecture.source import ROOT
from tests.entrypoints.walking import Walking
from tests.entrypoints.walking_books import walk_books
from tests.entrypoints.walking_bulk import walk_bulk
from tests.entrypoints.walking_events import walk_events
from tests.entrypoints.walking_finance import walk_finance
from tests.entrypoints.walking_households import walk_households
from tests.entrypoints.walking_merges import walk_merges, walk_proposals
from tests.entrypoints.walking_policies import Policies
from tests.entrypoints.walking_privacy import walk_messages, walk_privacy
from tests.entrypoints.walking_shop import walk_member, walk_orders, walk_programme
from tests.entrypoints.walking_transfers import walk_transfers

PAGE: Final = ROOT / "docs" / "walkthrough.md"
EXAMPLES: Final = ROOT / "src" / "regulars" / "platform" / "http" / "worked_examples.json"
PROGRAMME: Final = ROOT / "docs" / "examples" / "programme.toml"


@dataclass
class Walk(Walking):
    """All of the day."""

    async def take(self) -> "Walk":
        """Go all of it."""
        await self.clock(timedelta(days=-1))
        await configure(self.services.database, read_programme(PROGRAMME), reason="opening day")
        await self.clock(timedelta())
        async with self.services.database.transaction() as tx:
            _, token = await keys.create_key(tx, label="walkthrough", scopes=["admin"])
            _, self.colleague = await keys.create_key(tx, label="other", scopes=["ledger:approve", "policies:approve"])
        way = self.transport or httpx.ASGITransport(app=create_app(self.services, web(self.services)))
        headers = {"Authorization": f"Bearer {token}", "Regulars-Purpose": "care ticket 5521"}
        async with self.caller(transport=way, base_url="http://api.example", headers=headers) as self.client:
            await walk_programme(self)
            wang = await walk_member(self)
            for part in (walk_orders, walk_books, walk_messages, walk_finance, walk_privacy):
                await part(self, wang)
            await Policies(self, self.client, self.services.database).walk()
            await walk_merges(self)
            await walk_households(self)
            await walk_proposals(self, self.client)
            await walk_transfers(self, wang)
            await walk_events(self, self.services.database)
            await walk_bulk(self, self.services, wang)
        return self
