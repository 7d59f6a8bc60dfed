"""The door of commerce for whoever brings orders in, and for those who ask what was sold.

Everything here works inside the caller's transaction and never commits. Amounts are minor units of the market's
currency, quantities thousandths of a unit, instants UTC. Where it is decided: `commerce/orders`, `commerce/guests`
(orders without a member), `commerce/stores`, `commerce/sales`.

`MERGING` is what orders have to do with merges of members.

`apply` is the one path of every order, return and claim, for one and for a year: each fact gives its outcome or its
refusal in order, exactly as if it had come alone. `Commerce` is what it decides with; one a process will do.

`OrderDesk(services)` takes orders and returns of our own pages through the same intake, on a lane of its own:
`preview(fact)` changes nothing, `carry_out(fact, sender)` posts once, `read(tx, order_id)` shows an order,
`claim(wish, member_id, sender)` makes a guest's order a member's by its receipt.
`find_receipt(tx, vault, wish)` gives the id of an order of any store by what was typed (`receipt_ids`: what that may
mean) at a counter or by a member, counted for who asks and logged; given and not raised, because the try is counted:
UnknownReceipt (404), TooManyAttempts (429).

Reading (`commerce/orders`): `read_order` gives one with lines and returns (raises UnknownOrder), `order_lineage` also
what it caused in the ledger; `list_orders(tx, ...)` those of members and of guests (which may be claimed for
`CLAIM_DAYS`), the latest first, and `find_orders` those whose id begins with a text. `stores` narrows to some stores,
None to none. `effects_of_order` and `effects_of_return` say what an outcome did, `verdicts_of_order` and
`verdicts_of_return` why, in sentences. Source: orders, order_keys, order_lines, order_returns, guest_orders.

`explain_order`, `explain_lot` and `explain_transfer` say why (`commerce/explaining`), with the currency of the order
(raise UnknownOrder, UnknownLot, UnknownTransfer, 404).

Figures (`commerce/figures`): `sales_figures` of a period against the one before, by market, currency and channel,
`store_figures` of each store, and `sales_standing`, up to when they hold; from the roll-up `SALES`, sums of local days.
`buyers_at(tx, days, stores, each=, by=)` are the members who bought at some stores, counted in the background;
`count_buyers_again` has them counted anew. `list_returns` and `members_who_bought` (`behind_buyer`) are the rows.
Source: sales_days, store_sales_days, returns_days, bought_again; orders, order_returns.

Devices of shops (`commerce/devices`): `make_device_enrolment(tx, vault, store_id, name)` gives a code for one device,
good for 15 minutes and once (raises NotFound, DeviceNameImpossible); `enrol_device(tx, vault, code, browser)` gives the
device with its key, or, given and not raised because the try is counted, EnrolmentCodeRefused (401) or TooManyAttempts
(429); `recognise_device(tx, token)` tells whose key a cookie holds; `list_store_devices(tx, stores)` and
`revoke_device(tx, device_id, stores)` see the devices of the stores named, None: of all; `counter_permissions(device,
staff)` says what may be done at a device. Source: store_devices, device_enrolments. Instants by the wall clock.

For members' own eyes: `orders_of_member(tx, member_id, cursor, limit)` gives a page of orders, the latest first, and
the cursor of the next one (raises NotFound, CursorUnreadable), with `stores` only those of some stores;
`own_order(tx, member_id, order_id)` one of them with its lines and returns (raises NotFound, for everybody else's
too); `stores_of_orders(tx, member_id, order_ids)` the stores of some. Source: orders, order_lines, order_returns.
"""

from regulars.commerce.contracts import FindReceipt, OrderRef, SalesTotals, Store
from regulars.commerce.devices.service import counter_permissions, revoke_device
from regulars.commerce.devices.service import enrol as enrol_device
from regulars.commerce.devices.service import list_devices as list_store_devices
from regulars.commerce.devices.service import make_enrolment as make_device_enrolment
from regulars.commerce.devices.service import recognise as recognise_device
from regulars.commerce.explaining.contracts import OrderExplained
from regulars.commerce.explaining.service import (
    explain_lines,
    explain_lot,
    explain_order,
    explain_transfer,
    explain_transfers,
    explained,
)
from regulars.commerce.figures.buyers import Buyers, PeriodDays, buyers_at, count_buyers_again
from regulars.commerce.figures.listing import ReturnRef, behind_buyer, list_returns, members_who_bought
from regulars.commerce.figures.rolling import SALES
from regulars.commerce.figures.service import (
    Bucket,
    SalesFigures,
    Sold,
    StoreFigures,
    sales_figures,
    sales_standing,
    store_figures,
)
from regulars.commerce.guests.service import CLAIM_DAYS
from regulars.commerce.merging.service import MERGING
from regulars.commerce.orders.answers import (
    Effect,
    LineAnswer,
    OrderShown,
    ReturnShown,
    effects_of_order,
    effects_of_return,
    order_shown,
)
from regulars.commerce.orders.desk import OrderDesk, Refusal, Sender
from regulars.commerce.orders.explain import Verdict, verdicts_of_order, verdicts_of_return
from regulars.commerce.orders.intake import apply
from regulars.commerce.orders.reading import (
    OrderRead,
    Whose,
    find_orders,
    list_orders,
    read_order,
    stores_of_orders,
)
from regulars.commerce.orders.reading import follow as follow_policies
from regulars.commerce.orders.reading import lineage as order_lineage
from regulars.commerce.orders.reading import page as orders_of_member
from regulars.commerce.orders.reading import read_own_order as own_order
from regulars.commerce.orders.receipts import find_receipt, receipt_ids
from regulars.commerce.orders.rules import shown_quantity
from regulars.commerce.orders.service import Commerce
from regulars.commerce.orders.witness import Seen
from regulars.commerce.privacy.service import PRIVACY
from regulars.commerce.sales.service import sales_totals
from regulars.commerce.stores.service import define_stores, every_store
from regulars.commerce.verification.service import checks

__all__ = [
    "CLAIM_DAYS",
    "MERGING",
    "PRIVACY",
    "SALES",
    "Bucket",
    "Buyers",
    "Commerce",
    "Effect",
    "FindReceipt",
    "LineAnswer",
    "OrderDesk",
    "OrderExplained",
    "OrderRead",
    "OrderRef",
    "OrderShown",
    "PeriodDays",
    "Refusal",
    "ReturnRef",
    "ReturnShown",
    "SalesFigures",
    "SalesTotals",
    "Seen",
    "Sender",
    "Sold",
    "Store",
    "StoreFigures",
    "Verdict",
    "Whose",
    "apply",
    "behind_buyer",
    "buyers_at",
    "checks",
    "count_buyers_again",
    "counter_permissions",
    "define_stores",
    "effects_of_order",
    "effects_of_return",
    "enrol_device",
    "every_store",
    "explain_lines",
    "explain_lot",
    "explain_order",
    "explain_transfer",
    "explain_transfers",
    "explained",
    "find_orders",
    "find_receipt",
    "follow_policies",
    "list_orders",
    "list_returns",
    "list_store_devices",
    "make_device_enrolment",
    "members_who_bought",
    "order_lineage",
    "order_shown",
    "orders_of_member",
    "own_order",
    "read_order",
    "receipt_ids",
    "recognise_device",
    "revoke_device",
    "sales_figures",
    "sales_standing",
    "sales_totals",
    "shown_quantity",
    "store_figures",
    "stores_of_orders",
    "verdicts_of_order",
    "verdicts_of_return",
]
