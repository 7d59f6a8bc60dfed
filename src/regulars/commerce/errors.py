"""Refusals of commerce."""

from regulars.platform.errors import Conflict, InvalidInput, NotFound


class UnknownStore(InvalidInput):
    """No store has this id."""

    code = "unknown_store"
    message = "There is no store “{store_id}”. Use the id of a defined store, or leave it out for an order without one."


class StoreInAnotherMarket(InvalidInput):
    """Stores belong to one market."""

    code = "store_in_another_market"
    message = "The store “{store_id}” does not belong to the market {market}. Use the store's own market."


class CurrencyNotTheMarkets(InvalidInput):
    """Amounts are in the market's currency."""

    code = "currency_not_the_markets"
    message = "The market {market} sells in {expected}, not in {currency}. Send the amount in {expected}."


class LinesDoNotSum(InvalidInput):
    """The total is the sum of the lines."""

    code = "lines_do_not_sum"
    message = (
        "The lines sum to {lines_minor}, the total says {total_minor} (minor units). Correct the one that is wrong."
    )
    near_miss = "The difference is {difference_minor} (minor units)."


class PaymentsDoNotSum(InvalidInput):
    """What was paid is the total."""

    code = "payments_do_not_sum"
    message = (
        "The payments sum to {paid_minor}, the total is {total_minor} (minor units). Correct the one that is wrong."
    )
    near_miss = "The difference is {difference_minor} (minor units)."


class DuplicateLine(InvalidInput):
    """Line ids are distinct within an order."""

    code = "duplicate_line"
    message = "The line id “{line_id}” appears twice. Give each line an id of its own."


class QuantityNotPositive(InvalidInput):
    """Something is bought or returned."""

    code = "quantity_not_positive"
    message = "The quantity is {quantity}; it must be above 0, with at most three decimals."


class TooFarAhead(InvalidInput):
    """A till's clock may be a little fast, no more."""

    code = "too_far_ahead"
    message = "The time {occurred_at} lies ahead of now ({now}) by more than 5 minutes. Check the clock of the sender."


class TooLongAgo(InvalidInput):
    """An order is sent within two years."""

    code = "too_long_ago"
    message = (
        "The time {occurred_at} lies more than {days} days before now ({now}). Such orders cannot be settled any more."
    )


class ReturnBeforeOrder(InvalidInput):
    """What comes back was bought before."""

    code = "return_before_order"
    message = (
        "The return is dated {occurred_at}, before its order ({ordered_at}). "
        "Correct the time, or leave it out if it is now."
    )


class OrderIdTaken(Conflict):
    """An order id belongs to one member."""

    code = "order_id_taken"
    message = (
        "The order id “{order_id}” is already used for somebody else. Use the id that your system gave this order."
    )


class StateMovedBackwards(Conflict):
    """An order goes forward."""

    code = "state_moved_backwards"
    message = "The order is already {current}; it cannot become {asked}. Send a return, or cancel the order."


class OrderFrozen(Conflict):
    """What was paid for is settled."""

    code = "order_frozen"
    message = "The order is {current}, so its lines, amounts and payments stand. Send a return for what comes back."


class UnknownOrder(NotFound):
    """No order has this id."""

    code = "unknown_order"
    message = "There is no order {order_id}. Check the id, or send the order first."


class NotReturnable(Conflict):
    """Only what was paid for comes back."""

    code = "not_returnable"
    message = "The order is {current}; only a paid order can be returned."


class UnknownLine(InvalidInput):
    """The return names a line that the order has not."""

    code = "unknown_line"
    message = "The order has no line “{line_id}”. Use a line id of the order."


class ReturnTooMuch(InvalidInput):
    """No more comes back than was bought."""

    code = "return_too_much"
    message = "Of line “{line_id}” only {left} can still be returned, {asked} are asked. Return at most {left}."
    near_miss = "{over} less could have come back."


class NothingLeftToReturn(Conflict):
    """Everything has come back."""

    code = "nothing_left_to_return"
    message = "Everything of the order {order_id} has already been returned."


class ReturnIdReused(InvalidInput):
    """The return id stands for another return."""

    code = "return_id_reused"
    message = "The return id “{return_id}” already stands for another return of this order. Use an id of its own."


class GuestCannotUsePoints(InvalidInput):
    """Points need a member."""

    code = "guest_cannot_use_points"
    message = "An order without a member cannot be paid with points. Name the member, or take the payment out."


class ClaimTooLate(Conflict):
    """Guest orders can be claimed for a while."""

    code = "claim_too_late"
    message = "The order {order_id} is older than {days} days and can no longer be claimed."


class NotAGuestOrder(Conflict):
    """The order already belongs to a member."""

    code = "not_a_guest_order"
    message = "The order {order_id} already belongs to a member."


class CurrenciesDiffer(InvalidInput):
    """An order is in one currency."""

    code = "currencies_differ"
    message = "This amount is in {currency}, the order's total in {expected}. Send every amount in the same currency."


class PaymentUnclear(InvalidInput):
    """Points are counted, money has an amount."""

    code = "payment_unclear"
    message = (
        "The method “points” takes either points or points_at_most, once in an order, and no amount; every other "
        "method takes an amount. Correct the payment."
    )


class OrderIdImpossible(InvalidInput):
    """An order id stands in addresses and in references."""

    code = "order_id_impossible"
    message = (
        "An order id has 1 to 64 letters, digits, or any of . _ ~ - and begins with a letter or digit. "
        "Use an id of this form."
    )


class CursorUnreadable(InvalidInput):
    """A cursor is what an earlier page gave."""

    code = "cursor_unreadable"
    message = "The cursor cannot be read. Use next_cursor of the page before, or leave it out to begin anew."


class StoreIdImpossible(InvalidInput):
    """A store id stands in addresses."""

    code = "store_id_impossible"
    message = (
        "A store id has 1 to 64 letters, digits, or any of . _ ~ - and begins with a letter or digit. "
        "Use an id of this form."
    )


class AmountNegative(InvalidInput):
    """Nobody is paid for buying."""

    code = "amount_negative"
    message = "The amount is {amount_minor}; it must not be below 0. Send what comes back as a return."


class UnknownReceipt(NotFound):
    """What was typed at a counter is no receipt's code."""

    code = "unknown_receipt"
    message = "No purchase has this receipt code. Check it and try again."


class MergeWaitsForOrders(Conflict):
    """An order is settled in the books of whoever placed it."""

    code = "merge_waits_for_orders"
    message = (
        "The member to be merged has orders that are not paid yet ({orders}). Wait for the payment, or cancel them."
    )
