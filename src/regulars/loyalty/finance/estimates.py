"""Breakage as it is answered: estimated from closed months, with its method, its interval and what it stands on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from regulars.loyalty.errors import WalletNotSpendable
from regulars.loyalty.finance import breakage, rules
from regulars.loyalty.finance.breakage import Cohort, Developed
from regulars.loyalty.finance.contracts import Breakage, BreakageAge, BreakageCohort
from regulars.loyalty.finance.errors import BreakageUnknown
from regulars.loyalty.finance.months import name_of
from regulars.loyalty.finance.service import Place, value_at, wallet_asked
from regulars.loyalty.finance.store import closing as store
from regulars.loyalty.policy.service import Configuration
from regulars.platform.db.transaction import Rows, Transaction
from regulars.platform.markets import service as markets
from regulars.platform.texts import mark, say

METHOD: Final = mark(
    "By months of earning (cohorts), from the months closed until {until} ({closed} of them): of the units that a "
    "cohort had at each age, the share that was used, expired, or was taken back is added up over all cohorts, "
    "weighted by units; "
    "following these shares to the end (chain-ladder) gives what will expire of what is left. What outlives every age "
    "seen so far counts as used. The interval (95 %) is the jackknife's, which leaves out one cohort at a time. "
    "{complete} of {cohorts} cohorts have run their life; {needed} are needed."
)


async def read_breakage(
    tx: Transaction, configuration: Configuration, *, wallet: str, market: str, language: str
) -> Breakage:
    """Return the estimate for a wallet in a market, with what it stands on.

    Raises UnknownWallet, UnknownMarket, WalletNotSpendable (422), BreakageUnknown (409) where too few cohorts have run
    their life. Source: closed months.
    """
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    of = wallet_asked(configuration, wallet)
    if not of.spendable:
        raise WalletNotSpendable(pointer="/query/wallet", wallet=wallet)
    where = await markets.market(tx, market, pointer="/query/market")
    rows = [Developed._make(row[2:]) for row in await store.read_developments(tx, of.wallet_id, where.code)]
    closed = [row.month for row in await store.read_closes(tx) if row.closed_at is not None]
    cohorts = breakage.cohorts_of(rows)
    found = breakage.estimate(cohorts)
    if found is None:
        raise BreakageUnknown(
            wallet=wallet,
            market=market,
            complete=breakage.complete(cohorts),
            needed=breakage.COMPLETE_NEEDED,
            closed=len(closed),
        )
    ages = breakage.by_age(cohorts)
    left = sum([cohort.left for cohort in cohorts])
    value = value_at(configuration, of, tx.now)
    worth = None if value is None else rules.worth(left, value, found.of_outstanding)
    facts = {"closed": len(closed), "until": name_of(closed[-1]), "complete": breakage.complete(cohorts)}
    return Breakage(
        wallet=wallet,
        market=market,
        currency=where.currency,
        until=name_of(closed[-1]),
        outstanding=left,
        will_expire=round(sum(breakage.expected(cohorts, ages))),
        of_outstanding=f"{found.of_outstanding:f}",
        low=f"{found.low:f}",
        high=f"{found.high:f}",
        of_issued=f"{found.of_issued:f}",
        worth=worth,
        method=say(METHOD, language, cohorts=len(cohorts), needed=breakage.COMPLETE_NEEDED, **facts),
        ages=[BreakageAge(age=age, **step._asdict()) for age, step in sorted(ages.items())],
        cohorts=[_shown(cohort, will) for cohort, will in zip(cohorts, breakage.expected(cohorts, ages), strict=True)],
    )


def _shown(cohort: Cohort, will_expire: float) -> BreakageCohort:
    sums = cohort.sums()
    return BreakageCohort(
        earned=name_of(cohort.earned),
        age=cohort.age,
        issued=sums.exposed,
        used=sums.used,
        expired=sums.expired,
        other=sums.other,
        left=cohort.left,
        will_expire=round(will_expire),
        is_complete=cohort.is_complete,
    )


def shares_of(rows: Iterable[tuple[Place, Developed]]) -> Mapping[Place, Decimal]:
    """Return the estimate by wallet and market, where there is one."""
    developed: dict[Place, list[Developed]] = defaultdict(list)
    for place, row in rows:
        developed[place].append(row)
    found = {place: breakage.estimate(breakage.cohorts_of(of), interval=False) for place, of in developed.items()}
    return {place: estimate.of_outstanding for place, estimate in found.items() if estimate is not None}


async def shares_now(
    tx: Transaction, *, with_month: date | None = None, rows: Rows | None = None
) -> Mapping[Place, Decimal]:
    """Return the estimates from every closed month; `rows` are the cohorts of one more that is about to be closed."""
    known = [((row[0], row[1]), Developed._make(row[2:])) for row in await store.read_developments(tx, None, None)]
    if with_month is not None:
        known += [((row[0], row[1]), Developed(with_month, *row[2:])) for row in rows or []]
    return shares_of(known)
