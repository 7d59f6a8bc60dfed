"""What commerce is told and what it answers: orders, returns, and what they did."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from msgspec import Struct

from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.platform.ids import public_id

DEVICE_PREFIX: Final = "dev"

OrderState = Literal["open", "placed", "paid", "fulfilled", "cancelled"]
Channel = Literal["online", "store", "app", "partner", "social", "phone"]


class Line(Struct, frozen=True):
    """One line of an order: quantity in thousandths of its unit, amount in minor units after all discounts."""

    line_id: str
    sku: str
    quantity_milli: int
    amount_minor: int


class Payment(Struct, frozen=True):
    """How part of the total was paid, in minor units; points are asked for apart."""

    method: str
    amount_minor: int


class PutOrder(Struct, frozen=True, kw_only=True):
    """The state of an order as a shop system knows it; sending it again changes nothing.

    `occurred_at` is when it happened (None: now). `points` pays with exactly so many points, `points_at_most` with as
    many as the policy allows up to that number.
    """

    order_id: str
    member_id: UUID | None
    state: OrderState
    channel: Channel
    store_id: str | None
    market: str
    currency: str
    total_minor: int
    lines: tuple[Line, ...]
    occurred_at: datetime | None = None
    points: int = 0
    points_at_most: int | None = None
    payments: tuple[Payment, ...] = ()
    recorded_at: datetime | None = None


class ReturnLine(Struct, frozen=True):
    """How much of a line comes back, in thousandths; None is all that is left of it."""

    line_id: str
    quantity_milli: int | None = None


class ReturnOrder(Struct, frozen=True, kw_only=True):
    """Something of an order comes back, in any store; `lines` None is all that is left."""

    order_id: str
    return_id: str
    lines: tuple[ReturnLine, ...] | None = None
    store_id: str | None = None
    occurred_at: datetime | None = None
    recorded_at: datetime | None = None
    cancels: bool = False


class ClaimOrder(Struct, frozen=True, kw_only=True):
    """A member says that a guest order is theirs: it is settled for them as a late order, with its returns."""

    order_id: str
    member_id: UUID
    recorded_at: datetime | None = None


OrderFact = PutOrder | ReturnOrder | ClaimOrder


class OrderOutcome(Struct, frozen=True, kw_only=True):
    """An order as it now stands; `settlement` is what paying it did (None before).

    `created` says that this very fact brought the order into being; `replayed` are the returns that a claim settled.
    """

    order_id: str
    member_id: UUID | None
    state: OrderState
    channel: Channel
    store_id: str | None
    market: str
    currency: str
    total_minor: int
    returned_minor: int
    occurred_at: datetime
    recorded_at: datetime
    settlement: OrderSettlement | None = None
    cancellation: ReturnSettlement | None = None
    created: bool = False
    replayed: "tuple[ReturnOutcome, ...]" = ()


class ReturnOutcome(Struct, frozen=True, kw_only=True):
    """What a return did. `returned_minor` is this return's value, `returned_so_far_minor` the order's.

    `money_back_minor` is what is given back in money: the value less what the points given back are worth. None of a
    return that an earlier release took, which did not say. `left` is what can still come back after it, `total_minor`
    the order's.
    """

    order_id: str
    return_id: str
    member_id: UUID | None
    currency: str
    lines: tuple[ReturnLine, ...]
    returned_minor: int
    returned_so_far_minor: int
    occurred_at: datetime
    recorded_at: datetime
    settlement: ReturnSettlement | None = None
    left: tuple[ReturnLine, ...] = ()
    total_minor: int = 0
    money_back_minor: int | None = None


class FindReceipt(Struct, frozen=True, kw_only=True):
    """An order is sought by its receipt: the ids that `typed` may mean, the first that is there is it.

    `device` is the actor that asks, a device of `store_id` or a member (then None), `assistant` whoever of staff is
    signed in there (or empty).
    """

    typed: tuple[str, ...]
    device: str
    store_id: str | None
    assistant: str = ""


class OrderRef(Struct, frozen=True):
    """An order in a list; amounts in minor units. A guest's, which nobody has claimed, has no member."""

    order_id: str
    member_id: UUID | None
    state: OrderState
    channel: Channel
    store_id: str | None
    market: str
    currency: str
    total_minor: int
    returned_minor: int
    points_used: int
    occurred_at: datetime


class SalesTotals(Struct, frozen=True, kw_only=True):
    """What was sold to members, in minor units; lines are order lines, returns the facts of returning."""

    orders: int
    orders_by_channel: dict[str, int]
    lines: int
    revenue_minor: int
    returns: int
    returned_minor: int


class Store(Struct, frozen=True):
    """A shop of the brand; `store_id` is the brand's own."""

    store_id: str
    market: str
    name: str


class StorePut(Struct, frozen=True):
    """A store as it now is; `created` if it was new."""

    store: Store
    created: bool


# --- devices of shops: instants by the wall clock -------------------------------------------------------------------


class EnrolmentCode(Struct, frozen=True, kw_only=True):
    """A code that makes one browser a device of a store, until `expires_at`; shown this once."""

    code: str
    store_id: str
    name: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"EnrolmentCode(store_id={self.store_id!r})"


class StoreDevice(Struct, frozen=True, kw_only=True):
    """A device of a store as it is listed. `agent` is browser and system; `enrolled_by` who made its code."""

    device_id: UUID
    store_id: str
    store_name: str
    name: str
    agent: str
    enrolled_by: str
    enrolled_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None = None


class DeviceEnrolled(Struct, frozen=True, kw_only=True):
    """A fresh device; `token` is the cookie's value, told this once."""

    token: str
    device: StoreDevice

    def __repr__(self) -> str:
        return f"DeviceEnrolled(device_id={self.device.device_id})"


class DeviceViewer(Struct, frozen=True, kw_only=True):
    """A device that asks, and the store it stands in."""

    device_id: UUID
    name: str
    store_id: str
    store_name: str
    market: str

    @property
    def actor(self) -> str:
        """Who acts, for transactions and the audit log: `device:dev_…`."""
        return f"device:{public_id(DEVICE_PREFIX, self.device_id)}"
