"""V4: staff of shops are told what concerns their shops, whatever they are bound to and whoever bought where."""

from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.loyalty import api as loyalty
from regulars.platform.auth.staff.permissions import OF_THE_WHOLE, PERMISSIONS, Role, permissions_of
from regulars.web.console.sight import hidden_orders, lines_seen, orders_elsewhere, scope_of, tier_reason_seen
from regulars.web.kit.formats import formats_of
from regulars.web.kit.viewers import Viewer, ViewerKind
from tests.entrypoints.test_merging import Door, door
from tests.entrypoints.test_parting import of
from tests.examples import examples

pytestmark = pytest.mark.anyio
__all__ = ["door"]
SHOPS: Final = ("367", "406", None)


@given(
    roles=st.sets(st.sampled_from(list(Role))),
    bound=st.booleans(),
)
def test_who_is_bound_to_shops_gets_nothing_that_concerns_the_whole(roles: set[Role], *, bound: bool) -> None:
    free, got = permissions_of(roles), permissions_of(roles, bound=bound)
    assert got <= free <= set(PERMISSIONS)
    if bound and Role.OWNER not in roles:
        assert got == free - OF_THE_WHOLE
    else:
        assert got == free


async def bought(door: Door, name: str, chance: Random) -> tuple[str, dict[str, str | None]]:
    """Let a new member buy here and there, and bring some of it back; returns the orders with their stores."""
    member = await door.sign_up(card=f"{name}00")
    stores: dict[str, str | None] = {}
    for number in range(chance.randint(2, 5)):
        order_id, store = f"Q{name}x{number}", chance.choice(SHOPS)
        stores[order_id] = store
        amount = {"amount_minor": chance.randint(1, 3) * 70_000, "currency": "CNY"}
        body = {
            "member_id": member,
            "state": "paid",
            "channel": "online" if store is None else "store",
            "store_id": store,
            "market": "CN",
            "total": amount,
            "lines": [{"line_id": "1", "sku": "s", "quantity": 2, "amount": amount}],
        }
        await door.call("PUT", f"/v1/orders/{order_id}", body, status=None)
        if chance.random() < 0.4:
            back = {"return_id": "r1", "lines": [{"line_id": "1", "quantity": 1}]}
            await door.call("POST", f"/v1/orders/{order_id}/returns", back, status=201)
    return member, stores


def viewer_of(chance: Random) -> Viewer:
    bound = None if chance.random() < 0.2 else frozenset([shop for shop in SHOPS if shop and chance.random() < 0.5])
    may = frozenset({"orders:read"}) if chance.random() < 0.8 else frozenset()
    return Viewer(kind=ViewerKind.STAFF, permissions=may, stores=bound)


async def assert_sees_no_more(door: Door, viewer: Viewer, member: str, stores: dict[str, str | None]) -> int:
    """Compare what is told with whose shops' orders it is; returns how many lines were kept back."""
    member_id, bound = of(member), viewer.stores
    own = {order for order, store in stores.items() if bound is None or store in bound} if viewer.permissions else set()
    hidden = set(stores) - own
    async with door.services.database.transaction() as tx:
        page = await loyalty.statement(tx, member_id)
        seen = await lines_seen(tx, viewer, member_id, page.lines, "en")
        status = await loyalty.tier_status(tx, loyalty.Configuration(), member_id)
        why = await tier_reason_seen(tx, viewer, member_id, status, formats_of("en", "Asia/Shanghai"))
        assert await orders_elsewhere(tx, viewer, member_id, [*stores, None]) == hidden
        assert await hidden_orders(tx, viewer, member_id, list(stores)) == hidden
    assert scope_of(viewer) == (None if bound is None else sorted(bound))
    kept = 0
    for line, told in zip(page.lines, seen, strict=True):
        assert (told.balance is None) == (bound is not None)  # differences would tell the amounts between
        if line.order_id in own:
            assert (told.order_id, told.amount, told.reason) == (line.order_id, line.amount, line.reason)
            continue
        kept += 1
        assert told.order_id is None
        assert (told.amount is None) == (told.debt_change is None) == (bound is not None)
    text = repr(seen) + why
    assert [order for order in hidden if order in text] == []
    return kept


async def test_orders_of_other_shops_are_not_told(door: Door) -> None:
    kept = 0
    for number, chance in enumerate(examples(st.randoms(use_true_random=True), 12)):
        member, stores = await bought(door, f"{81_000 + number * 7}", chance)
        for _ in range(6):
            kept += await assert_sees_no_more(door, viewer_of(chance), member, stores)
    assert kept > 30
