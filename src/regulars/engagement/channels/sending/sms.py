"""SMS through any gateway that takes an HTTP request: what it looks like is said by the settings."""

import asyncio
import re
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from regulars.engagement.channels.sending.transport import NotNow, Outgoing, Refused, Uncertain, Unreachable
from regulars.platform.clock import wall_now
from regulars.platform.settings import Settings

MESSAGE_SECONDS = 20.0
STEP_SECONDS = 10.0
_ANSWER_BYTES = 65_536
_TOO_MANY, _AWAY, _FIRST_SUCCESS, _FIRST_REDIRECT, _FIRST_FAULT = 429, 503, 200, 300, 500
_CREDENTIALS = frozenset({401, 403, 407})
_PLACE = re.compile(r"\{(to|text|id)\}")


class GatewayMisdescribed(ValueError):
    """A setting of the gateway cannot be used; the sentence names the variable."""


def problem_of_gateway(settings: Settings) -> str | None:
    """Say which setting of the gateway cannot be used, if any."""
    try:
        _described(settings)
    except GatewayMisdescribed as error:
        return str(error)
    return None


def tells_repeats_apart(settings: Settings) -> bool:
    """Tell whether the gateway is given the message's id, by which it can know one that it has already."""
    return "{id}" in settings.sms_body or "{id}" in settings.sms_headers


class SmsGateway:
    """Sends SMS by the gateway of the settings. Raises GatewayMisdescribed when made of settings that contradict."""

    is_paid = True

    def __init__(self, settings: Settings, *, step_seconds: float = STEP_SECONDS) -> None:
        if settings.sms_url is None:
            raise ValueError("no gateway")
        self._url = settings.sms_url
        self._method = settings.sms_method.upper()
        self._headers, self._body = _described(settings)
        path, _, self._expected = (settings.sms_success or "").partition("=")
        self._path = path.split(".") if path else []
        self._client = httpx.AsyncClient(
            timeout=step_seconds,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=30),
        )

    async def send(self, outgoing: Outgoing) -> str:
        """Hand a message to the gateway.

        A gateway that is not there, 429 and 503 have surely not taken it (NotNow). One that was asked and then is slow,
        breaks off or has a fault may have: Uncertain. Any other answer that is no success is Refused, one that cannot
        be read included: it is not to be sent twice without a person looking.
        """
        values = {"to": outgoing.address, "text": outgoing.text, "id": outgoing.reference}
        body = filled(self._body, values)
        headers = filled(self._headers, values | {"text": ""})
        asked = {"params": body} if self._method == "GET" else {"json": body}
        try:
            async with (
                asyncio.timeout(MESSAGE_SECONDS),
                self._client.stream(self._method, self._url, headers=headers, **asked) as response,
            ):
                content = await _read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(type(error).__name__) from None
        except (httpx.HTTPError, TimeoutError) as error:
            raise Uncertain(type(error).__name__) from None
        return self._judged(response, content)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _judged(self, response: httpx.Response, content: bytes) -> str:
        status = response.status_code
        answer = f"{status} {content.decode('utf-8', 'replace')}"
        if status in {_TOO_MANY, _AWAY}:
            raise NotNow(answer, _retry_after(response))
        if status >= _FIRST_FAULT:
            raise Uncertain(answer, _retry_after(response))
        if status in _CREDENTIALS:
            raise Unreachable(answer)
        if not _FIRST_SUCCESS <= status < _FIRST_REDIRECT:
            raise Refused(answer)
        if self._path and _member(content, self._path) != self._expected:
            raise Refused(answer)
        return answer


def filled(template: Any, values: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    """Fill the places of a JSON template. What is filled in is never read as a place again."""
    match template:
        case str():
            return _PLACE.sub(lambda place: values[place.group(1)], template)
        case dict():
            return {key: filled(value, values) for key, value in template.items()}
        case list():
            return [filled(value, values) for value in template]
        case _:
            return template


async def _read(response: httpx.Response) -> bytes:
    content = b""
    async for part in response.aiter_bytes():
        content += part
        if len(content) > _ANSWER_BYTES:
            break
    return content[:_ANSWER_BYTES]


def _member(content: bytes, path: list[str]) -> str | None:
    """Return a member of a JSON answer as text; None if there is none, or if it is no JSON."""
    try:
        value = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _retry_after(response: httpx.Response) -> timedelta | None:
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return timedelta(seconds=min(int(text), 86_400))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(at - wall_now(), timedelta(0))


def _described(settings: Settings) -> tuple[dict[str, str], dict[str, Any]]:
    headers = _object("REGULARS_SMS_HEADERS", settings.sms_headers)
    if not all(isinstance(value, str) for value in headers.values()):
        raise GatewayMisdescribed("REGULARS_SMS_HEADERS must be a JSON object of texts")
    return headers, _object("REGULARS_SMS_BODY", settings.sms_body)


def _object(variable: str, text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        raise GatewayMisdescribed(f"{variable} must be a JSON object")
    return value
