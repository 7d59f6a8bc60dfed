"""How a member stands on an open book: what may be spent, and how far the next tier is. It changes nothing."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from regulars.loyalty.contracts import OrderSettlement
from regulars.loyalty.ledger import rules
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.books import Books
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.tiers.rules import code_of, missing_for_next


class Standing(Struct, frozen=True, kw_only=True):
    """A member at an instant: points that can be spent, debt, and the tier with its metric over the window (days)."""

    at: datetime
    spendable: int
    debt: int
    tier: str
    metric: int
    window_days: int
    next_tier: str | None
    missing: int
    policy: Policy


class Allowance(Struct, frozen=True, kw_only=True):
    """How many points may pay for a total, and what bounds them: `share` is the most that the total allows."""

    allowed: int
    spendable: int
    minimum: int
    share: int
    max_percent: int
    debt: int


def standing(books: Books, member_id: UUID, at: datetime) -> Standing:
    """Return how a member stands. The book must have been opened with the member's lots; raises UnknownMember (404)."""
    book = books.book(member_id)
    now = at if book.last_recorded_at is None else max(at, book.last_recorded_at)
    policy = books.configuration.policy_at(now)
    wallet = books.configuration.wallet(policy.spending_wallet)
    metric = _metric(book, now)
    following = missing_for_next(policy.tier, book.tier, metric)
    return Standing(
        at=now,
        spendable=sum([lot.free for lot in book.spendable_lots(wallet.wallet_id, now)]),
        debt=book.wallet(wallet.wallet_id).debt,
        tier=code_of(policy.tier, book.tier),
        metric=metric,
        window_days=policy.tier.window_days,
        next_tier=following[0] if following else None,
        missing=following[1] if following else 0,
        policy=policy,
    )


def points_allowed(member: Standing, total_minor: int) -> Allowance:
    """Return how many points may pay for a total (minor units), and why not more."""
    payment = member.policy.payment
    allowance = rules.points_allowed(member.policy, total_minor, member.spendable, member.debt)
    return Allowance(
        allowed=allowance.allowed,
        spendable=allowance.spendable,
        minimum=allowance.minimum,
        share=total_minor * payment.max_percent // rules.PERCENT // payment.point_value_minor,
        max_percent=payment.max_percent,
        debt=allowance.debt,
    )


class Counted(NamedTuple):
    """What a settled order still counts after all that came back: points that pay, base points (growth), points."""

    points_used: int
    base: int
    points: int


def still_counts(policy: Policy, settled: OrderSettlement, total_minor: int, returned_minor: int) -> Counted:
    """Return what an order still counts, by the policy under which it was settled (amounts in minor units)."""
    remains = rules.settle_remains(policy, total_minor, settled.points_used, returned_minor)
    return Counted(remains.points_used, remains.base, remains.base * settled.multiplier)


def _metric(book: Book, now: datetime) -> int:
    """Return the qualifying metric at `now` without moving the book's window."""
    edge = now - timedelta(days=book.window_days)
    return book.window_sum - sum([change for effective_at, change in book.ageing if effective_at <= edge])
