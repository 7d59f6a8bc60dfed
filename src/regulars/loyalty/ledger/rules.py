"""Pure arithmetic of the ledger: what an order earns, what points may pay, what a return leaves."""

from typing import NamedTuple

from regulars.loyalty.policy.contracts import Policy

PERCENT = 100


class Allowance(NamedTuple):
    """How many points may pay for an order now, and why not more."""

    allowed: int
    spendable: int
    minimum: int
    debt: int


def points_allowed(policy: Policy, total_minor: int, spendable: int, debt: int) -> Allowance:
    """Return how many points may pay for a total: none while in debt or below the minimum, else up to the share."""
    payment = policy.payment
    if debt > 0 or spendable < payment.min_spendable:
        return Allowance(0, spendable, payment.min_spendable, debt)
    share_minor = total_minor * payment.max_percent // PERCENT
    return Allowance(min(spendable, share_minor // payment.point_value_minor), spendable, payment.min_spendable, debt)


def base_of(policy: Policy, total_minor: int, points_used: int) -> int:
    """Return the base points of what was paid in money."""
    return (total_minor - points_used * policy.payment.point_value_minor) // policy.earning.minor_per_point


class Remains(NamedTuple):
    """What is left of an order's settlement after all that was returned so far."""

    points_used: int
    base: int


def settle_remains(policy: Policy, total_minor: int, points_used: int, returned_minor: int) -> Remains:
    """Settle what remains of an order, always from the original order and all returned so far (minor units)."""
    kept_minor = total_minor - returned_minor
    points_left = points_used * kept_minor // total_minor if total_minor else 0
    return Remains(points_left, base_of(policy, kept_minor, points_left))
