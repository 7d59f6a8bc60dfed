"""Markets, people and questions that the tests of members share."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from regulars.members import api
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.markets.contracts import Market, PrivacyRegime
from regulars.platform.markets.service import define_market
from regulars.platform.vault.contracts import Vault

CN = Market(
    code="CN",
    country="CN",
    currency="CNY",
    time_zone="Asia/Shanghai",
    language="zh-CN",
    privacy_regime=PrivacyRegime.PIPL,
)
US = Market(
    code="US",
    country="US",
    currency="USD",
    time_zone="America/New_York",
    language="en",
    privacy_regime=PrivacyRegime.CCPA,
)
NEW_YEAR = datetime(2017, 1, 1, 5, tzinfo=UTC)

TABLES = ("members", "identities", "member_identities", "member_profiles", "consents", "outbox")


def phone(value: str = "138 0013 8000") -> IdentityValue:
    return IdentityValue(IdentityKind.PHONE, value)


def email(value: str = "Wang.Fang@Example.com") -> IdentityValue:
    return IdentityValue(IdentityKind.EMAIL, value)


def card(value: str = "6222 0000 1234") -> IdentityValue:
    return IdentityValue(IdentityKind.CARD, value)


def external(value: str = "household:900") -> IdentityValue:
    return IdentityValue(IdentityKind.EXTERNAL, value)


def wish(*identities: IdentityValue, **more: Any) -> SignUp:  # noqa: ANN401 - fields of SignUp
    return SignUp(**({"market": "CN", "identities": identities, "channel": "store", "store_id": "7"} | more))


async def define_markets(database: Database) -> None:
    async with database.transaction() as tx:
        await define_market(tx, CN)
        await define_market(tx, US)


async def sign_up(database: Database, vault: Vault, *wishes: SignUp) -> list[Member | DomainError]:
    async with database.transaction() as tx:
        return await api.sign_up(tx, vault, wishes)


async def signed_up(
    database: Database,
    vault: Vault,
    *identities: IdentityValue,
    **more: Any,  # noqa: ANN401 - fields of SignUp
) -> Member:
    (member,) = await sign_up(database, vault, wish(*identities, **more))
    assert isinstance(member, Member), member
    return member


async def lookup(database: Database, vault: Vault, value: IdentityValue, market: str | None = "CN") -> UUID | None:
    async with database.transaction() as tx:
        return await api.lookup(tx, vault, value, market)


async def rows(database: Database, text: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    async with database.transaction() as tx:
        return await tx.rows(text, parameters)


async def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that members wrote, to be compared before and after a refusal."""
    async with database.transaction() as tx:
        return {table: sorted(await _all(tx, table), key=repr) for table in TABLES}


async def _all(tx: Transaction, table: str) -> list[tuple[Any, ...]]:
    return await tx.rows(f"SELECT * FROM {table}")
