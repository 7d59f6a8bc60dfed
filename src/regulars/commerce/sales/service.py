"""What was sold to members, in figures."""

from datetime import datetime

from regulars.commerce.contracts import SalesTotals
from regulars.commerce.sales import store
from regulars.platform.db.transaction import Transaction


async def sales_totals(tx: Transaction, before: datetime) -> SalesTotals:
    """Return what members' orders that became paid, and their returns, sum to, of those recorded before an instant.

    Later returns and cancellations do not lower `revenue_minor`; they are returns. Orders without a member are not
    among them. Amounts of all currencies are summed: ask for a programme of one. One round trip, as long as the
    tables are. Raises nothing. Source: orders, order_lines, order_returns.
    """
    orders, lines, returns = await store.totals(tx, before)
    return SalesTotals(
        orders=sum([count for _, count, _ in orders]),
        orders_by_channel={channel: count for channel, count, _ in orders},
        lines=lines[0][0],
        revenue_minor=sum([revenue for _, _, revenue in orders]),
        returns=returns[0][0],
        returned_minor=returns[0][1],
    )
