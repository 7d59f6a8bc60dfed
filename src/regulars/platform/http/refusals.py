"""From exceptions to answers: the one place where the edge decides what a failure is called."""

from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, ValidationException
from litestar.types import ExceptionHandlersMap
from psycopg import errors as database_errors

from regulars.platform.commit.errors import MemberBusy
from regulars.platform.commit.lane import RETRY_AFTER_SECONDS
from regulars.platform.db.database import CONNECTION_LOST
from regulars.platform.errors import (
    DomainError,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    TemporarilyUnavailable,
)
from regulars.platform.http.asked import Asked, asked
from regulars.platform.http.errors import NulInText
from regulars.platform.http.problems import INTERNAL_FAULT_STATUS, PROBLEM_JSON, internal_fault_body, problem_body
from regulars.platform.http.reading import what_is_wrong
from regulars.platform.logs import LOGGER

_PLACES: Final = {"query": "/query", "path": "/path", "header": "/headers", "cookie": "/cookies", "body": ""}


def as_refusal(error: Exception) -> DomainError | None:
    """Return the refusal that an exception amounts to; None if it is a bug of ours."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, database_errors.LockNotAvailable):
        return MemberBusy(retry_after_seconds=RETRY_AFTER_SECONDS)
    if isinstance(error, CONNECTION_LOST):
        return TemporarilyUnavailable()
    if isinstance(error, HTTPException):
        return _of_framework(error)
    return None


def _of_framework(error: HTTPException) -> DomainError | None:
    if isinstance(error, NotFoundException):
        return NotFound()
    if isinstance(error, MethodNotAllowedException):
        return MethodNotAllowed()
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        return _of_parameter(error.extra[0])
    if error.status_code < INTERNAL_FAULT_STATUS:
        return MalformedRequest(problem=error.detail)
    return None


def _of_parameter(finding: Any) -> DomainError:  # noqa: ANN401 - Litestar's own dictionary
    name, place = str(finding.get("key", "")), _PLACES.get(str(finding.get("source", "query")), "/query")
    return what_is_wrong(str(finding.get("message", "")), within=f"{place}/{name}", field=name)


def answer_to_failure(error: Exception, asking: Asked) -> tuple[int, bytes, dict[str, str]]:
    """Return status, problem document and further headers; a bug is logged with the request id."""
    refusal = as_refusal(error)
    if refusal is None:
        LOGGER.error(
            "a request failed through a bug", exc_info=error, extra={"fields": {"request_id": asking.request_id}}
        )
        return INTERNAL_FAULT_STATUS, internal_fault_body(asking.language, asking.request_id), {}
    headers = further_headers(refusal)
    if isinstance(error, MethodNotAllowedException) and error.headers:
        headers["Allow"] = error.headers["allow"]
    return refusal.status, problem_body(refusal, asking.language, asking.request_id), headers


def further_headers(refusal: DomainError) -> dict[str, str]:
    """Return what HTTP asks for beside the document: when to come back, how to authenticate."""
    if refusal.status == TemporarilyUnavailable.status or "retry_after_seconds" in refusal.data:
        return {"Retry-After": str(refusal.data.get("retry_after_seconds", RETRY_AFTER_SECONDS))}
    return {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}  # noqa: PLR2004 - HTTP's own


def on_failure(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer any exception that a Litestar route lets out."""
    status, body, headers = answer_to_failure(_of_nul(request, error) or error, asked(request.scope))
    return Response(body, status_code=status, media_type=PROBLEM_JSON, headers=headers)


def _of_nul(request: Request[Any, Any, Any], error: Exception) -> DomainError | None:
    """Return the refusal of a request whose address holds NUL, where no rule of the route's own has refused it.

    psycopg sends no text that holds it: the statement is not sent, and nothing is known of it but that.
    """
    if not isinstance(error, database_errors.DataError) or error.sqlstate is not None:
        return None
    if "\x00" in request.scope["path"]:
        return NotFound()
    holding = [name for name, value in request.query_params.multi_items() if "\x00" in value]
    return NulInText(pointer=f"/query/{holding[0]}") if holding else None


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {Exception: on_failure}
