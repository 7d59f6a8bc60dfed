"""Tables that can be exported, in words: what they are called, what a row is, and who of staff may have them.

Whatever becomes a kind of exports has an entry here; one that has none is not offered on the pages.
"""

from typing import Final

from regulars.web.kit.texts import mark

# What staff need for rows that a key needs a scope for.
NEEDED: Final[dict[str, str]] = {
    "members:read": "members:read",
    "orders:read": "orders:read",
    "ledger:read": "points:read",
    "policies:read": "programme:read",
    "finance:read": "finance:read",
    "events:read": "webhooks:read",
    "audit:read": "audit:read",
}
TABLES: Final[dict[str, tuple[str, str]]] = {
    "members": (mark("Members"), mark("A row a member; with their identities such a file is imported again.")),
    "identities": (mark("Identities"), mark("By what kinds of values members are found, without the values.")),
    "consents": (mark("Consents"), mark("Every decision on consent, also those that were taken back.")),
    "households": (mark("Households"), mark("Who belongs to which household now, without its name.")),
    "merges": (mark("Merges"), mark("Which members became one, and which of these merges were undone.")),
    "orders": (mark("Orders"), mark("Members' orders with their lines and payments, one order a row.")),
    "order_lines": (mark("Order lines"), mark("What members bought, one line of an order a row.")),
    "payments": (mark("Payments"), mark("How members' orders were paid, one payment a row.")),
    "returns": (mark("Returns"), mark("What came back of members' orders.")),
    "guest_orders": (mark("Orders of guests"), mark("Orders that nobody was named with, and whose they became.")),
    "stores": (mark("Stores"), mark("Every store with its market and name.")),
    "transfers": (mark("Movements of points"), mark("Every movement, as the books have it.")),
    "accruals": (mark("Points granted directly"), mark("Those that no order brought: such a file is imported again.")),
    "lots": (mark("Lots"), mark("Points that expire together, and what is left of them.")),
    "lot_uses": (mark("Uses of lots"), mark("Which movement took how much of which lot, or gave it back.")),
    "balances": (mark("Balances"), mark("What each member has in each wallet now.")),
    "tiers": (mark("Tiers"), mark("The tier of each member now.")),
    "tier_changes": (mark("Changes of tiers"), mark("Who went up or down, when and why.")),
    "holds": (mark("Holds"), mark("What is or was held for a purpose, and how that ended.")),
    "adjustments": (mark("Corrections"), mark("Those that a second person had to agree to, and the answers.")),
    "gifts": (mark("Gifts of points"), mark("What members gave to others, and what came back.")),
    "policies": (mark("Policies"), mark("Every version of the policy, whole.")),
    "month_figures": (mark("Figures of months"), mark("What closed months added up to, by wallet and market.")),
    "events": (mark("Events"), mark("What happened, as webhooks tell it.")),
    "audit": (mark("Audit log"), mark("Who did what, to whom, and why.")),
}  # fmt: skip
