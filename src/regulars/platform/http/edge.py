"""The edge: what every request passes, whether a hot route or the framework answers it.

It gives the request an id, reads the body within the limit, answers hot routes itself and hands the rest to Litestar,
and logs one line.
"""

import re
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from regulars.platform.auth.service import Authenticator
from regulars.platform.errors import BodyTooLarge, BodyTooSlow
from regulars.platform.http.asked import SCOPE_KEY, Asked
from regulars.platform.http.errors import VersionUnknown
from regulars.platform.http.hot import HotRoutes, Taken
from regulars.platform.http.mutations import FIRST_REFUSAL
from regulars.platform.http.origin import Origins
from regulars.platform.http.problems import PROBLEM_JSON
from regulars.platform.http.quotas import Quotas
from regulars.platform.http.refusals import answer_to_failure
from regulars.platform.http.sparse import sparse
from regulars.platform.http.timeouts import SharedTimeout
from regulars.platform.http.versions import ASKED_AS, OF_PROGRAMS, SPOKEN, Versions
from regulars.platform.logs import RequestLog
from regulars.platform.metrics.measures import Requests

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from regulars.platform.traces.tracer import Tracer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Headers = dict[bytes, bytes]
Tell = Callable[[int, bytes, bytes], None]  # status, header lines, body

_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# A caller that is still sending hears our answer only when it has sent all: so much is read and thrown away.
_DRAINED_BODIES: Final = 4
_BODY_SECONDS: Final = 30.0  # for the whole body: 1 MB at 33 KB/s
_JSON_TYPE = (b"content-type", b"application/json")
_PROBLEM_TYPE = (b"content-type", PROBLEM_JSON.encode())
_CLOSING = (b"connection", b"close")  # what the caller may still send is no request
_REPLAYED = (b"idempotency-replayed", b"true")
_HEAD_OF_JSON = b"content-type: application/json\r\ncontent-length: %d\r\nx-request-id: %b\r\n"
_HEAD_OF_PROBLEM = _HEAD_OF_JSON.replace(b"application/json", PROBLEM_JSON.encode())
_REPLAYED_LINE = b"idempotency-replayed: true\r\n"
_BODYLESS = frozenset({"GET", "HEAD", "OPTIONS"})
# Litestar decodes no empty body, and so would not call the decoder that says that it is missing.
_EMPTY_BODY = b" "
_OK, _NO_MORE_OK = 200, 300
_random = Random()  # noqa: S311 - request ids are distinct, not secret


class CallerGone(Exception):
    """The caller closed the connection before its request was complete."""


class Whence(NamedTuple):
    """What stands before a request's body, called as in an ASGI scope."""

    client: tuple[str, int] | None
    headers: Sequence[tuple[bytes, bytes]]


class Edge:
    """An ASGI application in front of Litestar's."""

    def __init__(
        self,
        framework: Application,
        *,
        authenticator: Authenticator,
        hash_request: Callable[[str, str, bytes, bytes], bytes],
        hot: HotRoutes,
        origins: Origins,
        body_limit_bytes: int,
        log: RequestLog,
        requests: Requests,
        tracer: "Tracer | None" = None,
        versions: Versions = SPOKEN,
        body_seconds: float = _BODY_SECONDS,
    ) -> None:
        self._framework = framework
        self._recognise = authenticator.recognise
        self._authenticate = authenticator.authenticate
        self._hash_request = hash_request
        self._arriving = SharedTimeout(body_seconds)
        self._find = hot.find
        self._address_of = origins.address_of
        self._quotas = Quotas()
        self._limit = body_limit_bytes
        self._log = log
        self._count = requests.note
        self._tracer = tracer
        self._versions = versions
        self._latest_line = _lines([versions.answered])
        self._head_of_json = _HEAD_OF_JSON + self._latest_line
        self._head_of_problem = _HEAD_OF_PROBLEM + self._latest_line
        self._logs = log.wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._framework(scope, receive, send)
            return
        began = perf_counter()
        headers = dict(scope["headers"])
        asking = self._asking(headers, b"", lambda: self._address_of(scope))
        route = scope["method"]
        try:
            if scope["path"].startswith(OF_PROGRAMS):
                asking.speak(self._versions, headers.get(ASKED_AS))
            if scope["method"] not in _BODYLESS:
                asking.body = await self._body_in_time(headers, receive)
            found = None if scope["query_string"] else self._find(scope["method"], scope["path"])
            if found is None:
                route, status = await self._by_framework(scope, asking, receive, send)
            else:
                route, status = found[0].template, await self._by_hot_route(*found, asking, send)
        except CallerGone:
            return
        except (BodyTooLarge, BodyTooSlow, VersionUnknown) as refusal:
            route, status = "", refusal.status
            await _answer_failure(refusal, asking, send, _CLOSING)
        finally:
            asking.body = b""  # the framework's objects refer to each other, and lie about until somebody collects them
        self._note(scope["method"], route, status, began, asking)

    def find(self, method: bytes, target: bytes) -> tuple[Taken, str] | None:
        """Return the hot route of a request line and its parameter; None if it is not to be carried out directly."""
        if b"?" in target or b"%" in target:
            return None
        return self._find(method.decode("ascii"), target.decode("latin-1"))

    def takes(self, body: bytes) -> bool:
        """Whether a body is within the limit."""
        return len(body) <= self._limit

    def carry_out(self, taken: Taken, parameter: str, whence: Whence, body: bytes, tell: Tell) -> None:
        """Answer one whole request of a hot route; `tell` is called once, now or later.

        It says the status, the header lines (each with its line end) and the body.
        """
        began = perf_counter()
        headers = dict(whence.headers)
        asking = self._asking(headers, body, lambda: self._address_of(whence._asdict()))

        def answer(pending: "Future[Any]") -> None:
            try:
                status, content, replayed = taken.answer(pending.result())
                if asking.turn is not None:
                    content = asking.turn.answer_written(status, content)
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
                self._refuse(error, taken, asking, began, tell)
                return
            head = self._head_of_problem if status >= FIRST_REFUSAL else self._head_of_json
            head %= (len(content), asking.request_id.encode())
            if asking.older is not None:
                head = head.replace(self._latest_line, _lines([asking.older.answered]))
            if asking.quota is not None:
                head += _lines(asking.quota.headers)
            tell(status, head + _REPLAYED_LINE if replayed else head, content)
            self._note(taken.method, taken.template, status, began, asking)

        try:
            asking.speak(self._versions, headers.get(ASKED_AS))
            if self._tracer is None:
                pending = self._begin(taken, parameter, asking)
            else:
                with self._within(asking):
                    pending = self._begin(taken, parameter, asking)
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(error, taken, asking, began, tell)
        else:
            pending.add_done_callback(answer)

    def _refuse(self, error: Exception, taken: Taken, asking: Asked, began: float, tell: Tell) -> None:
        status, content, further = answer_to_failure(error, asking)
        more = [(name.lower().encode(), value.encode()) for name, value in further.items()]
        more += asking.answered
        if asking.quota is not None:
            more += asking.quota.headers
        tell(status, _HEAD_OF_PROBLEM % (len(content), asking.request_id.encode()) + _lines(more), content)
        self._note(taken.method, taken.template, status, began, asking)

    def _asking(self, headers: Headers, body: bytes, address: Callable[[], str]) -> Asked:
        return Asked(
            _request_id(headers.get(b"x-request-id")),
            headers.get(b"authorization", b""),
            headers.get(b"accept-language", b""),
            headers.get(b"idempotency-key"),
            body,
            self._authenticate,
            self._hash_request,
            None,
            address,
            self._quotas,
            span=None if self._tracer is None else _span_of(self._tracer, headers),
        )

    def _begin(self, taken: Taken, parameter: str, asking: Asked) -> "Future[Any]":
        principal = self._recognise(asking.authorization)
        if principal is None:
            return get_running_loop().create_task(self._admit_first(taken, parameter, asking))
        asking.admit(principal, taken.scope)
        if asking.older is not None:
            asking.take_operation(taken.operation)
        return taken.begin(parameter, asking)

    def _within(self, asking: Asked) -> AbstractContextManager[None]:
        """Let what is done for a request be a part of its span, where it is traced."""
        return nullcontext() if self._tracer is None or asking.span is None else self._tracer.within(asking.span)

    async def _admit_first(self, taken: Taken, parameter: str, asking: Asked) -> Any:  # noqa: ANN401 - see Taken
        asking.admit(await self._authenticate(asking.authorization), taken.scope)
        if asking.older is not None:
            asking.take_operation(taken.operation)
        return await taken.begin(parameter, asking)

    def _note(self, method: str, route: str, status: int, began: float, asking: Asked) -> None:
        seconds = perf_counter() - began
        if self._tracer is not None and asking.span is not None:
            self._tracer.end_request(asking.span, method, route, status)
        self._count(method, route, status, seconds)
        if self._logs:
            principal = asking.principal
            key_id = principal.key_id if principal else ""
            self._log.note((method, route, status, seconds, asking.request_id, key_id))

    async def _body_in_time(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Read the whole body. Raises BodyTooLarge, BodyTooSlow, CallerGone."""
        try:
            return await self._arriving.limit(self._body(headers, receive))
        except TimeoutError:
            raise BodyTooSlow(limit_seconds=round(self._arriving.seconds)) from None

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """Read the whole body, however long it takes."""
        announced = int(headers.get(b"content-length", b"0"))
        if announced > self._limit * _DRAINED_BODIES:
            raise BodyTooLarge(limit_bytes=self._limit)
        message = await receive()
        if message["type"] != "http.request":
            raise CallerGone
        body: bytes = message.get("body", b"")
        if not message.get("more_body") and len(body) <= self._limit:
            return body
        chunks, size, limit = [body], len(body), self._limit
        while message.get("more_body") and size <= limit * _DRAINED_BODIES:
            message = await receive()
            if message["type"] != "http.request":
                raise CallerGone
            body = message.get("body", b"")
            size += len(body)
            if size <= limit:
                chunks.append(body)
        if size > limit:
            raise BodyTooLarge(limit_bytes=limit)
        return b"".join(chunks)

    async def _by_hot_route(self, taken: Taken, parameter: str, asking: Asked, send: Send) -> int:
        try:
            with self._within(asking):
                status, body, replayed = taken.answer(await self._admit_first(taken, parameter, asking))
            if asking.turn is not None:
                body = asking.turn.answer_written(status, body)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
            return await _answer_failure(error, asking, send)
        head = [
            _JSON_TYPE if status < FIRST_REFUSAL else _PROBLEM_TYPE,
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", asking.request_id.encode()),
            *asking.answered,
        ]
        if replayed:
            head.append(_REPLAYED)
        if asking.quota is not None:
            head += asking.quota.headers
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})
        return status

    async def _by_framework(self, scope: Scope, asking: Asked, receive: Receive, send: Send) -> tuple[str, int]:
        """Let Litestar answer; return the template of the route, and the status."""
        status = 0
        given = False

        async def receive_again() -> Message:
            nonlocal given
            if given:
                return await receive()  # whoever streams an answer waits for the caller to go away
            given = True
            return {"type": "http.request", "body": asking.body or _EMPTY_BODY, "more_body": False}

        held: Message = {}
        body = b""

        async def send_with_id(message: Message) -> None:
            nonlocal status, held, body
            if held:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                status = await _send_as_wanted(held, body, asking, send)
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", asking.request_id.encode())]
                message["headers"] += asking.answered
                if asking.quota is not None:
                    message["headers"] += asking.quota.headers
                if asking.wants_another and _OK <= status < _NO_MORE_OK and _JSON_TYPE in message["headers"]:
                    message["headers"] = [field for field in message["headers"] if field[0] != b"content-length"]
                    held = message
                    return
            await send(message)

        scope[SCOPE_KEY] = asking
        with self._within(asking):
            await self._framework(scope, receive_again, send_with_id)
        return scope.get("path_template", ""), status


async def _send_as_wanted(held: Message, body: bytes, asking: Asked, send: Send) -> int:
    """Answer with what is to be given along, in the form of the version, and of all that with what is wanted.

    Return the status.
    """
    answer = msgspec.json.decode(body)
    try:
        if asking.expand is not None:
            await asking.expand(answer)
        if asking.turn is not None:
            answer = asking.turn.answer(answer)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller must hear of it
        return await _answer_failure(error, asking, send)
    body = msgspec.json.encode(answer if asking.fields is None else sparse(answer, asking.fields))
    held["headers"].append((b"content-length", b"%d" % len(body)))
    await send(held)
    await send({"type": "http.response.body", "body": body})
    held_status: int = held["status"]
    return held_status


async def _answer_failure(error: Exception, asking: Asked, send: Send, *more: tuple[bytes, bytes]) -> int:
    status, body, further = answer_to_failure(error, asking)
    head = [
        _PROBLEM_TYPE,
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", asking.request_id.encode()),
        *[(name.lower().encode(), value.encode()) for name, value in further.items()],
        *more,
        *asking.answered,
        *(() if asking.quota is None else asking.quota.headers),
    ]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
    return status


def _span_of(tracer: "Tracer", headers: Headers) -> "Span":
    return tracer.begin_request(headers.get(b"traceparent"), headers.get(b"tracestate"))


def _lines(fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def _request_id(given: bytes | None) -> str:
    """Return the caller's id if it is sane, else one of our own."""
    if given is not None and _SANE_REQUEST_ID.fullmatch(given):
        return given.decode("ascii")
    return f"req_{_random.getrandbits(96):024x}"
