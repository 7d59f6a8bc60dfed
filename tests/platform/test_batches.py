"""A command that brings all others down is found by halving, and harms only itself."""

from collections.abc import Sequence

import pytest
from psycopg.errors import LockNotAvailable

from regulars.platform.commit.batches import apply_in_parts
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import Conflict, DomainError

pytestmark = pytest.mark.anyio
BAD = 7


async def apply(tx: Transaction, commands: Sequence[int]) -> list[int | DomainError]:
    """Write all numbers, then refuse everything if a bad one is among them."""
    tx.write("INSERT INTO met SELECT * FROM unnest(%s::int[])", (list(commands),))
    await tx.flush()
    if BAD in commands:
        raise Conflict
    return list(commands)


async def busy(_: Transaction, commands: Sequence[int]) -> list[int | DomainError]:
    raise LockNotAvailable(str(commands))


async def test_one_bad_command_harms_only_itself(database: Database) -> None:
    async with database.transaction() as tx:
        tx.write("CREATE TABLE met (number int)")
        found = await apply_in_parts(tx, apply, list(range(12)))
        assert await apply_in_parts(tx, apply, []) == []
        assert [each if isinstance(each, int) else type(each) for each in found] == [
            Conflict if number == BAD else number for number in range(12)
        ]
        met = await tx.rows("SELECT number FROM met ORDER BY number")
    assert met == [(number,) for number in range(12) if number != BAD]


async def test_what_is_no_commands_fault_is_raised(database: Database) -> None:
    with pytest.raises(LockNotAvailable):
        async with database.transaction() as tx:
            await apply_in_parts(tx, busy, [1, 2])
