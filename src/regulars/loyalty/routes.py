"""Every route of loyalty."""

from typing import NamedTuple

from litestar.handlers import HTTPRouteHandler

from regulars.loyalty.adjustments.routes import routes as adjustment_routes
from regulars.loyalty.drafts.routes import routes as draft_routes
from regulars.loyalty.finance.routes import routes as finance_routes
from regulars.loyalty.holds.batches import hold_batch_routes
from regulars.loyalty.holds.routes import routes as hold_routes
from regulars.loyalty.ledger.batches import posting_batch_routes
from regulars.loyalty.ledger.routes import posting_lane
from regulars.loyalty.ledger.routes import routes as ledger_routes
from regulars.loyalty.policy.routes import routes as policy_routes
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.preview.routes import routes as preview_routes
from regulars.loyalty.statement.routes import routes as statement_routes
from regulars.loyalty.transfers.routes import routes as transfer_routes
from regulars.platform.http.hot import HotRoute
from regulars.platform.services import Services


class Offered(NamedTuple):
    """What loyalty offers to the web process: its routes, and hot twins of a few."""

    routes: list[HTTPRouteHandler]
    hot: list[HotRoute]


def routes(services: Services) -> Offered:
    """Return them, with their lanes made."""
    configuration = Configuration()
    lane = posting_lane(services, configuration)
    posting, hot_postings = ledger_routes(services, configuration, lane)
    reading, hot_reads = statement_routes(services, configuration)
    offered = [*posting, *hold_routes(services, lane), *adjustment_routes(services, configuration)]
    offered += [
        *posting_batch_routes(services, configuration),
        *hold_batch_routes(services, configuration),
        *reading,
        *policy_routes(services),
        *draft_routes(services),
        *preview_routes(services),
        *finance_routes(services),
        *transfer_routes(services, configuration),
    ]
    return Offered(offered, [*hot_postings, *hot_reads])
