"""What members are told of the facts of other rooms. News only: nobody is told of replayed or imported history.

Facts are noted, set-based and once each, as occasions; the worker writes and sends the messages after.
"""

from collections.abc import Sequence

from regulars.domain_events.commerce import OrderPaid, OrderReturned
from regulars.domain_events.loyalty import TierReached, TransferReceived, TransferSent, TransferTakenBack
from regulars.domain_events.members import ConsentRequested
from regulars.engagement.channels import occasions, rules
from regulars.engagement.contracts import (
    ConfirmConsentFacts,
    PointsReceivedFacts,
    PointsSentFacts,
    PointsTakenBackFacts,
    ReceiptFacts,
    ReturnFacts,
    TierFacts,
)
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.outbox.liveness import live


@live
async def send_receipts(tx: Transaction, events: Sequence[Delivered[OrderPaid]]) -> None:
    """Tell members of the orders they paid, unless a shop reported them long after."""
    occasions.note(
        tx,
        [
            (paid.member_id, event_id, paid.recorded_at, _receipt(paid))
            for event_id, paid in events
            if paid.currency and rules.is_told(paid.occurred_at, paid.recorded_at)
        ],
    )


@live
async def tell_of_returns(tx: Transaction, events: Sequence[Delivered[OrderReturned]]) -> None:
    """Tell members how their returns were settled, unless a shop reported them long after."""
    occasions.note(
        tx,
        [
            (back.member_id, event_id, back.recorded_at, _return(back))
            for event_id, back in events
            if back.currency and rules.is_told(back.occurred_at, back.recorded_at)
        ],
    )


@live
async def ask_to_confirm_consent(tx: Transaction, events: Sequence[Delivered[ConsentRequested]]) -> None:
    """Ask members, at the address itself, to confirm a consent; the link is drawn when the letter is written."""
    occasions.note(
        tx,
        [
            (asked.member_id, event_id, asked.recorded_at, ConfirmConsentFacts(consent_id=asked.consent_id))
            for event_id, asked in events
        ],
    )


@live
async def congratulate(tx: Transaction, events: Sequence[Delivered[TierReached]]) -> None:
    """Tell members of the tiers they rose to, with what those earned by the policy of that moment."""
    policies = await loyalty.list_policies(tx)
    noted = []
    for event_id, risen in events:
        in_force = [each for each in policies if each.active_from is not None and each.active_from <= risen.recorded_at]
        earned_by = {tier.code: tier.multiplier for each in in_force[-1:] for tier in each.tier.tiers}
        facts = TierFacts(tier=risen.tier, from_tier=risen.from_tier, multiplier=earned_by.get(risen.tier, 1))
        if risen.member_id is not None:
            noted.append((risen.member_id, event_id, risen.recorded_at, facts))
    occasions.note(tx, noted)


@live
async def tell_of_points_sent(tx: Transaction, events: Sequence[Delivered[TransferSent]]) -> None:
    """Tell members what they gave to others: whoever did not give it hears of it so."""
    occasions.note(
        tx,
        [
            (sent.member_id, event_id, sent.recorded_at, PointsSentFacts(points=sent.amount, at=sent.recorded_at))
            for event_id, sent in events
        ],
    )


@live
async def tell_of_points_received(tx: Transaction, events: Sequence[Delivered[TransferReceived]]) -> None:
    """Tell members what another member gave them, and not who."""
    occasions.note(
        tx,
        [
            (got.member_id, event_id, got.recorded_at, PointsReceivedFacts(points=got.amount, at=got.recorded_at))
            for event_id, got in events
        ],
    )


@live
async def tell_of_points_taken_back(tx: Transaction, events: Sequence[Delivered[TransferTakenBack]]) -> None:
    """Tell both members that a transfer was taken back."""
    occasions.note(
        tx,
        [
            (
                back.member_id,
                event_id,
                back.recorded_at,
                PointsTakenBackFacts(
                    had_given=back.side == "given",
                    points=back.amount,
                    owed=0 if back.side == "given" else back.owed,
                    expired=back.expired,
                    at=back.recorded_at,
                ),
            )
            for event_id, back in events
        ],
    )


def _receipt(paid: OrderPaid) -> ReceiptFacts:
    return ReceiptFacts(
        order_id=paid.order_id,
        occurred_at=paid.occurred_at or paid.recorded_at,
        recorded_at=paid.recorded_at,
        channel=paid.channel,
        store_name=paid.store_name,
        total_minor=paid.total_minor,
        currency=paid.currency,
        points_used=paid.points_used,
        points_earned=paid.points_earned,
        debt_repaid=paid.debt_repaid,
        available_at=paid.available_at,
        expires_at=paid.expires_at,
    )


def _return(back: OrderReturned) -> ReturnFacts:
    return ReturnFacts(
        order_id=back.order_id,
        occurred_at=back.occurred_at or back.recorded_at,
        store_name=back.store_name,
        returned_minor=back.returned_minor,
        currency=back.currency,
        points_given_back=back.points_given_back,
        points_clawed_back=back.points_clawed_back,
        to_debt=back.to_debt,
        money_back_minor=back.money_back_minor,
    )
