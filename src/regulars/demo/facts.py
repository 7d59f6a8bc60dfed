"""From baskets to facts: the orders and returns of a month, in the order in which they happened."""

from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush
from uuid import UUID

from regulars.commerce.contracts import Line, PutOrder, ReturnLine, ReturnOrder
from regulars.demo.dataset import Basket, Year
from regulars.demo.programme import (
    AT_MOST_ALL,
    END,
    MARKET,
    START,
    Programme,
    is_omnichannel,
    is_online,
    pays_with_points,
    returned_products,
)
from regulars.platform.ids import derived_id

MILLI = 1000
SHARDS = 2
Fact = PutOrder | ReturnOrder


def member_id_of(household: int) -> UUID:
    """Return the id of the member that stands for a household."""
    return derived_id(START, "household", str(household))


def shard_of(household: int) -> int:
    """Return which of the replay's lanes a household's facts go through."""
    return household % SHARDS


class Narrator:
    """Tells the facts of one shard's households in order of (time, kind, basket id), returns before orders."""

    def __init__(self, year: Year, programme: Programme, shard: int) -> None:
        self._year = year
        self._programme = programme
        self._members: dict[int, UUID] = {}
        self._omnichannel: dict[int, bool] = {}
        self._names: dict[int, str] = {}
        self._shard = shard

    def tell(self) -> Iterator[Fact]:
        """Yield every fact of the year."""
        due: list[tuple[datetime, int, int, str, tuple[int, ...]]] = []
        year = self._year
        for position in range(len(year)):
            if shard_of(int(year.households[position])) != self._shard:
                continue
            basket = year.basket(position)
            while due and due[0][0] <= basket.at:
                yield self._return(*heappop(due))
            yield self._order(basket)
            self._plan_returns(basket, due)
        while due:
            yield self._return(*heappop(due))

    def _order(self, basket: Basket) -> PutOrder:
        household = basket.household
        omnichannel = self._omnichannel.get(household)
        if omnichannel is None:
            omnichannel = self._omnichannel[household] = is_omnichannel(household)
        name = self._name
        return PutOrder(
            order_id=str(basket.basket_id),
            member_id=self._member(household),
            state="paid",
            channel="online" if omnichannel and is_online(basket.basket_id) else "store",
            store_id=name(basket.store),
            market=MARKET.code,
            currency=MARKET.currency,
            total_minor=sum(basket.cents),
            lines=tuple(
                [
                    Line(name(product), name(product), quantity * MILLI, cents)
                    for product, quantity, cents in zip(basket.products, basket.quantities, basket.cents, strict=True)
                ]
            ),
            occurred_at=basket.at,
            points_at_most=AT_MOST_ALL if pays_with_points(basket.basket_id) else None,
            recorded_at=basket.at,
        )

    def _plan_returns(self, basket: Basket, due: list[tuple[datetime, int, int, str, tuple[int, ...]]]) -> None:
        programme = self._programme
        at = basket.at + programme.return_after
        for number, product in enumerate(
            returned_products(programme, basket.basket_id, basket.products, basket.cents), start=1
        ):
            if at < END:
                heappush(due, (at, basket.basket_id, number, self._name(basket.store), (product,)))
            at += programme.second_return_after

    def _return(self, at: datetime, basket_id: int, number: int, store: str, products: tuple[int, ...]) -> ReturnOrder:
        return ReturnOrder(
            order_id=str(basket_id),
            return_id=str(number),
            lines=tuple([ReturnLine(self._name(product)) for product in products]),
            store_id=store,
            occurred_at=at,
            recorded_at=at,
        )

    def _member(self, household: int) -> UUID:
        found = self._members.get(household)
        if found is None:
            found = self._members[household] = member_id_of(household)
        return found

    def _name(self, number: int) -> str:
        """Write an id of the data in decimal, once for all lines that name it."""
        found = self._names.get(number)
        if found is None:
            found = self._names[number] = str(number)
        return found
