"""That there is what was to be made, and that pages show what the rows say, counted by the bench's own SQL."""

import asyncio
from typing import Any, Final

from bench.crowd import WHALE, Crowd, store_id
from bench.programme import Site, member_id, public
from bench.proofs import DRAIN_SECONDS, books_balance
from bench.server import BenchBroken
from bench.visitors import Browser
from regulars.demo.programme import MARKET

PROVED_WHOLE_UP_TO: Final = 50_000
_ZONE: Final = MARKET.time_zone
_SINCE: Final = f"(date_trunc('day', now() AT TIME ZONE '{_ZONE}') - interval '29 days') AT TIME ZONE '{_ZONE}'"
_SUMS_OFF: Final = """
SELECT (SELECT count(*) FROM members),
       (SELECT count(*) FROM orders AS o WHERE NOT EXISTS (SELECT FROM members AS m WHERE m.member_id = o.member_id)),
       (SELECT count(*) FROM orders AS o FULL JOIN order_keys AS k USING (order_id) WHERE o.member_id <> k.member_id
            OR o.order_id IS NULL OR k.order_id IS NULL),
       (SELECT sum(total_minor) FROM orders) - (SELECT sum(amount_minor) FROM order_lines),
       (SELECT sum(CASE WHEN mod(credit_account, 100) = 0 THEN amount ELSE -amount END) FROM ledger_transfers)
            - (SELECT sum(balance) FROM member_wallets),
       (SELECT sum(remaining) FROM lots) - (SELECT sum(balance + debt) FROM member_wallets WHERE wallet_id = 1)
"""
_SPENDABLE: Final = (
    "SELECT sum(remaining) FROM lots WHERE member_id = %(whale)s AND available_at <= now() AND expires_at > now()"
)
# Page and who opens it; a question with one answer; and how the answer stands in the page's words or its HTML.
_SHOWN: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("staff", "/console", "SELECT count(*) FROM members", "Members {:,}"),
    (
        "staff",
        "/console",
        f"SELECT count(*) FROM orders WHERE occurred_at >= {_SINCE} AND paid_at IS NOT NULL",
        "Paid orders {:,}",
    ),
    (
        "staff",
        "/console/stores/{store}",
        f"SELECT count(*) FROM orders WHERE occurred_at >= {_SINCE} AND paid_at IS NOT NULL AND store_id = %(store)s",
        "Paid orders {:,}",
    ),
    (
        "staff",
        "/console/orders",
        "SELECT order_id FROM orders ORDER BY occurred_at DESC, order_id DESC LIMIT 1",
        "Total {}",
    ),
    (
        "shop",
        "/console/orders",
        "SELECT order_id FROM orders WHERE store_id = %(store)s ORDER BY occurred_at DESC, order_id DESC LIMIT 1",
        "Total {}",
    ),
    ("staff", "/console/members/{whale}", _SPENDABLE, "Points that can be spent {:,}"),
    ("member", "/portal", _SPENDABLE, "Available points {:,}"),
    ("member", "/portal/points", _SPENDABLE, "{:,}"),
    (
        "member",
        "/portal/statement",
        "SELECT amount FROM ledger_transfers WHERE member_id = %(whale)s ORDER BY seq DESC LIMIT 1",
        "+{:,}",
    ),
)


async def prove_crowd(crowd: Crowd) -> None:
    """Raise BenchBroken unless there are so many members, and their books agree with each other."""
    wanted = (crowd.members, 0, 0, 0, 0, 0)
    async with crowd.database.transaction() as tx:
        found = (await tx.rows(_SUMS_OFF))[0]
    if found != wanted:
        raise BenchBroken(f"the members that were made are not right: {found} instead of {wanted}")
    if crowd.members <= PROVED_WHOLE_UP_TO:  # by every check of the product; they take a minute for 100,000
        await books_balance(Site(crowd.home, crowd.url, crowd.database, "", 0))


async def settled(crowd: Crowd, browsers: dict[str, Browser]) -> None:
    """Wait until the worker has added up what pages show. Raises BenchBroken after two minutes."""
    tries = int(DRAIN_SECONDS)
    for left in reversed(range(tries)):
        try:
            await prove(crowd, browsers)
        except BenchBroken:
            if not left:
                raise
            await asyncio.sleep(1)
        else:
            return


async def prove(crowd: Crowd, browsers: dict[str, Browser]) -> None:
    """Raise BenchBroken unless pages show what an independent count gives."""
    about = {"whale": member_id(WHALE), "store": store_id(0)}
    for who, path, question, shown in _SHOWN:
        async with crowd.database.transaction() as tx:
            answer: Any = (await tx.rows(question, about))[0][0]
        address = path.format(whale=public(WHALE), store=store_id(0))
        said, expected = browsers[who].words(address), shown.format(answer)
        if expected not in said:
            raise BenchBroken(f"{address} does not say “{expected}”: {said[:3000]}")
