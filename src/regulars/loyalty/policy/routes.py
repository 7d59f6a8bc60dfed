"""HTTP of the configuration, to read: wallets and policies. These change by drafts and by `regulars configure`."""

from typing import Final

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from regulars.loyalty.policy import service
from regulars.loyalty.policy.schemas import ProgrammePolicies, ProgrammeWallets
from regulars.platform.http.guards import requires
from regulars.platform.services import Services

TAGS: Final = ["ledger"]
SCOPE: Final = "ledger:read"


def routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the routes of the configuration."""

    @get("/v1/wallets", guards=[requires(SCOPE)], operation_id="listWallets", tags=TAGS, summary="List the wallets")
    async def list_wallets() -> ProgrammeWallets:
        """Return the programme's wallets: which count for tiers, and which can be spent."""
        async with services.database.transaction() as tx:
            return ProgrammeWallets(wallets=await service.list_wallets(tx))

    @get("/v1/policies", guards=[requires(SCOPE)], operation_id="listPolicies", tags=TAGS, summary="List the policies")
    async def list_policies(*, withdrawn: FromQuery[bool] = False) -> ProgrammePolicies:
        """Return every version of the loyalty policy, past and to come, and which of them is in force.

        `withdrawn` adds those that were taken back before their instant.
        """
        async with services.database.transaction() as tx:
            versions = await service.read_versions(tx)
        in_force = next((one.version for one in versions if one.state == "active"), None)
        shown = [one for one in versions if withdrawn or one.state != "withdrawn"]
        return ProgrammePolicies(in_force=in_force, policies=shown[::-1])

    return [list_wallets, list_policies]
