"""Writes docs/errors.md from the refusals themselves: `make docs`."""

import sys
from collections.abc import Iterable, Mapping

from regulars.platform.texts import catalogue
from tests.architecture.errors import ErrorClass, refusals
from tests.architecture.source import ROOT

PAGE = ROOT / "docs" / "errors.md"

HEAD = """\
# Refusals

Whatever a caller did wrong, or may not have, is answered with a problem document (RFC 9457, media type
`application/problem+json`). `code` is stable and made for programs; `detail` is a sentence made for people, in the
language of `Accept-Language` (English or Chinese); `errors` points to the field, where there is one, by a JSON
Pointer (`/lines/0/quantity` in the body; `/query/limit` and `/headers/idempotency-key` elsewhere); `data` holds the
values named in braces below, with their types, and sometimes more that it was decided by; `instance` is the request
id. After a refusal nothing has changed. What stands in italics is the near miss, told when somebody asks why:

`GET /v1/explain/refusals/{request id}` tells of a change that was refused (409, 422), for 90 days; see
[explain.md](explain.md).

Refusals with 409 and 422 that a mutation decided are stored under its idempotency key and answered again, except
`member_busy`; what is refused before that (a field of a wrong type, 400, 401, 403, 404, 413) and 5xx are not stored.
Anything that is not in this list is a bug in Regulars: status 500 and `internal_fault`, which says so.

This page is written by `make docs` from the refusals themselves.
"""


def render(errors: Iterable[ErrorClass], chinese: Mapping[str, str]) -> str:
    """The page as Markdown, one section for each refusal."""
    sections = [HEAD]
    for error in errors:
        when = " ".join((error.__doc__ or "").split())
        said = chinese.get(error.message, "")
        section = f"## `{error.code}` · {error.status}\n\n{when}\n\n> {error.message}\n>\n> {said}\n"
        if error.near_miss:
            section += f">\n> *{error.near_miss} {chinese.get(error.near_miss, '')}*\n"
        sections.append(section)
    return "\n".join(sections)


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(refusals(), catalogue("zh")), encoding="utf-8")
    sys.stderr.write(f"wrote {PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
