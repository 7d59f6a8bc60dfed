"""Hot routes: the few requests that come by the thousand a second, taken past the framework.

Each has a twin among the Litestar routes, which documents it and answers when a query is given; both use the same
body type, the same command and the same lane, so a caller cannot tell which one answered.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from regulars.platform.auth.contracts import SCOPES
from regulars.platform.commit.lane import Call, Lane
from regulars.platform.http.asked import Asked
from regulars.platform.http.mutations import idempotency_key
from regulars.platform.http.reading import json_decoder, read_json


@dataclass(frozen=True, slots=True)
class HotMutation:
    """A mutation with one parameter in its path, e.g. `POST /v1/members/{member_id}/accruals`.

    `command` makes the lane's command of the path's parameter and the decoded body; it may raise a DomainError.
    `subject` and `reason` give what the audit log says (see `carry_out`).
    """

    method: str
    path: str
    scope: str
    body: type[Any]
    lane: Lane[Any, Any]
    command: Callable[[str, Any], Any]
    subject: Callable[[str], str] = str
    reason: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class HotRead:
    """A read with one parameter in its path; `answer` gives the JSON of a 200, or raises a DomainError."""

    path: str
    scope: str
    answer: Callable[[str], Awaitable[bytes]]
    method: str = "GET"


HotRoute = HotMutation | HotRead
Answer = tuple[int, bytes, bool]  # status, body, replayed


@dataclass(slots=True)
class Taken:
    """A hot route made ready: what stands before and after its parameter, and how it is carried out."""

    template: str
    scope: str
    before: str
    after: str
    carry_out: Callable[[str, Asked], Awaitable[Answer]]


@dataclass(slots=True)
class HotRoutes:
    """Finds the hot route of a request: one parameter a path makes that two comparisons of text."""

    by_method: dict[str, list[Taken]] = field(default_factory=dict)

    @classmethod
    def of(cls, routes: Sequence[HotRoute]) -> "HotRoutes":
        """Make routes ready. Raises ValueError for a path without exactly one parameter, or an unknown scope."""
        made = cls()
        for route in routes:
            before, opened, rest = route.path.partition("{")
            _, closed, after = rest.partition("}")
            if not opened or not closed or "{" in after or route.scope not in SCOPES:
                raise ValueError(f"not a hot route: {route.method} {route.path} ({route.scope})")
            carry_out = _mutation(route) if isinstance(route, HotMutation) else _read(route)
            made.by_method.setdefault(route.method, []).append(Taken(route.path, route.scope, before, after, carry_out))
        return made

    def find(self, method: str, path: str) -> tuple[Taken, str] | None:
        """Return the hot route of a request and its parameter."""
        for taken in self.by_method.get(method, ()):
            if path.startswith(taken.before) and path.endswith(taken.after):
                parameter = path[len(taken.before) : len(path) - len(taken.after)]
                if parameter and "/" not in parameter:
                    return taken, parameter
        return None


def _mutation(route: HotMutation) -> Callable[[str, Asked], Awaitable[Answer]]:
    method, decode, submit = route.method, json_decoder(route.body), route.lane.submit
    command, subject, reason = route.command, route.subject, route.reason
    before, after = route.path.partition("{")[0], route.path.partition("}")[2]

    async def carry_out(parameter: str, asking: Asked) -> Answer:
        body = read_json(decode, asking.body)
        key = idempotency_key(asking, method)
        reply = await submit(
            Call(
                command=command(parameter, body),
                client=asking.client.client,
                key=key,
                request_hash=asking.hash_request(method, f"{before}{parameter}{after}", b"", asking.body),
                subject=subject(parameter),
                language=asking.language,
                request_id=asking.request_id,
                reason=reason(body) if reason else "",
            )
        )
        return reply.status, reply.body, reply.replayed

    return carry_out


def _read(route: HotRead) -> Callable[[str, Asked], Awaitable[Answer]]:
    async def carry_out(parameter: str, _: Asked) -> Answer:
        return 200, await route.answer(parameter), False

    return carry_out
