"""What the tests of erasing share: asking for it, having it carried out, and looking for what is left."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from regulars.members import api
from regulars.members.contracts.privacy import AskErasure, Erasure, Parts, PrivacyPart, Section
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.contracts import Vault
from tests.members.people import rows

AT_ONCE = timedelta()


async def _tells_nothing(_tx: Transaction, _vault: Vault, _member_id: UUID) -> dict[str, Section]:
    return {}


def part(erase: Callable[[Transaction, Sequence[UUID]], Awaitable[None]]) -> PrivacyPart:
    """Return the part of a room that only erases."""
    return PrivacyPart(room="test", erase=erase, export=_tells_nothing, sections={}, excused={})


async def ask(database: Database, member_id: UUID, *, wait: timedelta = AT_ONCE, parts: Parts = ()) -> Erasure:
    async with database.transaction() as tx:
        return await api.ask_erasure(
            tx, parts, wait, AskErasure(member_id=member_id, actor="test", reason="asked for it")
        )


async def erase(database: Database, vault: Vault, member_id: UUID, parts: Parts = ()) -> None:
    await ask(database, member_id, parts=parts)
    assert await api.carry_out_due(database, vault, parts, at=wall_now()) == 1


async def texts_of_everything(database: Database) -> dict[str, str]:
    """Return each table as text; what is bytes is read as UTF-8, as far as it is that, so that a text in it shows."""
    tables = await rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = {}
    for (table,) in tables:
        values: list[str] = []
        for row in await rows(database, f'SELECT * FROM "{table}"'):
            for value in row:
                if isinstance(value, bytes | memoryview):
                    values.append(bytes(value).decode("utf-8", "replace"))
                elif not isinstance(value, datetime):  # whose digits may be anybody's
                    values.append(str(value))
        found[table] = "\n".join(values)
    return found


def where(texts: dict[str, str], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Return which secret stands in which table."""
    return [(table, secret) for table, text in texts.items() for secret in secrets if secret in text]
