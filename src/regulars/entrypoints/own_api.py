"""The API as this machine asks it: the very routes, without a socket and a key, in the name of who works here.

So a command is read, refused, carried out, answered, logged and explained as a request is: there is no second way.
"""

from collections.abc import MutableMapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec
from litestar.handlers import HTTPRouteHandler

from regulars.entrypoints.framework import framework_of
from regulars.entrypoints.wiring import offered_to_programs
from regulars.platform.auth.contracts import ADMIN, Principal
from regulars.platform.errors import NotAuthenticated
from regulars.platform.http.asked import SCOPE_KEY, Asked
from regulars.platform.http.mutations import FIRST_REFUSAL, request_hasher
from regulars.platform.http.refusals import EXCEPTION_HANDLERS
from regulars.platform.http.sparse import sparse
from regulars.platform.services import Services

_BODYLESS: Final = "GET"
_OK: Final = 200

Document = dict[str, Any]
Query = dict[str, str | int | bool | None]


class Answer(NamedTuple):
    """What a request was answered with: `document` is a problem document (RFC 9457) if it was refused."""

    document: Document
    refused: bool
    replayed: bool


class OwnApi:
    """The routes of the API for programs, asked as `actor` (`cli:<user>`), who may everything here."""

    def __init__(self, services: Services, actor: str, language: str) -> None:
        self._routes = offered_to_programs(services).routes
        self._hash_request = request_hasher(services.request_key)
        self._principal = Principal(client=actor, key_id="", scopes=frozenset({ADMIN}))
        self._language = language

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Document | None = None,
        query: Query | None = None,
        key: str | None = None,
        purpose: str = "",
        content: bytes | None = None,
    ) -> Answer:
        """Send a request and return its answer; without a `key` nobody sends the same again.

        `purpose` is why personal data are to be read in the clear; it is kept in the audit log. `content` is a body
        that is no JSON.
        """
        sent = content
        if sent is None:
            sent = b"" if method == _BODYLESS else msgspec.json.encode(body or {})
        asking = Asked(
            request_id=f"cli_{uuid4().hex}",
            authorization=b"",
            accept_language=self._language.encode(),
            idempotency_key=(key or f"once:{uuid4().hex}").encode(),
            body=sent,
            authenticate=_nobody_else,
            hash_request=self._hash_request,
            principal=self._principal,
        )
        headers = [(b"content-type", b"application/json")]
        if purpose:
            headers.append((b"regulars-purpose", quote(purpose).encode()))
        scope = _scope(method, path, _query(query or {}), headers) | {SCOPE_KEY: asking}
        return await self._answer(path, scope, sent)

    async def _answer(self, path: str, scope: MutableMapping[str, Any], sent: bytes) -> Answer:
        # Of two hundred routes one answers: the framework is a tenth of a second faster with that alone.
        framework = framework_of([route for route in self._routes if _may_answer(route, path)], EXCEPTION_HANDLERS)
        status, replayed, pieces = 0, False, list[bytes]()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": sent, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status, replayed
            if message["type"] == "http.response.start":
                status = message["status"]
                replayed = any(name.lower() == b"idempotency-replayed" for name, _ in message["headers"])
            else:
                pieces.append(message.get("body", b""))

        await framework(scope, receive, send)  # type: ignore[arg-type]  # ASGI's own types are narrower
        answer = msgspec.json.decode(b"".join(pieces))
        fields = scope[SCOPE_KEY].fields
        if fields is not None and status == _OK:  # what the edge does for those who ask over HTTP
            answer = sparse(answer, fields)
        return Answer(answer, status >= FIRST_REFUSAL, replayed)


def _may_answer(route: HTTPRouteHandler, path: str) -> bool:
    """Tell whether a route's template has the shape of a path."""
    asked = path.split("/")
    templates = [one.split("/") for one in route.paths]
    return any(
        len(asked) == len(template)
        and all("{" in part or part == name for part, name in zip(template, asked, strict=True))
        for template in templates
    )


async def _nobody_else(_: bytes) -> Principal:
    raise NotAuthenticated


def _query(asked: Query) -> bytes:
    given = {name: value for name, value in asked.items() if value is not None}
    return urlencode(
        {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    ).encode()


def _scope(method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": None,
        "server": None,
    }
