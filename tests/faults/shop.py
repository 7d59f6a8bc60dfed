"""What the load needs before it begins: a market, a policy, a shop, members with points, and a key."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from psycopg.conninfo import conninfo_to_dict

from regulars.commerce import api as commerce
from regulars.demo.programme import MARKET
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue, Posting
from regulars.loyalty.policy.contracts import EarningPolicy, PaymentPolicy, Policy, TierPolicy, TierRule
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.auth import service as keys
from regulars.platform.auth.contracts import SCOPES
from regulars.platform.clock import wall_now
from regulars.platform.db.database import Database
from regulars.platform.db.migrate import migrate
from regulars.platform.embedded import acquire
from regulars.platform.ids import public_id
from regulars.platform.markets import service as markets
from regulars.platform.vault.local import LocalVault
from tests.faults.product import Product, Shop

STORE = "330"
CURRENCY = MARKET.currency
PREPARED_POINTS = 500
PREPARED = "prepared"

# Points mature at once and tiers are near, so that orders spend what orders earned, and returns take tiers away.
POLICY = Policy(
    tier=TierPolicy(
        tiers=(
            TierRule(code="regular", threshold=0, multiplier=1),
            TierRule(code="silver", threshold=200, multiplier=1),
            TierRule(code="gold", threshold=500, multiplier=2),
            TierRule(code="diamond", threshold=1000, multiplier=3),
        )
    ),
    earning=EarningPolicy(minor_per_point=100, maturity_hours=0),
    payment=PaymentPolicy(point_value_minor=1, max_percent=50, min_spendable=1),
)


async def prepare(product: Product, size: int) -> Shop:
    """Make a programme with `size` members in the product's empty home, before any of its programs runs."""
    with acquire(product.home) as server:
        migrate(server.url)
        vault = LocalVault(product.home / "vault")
        try:
            async with Database(server.url, pool_size=2) as database:
                product.shop = await _found(database, vault, size)
                return product.shop
        finally:
            vault.close()


async def found_at(product: Product, database_url: str, size: int) -> Shop:
    """Make a programme with `size` members in a database of the tests, migrated and empty."""
    place = conninfo_to_dict(database_url)
    product.settings["DATABASE_URL"] = f"postgresql:///{place.pop('dbname')}?{urlencode(place)}"
    vault = LocalVault(product.home / "vault")
    try:
        async with Database(database_url, pool_size=2) as database:
            product.shop = await _found(database, vault, size)
            return product.shop
    finally:
        vault.close()


async def _found(database: Database, vault: LocalVault, size: int) -> Shop:
    async with database.transaction(actor="tests") as tx:
        await members.claim_vault(tx, vault)
        await markets.define_market(tx, MARKET)
        loyalty.define_standard_wallets(tx)
        await loyalty.activate_policy(tx, POLICY, wall_now() - timedelta(days=1))
        await commerce.define_stores(tx, [commerce.Store(STORE, MARKET.code, "The shop of the faults")])
        _, token = await keys.create_key(tx, label="faults", scopes=sorted(SCOPES), requests_per_second=0)
    async with database.transaction(actor="tests") as tx:
        signed_up = await members.sign_up(tx, vault, [_wish(number) for number in range(size)])
    ids = tuple([one.member_id for one in signed_up if isinstance(one, Member)])
    async with database.transaction(actor="tests") as tx:
        given = await loyalty.post(tx, loyalty.Configuration(), [_gift(member_id) for member_id in ids])
    assert len(ids) == size
    assert all(isinstance(one, Posting) for one in given)
    return Shop(database.url, token, ids)


def _wish(number: int) -> SignUp:
    identity = IdentityValue(IdentityKind.EXTERNAL, f"faults:{number}")
    return SignUp(market=MARKET.code, identities=(identity,), channel="store", store_id=STORE)


def _gift(member_id: UUID) -> Accrue:
    return Accrue(member_id=member_id, wallet="points", amount=PREPARED_POINTS, reference=PREPARED)


def public(member_id: UUID) -> str:
    """Write a member's id as the API does."""
    return public_id("mbr", member_id)
