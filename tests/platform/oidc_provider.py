"""An OpenID provider on the loopback: discovery, authorization, tokens, keys; PKCE is checked, lies are made."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from regulars.platform import clock

CLIENT, SECRET, BACK = "regulars", "agreed secret", "https://shop.example/console/sign-in/oidc"


class Provider:
    """What the provider knows, and the claims that it makes."""

    def __init__(self) -> None:
        self.keys = KeySet([RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})])
        self.issuer = ""
        self.claims: dict[str, Any] = {"sub": "mei-1", "email": "mei@shop.example", "email_verified": True}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.signing: Any = None
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.discovery: dict[str, Any] = {}

    def authorize(self, location: str) -> dict[str, str]:
        """Do what a browser does at the provider: sign in there, and come back with these parameters."""
        parts = urlsplit(location)
        asked = dict(parse_qsl(parts.query))
        assert location.startswith(self.issuer + "/authorize?")
        assert (asked["client_id"], asked["redirect_uri"], asked["response_type"]) == (CLIENT, BACK, "code")
        assert (asked["scope"], asked["code_challenge_method"]) == ("openid email", "S256")
        code = token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form["code"], None)
        challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if asked is None or challenge != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if (form["client_id"], form["client_secret"], form["redirect_uri"]) != (CLIENT, SECRET, BACK):
            return 401, {"error": "invalid_client"}
        now = int(clock.wall_now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked["nonce"]}
        key = self.signing or self.keys
        algorithms = ["RS256", "ES256", "HS256", "none"]
        id_token = jwt.encode(self.header, claims | self.claims, key, algorithms=algorithms)
        return 200, {"id_token": id_token, "access_token": "x", "token_type": "Bearer"}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": self.issuer + "/authorize",
                "token_endpoint": self.issuer + "/token",
                "jwks_uri": self.issuer + "/jwks",
            } | self.discovery
        if path == "/jwks":
            return 200, dict(self.keys.as_dict(private=False))
        if (method, path) == ("POST", "/token"):
            return self.token({name: values[0] for name, values in parse_qs(body.decode()).items()})
        return 404, {}

    def rotate(self) -> None:
        """Sign with a key that nobody has seen."""
        self.keys = KeySet([ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})])
        self.header = {"alg": "ES256", "kid": "two"}

    def sign_by_shared_secret(self) -> None:
        """Sign with what the two of us know, as no ID token may be."""
        self.signing, self.header = OctKey.import_key(SECRET.ljust(32, "x")), {"alg": "HS256"}


@contextmanager
def running() -> Iterator[Provider]:
    """Run a provider on a free port of the loopback."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, answer = provider.answer(self.command, urlsplit(self.path).path, body)
            written = msgspec.json.encode(answer)
            self.send_response(status)
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_POST = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def client() -> httpx.AsyncClient:
    """Return a client that asks the loopback directly, whatever the environment says of proxies."""
    return httpx.AsyncClient(timeout=5, trust_env=False)
