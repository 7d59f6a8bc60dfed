"""What callers get about orders: how they stand, and what they did (effects; those of nothing are left out)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, structs

from regulars.commerce import cursors
from regulars.commerce.contracts import Channel, OrderOutcome, OrderState, ReturnLine, ReturnOutcome
from regulars.commerce.orders.explain import Verdict
from regulars.commerce.orders.reading import OrderRead
from regulars.commerce.orders.rules import LineLeft, shown_quantity
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.platform.ids import public_id
from regulars.platform.money import Money

EffectType = Literal[
    "points_redeemed",
    "points_pending",
    "points_earned",
    "debt_repaid",
    "growth_earned",
    "points_given_back",
    "points_clawed_back",
    "debt",
    "points_forgiven",
    "growth_reversed",
    "tier_reached",
    "tier_lost",
]


class Effect(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that an order or a return did.

    `points_pending` and `points_earned` (at once available) are what went into a lot; with `debt_repaid` they sum to
    all that was earned. `debt` is the part of `points_clawed_back` that was not there any more; `points_forgiven` are
    those that the policy let the member keep. `undone` is how much of it the order no longer counts, after what came
    back of it; of a tier, 1 if a return of it lost it again.
    """

    type: EffectType
    points: int = 0
    value: Money | None = None
    growth: int = 0
    available_at: datetime | None = None
    expires_at: datetime | None = None
    from_tier: str | None = None
    to_tier: str | None = None
    undone: int = 0


class OrderAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as it stands. `explanation` is there when asked for."""

    order_id: str
    member_id: str | None
    state: OrderState
    channel: Channel
    store_id: str | None
    market: str
    total: Money
    returned: Money
    occurred_at: datetime
    recorded_at: datetime
    effects: list[Effect]
    explanation: list[Verdict] | None = None


class ReturnedQuantity(Struct, frozen=True, kw_only=True):
    """How much of a line; decimal, as text."""

    line_id: str
    quantity: str


class ReturnAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a return did, and what of the order can still come back.

    `money_back` is what is given back in money: `returned` less what the points given back are worth.
    """

    order_id: str
    return_id: str
    member_id: str | None
    lines: list[ReturnedQuantity]
    returned: Money
    returned_so_far: Money
    left: list[ReturnedQuantity]
    occurred_at: datetime
    recorded_at: datetime
    effects: list[Effect]
    money_back: Money | None = None
    explanation: list[Verdict] | None = None


class LineAnswer(Struct, frozen=True, kw_only=True):
    """A line and what has come back of it."""

    line_id: str
    sku: str
    quantity: str
    amount: Money
    returned_quantity: str
    returned: Money


class ReturnShown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A return of an order. `money_back` is what was given back in money."""

    return_id: str
    store_id: str | None
    lines: list[ReturnedQuantity]
    returned: Money
    occurred_at: datetime
    recorded_at: datetime
    effects: list[Effect]
    money_back: Money | None = None


class OrderShown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order with everything about it. `effects` are those of paying it; each return has its own.

    `paid_in_money` is the total less what the points that paid are worth.
    """

    order_id: str
    member_id: str | None
    state: OrderState
    channel: Channel
    store_id: str | None
    market: str
    total: Money
    paid_in_money: Money
    returned: Money
    occurred_at: datetime
    recorded_at: datetime
    lines: list[LineAnswer]
    effects: list[Effect]
    returns: list[ReturnShown]
    explanation: list[Verdict] | None = None


class OrdersPage(Struct, frozen=True, kw_only=True):
    """A member's orders, the latest first."""

    orders: list[OrderAnswer]
    has_more: bool
    next_cursor: str | None


class LineageAnswer(Struct, frozen=True, kw_only=True):
    """What an order and its returns caused in the member's books, transfer by transfer; `next_cursor` continues it.

    `moved` are the lots that its points came to since, by extensions, merges and their undoing; `moved_more`: there are
    others, which the lots' own lineage has.
    """

    order_id: str
    member_id: str | None
    returns: list[ReturnShown]
    transfers: list[loyalty.CausedTransfer]
    lots: list[loyalty.CausedLot]
    spent: list[loyalty.LotMovement]
    tier_changes: list[loyalty.CausedTierChange]
    moved: list[loyalty.MovedLot]
    moved_more: bool
    has_more: bool
    next_cursor: str | None


def order_answer(
    result: OrderOutcome, configuration: loyalty.Configuration, explanation: list[Verdict] | None = None
) -> OrderAnswer:
    """Write an order and what it did: what paying it did, and what cancelling it or replaying its returns did."""
    effects = effects_of_order(result, configuration)
    for undone in [*[each.settlement for each in result.replayed], result.cancellation]:
        effects += effects_of_return(undone)
    return OrderAnswer(
        order_id=result.order_id,
        member_id=_member(result),
        state=result.state,
        channel=result.channel,
        store_id=result.store_id,
        market=result.market,
        total=Money(result.total_minor, result.currency),
        returned=Money(result.returned_minor, result.currency),
        occurred_at=result.occurred_at,
        recorded_at=result.recorded_at,
        effects=effects,
        explanation=explanation,
    )


def return_answer(result: ReturnOutcome, explanation: list[Verdict] | None = None) -> ReturnAnswer:
    """Write a return and what it did."""
    return ReturnAnswer(
        order_id=result.order_id,
        return_id=result.return_id,
        member_id=_member(result),
        lines=_quantities(result.lines),
        returned=Money(result.returned_minor, result.currency),
        returned_so_far=Money(result.returned_so_far_minor, result.currency),
        left=_quantities(result.left),
        occurred_at=result.occurred_at,
        recorded_at=result.recorded_at,
        effects=effects_of_return(result.settlement),
        money_back=_money_back(result),
        explanation=explanation,
    )


def order_shown(
    order: OrderRead, configuration: loyalty.Configuration, explanation: list[Verdict] | None = None
) -> OrderShown:
    """Write an order with its lines and returns."""
    result = order.outcome
    effects = _with_tiers_lost(effects_of_order(result, configuration), order)
    by_points = sum([effect.value.amount_minor for effect in effects if effect.value is not None])
    return OrderShown(
        order_id=result.order_id,
        member_id=_member(result),
        state=result.state,
        channel=result.channel,
        store_id=result.store_id,
        market=result.market,
        total=Money(result.total_minor, result.currency),
        paid_in_money=Money(result.total_minor - by_points, result.currency),
        returned=Money(result.returned_minor, result.currency),
        occurred_at=result.occurred_at,
        recorded_at=result.recorded_at,
        lines=[_line(left, result.currency) for left in order.lines],
        effects=effects,
        returns=returns_shown(order),
        explanation=explanation,
    )


def returns_shown(order: OrderRead) -> list[ReturnShown]:
    """Write the returns of an order."""
    return [
        ReturnShown(
            return_id=result.return_id,
            store_id=store_id,
            lines=_quantities(result.lines),
            returned=Money(result.returned_minor, result.currency),
            occurred_at=result.occurred_at,
            recorded_at=result.recorded_at,
            effects=effects_of_return(result.settlement),
            money_back=_money_back(result),
        )
        for store_id, result in order.returns
    ]


def lineage_answer(order: OrderRead, caused: loyalty.OrderLineage) -> LineageAnswer:
    """Write what an order caused."""
    return LineageAnswer(
        order_id=order.outcome.order_id,
        member_id=_member(order.outcome),
        returns=returns_shown(order),
        transfers=caused.transfers,
        lots=caused.lots,
        spent=caused.spent,
        tier_changes=caused.tier_changes,
        moved=caused.moved,
        moved_more=caused.moved_more,
        has_more=caused.next_after is not None,
        next_cursor=None if caused.next_after is None else cursors.write((caused.next_after,)),
    )


def effects_of_order(result: OrderOutcome, configuration: loyalty.Configuration) -> list[Effect]:
    """Return what paying an order did, and how much of that it no longer counts; nothing before it is paid."""
    settled = result.settlement
    return [] if settled is None else list(_settled(settled, result, configuration))


def _with_tiers_lost(effects: list[Effect], order: OrderRead) -> list[Effect]:
    """Say of a tier that was reached whether a return of the order lost it again."""
    made = [returned.settlement for _, returned in order.returns if returned.settlement is not None]
    lost = any(settled.tier_before != settled.tier_after for settled in made)
    return [structs.replace(one, undone=1) if lost and one.type == "tier_reached" else one for one in effects]


def effects_of_return(settled: ReturnSettlement | None) -> list[Effect]:
    """Return what a return did."""
    return [] if settled is None else list(_unsettled(settled))


def _settled(settled: OrderSettlement, result: OrderOutcome, configuration: loyalty.Configuration) -> Iterator[Effect]:
    policy = configuration.policy_of_version(settled.policy_version)
    counted = loyalty.still_counts(policy, settled, result.total_minor, result.returned_minor)
    if settled.points_used:
        value = Money(settled.points_used * policy.payment.point_value_minor, result.currency)
        undone = settled.points_used - counted.points_used
        yield Effect(type="points_redeemed", points=settled.points_used, value=value, undone=undone)
    lost, in_lot = settled.points_earned - counted.points, settled.points_earned - settled.debt_repaid
    if settled.available_at is not None:
        pending = settled.available_at > result.recorded_at
        yield Effect(
            type="points_pending" if pending else "points_earned",
            points=in_lot,
            available_at=settled.available_at,
            expires_at=settled.expires_at,
            undone=min(lost, in_lot),
        )
    if settled.debt_repaid:
        yield Effect(type="debt_repaid", points=settled.debt_repaid, undone=max(lost - in_lot, 0))
    if settled.growth_earned:
        undone = settled.growth_earned - counted.base
        yield Effect(type="growth_earned", growth=settled.growth_earned, undone=undone)
    yield from _tier(settled, "tier_reached")


def _unsettled(settled: ReturnSettlement) -> Iterator[Effect]:
    if settled.points_given_back:
        yield Effect(type="points_given_back", points=settled.points_given_back)
    if settled.points_clawed_back:
        yield Effect(type="points_clawed_back", points=settled.points_clawed_back)
    if settled.to_debt:
        yield Effect(type="debt", points=settled.to_debt)
    if settled.forgiven:
        yield Effect(type="points_forgiven", points=settled.forgiven)
    if settled.growth_reversed:
        yield Effect(type="growth_reversed", growth=settled.growth_reversed)
    yield from _tier(settled, "tier_lost")


def _tier(settled: OrderSettlement | ReturnSettlement, effect: EffectType) -> Iterator[Effect]:
    if settled.tier_before != settled.tier_after:
        yield Effect(type=effect, from_tier=settled.tier_before, to_tier=settled.tier_after)


def _line(left: LineLeft, currency: str) -> LineAnswer:
    return LineAnswer(
        line_id=left.line.line_id,
        sku=left.line.sku,
        quantity=shown_quantity(left.line.quantity_milli),
        amount=Money(left.line.amount_minor, currency),
        returned_quantity=shown_quantity(left.returned_milli),
        returned=Money(left.returned_minor, currency),
    )


def _quantities(lines: Sequence[ReturnLine]) -> list[ReturnedQuantity]:
    return [ReturnedQuantity(line_id=line.line_id, quantity=shown_quantity(line.quantity_milli or 0)) for line in lines]


def _money_back(result: ReturnOutcome) -> Money | None:
    return None if result.money_back_minor is None else Money(result.money_back_minor, result.currency)


def _member(result: OrderOutcome | ReturnOutcome) -> str | None:
    return None if result.member_id is None else public_id("mbr", result.member_id)
