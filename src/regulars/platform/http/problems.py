"""Problem documents (RFC 9457): how every refusal, and every bug of ours, is told to a caller."""

from typing import Final

import msgspec

from regulars.platform.errors import Datum, DomainError
from regulars.platform.texts import say

PROBLEM_JSON: Final = "application/problem+json"
INTERNAL_FAULT_CODE: Final = "internal_fault"
INTERNAL_FAULT_STATUS: Final = 500

_encode = msgspec.json.Encoder().encode


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One field that is wrong: a JSON Pointer to it and what is wrong with it."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457). `code` is stable and made for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: list[FieldProblem] = []
    data: dict[str, Datum] = {}


def problem_body(error: DomainError, language: str, request_id: str) -> bytes:
    """Return the problem document for a refusal, in `language`; `request_id` becomes its instance."""
    detail = error.said(language)
    problem = Problem(
        type=f"urn:regulars:problem:{error.code}",
        title=_title(error.code),
        status=error.status,
        detail=detail,
        code=error.code,
        instance=request_id,
        errors=[] if error.pointer is None else [FieldProblem(pointer=error.pointer, detail=detail)],
        data=error.data,
    )
    return _encode(problem)


def internal_fault_body(language: str, request_id: str) -> bytes:
    """Return the problem document for a bug of ours. It says so, and nothing else: details go to the log."""
    problem = Problem(
        type=f"urn:regulars:problem:{INTERNAL_FAULT_CODE}",
        title=_title(INTERNAL_FAULT_CODE),
        status=INTERNAL_FAULT_STATUS,
        detail=say(
            "This is a fault in Regulars, not in your request. Send it again with the same key; "
            "if that does not help, report the request id {request_id}.",
            language,
            request_id=request_id,
        ),
        code=INTERNAL_FAULT_CODE,
        instance=request_id,
    )
    return _encode(problem)


def _title(code: str) -> str:
    return code.replace("_", " ").capitalize()
