"""Everything about a member as a file to keep: JSON for programs, one page without scripts for people."""

import asyncio
from typing import Any, Final, Literal

import msgspec
from litestar import Response

from regulars.members import api as members
from regulars.members.contracts.privacy import Document, Parts
from regulars.platform.formats import Formats

_encode = msgspec.json.Encoder().encode
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


async def export_file(
    document: Document, parts: Parts, form: Literal["json", "html"], formats: Formats
) -> Response[Any]:
    """Return a file that no browser opens as a page of ours; a page of thousands of rows is written beside requests."""
    if form == "json":
        content, media_type = _encode(document), "application/json"
    else:
        content = (await asyncio.to_thread(members.export_page, document, parts, formats)).encode()
        media_type = "text/html; charset=utf-8"
    headers = {
        "Content-Disposition": f'attachment; filename="{document.member_id}.{form}"',
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
