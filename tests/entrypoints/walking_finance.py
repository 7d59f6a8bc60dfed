"""The part of the walk that is about the liability, closed months and breakage."""

from datetime import date, datetime, timedelta

from regulars.loyalty.api import BOOKS, Configuration, begin_close, expire_due, go_on_closing
from regulars.platform.rollups.service import bring_up_to_date
from tests.entrypoints.walking import Walking
from tests.entrypoints.walking_policies import OPENS


async def walk_finance(walk: Walking, wang: str) -> None:
    """Close months, prove them, and see what points are worth."""
    ask, database = walk.ask, walk.services.database
    async with database.transaction(set_based=True) as tx:
        await bring_up_to_date(tx, BOOKS)
    await ask(
        "getLiability",
        "What members may still spend, month by month: opening, movements, closing, in points and in money.",
        "GET",
        "/v1/finance/liability?wallet=points",
    )
    await ask(
        "getLiabilityAt",
        "The same as the books knew it on another day, and what of it could be spent then.",
        "GET",
        "/v1/finance/liability/at?as_of=2026-05-10T00:00:00%2B08:00&wallet=points&parts=true",
    )
    await walk.clock(timedelta(days=32))
    await ask(
        "closeMonth",
        "May is over: nothing is booked into it any more.",
        "POST",
        "/v1/finance/closes",
        {"month": "2026-05", "reason": "Month end"},
    )
    async with database.transaction(set_based=True) as tx:
        await go_on_closing(tx, Configuration())
    await ask(
        "getClose",
        "What began before has ended, and the month is frozen. The digest stands on every transfer of it.",
        "GET",
        "/v1/finance/closes/2026-05",
    )
    await ask("listCloses", "Every closed month.", "GET", "/v1/finance/closes")
    await ask("proveMonth", "Recomputed from the transfers, it is the same.", "GET", "/v1/finance/closes/2026-05/proof")
    await ask(
        "getJournal",
        "May for the bookkeepers, in the text of beancount (`form=csv` for a table): what was there before, each "
        "day's bookings by account, and what must be left, which `bean-check` confirms.",
        "GET",
        "/v1/finance/journals/2026-05",
    )
    await _summer(walk, wang)
    await ask(
        "getBreakage",
        "A summer later: which share of the points will expire unused, by what became of earlier ones, and what a "
        "point is fairly worth.",
        "GET",
        "/v1/finance/breakage?market=CN",
    )


async def _summer(walk: Walking, wang: str) -> None:
    """Let three months pass with a present each that is half used within the month, and expires; each is closed."""
    member, database = f"/v1/members/{wang}", walk.services.database
    for month in (6, 7, 8):
        over = datetime.fromisoformat(f"2026-{month + 1:02d}-01T00:00:00+08:00")
        await walk.clock(over - timedelta(days=20) - OPENS)
        present = {"amount": 100 * month, "reference": f"summer:{month}", "expires_at": over.isoformat()}
        for what, body in (
            ("accruals", present),
            ("redemptions", {"amount": 50 * month, "reference": f"ice:{month}"}),
        ):
            key = {"Idempotency-Key": f"{what}-{month}"}
            answer = await walk.client.post(f"{member}/{what}", json=body, headers=key)
            assert answer.is_success, answer.text
        await walk.clock(over - OPENS)
        async with database.transaction(set_based=True) as tx:
            await begin_close(tx, date(2026, month, 1), by="system", reason="")
        async with database.transaction(set_based=True) as tx:
            await go_on_closing(tx, Configuration())
            await expire_due(tx, Configuration(), tx.now)
    await walk.clock(timedelta(days=160))
    async with database.transaction(set_based=True) as tx:
        await begin_close(tx, date(2026, 9, 1), by="system", reason="")
    async with database.transaction(set_based=True) as tx:
        await go_on_closing(tx, Configuration())
