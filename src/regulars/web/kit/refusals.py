"""What pages refuse: each sentence is said here, and the refusal kept with its values, so that one may ask why later.

A page carries a change out itself, without the lanes of the API. So whoever shows why a change was refused says it by
`told` (a form does it in `refused`) or, where the sentence stands elsewhere, takes note of it by `noted`; what a page
lets out is noted by itself. When the page is answered, the refusals (409, 422) of who is signed in are kept, as those
of the API are, under the request's id. What cannot be kept is logged and does not keep the page from being answered.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from litestar import Request

from regulars.platform.commit.refusals import Asker, is_kept, keep_page
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.explaining.speech import NAMES
from regulars.platform.http.asked import asked
from regulars.platform.logs import LOGGER
from regulars.platform.texts import in_figures, say
from regulars.web.kit.viewers import NOBODY, Viewer, ViewerKind, viewer_of

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PUBLIC_ID: Final = re.compile("[a-z]{3}_[0-9a-f]{32}")  # a part of an address that is no secret and no free text
_KIND_OF_PART: Final = re.compile(r":\w+\}")


@dataclass(slots=True)
class _Change:
    """A change that a page was asked for, and why it was refused."""

    request: Request[Any, Any, Any]
    refused: list[DomainError] = field(default_factory=list)


# Forms and words know of no request; each request has a context of its own.
_under_way: ContextVar[_Change | None] = ContextVar("regulars_page_change", default=None)


def begin(request: Request[Any, Any, Any]) -> None:
    """Take note of the refusals of this request from here on, if it asks for a change."""
    _under_way.set(None if request.method in _SAFE_METHODS else _Change(request))


def noted(refusal: DomainError) -> DomainError:
    """Take note that the change under way was refused; return the refusal."""
    change = _under_way.get()
    if change is not None and refusal not in change.refused:
        change.refused.append(refusal)
    return refusal


def told(refusal: DomainError, language: str) -> str:
    """Return the sentence of a refusal, and take note of it; wallets, tiers and states go by their names."""
    values = in_figures(noted(refusal).data)
    for name, value in refusal.data.items():
        named = NAMES.get(name.rpartition("_")[2])
        if named is not None and isinstance(value, str):
            values[name] = named(value, language)
    return say(refusal.message, language, **values)


def kept_under(request: Request[Any, Any, Any]) -> str:
    """Return the id under which one may ask why this request was refused; empty where nothing of it is kept."""
    change = _under_way.get()
    if change is None or change.request.scope is not request.scope or viewer_of(request) is NOBODY:
        return ""
    return asked(request.scope).request_id if any(map(is_kept, change.refused)) else ""


async def keep(database: Database, let_out: Exception | None = None, scope: Any = None) -> None:  # noqa: ANN401 - ASGI's
    """Keep what was noted of the change under way, in a transaction of its own; `let_out` is what its page raised.

    With a `scope` only the change of that very request.
    """
    change = _under_way.get()
    if change is None or (scope is not None and change.request.scope is not scope):
        return
    if isinstance(let_out, DomainError):
        noted(let_out)
    _under_way.set(None)
    viewer = viewer_of(change.request)
    if viewer is NOBODY or not any(map(is_kept, change.refused)):
        return
    try:
        async with database.transaction() as tx:
            keep_page(tx, _asker(change.request, viewer), change.refused)
    except Exception as error:  # noqa: BLE001 - whatever it is, the page has its answer
        LOGGER.error(
            "a page's refusal was not kept",
            exc_info=error,
            extra={"fields": {"request_id": asked(change.request.scope).request_id}},
        )


def _asker(request: Request[Any, Any, Any], viewer: Viewer) -> Asker:
    """Return who asked for what: no part of an address but public ids, since links hold secrets."""
    named = [part for part in request.path_params.values() if isinstance(part, str) and _PUBLIC_ID.fullmatch(part)]
    client = str(getattr(viewer.session, "actor", f"{viewer.kind.value}:{viewer.id}"))
    own = client.partition(":")[2] if viewer.kind is ViewerKind.MEMBER else ""
    at = _KIND_OF_PART.sub("}", request.scope["path_template"])
    return Asker(
        action=f"{request.method} {at}",
        request_id=asked(request.scope).request_id,
        client=client,
        subject=named[0] if named else own,
    )
