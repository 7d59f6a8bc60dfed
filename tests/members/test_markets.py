"""Markets are defined once and known to everyone."""

import pytest
from msgspec.structs import replace

from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.service import define_market, find_market, market
from tests.members.people import CN, US, rows

pytestmark = pytest.mark.anyio


async def test_a_market_is_defined_once_and_found(database: Database) -> None:
    for _ in range(2):
        async with database.transaction() as tx:
            await define_market(tx, CN)
            await define_market(tx, US)

    async with database.transaction() as tx:
        assert await market(tx, "CN") == CN
        assert await find_market(tx, "US") == US
        assert await find_market(tx, "XX") is None
        with pytest.raises(DomainError) as met:
            await market(tx, "XX", pointer="/lines/0/market")
    assert (met.value.code, met.value.status, met.value.pointer) == ("unknown_market", 422, "/lines/0/market")
    assert met.value.data == {"market": "XX"}


async def test_a_connection_that_knows_markets_learns_of_a_new_one(database: Database) -> None:
    async with database.transaction() as tx:
        await define_market(tx, CN)
        assert await market(tx, "CN") == CN
        await define_market(tx, US)
        assert await market(tx, "US") == US


@pytest.mark.parametrize(
    ("defined", "code", "pointer"),
    [
        (replace(CN, currency="USD"), "market_differs", None),
        (replace(CN, time_zone="Asia/Urumqi"), "market_differs", None),
        (replace(US, code="us"), "market_impossible", "/code"),
        (replace(US, country="USA"), "market_impossible", "/country"),
        (replace(US, currency="usd"), "market_impossible", "/currency"),
        (replace(US, time_zone="America/Columbus"), "market_impossible", "/time_zone"),
        (replace(US, time_zone="../etc/passwd"), "market_impossible", "/time_zone"),
        (replace(US, time_zone=""), "market_impossible", "/time_zone"),
        (replace(US, language="english language"), "market_impossible", "/language"),
    ],
)
async def test_what_cannot_be_a_market_changes_nothing(
    database: Database, defined: Market, code: str, pointer: str | None
) -> None:
    async with database.transaction() as tx:
        await define_market(tx, CN)
    before = await rows(database, "SELECT * FROM markets")

    with pytest.raises(DomainError) as met:
        async with database.transaction() as tx:
            await define_market(tx, defined)

    assert (met.value.code, met.value.pointer) == (code, pointer)
    assert await rows(database, "SELECT * FROM markets") == before
