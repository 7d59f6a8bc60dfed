"""How the API is walked through: each request is carried out, and told with its answer.

What is told is what was answered, but for ids and instants of the wall clock: those are the same ones each time.
"""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx

from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.services import Services
from tests.entrypoints.walking_events import HOOKS
from tests.entrypoints.walking_policies import OPENS

DIGEST: Final = "c0ffee" + 58 * "0"
# What is drawn each time, or a digest of what is.
SAME: Final = {
    "token": "AZ3gAAAAAHCAAIAAAAAAAAGd4AAAAABwgACAAAAAAAAE…",
    "digest": DIGEST,
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "recomputed": DIGEST,
    **dict.fromkeys(("request_id", "instance"), "req_" + 24 * "0"),
}
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CLEAR: Final = {"getHousehold", "getMember", "lookUpMember", "listMessages", "readExport"}
PRIVACY: Final = ("ready_at", "kept_until", "made_at", "began_at", "at", *HOOKS)
# What this programme clock does not decide.
WALL: Final = ("written_at", "sent_at", "read_at", "asked_at", "due_at", "ended_at", "automatic_at", "schema", *PRIVACY)
_DRAWN: Final = re.compile(r"(?<![0-9a-f])[0-9a-f]{12}7[0-9a-f]{19}(?=[0-9a-f]{12}\b|\b)")  # a lot's has 12 more
_FEED: Final = re.compile(r"mAHE[\w-]{20,}")  # snapshots of the database, as the feed writes them
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)")


@dataclass
class Step:
    """One request and its answer. `told` is what a reader should see in it."""

    operation: str
    told: str
    method: str
    path: str
    body: Any
    status: int
    answer: Any
    language: str


@dataclass
class Walking:
    """The way through the API, and what was met on it; by a `transport` of the caller's, if one is given."""

    services: Services
    transport: httpx.AsyncBaseTransport | None = None
    caller: type[httpx.AsyncClient] = httpx.AsyncClient
    steps: list[Step] = field(default_factory=list)
    client: httpx.AsyncClient = field(init=False)
    _ids: dict[str, str] = field(default_factory=dict)
    colleague: str = field(default="", init=False)

    async def clock(self, after: timedelta, *, ticking: bool = False) -> None:
        """Set the programme clock to so long after opening, or before. It stands, so that instants are the same."""
        database = self.services.database
        async with database.transaction() as tx:
            setting = await set_programme_clock(tx.connection, OPENS + after, ticking=ticking)
        database.clock.follow(setting)

    async def ask(
        self,
        operation: str,
        told: str,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - any JSON there is
        *,
        language: str = "en",
    ) -> Any:  # noqa: ANN401 - any JSON there is
        """Ask once, and remember it as a step."""
        headers = {"Accept-Language": language}
        if method != "GET" and operation != "lookUpMember":
            headers["Idempotency-Key"] = f"step-{len(self.steps) + 1}"
        if operation.startswith(("approve", "refuse")):
            headers["Authorization"] = f"Bearer {self.colleague}"
        which = {"operation": operation}
        answer = await self.client.request(method, path, json=body, headers=headers, extensions=which)
        assert answer.is_success, (operation, answer.status_code, answer.text)
        found = answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text
        self.steps.append(
            Step(
                operation,
                told,
                method,
                self._same_each_time(path),
                self._same_each_time(body),
                answer.status_code,
                self._same_each_time(found),
                language,
            )
        )
        return found

    def _same_each_time(self, part: Any, name: str = "") -> Any:  # noqa: ANN401 - any JSON there is
        if isinstance(part, dict):
            return {key: self._same_each_time(value, key) for key, value in part.items()}
        if isinstance(part, list):
            return [self._same_each_time(value, name) for value in part]
        if not isinstance(part, str):
            return part
        if name in SAME:
            return SAME[name]
        if name in WALL:
            return _INSTANT.sub("2026-05-20T02:00:00.000000Z", part) if name != "schema" else "0000"
        return _DRAWN.sub(
            lambda found: self._ids.setdefault(found[0], f"019de0000000700080000000{len(self._ids) + 1:08x}"),
            _UUID.sub("019de000-0000-7000-8000-000000000000", _FEED.sub("mAHEAJMBAQCQwAAAAMQA", part)),
        )
