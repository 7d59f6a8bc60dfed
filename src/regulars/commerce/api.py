"""The door of commerce for whoever brings orders in, and for those who ask what was sold.

Everything here works inside the caller's transaction and never commits. Amounts are minor units of the market's
currency, quantities thousandths of a unit, instants UTC. Where it is decided: `commerce/orders`, `commerce/guests`
(orders without a member), `commerce/stores`, `commerce/sales`.

`apply` is the one path of every order, return and claim, for one and for a year: each fact gives its outcome or its
refusal in order, exactly as if it had come alone. `Commerce` is what it decides with; one a process will do.
"""

from regulars.commerce.contracts import SalesTotals, Store
from regulars.commerce.orders.intake import apply
from regulars.commerce.orders.service import Commerce
from regulars.commerce.sales.service import sales_totals
from regulars.commerce.stores.service import define_stores
from regulars.commerce.verification.service import checks

__all__ = ["Commerce", "SalesTotals", "Store", "apply", "checks", "define_stores", "sales_totals"]
