"""What a browser sees when a page cannot be shown: a page that says why, in its language, and how to go on."""

from typing import Any, Final

from litestar import Request, Response

from regulars.platform.commit.refusals import is_kept
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.http.problems import INTERNAL_FAULT_STATUS
from regulars.platform.http.refusals import as_refusal, further_headers
from regulars.platform.http.refusals import on_failure as answer_problem
from regulars.platform.logs import LOGGER
from regulars.web.kit.assets import AssetsNotBuilt
from regulars.web.kit.errors import SignInNeeded
from regulars.web.kit.kit import SEE_OTHER, Kit
from regulars.web.kit.refusals import keep
from regulars.web.kit.security import HEADERS
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind, viewer_of

_TEMPLATE: Final = "kit/failure.html"
# What stands above the sentence that tells what was wrong.
_HEADINGS: Final = {
    401: mark("Please sign in again"),
    403: mark("This is not open to you"),
    404: mark("Not found"),
    409: mark("Something has changed meanwhile"),
    410: mark("Not there any more"),
    429: mark("Too many attempts"),
    503: mark("Not available just now"),
    INTERNAL_FAULT_STATUS: mark("Something went wrong"),
}
_NOTHING_TO_REPORT: Final = frozenset({401, 403, 404, 410, 429})
_OTHERWISE: Final = mark("This did not work")
_API: Final = ("/v1/", "/openapi.json", "/health", "/ready")


class Failures:
    """Litestar's handler of exceptions: pages for browsers, problem documents for programs."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def on_failure(self, request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        """Answer any exception that a route lets out."""
        if request.scope["path"].startswith(_API) or "text/html" not in request.headers.get("accept", ""):
            return answer_problem(request, error)
        refusal = as_refusal(error)
        if isinstance(refusal, SignInNeeded):
            return self._sign_in(request, str(refusal.data["at"]))
        if isinstance(refusal, AssetsNotBuilt):
            return Response(refusal.message.encode(), status_code=refusal.status, media_type="text/plain")
        if refusal is None:
            request_id = asked(request.scope).request_id
            LOGGER.error("a page failed through a bug", exc_info=error, extra={"fields": {"request_id": request_id}})
        return self._page(request, refusal)

    async def after(self, error: Exception, scope: Any) -> None:  # noqa: ANN401 - Litestar's own type of a scope
        """Keep why a page refused a change, where it let the refusal out."""
        await keep(self._kit.services.database, error, scope)

    def _sign_in(self, request: Request[Any, Any, Any], at: str) -> Response[bytes]:
        """Send a browser to the sign-in page; htmx would swap that page into a corner of this one."""
        if request.headers.get("hx-request"):
            return Response(b"", status_code=204, headers={**HEADERS, "HX-Redirect": at})
        return Response(b"", status_code=SEE_OTHER, headers={**HEADERS, "Location": at})

    def _page(self, request: Request[Any, Any, Any], refusal: DomainError | None) -> Response[bytes]:
        status = INTERNAL_FAULT_STATUS if refusal is None else refusal.status
        said = None if refusal is None else refusal.said(self._kit.page(request).language)
        further = {} if refusal is None else further_headers(refusal)
        headers = {**HEADERS, **{name: value for name, value in further.items() if name != "WWW-Authenticate"}}
        try:
            return self._kit.render(
                request,
                _TEMPLATE,
                status=status,
                headers=headers,
                heading=_HEADINGS.get(status, _OTHERWISE),
                said=said,
                request_id="" if status in _NOTHING_TO_REPORT else asked(request.scope).request_id,
                may_ask=refusal is not None and is_kept(refusal) and viewer_of(request).kind is ViewerKind.STAFF,
            )
        except AssetsNotBuilt:
            return self.on_failure(request, AssetsNotBuilt())
