"""Why, for everything at once: what the ledger decided, with the currency of its order, and what orders did."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import structs

from regulars.commerce.contracts import OrderOutcome, ReturnOutcome
from regulars.commerce.explaining.contracts import OrderExplained
from regulars.commerce.orders import reading
from regulars.commerce.orders.explain import (
    NOWHERE,
    Ruled,
    near_misses,
    reasons_of_order,
    reasons_of_return,
)
from regulars.commerce.orders.service import Commerce
from regulars.commerce.orders.witness import Seen
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import LotStanding, StatementLine
from regulars.platform.db.transaction import Transaction
from regulars.platform.explaining.contracts import Explanation, Link
from regulars.platform.ids import public_id
from regulars.platform.markets.service import list_markets


async def explain_order(tx: Transaction, commerce: Commerce, order_id: str) -> OrderExplained:
    """Say why an order did what it did: what it earned, what points paid, its tier, and each return of it.

    From what was recorded with it, by the policy of its time. Raises UnknownOrder (404). Source: orders, order_returns.
    """
    await reading.follow(tx, commerce)
    return explained(await reading.read_order(tx, order_id), commerce, await _time_zones(tx))


def explained(found: reading.OrderRead, commerce: Commerce, time_zones: dict[str, str]) -> OrderExplained:
    """Say why an order that was read, and each of its returns, did what they did."""
    outcome = found.outcome
    zone = time_zones.get(outcome.market, NOWHERE)
    return OrderExplained(
        _order(outcome, commerce, zone), [_return(returned, outcome, zone) for _, returned in found.returns]
    )


async def explain_transfer(
    tx: Transaction, configuration: loyalty.Configuration, member_id: UUID, seq: int
) -> Explanation:
    """Say why a transfer is there. Raises UnknownTransfer (404). Source: as the ledger's; orders for the currency."""
    return await _with_currency(tx, member_id, await loyalty.explain_transfer(tx, configuration, member_id, seq))


async def explain_transfers(
    tx: Transaction,
    configuration: loyalty.Configuration,
    member_id: UUID,
    seqs: Sequence[int],
    *,
    followed: bool = False,
) -> dict[int, Explanation]:
    """Say of several transfers of a member why they are there, by their numbers. Source: as of one.

    `followed`: the policy in force was read by this configuration before, in this transaction.
    """
    found = await loyalty.explain_transfers(tx, configuration, member_id, seqs, followed=followed)
    orders = {seq: link.id for seq, one in found.items() for link in one.links if link.kind == "order"}
    currencies = await reading.currencies_of(tx, member_id, sorted(set(orders.values()))) if orders else {}
    return {seq: structs.replace(one, currency=currencies.get(orders.get(seq, ""))) for seq, one in found.items()}


async def explain_lines(
    tx: Transaction,
    configuration: loyalty.Configuration,
    member_id: UUID,
    lines: Sequence[StatementLine],
    lots: Sequence[LotStanding] = (),
    *,
    followed: bool = False,
) -> tuple[dict[int, Explanation], dict[int, Explanation]]:
    """Say why lines of a member's statement are there, and why lots are, by their numbers.

    A line that tells an act is explained part by part; a lot by what brought it alone. `followed` and source: as
    `explain_transfers`.
    """
    asked = {lot.lot_no for lot in lots} | {seq for line in lines for seq in (line.seq, *line.parts)}
    if not asked:
        return {}, {}
    found = await explain_transfers(tx, configuration, member_id, sorted(asked), followed=followed)
    return (
        {line.seq: loyalty.explain_act(line, found) for line in lines if line.seq in found},
        {lot.lot_no: found[lot.lot_no] for lot in lots if lot.lot_no in found},
    )


async def explain_lot(
    tx: Transaction, configuration: loyalty.Configuration, member_id: UUID, lot_no: int
) -> Explanation:
    """Say what is left of a lot and why it is there. Raises UnknownLot (404). Source: as the ledger's; orders."""
    return await _with_currency(tx, member_id, await loyalty.explain_lot(tx, configuration, member_id, lot_no))


async def _with_currency(tx: Transaction, member_id: UUID, found: Explanation) -> Explanation:
    named = next((link.id for link in found.links if link.kind == "order"), None)
    if named is None:
        return found
    return structs.replace(found, currency=(await reading.currencies_of(tx, member_id, [named])).get(named))


async def _time_zones(tx: Transaction) -> dict[str, str]:
    return {one.code: one.time_zone for one in await list_markets(tx)}


def _order(outcome: OrderOutcome, commerce: Commerce, zone: str) -> Explanation:
    ruled = list(reasons_of_order(structs.replace(outcome, cancellation=None), Seen(), commerce.configuration))
    settled = outcome.settlement
    return Explanation(
        about="order",
        id=outcome.order_id,
        member_id=outcome.member_id,
        policy_version=None if settled is None else settled.policy_version,
        effective_at=outcome.occurred_at,
        recorded_at=outcome.recorded_at,
        currency=outcome.currency,
        time_zone=zone,
        reasons=tuple([each.reason for each in ruled]),
        near=tuple(near_misses(outcome, commerce.configuration)),
        links=tuple(_links(outcome)),
    )


def _return(returned: ReturnOutcome, order: OrderOutcome, zone: str) -> Explanation:
    ruled: Iterable[Ruled] = reasons_of_return(returned, Seen())
    settled, earlier = returned.settlement, order.settlement
    version = earlier.policy_version if earlier is not None else None if settled is None else settled.policy_version
    return Explanation(
        about="return",
        id=returned.return_id,
        member_id=order.member_id,
        policy_version=version,
        effective_at=returned.occurred_at,
        recorded_at=returned.recorded_at,
        currency=returned.currency,
        time_zone=zone,
        reasons=tuple([each.reason for each in ruled]),
        links=(Link("order", order.order_id, f"/v1/orders/{order.order_id}"),),
    )


def _links(outcome: OrderOutcome) -> Iterable[Link]:
    yield Link("lineage", outcome.order_id, f"/v1/orders/{outcome.order_id}/lineage")
    if outcome.member_id is not None:
        member = public_id("mbr", outcome.member_id)
        yield Link("member", member, f"/v1/members/{member}/tier/explain")
