"""OAuth2 client credentials (RFC 6749, 4.4): a key is exchanged for an access token, where libraries want that.

The address is that of a standard, and so are its bodies: a form in, JSON out, refusals as the standard names them. It
stands in the description of the API as a security scheme, where tools look for it.
"""

from base64 import b64decode
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from regulars.platform.auth.contracts import SCOPES
from regulars.platform.auth.errors import ScopeUnknown
from regulars.platform.errors import NotAuthenticated, NotFound
from regulars.platform.http.asked import asked
from regulars.platform.http.openapi import TOKEN_PATH
from regulars.platform.services import Services
from regulars.platform.texts import mark, say

GRANT: Final = "client_credentials"
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20
_NEVER_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_DESCRIPTIONS: Final = {
    "invalid_request": mark(
        "Send a form (application/x-www-form-urlencoded) with grant_type, each field once, and the key "
        "either in the form (client_id, client_secret) or by HTTP Basic, not by both."
    ),
    "unsupported_grant_type": mark("There is one grant here: client_credentials."),
    "invalid_client": mark(
        "There is no such key, or it is no longer good. client_id is its id (ak_…), client_secret the key."
    ),
    "invalid_scope": mark(
        "This key has not all of the scopes that were asked for. Leave scope out for all that it has."
    ),
}


class Refused(Exception):
    """A refusal by its name in RFC 6749."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.status = error, status


def oauth_routes(services: Services) -> list[HTTPRouteHandler]:
    """Return the address for tokens, and the page of facts that libraries look for (RFC 8414)."""

    @post(TOKEN_PATH, include_in_schema=False)
    async def token(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Exchange a key for an access token."""
        try:
            return await _exchanged(services, request, await request.body())
        except Refused as refused:
            told = say(_DESCRIPTIONS[refused.error], asked(request.scope).language)
            headers = {"WWW-Authenticate": 'Basic realm="Regulars"'} if refused.error == "invalid_client" else {}
            body = {"error": refused.error, "error_description": told}
            return _answer(body, status=refused.status, headers=headers)

    @get("/.well-known/oauth-authorization-server", include_in_schema=False)
    async def facts() -> Response[bytes]:
        """Say where tokens are got, and how. Raises NotFound (404) where nobody knows our own address."""
        issuer = services.settings.public_url
        if issuer is None:  # what a caller writes into `Host` must not become where others send their keys
            raise NotFound
        return _answer(
            {
                "issuer": issuer,
                "token_endpoint": issuer + TOKEN_PATH,
                "grant_types_supported": [GRANT],
                "response_types_supported": [],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "scopes_supported": list(SCOPES),
            }
        )

    return [token, facts]


async def _exchanged(services: Services, request: Request[Any, Any, Any], body: bytes) -> Response[bytes]:
    form = _form_in(request.headers.get("content-type", ""), body)
    client_id, client_secret = _client_in(form, request.headers.get("authorization"))
    if form.get("grant_type") != GRANT:
        raise Refused("unsupported_grant_type" if "grant_type" in form else "invalid_request")
    try:
        exchanged = await services.authenticator.exchange(client_id, client_secret, form.get("scope", "").split())
    except NotAuthenticated:
        raise Refused("invalid_client", 401) from None
    except ScopeUnknown:
        raise Refused("invalid_scope") from None
    asked(request.scope).let_in(exchanged.principal)
    return _answer(
        {
            "access_token": exchanged.token,
            "token_type": "Bearer",
            "expires_in": exchanged.seconds,
            "scope": " ".join(exchanged.scopes),
        }
    )


def _form_in(content_type: str, body: bytes) -> dict[str, str]:
    """Read the form. Raises Refused for what is none, and for a field that stands there twice."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise Refused("invalid_request")
    try:
        fields = parse_qsl(body.decode("utf-8").strip(), max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise Refused("invalid_request") from None
    form = dict(fields)
    if len(form) != len(fields):
        raise Refused("invalid_request")
    return form


def _client_in(form: dict[str, str], authorization: str | None) -> tuple[str, str]:
    """Return id and secret of the caller, from the form or from HTTP Basic. Raises Refused."""
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise Refused("invalid_client", 401)
        return form["client_id"], form["client_secret"]
    kind, _, sent = authorization.partition(" ")
    if "client_secret" in form:
        raise Refused("invalid_request")
    try:
        client_id, colon, secret = b64decode(sent.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        raise Refused("invalid_client", 401) from None
    if kind.lower() != "basic" or not colon or form.get("client_id", client_id) != client_id:
        raise Refused("invalid_client", 401)
    return unquote_plus(client_id), unquote_plus(secret)


def _answer(body: dict[str, Any], *, status: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type="application/json",
        headers=_NEVER_KEPT | (headers or {}),
    )
