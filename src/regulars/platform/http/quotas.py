"""How often a key may ask: a bucket of requests for each, filled evenly, ten seconds deep.

Each web process has its own buckets, so that asking costs nothing: with two processes behind one address a key may ask
up to twice as often.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import Final

from regulars.platform.auth.contracts import Principal
from regulars.platform.auth.errors import RateLimited

WINDOW_SECONDS: Final = 10
_MOST_BUCKETS: Final = 20_000


@dataclass(slots=True)
class Quota:
    """What a key has left: `left` requests at `at` (monotonic seconds)."""

    per_second: int
    left: float
    at: float

    def take(self) -> None:
        """Take one request. Raises RateLimited (429)."""
        if self.left < 1:
            raise RateLimited(requests_per_second=self.per_second, retry_after_seconds=1)
        self.left -= 1

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header fields of an answer: the policy, what is left of it, and in how many seconds it is whole again."""
        most = self.per_second * WINDOW_SECONDS
        whole_in = ceil((most - self.left) / self.per_second)
        return [
            (b"ratelimit-policy", b'"key";q=%d;w=%d' % (most, WINDOW_SECONDS)),
            (b"ratelimit", b'"key";r=%d;t=%d' % (int(self.left), whole_in)),
        ]


@dataclass(slots=True)
class Quotas:
    """The buckets of all keys that have a limit and asked lately; `now` gives monotonic seconds."""

    now: Callable[[], float] = monotonic
    _buckets: dict[str, Quota] = field(default_factory=dict)

    def of(self, principal: Principal) -> Quota | None:
        """Return what who asks has left now; None where there is no limit."""
        per_second = principal.requests_per_second
        if per_second is None:
            return None
        now, most = self.now(), float(per_second * WINDOW_SECONDS)
        quota = self._buckets.get(principal.key_id)
        if quota is None or quota.per_second != per_second:
            self._make_room(now)
            quota = self._buckets[principal.key_id] = Quota(per_second, most, now)
        quota.left = min(most, quota.left + (now - quota.at) * per_second)
        quota.at = now
        return quota

    def _make_room(self, now: float) -> None:
        """Forget buckets that are full again, once there are many."""
        if len(self._buckets) < _MOST_BUCKETS:
            return
        for key_id, quota in list(self._buckets.items()):
            if now - quota.at >= WINDOW_SECONDS:
                del self._buckets[key_id]
