"""Every route of engagement."""

from litestar.handlers import HTTPRouteHandler

from regulars.engagement.channels.routes import routes as message_routes
from regulars.platform.services import Services


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return them, with their lanes made."""
    return message_routes(services)
