"""What holds for all calls of a client: language, purpose, timeouts, retries; and how requests say so."""

import platform
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from regulars_client.calls import Call
from regulars_client.errors import UnexpectedAnswer
from regulars_client.models.api_version import API_VERSION
from regulars_client.retries import Retries
from regulars_client.version import __version__

Answer = TypeVar("Answer")

USER_AGENT: Final = (
    f"regulars-client-python/{__version__} (Python {platform.python_version()}; httpx {httpx.__version__})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """See `Regulars`."""

    language: str | None = None
    purpose: str | None = None
    timeout_seconds: float = 10.0
    retries: Retries = field(default_factory=Retries)
    user_agent: str = USER_AGENT

    def headers(self, call: Call[Answer]) -> dict[str, str]:
        """Return the headers of a request."""
        said = {
            "User-Agent": self.user_agent,
            "Accept": "application/json" if call.answer is not bytes else "*/*",
            "Regulars-Version": API_VERSION,
        }
        if self.language is not None:
            said["Accept-Language"] = self.language
        if self.purpose is not None:
            said["Regulars-Purpose"] = quote(self.purpose, safe=" ")
        if call.key is not None:
            said["Idempotency-Key"] = call.key
        if call.content() is not None:
            said["Content-Type"] = call.media_type
        return said


def read(call: Call[Answer], response: httpx.Response) -> Answer:
    """Read an answer. Raises UnexpectedAnswer."""
    try:
        return msgspec.json.decode(response.content, type=call.answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnexpectedAnswer(
            f"The answer to {call.method} {call.path} is not as this version ({__version__}) knows it: {error}",
            status=response.status_code,
            content=response.content,
            request_id=response.headers.get("x-request-id"),
        ) from error
