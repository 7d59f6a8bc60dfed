"""What the year came to, as anyone can recompute it from the raw table."""

from hashlib import sha256

from msgspec import Struct

from regulars.commerce import api as commerce
from regulars.demo.dataset import Year
from regulars.demo.facts import member_id_of
from regulars.demo.programme import END, TIERS
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction


class Summary(Struct, kw_only=True):
    """The year's figures. Points and growth are units, `_cents` are minor units of USD.

    `points_earned`, `points_redeemed` and `growth` are as settled at order time, before returns; `points_reversed`,
    `growth_reversed`, `points_given_back` and `returned_cents` (value returned, not cash) are what returns did;
    `points_expired` was left in lots that expired by the end. `tiers` counts members from Regular to Diamond. `digest`
    is the SHA-256 over a line a household: `{household},{tier},{available},{pending},{growth in window},{debt}`.
    """

    orders: int
    lines: int
    members: int
    online_orders: int
    revenue_cents: int
    points_earned: int
    points_redeemed: int
    points_given_back: int
    points_reversed: int
    points_expired: int
    growth: int
    growth_reversed: int
    returns: int
    returned_cents: int
    available: int
    pending: int
    debt: int
    repaired_value: int
    repaired_quantity: int
    tiers: list[int]
    digest: str


async def summarise(tx: Transaction, year: Year) -> Summary:
    """Return the figures as the books stood at the year's end, whatever was posted since."""
    sales = await commerce.sales_totals(tx, END)
    totals = await loyalty.programme_totals(tx, END)

    def total(wallet: str, kind: str) -> int:
        return abs(totals.get((wallet, kind), 0))

    standings = {standing.member_id: standing for standing in await loyalty.standings(tx, END)}
    households = sorted(set(year.households.tolist()))
    of_households = [(household, standings[member_id_of(household)]) for household in households]
    digest = sha256()
    for household, standing in of_households:
        digest.update(
            f"{household},{standing.rank},{standing.available},{standing.pending},"
            f"{standing.growth},{standing.debt}\n".encode()
        )
    ranks = [standing.rank for _, standing in of_households]
    return Summary(
        orders=sales.orders,
        lines=sales.lines,
        members=len(of_households),
        online_orders=sales.orders_by_channel.get("online", 0),
        revenue_cents=sales.revenue_minor,
        points_earned=total("points", "earn"),
        points_redeemed=total("points", "redeem"),
        points_given_back=total("points", "give_back"),
        points_reversed=total("points", "claw_back"),
        points_expired=total("points", "expire"),
        growth=total("growth", "earn"),
        growth_reversed=total("growth", "claw_back"),
        returns=sales.returns,
        returned_cents=sales.returned_minor,
        available=sum(standing.available for _, standing in of_households),
        pending=sum(standing.pending for _, standing in of_households),
        debt=sum(standing.debt for _, standing in of_households),
        repaired_value=year.repaired_value,
        repaired_quantity=year.repaired_quantity,
        tiers=[ranks.count(rank) for rank in range(len(TIERS))],
        digest=digest.hexdigest(),
    )
