"""What is tried runs out of its bucket: ordinary days are never refused, whoever tries on is slowed for good."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.commerce.devices.service import TRIED_FROM as DEVICE_CODE
from regulars.commerce.orders.receipts import CLAIMED, SOUGHT
from regulars.members.access import limits as members
from regulars.members.counter.limits import FOUND_WEIGHS, LOOKED_UP
from regulars.members.identity.limits import SEARCHED
from regulars.members.recipients import limits as recipients
from regulars.platform.auth.staff import limits as staff
from regulars.platform.auth.throttle import rules, service
from regulars.platform.auth.throttle.rules import Policy, Tally

BEGIN = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
POLICIES = [
    LOOKED_UP,
    SEARCHED,
    SOUGHT,
    CLAIMED,
    DEVICE_CODE,
    *[
        one
        for one in (*vars(members).values(), *vars(staff).values(), *vars(recipients).values())
        if isinstance(one, Policy)
    ],
]
PLACES = [members.SENT_FROM, members.SENT_AROUND, members.TRIED_FROM, staff.PLACE]


class Bucket:
    """One subject's tally under a policy, at instants that the test names."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.tally: Tally | None = None

    def wait(self, at: datetime) -> int:
        return rules.seconds_to_wait(self.tally, self.policy, at)

    def count(self, at: datetime) -> bool:
        """Try; False if it is refused."""
        if self.wait(at):
            return False
        self.tally = rules.after_attempt(self.tally, self.policy, at)
        return True

    def succeed(self, at: datetime, weight: float = 0.0) -> None:
        assert self.tally is not None
        self.tally = rules.after_success(self.tally, self.policy, at, weight)


def at_once_for_ever(policy: Policy, hours: int) -> Iterator[datetime]:
    """The instants at which somebody gets through who tries again the moment they may."""
    bucket, now = Bucket(policy), BEGIN
    while now < BEGIN + timedelta(hours=hours):
        assert bucket.count(now)
        yield now
        now += timedelta(seconds=max(1, bucket.wait(now)))


def test_every_policy_is_looked_at() -> None:
    assert len(POLICIES) == 21
    assert len({one.bucket for one in POLICIES}) == len(POLICIES)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 119))
def test_an_ordinary_day_at_a_counter_is_never_refused(random, jitter: int) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - a Random
    """A look-up every two minutes for ten hours; nineteen of twenty find somebody, in any order."""
    found = [True] * 285 + [False] * 15
    random.shuffle(found)
    till = Bucket(LOOKED_UP)
    for n, somebody in enumerate(found):
        at = BEGIN + timedelta(minutes=2 * n, seconds=random.randint(0, jitter))
        assert till.count(at), n
        if somebody:
            till.succeed(at, FOUND_WEIGHS)


def test_the_rush_of_a_fair_is_not_refused_either() -> None:
    """One in twenty seconds for eight hours, one of ten finds nobody, and half of those found buy."""
    till = Bucket(LOOKED_UP)
    for n in range(8 * 180):
        at = BEGIN + timedelta(seconds=20 * n)
        assert till.count(at), n
        if n % 10:
            till.succeed(at, FOUND_WEIGHS)
        if n % 2:
            till.succeed(at)


def test_whoever_tries_numbers_is_stopped_soon_and_stays_slow() -> None:
    tries = list(at_once_for_ever(LOOKED_UP, 24))

    assert len([at for at in tries if at < BEGIN + timedelta(minutes=10)]) <= 50
    assert len(tries) < 24 * 40 + 50
    last_hour = [at for at in tries if at >= BEGIN + timedelta(hours=23)]
    assert len(last_hour) <= 42


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.bucket)
def test_in_the_long_run_nobody_is_faster_than_the_bucket_leaks(policy: Policy) -> None:
    tries = list(at_once_for_ever(policy, 72))

    slowest = min(policy.leak_seconds, policy.cap_seconds)
    assert len(tries) <= policy.fullest + 72 * 3600 / slowest
    assert all(at == BEGIN + timedelta(seconds=n) for n, at in enumerate(tries[: policy.free]))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(POLICIES), st.data())
def test_who_tries_less_often_than_it_leaks_is_never_refused(policy: Policy, data: st.DataObject) -> None:
    bucket, now = Bucket(policy), BEGIN
    for _ in range(120):
        now += timedelta(seconds=data.draw(st.integers(max(policy.leak_seconds, policy.base_seconds), 20_000)))
        assert bucket.count(now)


@pytest.mark.parametrize("policy", PLACES, ids=lambda one: one.bucket)
def test_a_carrier_s_network_with_a_slip_every_twenty_minutes_is_never_closed(policy: Policy) -> None:
    place = Bucket(policy)
    for n in range(3 * 24 * 20):
        assert place.count(BEGIN + timedelta(minutes=20 * n))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(PLACES), st.randoms(use_true_random=False))
def test_a_place_where_most_get_in_is_never_closed(policy: Policy, random) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - a Random
    """One sign-in every five seconds for an hour, two in five of which fail."""
    place = Bucket(policy)
    for block in range(144):
        fails = [True, True, False, False, False]
        random.shuffle(fails)
        for n, failed in enumerate(fails):
            at = BEGIN + timedelta(seconds=25 * block + 5 * n)
            assert place.count(at)
            if not failed:
                place.succeed(at)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.bucket)
def test_tallies_are_kept_as_long_as_they_count(policy: Policy) -> None:
    assert timedelta(seconds=policy.forgotten_after_seconds) <= service.FORGET_AFTER


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(POLICIES), st.lists(st.integers(-400_000, 400_000), max_size=30))
def test_a_clock_that_jumps_blocks_nobody_for_longer_than_the_longest(policy: Policy, jumps: list[int]) -> None:
    bucket, now = Bucket(policy), BEGIN
    for jump in jumps:
        now += timedelta(seconds=jump)
        wait = bucket.wait(now)
        assert 0 <= wait <= policy.cap_seconds
        bucket.count(now + timedelta(seconds=wait))
        assert bucket.tally is not None
        assert 0 <= bucket.tally.attempts <= policy.fullest
