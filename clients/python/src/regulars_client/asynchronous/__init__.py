"""All groups of operations, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from regulars_client.asynchronous.events import AsyncEvents
from regulars_client.asynchronous.explanations import AsyncExplanations
from regulars_client.asynchronous.exports import AsyncExports
from regulars_client.asynchronous.finance import AsyncFinance
from regulars_client.asynchronous.households import AsyncHouseholds
from regulars_client.asynchronous.imports import AsyncImports
from regulars_client.asynchronous.jobs import AsyncJobs
from regulars_client.asynchronous.ledger import AsyncLedger
from regulars_client.asynchronous.members import AsyncMembers
from regulars_client.asynchronous.merging import AsyncMerging
from regulars_client.asynchronous.messages import AsyncMessages
from regulars_client.asynchronous.operations import AsyncOperations
from regulars_client.asynchronous.orders import AsyncOrders
from regulars_client.asynchronous.policies import AsyncPolicies
from regulars_client.asynchronous.privacy import AsyncPrivacy
from regulars_client.asynchronous.stores import AsyncStores
from regulars_client.asynchronous.transport import AsyncTransport
from regulars_client.asynchronous.webhooks import AsyncWebhooks


class AsyncGroups:
    """The groups of operations, as the API reference has them."""

    def __init__(self, transport: AsyncTransport) -> None:
        self.events = AsyncEvents(transport)
        self.explanations = AsyncExplanations(transport)
        self.exports = AsyncExports(transport)
        self.finance = AsyncFinance(transport)
        self.households = AsyncHouseholds(transport)
        self.imports = AsyncImports(transport)
        self.jobs = AsyncJobs(transport)
        self.ledger = AsyncLedger(transport)
        self.members = AsyncMembers(transport)
        self.merging = AsyncMerging(transport)
        self.messages = AsyncMessages(transport)
        self.operations = AsyncOperations(transport)
        self.orders = AsyncOrders(transport)
        self.policies = AsyncPolicies(transport)
        self.privacy = AsyncPrivacy(transport)
        self.stores = AsyncStores(transport)
        self.webhooks = AsyncWebhooks(transport)
