"""The door of loyalty for other domains.

Everything here works inside the caller's transaction. Amounts of points are whole units of a wallet; amounts of money
are minor units of the market's currency; instants are UTC. Where it is decided: `loyalty/ledger` (books, postings,
settlement), `loyalty/policy` (versions), `loyalty/tiers` (rules).
"""

from regulars.loyalty.ledger.service import Books, Needs, expire_due, open_books, post, review_due
from regulars.loyalty.policy.rules import month_start
from regulars.loyalty.policy.service import Configuration, activate_policy, define_standard_wallets

__all__ = [
    "Books",
    "Configuration",
    "Needs",
    "activate_policy",
    "define_standard_wallets",
    "expire_due",
    "month_start",
    "open_books",
    "post",
    "review_due",
]
