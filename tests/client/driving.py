"""Operations asked for by their names in the API's description, over raw HTTP and through both clients."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, get_type_hints
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from uuid import uuid4

import httpx
import msgspec

from clients.generate import names
from clients.generate.description import FORM_PARAMETERS, Description, Operation
from clients.generate.tree import described
from regulars_client import AsyncRegulars, Refused, Regulars

Json = Any  # what JSON holds


@cache
def operations() -> dict[str, Operation]:
    """Return every operation of this checkout's API by its name."""
    return {operation.operation_id: operation for operation in Description.of(described()).operations}


def method_of(client: Regulars | AsyncRegulars, operation: Operation, *, in_another_form: bool = False) -> Any:  # noqa: ANN401 - one of some hundred signatures
    """Return the client's method for an operation."""
    group = getattr(client, names.module_name(operation.tag))
    name = operation.name
    return getattr(group, names.downloading_name(name) if in_another_form else name)


def arguments(
    method: Callable[..., Any], operation: Operation, in_path: Mapping[str, Json], named: Mapping[str, Json]
) -> tuple[list[Any], dict[str, Any]]:
    """Return what a method is called with: JSON as the types that it takes."""
    hints = get_type_hints(method)
    told = [msgspec.convert(in_path[one.name], hints[one.python], strict=False) for one in operation.in_path]
    return told, {
        names.argument(name): msgspec.convert(value, hints[names.argument(name)], strict=isinstance(value, dict | list))
        for name, value in ({**named, "expand": named["expand"].split(",")} if "expand" in named else named).items()
    }


def in_address(operation: Operation, address: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what stands in an address: the parameters of its path, and of its query."""
    split = urlsplit(address)
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))
    found = re.fullmatch(pattern, split.path)
    assert found, (operation.path, split.path)
    return {name: unquote(value) for name, value in found.groupdict().items()}, dict(parse_qsl(split.query))


@dataclass(frozen=True, slots=True)
class Told:
    """What came of asking: the answer's JSON, or the refusal's."""

    status: int
    body: Json
    headers: httpx.Headers

    @property
    def replayed(self) -> bool:
        return "idempotency-replayed" in self.headers


@dataclass
class Kept:
    """Keeps the answers of an HTTP client, for what a typed answer does not tell."""

    answers: list[httpx.Response] = field(default_factory=list)

    def keep(self, response: httpx.Response) -> None:
        self.answers.append(response)

    async def keep_async(self, response: httpx.Response) -> None:
        self.answers.append(response)


class Driver(Protocol):
    """A way to ask."""

    def ask(
        self,
        operation: str,
        *in_path: str,
        key: str | None = None,
        language: str | None = None,
        purpose: str | None = None,
        api_key: str | None = None,
        **named: Json,
    ) -> Told: ...

    def close(self) -> None: ...


@dataclass
class Raw:
    """Asks as the API reference says, with nothing between."""

    url: str
    api_key: str
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    def ask(
        self,
        operation: str,
        *in_path: str,
        key: str | None = None,
        language: str | None = None,
        purpose: str | None = None,
        api_key: str | None = None,
        **named: Json,
    ) -> Told:
        found = operations()[operation]
        path = found.path
        for parameter, value in zip(found.in_path, in_path, strict=True):
            path = path.replace(f"{{{parameter.name}}}", quote(value, safe=""))
        query = {one.name: _flat(named.pop(one.name)) for one in found.in_query if one.name in named}
        headers = {"Authorization": f"Bearer {api_key or self.api_key}"}
        if key or found.takes_key:
            headers["Idempotency-Key"] = key or str(uuid4())
        headers |= {"Accept-Language": language} if language else {}
        headers |= {"Regulars-Purpose": purpose} if purpose else {}
        body = named if found.body is not None else None
        answer = self._http.request(found.method, self.url + path, params=query, json=body, headers=headers)
        told = answer.json() if "json" in answer.headers["content-type"] else answer.text
        return Told(answer.status_code, told, answer.headers)

    def close(self) -> None:
        self._http.close()


def _flat(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refused(refusal: Refused) -> Json:
    return {
        "status": refusal.status,
        "code": refusal.code,
        "title": refusal.title,
        "detail": refusal.detail,
        "errors": msgspec.to_builtins(refusal.errors),
        "data": dict(refusal.data),
        "instance": refusal.request_id,
    }


@dataclass
class Sync:
    """Asks through the client of those who wait."""

    url: str
    api_key: str
    _kept: Kept = field(default_factory=Kept)

    def __post_init__(self) -> None:
        self._http = httpx.Client(event_hooks={"response": [self._kept.keep]})
        self.client = Regulars(self.url, api_key=self.api_key, http_client=self._http)

    def ask(
        self,
        operation: str,
        *in_path: str,
        key: str | None = None,
        language: str | None = None,
        purpose: str | None = None,
        api_key: str | None = None,
        **named: Json,
    ) -> Told:
        client = self.client
        if api_key is not None:
            client = Regulars(self.url, api_key=api_key, http_client=self._http)
        client = client.with_options(language=language, purpose=purpose)
        found = operations()[operation]
        method = method_of(client, found)
        taken = dict(zip((one.name for one in found.in_path), in_path, strict=True))
        told, passed = arguments(method, found, taken, named)
        if found.takes_key:
            passed["idempotency_key"] = key
        try:
            if found.answer is None:
                with method(*told, **passed) as download:
                    body: Json = b"".join(download.pieces()).decode()
            else:
                body = msgspec.to_builtins(method(*told, **passed))
        except Refused as refusal:
            body = _refused(refusal)
        last = self._kept.answers[-1]
        return Told(last.status_code, body, last.headers)

    def close(self) -> None:
        self._http.close()


@dataclass
class Async:
    """Asks through the client of those on an event loop."""

    url: str
    api_key: str
    _kept: Kept = field(default_factory=Kept)

    def __post_init__(self) -> None:
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(event_hooks={"response": [self._kept.keep_async]})
        self.client = AsyncRegulars(self.url, api_key=self.api_key, http_client=self._http)

    def ask(
        self,
        operation: str,
        *in_path: str,
        key: str | None = None,
        language: str | None = None,
        purpose: str | None = None,
        api_key: str | None = None,
        **named: Json,
    ) -> Told:
        client = self.client
        if api_key is not None:
            client = AsyncRegulars(self.url, api_key=api_key, http_client=self._http)
        client = client.with_options(language=language, purpose=purpose)
        found = operations()[operation]
        method = method_of(client, found)
        taken = dict(zip((one.name for one in found.in_path), in_path, strict=True))
        told, passed = arguments(method, found, taken, named)
        if found.takes_key:
            passed["idempotency_key"] = key

        async def asked() -> Json:
            if found.answer is not None:
                return msgspec.to_builtins(await method(*told, **passed))
            async with await method(*told, **passed) as download:
                return b"".join([piece async for piece in download.pieces()]).decode()

        try:
            body = self.run(asked())
        except Refused as refusal:
            body = _refused(refusal)
        last = self._kept.answers[-1]
        return Told(last.status_code, body, last.headers)

    def run(self, awaited: Coroutine[Any, Any, Json]) -> Json:
        """Run something on the client's loop."""
        return self._runner.run(awaited)

    def close(self) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()


def covers(raw: Json, typed: Json, where: str = "") -> None:
    """Assert that a typed answer holds everything that came. It may hold what stands for what did not come."""
    if isinstance(raw, dict):
        assert isinstance(typed, dict), where
        for name, value in raw.items():
            assert name in typed, f"{where}.{name} is lost"
            covers(value, typed[name], f"{where}.{name}")
    elif isinstance(raw, list):
        assert len(raw) == len(typed), where
        for place, (one, other) in enumerate(zip(raw, typed, strict=True)):
            covers(one, other, f"{where}[{place}]")
    else:
        assert raw == typed or _same_instant(raw, typed), (where, raw, typed)


def _same_instant(raw: Json, typed: Json) -> bool:
    return isinstance(raw, str) and isinstance(typed, str) and _trimmed(raw) == _trimmed(typed)


def _trimmed(instant: str) -> str:
    return re.sub(r"(\.\d*?)0+Z$", r"\1Z", instant).replace(".Z", "Z")


def takes_another_form(operation: Operation, named: Mapping[str, Json]) -> bool:
    """True if an answer of another form than the typed one is asked for."""
    return operation.other_forms and bool(FORM_PARAMETERS & named.keys())
