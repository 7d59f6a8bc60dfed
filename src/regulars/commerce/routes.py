"""Every route of commerce."""

from typing import NamedTuple

from litestar.handlers import HTTPRouteHandler

from regulars.commerce.explaining.routes import routes as explanation_routes
from regulars.commerce.orders.batches import put_orders_route
from regulars.commerce.orders.routes import routes as order_routes
from regulars.commerce.orders.service import Commerce
from regulars.commerce.stores.routes import routes as store_routes
from regulars.loyalty import api as loyalty
from regulars.platform.http.hot import HotMutation
from regulars.platform.services import Services


class Offered(NamedTuple):
    """What commerce offers to the web process: its routes, and hot twins of a few."""

    routes: list[HTTPRouteHandler]
    hot: list[HotMutation]


def routes(services: Services) -> Offered:
    """Return them, with their lanes made."""
    commerce = Commerce(loyalty.Configuration())
    orders, hot = order_routes(services, commerce)
    others = [put_orders_route(services, commerce), *explanation_routes(services, commerce), *store_routes(services)]
    return Offered([*orders, *others], hot)
