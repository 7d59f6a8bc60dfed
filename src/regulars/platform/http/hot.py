"""Hot routes: the few requests that come by the thousand a second, taken past the framework.

Each has a twin among the Litestar routes, which documents it and answers when a query is given; both use the same
body type, the same command and the same lane, so a caller cannot tell which one answered.
"""

from asyncio import Future, ensure_future
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from regulars.platform.auth.contracts import SCOPES
from regulars.platform.commit.lane import Call, Lane, Reply
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
    answer: Callable[[str], Coroutine[Any, Any, bytes]]
    method: str = "GET"


HotRoute = HotMutation | HotRead
Answer = tuple[int, bytes, bool]  # status, body, replayed


@dataclass(slots=True)
class Taken:
    """A hot route made ready: what stands before and after its parameter, and how it is carried out.

    `begin` raises what can be refused at once; what its future holds, `answer` reads.
    """

    method: str
    template: str
    scope: str
    before: str
    after: str
    begin: Callable[[str, Asked], "Future[Any]"]
    answer: Callable[[Any], Answer]

    @property
    def operation(self) -> str:
        """What versions of the API call it."""
        return f"{self.method} {self.template}"


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
            begin, answer = _mutation(route) if isinstance(route, HotMutation) else _read(route)
            taken = Taken(route.method, route.path, route.scope, before, after, begin, answer)
            made.by_method.setdefault(route.method, []).append(taken)
        return made

    def find(self, method: str, path: str) -> tuple[Taken, str] | None:
        """Return the hot route of a request and its parameter."""
        for taken in self.by_method.get(method, ()):
            if path.startswith(taken.before) and path.endswith(taken.after):
                parameter = path[len(taken.before) : len(path) - len(taken.after)]
                if parameter and "/" not in parameter:
                    return taken, parameter
        return None


Steps = tuple[Callable[[str, Asked], "Future[Any]"], Callable[[Any], Answer]]


def _mutation(route: HotMutation) -> Steps:
    method, decode, submit = route.method, json_decoder(route.body), route.lane.begin
    command, subject, reason = route.command, route.subject, route.reason
    before, after = route.path.partition("{")[0], route.path.partition("}")[2]

    def begin(parameter: str, asking: Asked) -> "Future[Reply]":
        body = read_json(decode, asking.body if asking.turn is None else asking.turn.body(asking.body))
        return submit(
            Call(
                command=command(parameter, body),
                client=asking.client.client,
                key=idempotency_key(asking, method),
                request_hash=asking.hash_request(method, f"{before}{parameter}{after}", b"", asking.body),
                subject=subject(parameter),
                language=asking.language,
                request_id=asking.request_id,
                reason=reason(body) if reason else "",
                span=asking.span,
            )
        )

    def answer(reply: Reply) -> Answer:
        return reply.status, reply.body, reply.replayed

    return begin, answer


def _read(route: HotRead) -> Steps:
    def begin(parameter: str, _: Asked) -> "Future[bytes]":
        return ensure_future(route.answer(parameter))

    def answer(body: bytes) -> Answer:
        return 200, body, False

    return begin, answer
