"""All groups of operations, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from regulars_client.blocking.events import Events
from regulars_client.blocking.explanations import Explanations
from regulars_client.blocking.exports import Exports
from regulars_client.blocking.finance import Finance
from regulars_client.blocking.households import Households
from regulars_client.blocking.imports import Imports
from regulars_client.blocking.jobs import Jobs
from regulars_client.blocking.ledger import Ledger
from regulars_client.blocking.members import Members
from regulars_client.blocking.merging import Merging
from regulars_client.blocking.messages import Messages
from regulars_client.blocking.operations import Operations
from regulars_client.blocking.orders import Orders
from regulars_client.blocking.policies import Policies
from regulars_client.blocking.privacy import Privacy
from regulars_client.blocking.stores import Stores
from regulars_client.blocking.transport import Transport
from regulars_client.blocking.webhooks import Webhooks


class Groups:
    """The groups of operations, as the API reference has them."""

    def __init__(self, transport: Transport) -> None:
        self.events = Events(transport)
        self.explanations = Explanations(transport)
        self.exports = Exports(transport)
        self.finance = Finance(transport)
        self.households = Households(transport)
        self.imports = Imports(transport)
        self.jobs = Jobs(transport)
        self.ledger = Ledger(transport)
        self.members = Members(transport)
        self.merging = Merging(transport)
        self.messages = Messages(transport)
        self.operations = Operations(transport)
        self.orders = Orders(transport)
        self.policies = Policies(transport)
        self.privacy = Privacy(transport)
        self.stores = Stores(transport)
        self.webhooks = Webhooks(transport)
