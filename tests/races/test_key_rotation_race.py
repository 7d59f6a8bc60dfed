"""A key is rotated twice at once, and while it is used; and once more with the guard taken away."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from regulars.platform.auth import service, store
from regulars.platform.auth.errors import RotationUnderWay
from regulars.platform.auth.service import Authenticator
from regulars.platform.db.database import Database
from regulars.platform.errors import NotAuthenticated
from tests.platform.test_auth import make

pytestmark = pytest.mark.anyio

AT_ONCE = 4


async def rotated(database: Database, key_id: UUID, ready: asyncio.Barrier) -> bytes | None:
    """Return the new token; None if another rotation came first."""
    async with database.transaction(actor="cli") as tx:
        await tx.rows("SELECT 1")
        await ready.wait()
        try:
            _, token = await service.rotate_key(tx, key_id, overlap=timedelta(hours=1))
        except RotationUnderWay:
            return None
    return f"Bearer {token}".encode()


async def dead_tokens(database: Database) -> tuple[int, int]:
    """Rotate a key several times at once; return how many tokens were given out, and how many of all are refused."""
    key_id, old = await make(database)
    ready = asyncio.Barrier(AT_ONCE)
    tokens = [old, *filter(None, await asyncio.gather(*[rotated(database, key_id, ready) for _ in range(AT_ONCE)]))]
    dead = 0
    for token in tokens:
        try:
            await Authenticator(database).authenticate(token)
        except NotAuthenticated:
            dead += 1
    return len(tokens) - 1, dead


async def test_of_rotations_at_once_one_is_done_and_no_token_that_was_given_is_lost(database: Database) -> None:
    assert await dead_tokens(database) == (1, 0)


async def test_without_the_guard_tokens_that_were_given_would_be_dead(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: nobody asks whether an overlap lasts."""
    unguarded = store.ROTATE_KEY.replace("AND (previous_until > %(now)s) IS NOT TRUE", "")
    monkeypatch.setattr(store, "ROTATE_KEY", unguarded)

    given, dead = await dead_tokens(database)

    assert given == AT_ONCE
    assert dead == AT_ONCE - 1


async def refused_in_use(database: Database, overlap: timedelta) -> int:
    """Use a key in several processes while it is rotated ten times; return how often its users were refused."""
    key_id, token = await make(database)
    processes = [Authenticator(database) for _ in range(AT_ONCE)]
    refused = 0

    async def rotate() -> bytes:
        async with database.transaction(actor="cli") as tx:
            _, given = await service.rotate_key(tx, key_id, overlap=overlap)
        return f"Bearer {given}".encode()

    async def end_overlap() -> None:
        async with database.transaction(actor="cli") as tx:
            await service.end_overlap(tx, key_id)

    async def use(process: Authenticator, held: bytes) -> None:
        nonlocal refused
        await process._forget_if_changed()
        try:
            await process.authenticate(held)
        except NotAuthenticated:
            refused += 1

    for _ in range(10):
        rotating = asyncio.create_task(rotate())
        await asyncio.gather(*[use(process, token) for process in processes])
        given = await rotating
        # The new token is still on its way to those who use the key.
        await asyncio.gather(*[use(process, token) for process in processes])
        await asyncio.gather(end_overlap(), *[use(process, given) for process in processes])
        token = given
    return refused


async def test_nobody_is_refused_while_a_key_is_rotated(database: Database) -> None:
    assert await refused_in_use(database, timedelta(hours=1)) == 0


async def test_without_an_overlap_its_users_would_be_refused(database: Database) -> None:
    """The negative control."""
    assert await refused_in_use(database, timedelta()) >= 10 * AT_ONCE
