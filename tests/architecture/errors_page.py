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
language of `Accept-Language` (English or Chinese); `pointer`, where there is one, is a JSON Pointer to the field;
the values named in braces below are members of the document too. After a refusal nothing has changed.

Refusals with 409 and 422 are stored under their idempotency key and answered again; 401, 403, 429 and 5xx are not.
Anything that is not in this list is a bug in Regulars and says so.

This page is written by `make docs` from the refusals themselves.
"""


def render(errors: Iterable[ErrorClass], chinese: Mapping[str, str]) -> str:
    """The page as Markdown, one section for each refusal."""
    sections = [HEAD]
    for error in errors:
        when = " ".join((error.__doc__ or "").split())
        said = chinese.get(error.message, "")
        sections.append(f"## `{error.code}` · {error.status}\n\n{when}\n\n> {error.message}\n>\n> {said}\n")
    return "\n".join(sections)


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(refusals(), catalogue("zh")), encoding="utf-8")
    sys.stderr.write(f"wrote {PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
