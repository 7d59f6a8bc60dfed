"""Handing one delivery over: one POST, bounded in every way, to an address that was judged."""

import asyncio
import ssl
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Final, NamedTuple

import httpcore

from regulars.platform.clock import wall_now
from regulars.platform.webhooks import rules
from regulars.platform.webhooks.addresses import Guard, GuardedBackend, OffLimits

CONNECT_SECONDS: Final = 5.0
STEP_SECONDS: Final = 10.0
WHOLE_SECONDS: Final = 15.0
ANSWER_BYTES: Final = 4_096
EXCERPT: Final = 500
_CONNECTIONS: Final = 96
_KEPT: Final = 48
_KEPT_SECONDS: Final = 20.0
_LONGEST_ASKED: Final = 86_400


class Answered(NamedTuple):
    """What came of an attempt: the status (None: no whole answer), how the body begins, what went wrong if anything."""

    status: int | None
    answer: str
    error: str
    took_ms: int
    asked_seconds: int | None = None

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has taken the event."""
        return not self.error and rules.is_taken(self.status)


class Limits(NamedTuple):
    """How long a connection, one step of the talk, and all of it may take."""

    connect_seconds: float = CONNECT_SECONDS
    step_seconds: float = STEP_SECONDS
    whole_seconds: float = WHOLE_SECONDS


class Sender:
    """Sends POSTs. Follows no redirect, believes no proxy of the environment, keeps no cookie."""

    def __init__(self, guard: Guard, limits: Limits | None = None, *, trusted: ssl.SSLContext | None = None) -> None:
        self._limits = limits or Limits()
        context = trusted or ssl.create_default_context()
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_KEPT,
                keepalive_expiry=_KEPT_SECONDS,
                network_backend=GuardedBackend(guard, is_encrypted=scheme == "https"),
            )
            for scheme in ("http", "https")
        }

    async def post(self, url: str, headers: list[tuple[str, str]], body: bytes) -> Answered:
        """Send a body, and return what came of it. Raises nothing but cancellation."""
        began = monotonic()
        status: int | None = None
        content, error, asked = b"", "", None
        try:
            async with asyncio.timeout(self._limits.whole_seconds):
                pool = self._pools[url.partition(":")[0].lower()]
                timeouts = {
                    "connect": self._limits.connect_seconds,
                    "read": self._limits.step_seconds,
                    "write": self._limits.step_seconds,
                    "pool": self._limits.whole_seconds,
                }
                async with pool.stream(
                    "POST", url, headers=headers, content=body, extensions={"timeout": timeouts}
                ) as response:
                    status = response.status
                    asked = _asked_for(response) if rules.may_ask_for_time(status) else None
                    async for part in response.aiter_stream():
                        content += part[: ANSWER_BYTES - len(content)]
                        if len(content) >= ANSWER_BYTES:
                            break
        except TimeoutError:
            error = "took too long"
        except OffLimits:
            error = "leads to an address that is not allowed"
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as failure:
            error = f"no connection ({type(failure).__name__})"
        except Exception as failure:  # noqa: BLE001 - whatever a receiver sends is its own delivery's trouble
            error = f"broke off ({type(failure).__name__})"
        if not error and not rules.is_taken(status):
            error = f"answered {status}"
        took = round((monotonic() - began) * 1000)
        return Answered(status, content.decode("utf-8", "replace").replace("\x00", "")[:EXCERPT], error, took, asked)

    async def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            await pool.aclose()


def _asked_for(response: httpcore.Response) -> int | None:
    """Return how many seconds `Retry-After` asks for."""
    text = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"").decode("latin-1")
    if text.isdecimal():
        return min(int(text[:9]), _LONGEST_ASKED)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0, min(int((at - wall_now()).total_seconds()), _LONGEST_ASKED))
