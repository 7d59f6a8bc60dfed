"""Staff who sign in through the company's identity provider (OpenID Connect, authorization code with PKCE).

The provider says who somebody is; whether they have an account here, and what it may do, is ours. Its second factor
counts, ours is not asked for. Every address is one that its discovery document names; nothing is fetched while a
transaction is open.
"""

from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from time import monotonic
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from regulars.platform import clock
from regulars.platform.auth.contracts import Browser
from regulars.platform.auth.staff import sessions, store
from regulars.platform.auth.staff.contracts import How, Opened, Status
from regulars.platform.auth.staff.errors import SignInElsewhereRefused
from regulars.platform.auth.staff.limits import FLOW_LASTS, PLACE, Terms
from regulars.platform.auth.staff.rules import email_sought
from regulars.platform.auth.throttle import service as throttle
from regulars.platform.auth.throttle.subjects import Counters
from regulars.platform.auth.tokens import new_token
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, TemporarilyUnavailable
from regulars.platform.vault.cipher import key_for, seal, unseal
from regulars.platform.vault.contracts import VaultBroken

ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]  # asymmetric ones: `none` and shared secrets never
SKEW_SECONDS: Final = 60
_FRESH_SECONDS: Final = 3_600.0
_KEYS_APART_SECONDS: Final = 30.0
_TIMEOUT_SECONDS: Final = 10.0
_LARGEST_ANSWER: Final = 1_000_000
_FIELD: Final = "staff oidc flow"
_LONGEST_TOKEN: Final = 1_000
_ONE: Final = UUID(int=0)


class OidcSettings(Struct, frozen=True, kw_only=True):
    """A provider, what it calls us, and where it sends people back to."""

    issuer: str
    client_id: str
    client_secret: str | None
    redirect_uri: str

    def __repr__(self) -> str:
        return f"OidcSettings(issuer={self.issuer!r})"


class Discovered(Struct, frozen=True):
    """What we use of a provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Begun(Struct, frozen=True, kw_only=True):
    """Where to send the browser, and what ties the sign-in to it: a sealed cookie for the way back.

    Nothing is written here until somebody comes back: anybody may begin, as often as they like.
    """

    location: str
    browser_token: str

    def __repr__(self) -> str:
        return "Begun(…)"


class _Flow(Struct, frozen=True):
    state: str
    nonce: str
    verifier: str
    until: int


class _TokenAnswer(Struct, frozen=True):
    id_token: str


class Oidc:
    """Signing in through one provider. `client` is told in tests only."""

    def __init__(
        self,
        database: Database,
        pepper: bytes,
        terms: Terms,
        settings: OidcSettings,
        *,
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._database = database
        self._terms = terms
        self._settings = settings
        self._key = key_for(pepper, "staff oidc flow")
        self._counters = Counters(pepper)
        self._client = client
        self._discovered: tuple[float, Discovered] | None = None
        self._jwks: tuple[float, Any] | None = None

    async def begin(self) -> Begun:
        """Seal what a sign-in under way needs, and return where it goes on. Raises TemporarilyUnavailable (503)."""
        there = await self._discover()
        until = int((clock.wall_now() + FLOW_LASTS).timestamp())
        flow = _Flow(new_token(), new_token(), new_token(), until)
        sealed = seal(self._key, msgspec.json.encode(flow), member_id=_ONE, field=_FIELD)
        challenge = urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_uri,
            "scope": "openid email",
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joined = "&" if urlsplit(there.authorization_endpoint).query else "?"
        return Begun(
            location=f"{there.authorization_endpoint}{joined}{urlencode(asked)}",
            browser_token=urlsafe_b64encode(sealed).decode(),
        )

    async def finish(
        self,
        *,
        code: str,
        state: str,
        issuer: str | None,
        browser_token: str,
        browser: Browser,
    ) -> Opened:
        """Take what the provider sent the browser back with (`iss` too, if it came), and open a session.

        Raises SignInElsewhereRefused (401) whatever is wrong, TooManyAttempts (429), TemporarilyUnavailable (503).
        """
        at_place = self._counters.at(PLACE, browser.address)
        async with self._database.transaction() as tx:
            blocked = await throttle.count(tx, at_place)
        if blocked is not None:
            raise blocked
        flow = self._flow(browser_token)
        if flow is None or not code or issuer not in {None, self._settings.issuer}:
            raise SignInElsewhereRefused
        if not compare_digest(flow.state.encode(), state.encode("utf-8", "replace")):
            raise SignInElsewhereRefused
        claims = await self._claims(code, flow)
        outcome: Opened | DomainError
        async with self._database.transaction() as tx:
            outcome = await self._let_in(tx, claims, browser)
            if isinstance(outcome, Opened):
                await throttle.forgive(tx, at_place)
        if isinstance(outcome, DomainError):
            raise outcome
        return outcome

    def _flow(self, browser_token: str) -> _Flow | None:
        """Return what was sealed for this browser; None for what we did not seal, or too long ago.

        It is not used up: a code of the provider is good once, and the nonce ties the answer to this sign-in.
        """
        if len(browser_token) > _LONGEST_TOKEN:
            return None
        try:
            sealed = b64decode(browser_token, altchars=b"-_", validate=True)
            flow = msgspec.json.decode(unseal(self._key, sealed, member_id=_ONE, field=_FIELD), type=_Flow)
        except (ValueError, VaultBroken):
            return None
        return flow if clock.wall_now().timestamp() < flow.until else None

    async def _let_in(self, tx: Transaction, claims: dict[str, Any], browser: Browser) -> Opened | DomainError:
        """Open a session for the account that has the verified address; from then on the subject must stay the same."""
        email, subject = claims.get("email"), f"{claims['iss']} {claims['sub']}"
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            return SignInElsewhereRefused()
        sought = await store.select_by_email(tx, email_sought(email))
        secrets = await store.select_secrets(tx, sought.account.staff_id, lock=True) if sought else None
        if secrets is None or secrets.account.status is Status.DISABLED:
            return SignInElsewhereRefused()
        account = secrets.account
        if secrets.oidc_subject not in {None, subject}:
            sessions.note(tx, account.staff_id, "refuse_sign_in", detail="oidc: another subject has this address")
            return SignInElsewhereRefused()
        tx.write(store.LET_IN_BY_SUBJECT, (subject, account.staff_id))
        return sessions.open_session(tx, account, How.OIDC, self._terms, browser)

    async def _claims(self, code: str, flow: _Flow) -> dict[str, Any]:
        """Change the code for an ID token, and return what it says once all of it holds."""
        there, form = (
            await self._discover(),
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._settings.redirect_uri,
                "client_id": self._settings.client_id,
                "code_verifier": flow.verifier,
            },
        )
        secret = self._settings.client_secret
        answer = await self._ask(
            "POST",
            there.token_endpoint,
            data=form | ({"client_secret": secret} if secret is not None else {}),
        )
        try:
            token = msgspec.json.decode(answer, type=_TokenAnswer).id_token
        except msgspec.DecodeError as error:
            raise SignInElsewhereRefused from error
        claims = await self._verified(token, there)
        if not compare_digest(str(claims.get("nonce", "")).encode(), flow.nonce.encode()):
            raise SignInElsewhereRefused
        return claims

    async def _verified(self, token: str, there: Discovered) -> dict[str, Any]:
        """Return the claims of an ID token that this provider made for us, now. Raises SignInElsewhereRefused."""
        from joserfc import jwt  # noqa: PLC0415 - needed where a provider is configured only
        from joserfc.errors import JoseError  # noqa: PLC0415 - as above

        ours, now = self._settings.client_id, int(clock.wall_now().timestamp())
        rules = jwt.JWTClaimsRegistry(
            now=now,
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": there.issuer},
            aud={"essential": True, "value": ours},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        for newest in (False, True):  # keys that are not known yet may have been added since
            try:
                found = jwt.decode(token, await self._keys(there, newest=newest), algorithms=ALGORITHMS)
                rules.validate(found.claims)
            except (JoseError, ValueError) as error:
                if newest:
                    raise SignInElsewhereRefused from error
                continue
            claims: dict[str, Any] = found.claims
            party, audience = claims.get("azp"), claims["aud"]
            if party not in {None, ours} or (isinstance(audience, list) and len(audience) > 1 and party != ours):
                raise SignInElsewhereRefused
            return claims
        raise SignInElsewhereRefused

    async def _discover(self) -> Discovered:
        """Return the provider's addresses, read at most once an hour. Raises TemporarilyUnavailable."""
        if self._discovered is not None and monotonic() - self._discovered[0] < _FRESH_SECONDS:
            return self._discovered[1]
        issuer = self._settings.issuer
        answer = await self._ask("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
        try:
            found = msgspec.json.decode(answer, type=Discovered)
        except msgspec.DecodeError as error:
            raise TemporarilyUnavailable from error
        if found.issuer != issuer or not all(map(_is_safe, (found.token_endpoint, found.jwks_uri))):
            raise TemporarilyUnavailable
        self._discovered = monotonic(), found
        return found

    async def _keys(self, there: Discovered, *, newest: bool) -> Any:  # noqa: ANN401 - joserfc's key set, imported late
        from joserfc.errors import JoseError  # noqa: PLC0415 - as above
        from joserfc.jwk import KeySet  # noqa: PLC0415 - as above

        age = monotonic() - self._jwks[0] if self._jwks is not None else _FRESH_SECONDS
        if self._jwks is None or age >= (_KEYS_APART_SECONDS if newest else _FRESH_SECONDS):
            answer = await self._ask("GET", there.jwks_uri)
            try:
                self._jwks = monotonic(), KeySet.import_key_set(msgspec.json.decode(answer))
            except (JoseError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
                raise TemporarilyUnavailable from error
        return self._jwks[1]

    async def _ask(self, method: str, address: str, **more: Any) -> bytes:  # noqa: ANN401 - httpx's own
        """Return the body of an answer with status 200. Raises TemporarilyUnavailable, SignInElsewhereRefused (4xx)."""
        try:
            if self._client is None:
                self._client = httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False)
            answer = await self._client.request(method, address, headers={"Accept": "application/json"}, **more)
        except httpx.HTTPError as error:
            raise TemporarilyUnavailable from error
        if method == "POST" and answer.is_client_error:
            raise SignInElsewhereRefused
        if answer.status_code != httpx.codes.OK or len(answer.content) > _LARGEST_ANSWER:
            raise TemporarilyUnavailable
        return answer.content


def _is_safe(address: str) -> bool:
    """Whether an address that gets secrets is encrypted, or on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"})
