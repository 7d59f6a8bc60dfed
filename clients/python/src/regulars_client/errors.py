"""Everything that this package raises.

RegularsError
├── NoAnswer              no answer came, for as long as was tried
├── UnexpectedAnswer      an answer came that this version cannot read
├── NotFromRegulars       a webhook that Regulars did not send, or not lately
└── Refused               Regulars (or who stands before it) said no, and why
    ├── BadRequest        400: cannot be read, or a header is missing
    ├── NotAuthenticated  401: no key, or one that is no longer good
    ├── NotAllowed        403: the key may not do that, or not from here
    ├── NotFound          404: there is nothing that this key may see
    ├── Conflict          409: what is there forbids it
    ├── Gone              410: what was there is there no more
    ├── TooLarge          413: the body is larger than the deployment reads
    ├── Invalid           422: a field is wrong; `errors` points to it
    ├── RateLimited       429: the key asks too often
    └── Failed            5xx: a fault, or not at this moment
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import msgspec

from regulars_client.models import FieldProblem

_SHOWN: Final = 200


class RegularsError(Exception):
    """Whatever goes wrong in this package."""


class NoAnswer(RegularsError):
    """No answer came. Whether it was carried out is not known: the same call with the same `idempotency_key` tells."""

    def __init__(self, message: str, *, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class UnexpectedAnswer(RegularsError):
    """An answer that this version of the client cannot read; `content` holds it."""

    def __init__(self, message: str, *, status: int, content: bytes, request_id: str | None = None) -> None:
        super().__init__(message)
        self.status, self.content, self.request_id = status, content, request_id


class NotFromRegulars(RegularsError):
    """A webhook whose signature is not by one of the secrets, or whose time is too long ago or ahead."""


class _Said(msgspec.Struct):
    """A problem document, as far as it is one; by OAuth2's names where a token was asked for."""

    title: str = ""
    detail: str = ""
    code: str = ""
    instance: str = ""
    errors: list[FieldProblem] = []
    data: dict[str, Any] = {}
    error: str = ""
    error_description: str = ""


class Refused(RegularsError):
    """A refusal: a problem document (RFC 9457).

    `code` is stable and made for programs; the README of the client links the list of all. `detail` is a sentence for
    people, in the language that was asked for. `data` are its figures, `errors` point to fields.
    """

    def __init__(self, response: httpx.Response, *, idempotency_key: str | None = None) -> None:
        said = _read(response.content)
        self.status: int = response.status_code
        self.code: str = said.code or said.error or f"http_{response.status_code}"
        self.title: str = said.title
        self.detail: str = said.detail or said.error_description or response.text[:_SHOWN]
        self.errors: Sequence[FieldProblem] = said.errors
        self.data: Mapping[str, Any] = said.data
        self.request_id: str | None = response.headers.get("x-request-id") or said.instance or None
        self.idempotency_key = idempotency_key
        super().__init__(f"{self.status} {self.code}: {self.detail}")

    @property
    def pointer(self) -> str | None:
        """The JSON Pointer to the first field that is wrong, if one is."""
        return self.errors[0].pointer if self.errors else None


class BadRequest(Refused):
    """400: the request cannot be read, or a header is missing."""


class NotAuthenticated(Refused):
    """401: no key was sent, or one that is no longer good."""


class NotAllowed(Refused):
    """403: the key lacks the scope, or may not be used from here."""


class NotFound(Refused):
    """404: there is nothing here that this key may see."""


class Conflict(Refused):
    """409: what is there forbids it; `code` says what."""


class Gone(Refused):
    """410: what was there is there no more."""


class TooLarge(Refused):
    """413: the body is larger than the deployment reads."""


class Invalid(Refused):
    """422: a field is wrong, or the idempotency key was used for another request."""


class RateLimited(Refused):
    """429: the key asks too often, and went on doing so for as long as was tried."""


class Failed(Refused):
    """5xx: a fault in Regulars (report it with `request_id`), or not at this moment."""


_BY_STATUS: Final[dict[int, type[Refused]]] = {
    400: BadRequest,
    401: NotAuthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    422: Invalid,
    429: RateLimited,
}
_FIRST_FAILURE: Final = 500


def refusal(response: httpx.Response, *, idempotency_key: str | None = None) -> Refused:
    """Return the refusal that an answer tells."""
    status = response.status_code
    kind = _BY_STATUS.get(status, Failed if status >= _FIRST_FAILURE else Refused)
    return kind(response, idempotency_key=idempotency_key)


def _read(content: bytes) -> _Said:
    try:
        return msgspec.json.decode(content, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a proxy's page, or nothing at all
        return _Said()
