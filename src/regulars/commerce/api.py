"""The door of commerce for other domains and for whoever brings orders in.

Everything here works inside the caller's transaction. Amounts are minor units of the market's currency, quantities
thousandths of a unit, instants UTC. Where it is decided: `commerce/orders` and `commerce/stores`.
"""

from regulars.commerce.orders.service import Commerce, apply
from regulars.commerce.stores.service import Store, define_stores

__all__ = ["Commerce", "Store", "apply", "define_stores"]
