"""When a call is sent again, and after which pause. The same for callers who wait and for those who await."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isnan
from typing import Any, Final

import httpx

from regulars_client.calls import Call
from regulars_client.clock import elapsed_seconds, wall_seconds
from regulars_client.errors import NoAnswer, refusal

_CONFLICT: Final = 409
_TOO_MANY: Final = 429
_FOR_A_MOMENT: Final = frozenset({408, 502, 503, 504})
_NEVER_AGAIN: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)  # mistakes of the caller's


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often and how long a call is sent again.

    The pauses double from the first to the longest, each cut by up to a half at random, so that tills that lost the
    same server do not come back in the same moment. What the server asks to wait for is waited for, if it is in time.
    After `deadline_seconds` from the first attempt nothing is sent again.
    """

    attempts: int = 8
    deadline_seconds: float = 60.0
    first_pause_seconds: float = 0.2
    longest_pause_seconds: float = 10.0


NO_RETRIES: Final = Retries(attempts=1)


class Course:
    """The way of one call through its attempts."""

    def __init__(
        self,
        call: Call[Any],
        retries: Retries,
        *,
        clock: Callable[[], float] = elapsed_seconds,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._call, self._retries, self._clock, self._chance = call, retries, clock, chance
        self._ends = clock() + retries.deadline_seconds + call.waits_seconds
        self.attempt = 1

    def timeout(self, seconds: float) -> httpx.Timeout:
        """Return the limit of each step of this attempt: `seconds`, or what is left of the deadline if that is less."""
        left = max(self._ends - self._clock(), 0.001)
        return httpx.Timeout(min(seconds + self._call.waits_seconds, left), connect=min(seconds, left))

    def after(self, response: httpx.Response) -> float | None:
        """Return the pause before the next attempt, None if this answer is the one. Raises Refused."""
        if response.is_success:
            return None
        asked = _asked_to_wait(response)
        status = response.status_code
        passes = status in _FOR_A_MOMENT or status == _TOO_MANY or (status == _CONFLICT and asked is not None)
        pause = self._pause(asked) if passes else None
        if pause is None:
            raise refusal(response, idempotency_key=self._call.key)
        return pause

    def after_failure(self, error: httpx.TransportError) -> float:
        """Return the pause before the next attempt. Raises NoAnswer."""
        pause = None if isinstance(error, _NEVER_AGAIN) else self._pause(None)
        if pause is None:
            said = str(error) or type(error).__name__
            times = "once" if self.attempt == 1 else f"{self.attempt} times"
            raise NoAnswer(
                f"No answer to {self._call.method} {self._call.path}, asked {times}: {said}",
                idempotency_key=self._call.key,
            ) from error
        return pause

    def _pause(self, asked: float | None) -> float | None:
        """Return how long to wait, None if there is to be no other attempt."""
        retries = self._retries
        doubled: float = retries.first_pause_seconds * 2 ** (self.attempt - 1)
        own = min(doubled, retries.longest_pause_seconds) * (1 - self._chance() / 2)
        pause = own if asked is None else asked + own * self._chance() / 2
        if self.attempt >= retries.attempts or self._clock() + pause >= self._ends:
            return None
        self.attempt += 1
        return pause


def _asked_to_wait(response: httpx.Response) -> float | None:
    """Return for how many seconds the server asks to wait: by Retry-After, else until its RateLimit starts anew."""
    said = response.headers.get("retry-after")
    if said is not None:
        try:
            seconds = float(said)
        except ValueError:
            return _until(said)
        return None if isnan(seconds) else max(seconds, 0.0)
    if response.status_code != _TOO_MANY:
        return None
    for field in response.headers.get("ratelimit", "").split(";"):
        name, _, value = field.strip().partition("=")
        if name == "t" and value.isdecimal():
            return float(value)
    return None


def _until(date: str) -> float | None:
    try:
        when = parsedate_to_datetime(date)
    except (ValueError, OverflowError):  # a year that no calendar has
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(when.timestamp() - wall_seconds(), 0.0)
