"""The connection is cut between the commit and the answer: who asks again with the same key gets it, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.faults.product import product_at
from tests.faults.rounds import MEMBERS, rounds_on
from tests.faults.shop import prepare
from tests.faults.test_clock_steps import ANSWERS, until_answered
from tests.faults.victims import WEB

pytestmark = pytest.mark.anyio

CUT_SHARE = 0.4
CHUNK = 65_536


@dataclass
class Cutter:
    """Stands before the web process, and now and then lets nobody hear what it answered."""

    behind: int
    random: Random
    port: int = 0
    cut: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what comes, in both directions, until one end is gone or the answer is cut off."""
        with suppress(OSError):
            answers, asked = await asyncio.open_connection("127.0.0.1", self.behind)
            passing = asyncio.create_task(pass_on(reader, asked))
            try:
                while answer := await answers.read(CHUNK):
                    if self.random.random() < CUT_SHARE:  # it was carried out: it has been answered
                        self.cut += 1
                        break
                    writer.write(answer)
                    await writer.drain()
            finally:
                passing.cancel()
                asked.close()
        writer.close()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes from one end to the other."""
    with suppress(OSError):
        while part := await reader.read(CHUNK):
            writer.write(part)
            await writer.drain()


@asynccontextmanager
async def cutting(behind: int, seed: int) -> AsyncIterator[Cutter]:
    """Give a cutter that listens."""
    cutter = Cutter(behind, Random(seed))
    server = await asyncio.start_server(cutter.serve, "127.0.0.1", 0)
    cutter.port = server.sockets[0].getsockname()[1]
    try:
        yield cutter
    finally:
        server.close()


async def test_what_nobody_heard_of_is_carried_out_once(tmp_path: Path) -> None:
    with product_at(tmp_path) as product:
        await prepare(product, MEMBERS)
        product.add(WEB, "serve")
        async with cutting(product.port, seed=1) as cutter, rounds_on(product, seed=1) as rounds:
            rounds.load.address = f"http://127.0.0.1:{cutter.port}"
            mine = await rounds.send(partial(until_answered, rounds, ANSWERS))
            rounds.load.address = product.address
            await rounds.check(mine)
        heard_later = [one for one in mine if one.answer is not None and one.answer.replayed]
        assert cutter.cut > ANSWERS / 4
        assert len(heard_later) > ANSWERS / 8, "the cuts came before anything was carried out"
