"""The door of loyalty for other domains.

Everything here works inside the caller's transaction. Amounts of points are whole units of a wallet; amounts of money
are minor units of the market's currency; instants are UTC. Where it is decided: `loyalty/ledger` (books, postings,
settlement), `loyalty/policy` (versions), `loyalty/tiers` (rules), `loyalty/statement` (reading),
`loyalty/verification` (proofs).
"""

from regulars.loyalty.ledger.service import Books, Needs, expire_due, open_books, post, review_due
from regulars.loyalty.lineage.service import (
    CausedLot,
    CausedTierChange,
    CausedTransfer,
    LotMovement,
    OrderLineage,
    SettledOrder,
    lineage,
    settled_orders,
)
from regulars.loyalty.policy.contracts import (
    AnniversaryReview,
    EarningPolicy,
    MonthlyReview,
    NoReview,
    PaymentPolicy,
    Policy,
    ReturnPolicy,
    TierPolicy,
    TierRule,
    WalletRule,
)
from regulars.loyalty.policy.rules import month_start
from regulars.loyalty.policy.service import (
    Configuration,
    activate_policy,
    define_standard_wallets,
    define_wallets,
    list_policies,
    list_wallets,
    policy_in_force,
)
from regulars.loyalty.standing.service import Allowance, Standing, points_allowed, standing
from regulars.loyalty.statement.service import (
    balances,
    balances_of,
    expiring,
    lots,
    programme_totals,
    standings,
    statement,
    tier_status,
)
from regulars.loyalty.verification.service import checks

__all__ = [
    "Allowance",
    "AnniversaryReview",
    "Books",
    "CausedLot",
    "CausedTierChange",
    "CausedTransfer",
    "Configuration",
    "EarningPolicy",
    "LotMovement",
    "MonthlyReview",
    "Needs",
    "NoReview",
    "OrderLineage",
    "PaymentPolicy",
    "Policy",
    "ReturnPolicy",
    "SettledOrder",
    "Standing",
    "TierPolicy",
    "TierRule",
    "WalletRule",
    "activate_policy",
    "balances",
    "balances_of",
    "checks",
    "define_standard_wallets",
    "define_wallets",
    "expire_due",
    "expiring",
    "lineage",
    "list_policies",
    "list_wallets",
    "lots",
    "month_start",
    "open_books",
    "points_allowed",
    "policy_in_force",
    "post",
    "programme_totals",
    "review_due",
    "settled_orders",
    "standing",
    "standings",
    "statement",
    "tier_status",
]
