"""What a policy would do to one book: decided by the book itself, twice, with the policy and without."""

from datetime import datetime
from uuid import UUID

from regulars.loyalty.ledger.book import Book
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.preview.contracts import Touch
from regulars.loyalty.tiers.rules import missing_for_next

Found = tuple[UUID, Touch, int, int, int, int | None, datetime | None, datetime | None]


def touch(without: Book, with_it: Book, policy: Policy, at: datetime) -> Found | None:
    """Return what a policy that comes at `at` does to a member, given the book opened without it and with it.

    Both books are for looking only, and are moved on to the next review. None: nothing.
    """
    without.begin(at)
    with_it.begin(at)
    metric = with_it.growth_at(at)
    held = with_it.tier
    reviews = without.review_at, with_it.review_at
    following = missing_for_next(policy.tier, held, metric)
    missing = None if following is None else following[1]
    if held > without.tier:
        return with_it.member_id, "rises", without.tier, held, metric, missing, *reviews
    would, will = after_review(without), after_review(with_it)
    if will < would:
        return with_it.member_id, "falls", held, will, metric, missing, *reviews
    if will > would:
        return with_it.member_id, "stays", would, will, metric, missing, *reviews
    if reviews[0] != reviews[1]:
        return with_it.member_id, "review", held, held, metric, missing, *reviews
    return None


def after_review(book: Book) -> int:
    """Return the tier after the next review, and the grace that it may open, if nothing more is bought."""
    if book.review_at is not None:
        book.begin(book.review_at)
        if book.in_grace and book.review_at is not None:
            book.begin(book.review_at)
    return book.tier
