"""Every route of members."""

from litestar.handlers import HTTPRouteHandler

from regulars.members.consent.routes import routes as consent_routes
from regulars.members.identity.routes import routes as identity_routes
from regulars.members.profile.routes import routes as profile_routes
from regulars.platform.services import Services


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return them, with their lanes made."""
    return [*identity_routes(services), *profile_routes(services), *consent_routes(services)]
