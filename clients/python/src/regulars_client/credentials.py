"""Who calls: an API key, or an access token that is got for one (OAuth2 client credentials) and kept while it lasts."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Final

import httpx
import msgspec

from regulars_client.clock import elapsed_seconds

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 # an address
_EARLY_SECONDS: Final = 30.0
_LONGEST_EARLINESS: Final = 0.1  # of a token's life
_UNAUTHORISED: Final = 401
_OK: Final = 200


class ApiKey(httpx.Auth):
    """A key, sent with each request."""

    def __init__(self, key: str) -> None:
        self._header = f"Bearer {key}"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 0.0


class ClientCredentials(httpx.Auth):
    """A key that is exchanged for access tokens. One is got when it is needed, shared by all, and anew before it ends.

    A token that is refused all the same (its key was rotated, the server's clock was set) is got anew, once.
    """

    def __init__(self, base_url: str, client_id: str, client_secret: str, scopes: Sequence[str] = ()) -> None:
        self._url = httpx.URL(base_url.rstrip("/") + TOKEN_PATH)
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        if scopes:
            self._form["scope"] = " ".join(scopes)
        self._token: str | None = None
        self._good_until = 0.0
        self._lock = threading.Lock()
        self._async_lock = asyncio.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        refused: str | None = None
        while True:
            with self._lock:
                token = self._kept(refused)
                if token is None:
                    answer = yield self._asking(request)
                    answer.read()
                    token = self._taken(answer)
            if token is None:
                return  # why there is no token is the answer to this request
            request.headers["Authorization"] = f"Bearer {token}"
            response = yield request
            if response.status_code != _UNAUTHORISED or refused is not None:
                return
            refused = token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        refused: str | None = None
        while True:
            async with self._async_lock:
                token = self._kept(refused)
                if token is None:
                    answer = yield self._asking(request)
                    await answer.aread()
                    token = self._taken(answer)
            if token is None:
                return
            request.headers["Authorization"] = f"Bearer {token}"
            response = yield request
            if response.status_code != _UNAUTHORISED or refused is not None:
                return
            refused = token

    def _kept(self, refused: str | None) -> str | None:
        """Return the token that is there, if it is still good and not the one that was refused."""
        good = self._token is not None and self._token != refused and elapsed_seconds() < self._good_until
        return self._token if good else None

    def _asking(self, request: httpx.Request) -> httpx.Request:
        said = {name: request.headers[name] for name in ("user-agent", "accept-language") if name in request.headers}
        return httpx.Request("POST", self._url, data=self._form, headers=said, extensions=request.extensions)

    def _taken(self, answer: httpx.Response) -> str | None:
        """Keep the token that was answered, a little shorter than it is good. None if there is none."""
        if answer.status_code != _OK:
            return None
        got = msgspec.json.decode(answer.content, type=_Token)
        early = min(_EARLY_SECONDS, got.expires_in * _LONGEST_EARLINESS)
        self._token, self._good_until = got.access_token, elapsed_seconds() + got.expires_in - early
        return got.access_token
