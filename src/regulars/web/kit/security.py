"""What keeps pages safe in a browser: headers on every answer, and no change at the request of another site."""

from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Request

from regulars.web.kit.errors import ForeignRequest

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})

# Everything comes from here: no inline script or style, no eval, nobody frames us, forms are sent here only.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def refuse_foreign(request: Request[Any, Any, Any]) -> None:  # asynchronous: Litestar would take a thread
    """Refuse a change that no page of this site asked for. Raises ForeignRequest.

    Cookies are SameSite=Lax already; this also stops sites of the same registrable domain. Browsers say where a request
    comes from in `Sec-Fetch-Site`, older ones in `Origin`; who says neither is no browser.
    """
    if request.method in _SAFE_METHODS:
        return
    said = request.headers.get("sec-fetch-site")
    if said is not None:
        own = said in _OWN_SITES
    else:
        own = (
            urlsplit(request.headers.get("origin", "")).netloc.lower() == request.headers.get("host", "").lower() != ""
        )
    if not own:
        raise ForeignRequest
