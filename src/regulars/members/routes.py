"""Every route of members."""

from litestar.handlers import HTTPRouteHandler

from regulars.members.consent.batches import consent_batch_route
from regulars.members.consent.routes import routes as consent_routes
from regulars.members.contracts.merging import MergingParts
from regulars.members.contracts.privacy import Parts
from regulars.members.households.routes import routes as household_routes
from regulars.members.identity.batches import sign_up_batch_route
from regulars.members.identity.routes import routes as identity_routes
from regulars.members.identity_rules.routes import rules_routes
from regulars.members.merging.routes import routes as merging_routes
from regulars.members.privacy.export_routes import export_routes
from regulars.members.privacy.look_routes import look_routes
from regulars.members.privacy.routes import routes as privacy_routes
from regulars.members.profile.routes import routes as profile_routes
from regulars.members.proposals.routes import proposal_routes
from regulars.platform.services import Services


def routes(services: Services, parts: Parts = (), merging: MergingParts = ()) -> list[HTTPRouteHandler]:
    """Return them, with their lanes made; `parts` is what the rooms above have to do with privacy, and with merges."""
    return [
        *identity_routes(services),
        sign_up_batch_route(services),
        *profile_routes(services),
        *consent_routes(services),
        consent_batch_route(services),
        *privacy_routes(services, parts),
        *export_routes(services, parts),
        *look_routes(services),
        *merging_routes(services, merging),
        *household_routes(services),
        *proposal_routes(services, merging),
        *rules_routes(services),
    ]
