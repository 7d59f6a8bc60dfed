"""HTTP of webhooks."""

from litestar.handlers import HTTPRouteHandler

from regulars.platform.services import Services
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.delivery_routes import delivery_routes
from regulars.platform.webhooks.endpoint_routes import endpoint_routes


def webhook_routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of webhooks, with their lanes made."""
    return [*endpoint_routes(services, Guard(services.settings.webhook_networks)), *delivery_routes(services)]
