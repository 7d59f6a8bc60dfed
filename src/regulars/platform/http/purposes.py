"""Why personal data is read: said with each request that reads it in the clear, and kept in the audit log."""

from typing import Any, Final
from urllib.parse import unquote

from litestar import Request

from regulars.platform.http.errors import PurposeMissing

HEADER: Final = "Regulars-Purpose"
SHORTEST: Final = 5
LONGEST: Final = 200


def purpose_of(request: Request[Any, Any, Any]) -> str | None:
    """Return the purpose of a request, None if it names none; other letters than ASCII come percent-encoded (UTF-8)."""
    given = " ".join(unquote(request.headers.get(HEADER, "")).split())
    return given if SHORTEST <= len(given) <= LONGEST and given.isprintable() else None


def require_purpose(request: Request[Any, Any, Any]) -> str:
    """Return the purpose of a request. Raises PurposeMissing (400)."""
    given = purpose_of(request)
    if given is None:
        raise PurposeMissing(pointer="/headers/regulars-purpose", header=HEADER, shortest=SHORTEST, longest=LONGEST)
    return given
