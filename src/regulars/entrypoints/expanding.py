"""What each read can give along with its answer: the one page that knows, as rooms do not know each other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from litestar.handlers import HTTPRouteHandler

from regulars.commerce.expanding import lineage_given_along, orders_given_along, stores_given_along
from regulars.commerce.orders.service import Commerce
from regulars.loyalty.api import Configuration
from regulars.loyalty.expanding import lots_given_along, tiers_given_along, wallets_given_along
from regulars.members.expanding import (
    consents_given_along,
    households_given_along,
    members_given_along,
)
from regulars.platform.http.expanding import EXPANDS, Expandable, Expansion, Related
from regulars.platform.services import Services

# By operation: where something can stand in its answer, the field beside it that says which, and what it is.
PLACES: Final[Mapping[str, Sequence[tuple[str, str, str]]]] = {
    **dict.fromkeys(
        ("getMember", "lookUpMember"),
        (
            ("wallets", "member_id", "wallets"),
            ("tier", "member_id", "tier"),
            ("consents", "member_id", "consents"),
            ("store", "store_id", "store"),
        ),
    ),
    "getOrder": (
        ("member", "member_id", "member"),
        ("store", "store_id", "store"),
        ("lineage", "order_id", "lineage"),
    ),
    "listOrdersOfMember": (("orders.store", "store_id", "store"),),
    "listLots": (("lots.order", "order_id", "order"),),
    "getStatement": (("lines.order", "order_id", "order"), ("lines.lots.lot", "lot_id", "lot")),
    "getHold": (("lots.lot", "lot_id", "lot"),),
    "listTransfers": (("transfers.other_member", "other", "member"),),
    "listAdjustmentRequests": (
        ("requests.member", "member_id", "member"),
        ("requests.wallets", "member_id", "wallets"),
    ),
    "getHousehold": (("members.member", "member_id", "member"), ("members.wallets", "member_id", "wallets")),
    "listHouseholds": (("households.members.member", "member_id", "member"),),
    "listMemberHouseholds": (("households.household", "household_id", "household"),),
    "listPreviewMembers": (("members.member", "member_id", "member"), ("members.wallets", "member_id", "wallets")),
}


def give_along(services: Services, routes: Iterable[HTTPRouteHandler]) -> None:
    """Let reads give along what they can."""
    commerce = Commerce(Configuration())
    kinds: dict[str, Related] = {
        "member": members_given_along(services.vault),
        "consents": consents_given_along(),
        "household": households_given_along(),
        "wallets": wallets_given_along(),
        "tier": tiers_given_along(commerce.configuration),
        "lot": lots_given_along(),
        "order": orders_given_along(commerce),
        "lineage": lineage_given_along(commerce),
        "store": stores_given_along(),
    }
    for handler in routes:
        if (places := PLACES.get(str(handler.operation_id))) is not None:
            found = [Expansion(name, by, kinds[kind]) for name, by, kind in places]
            handler.opt[EXPANDS] = Expandable(services.database, found)
