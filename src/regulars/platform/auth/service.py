"""API keys: made, listed, rotated, revoked, recognised.

A key reads `rgl_<id>_<secret>`. The secret is 256 random bits and only its SHA-256 is kept. That is the right hash
here: a slow one (argon2, scrypt) protects secrets that people think up and others could guess, but nobody can try
2^256 values, however fast the hash; and a slow one would cost every request, or every attacker's request, 50 ms.
"""

from asyncio import Task, create_task, shield
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network, ip_network
from secrets import token_bytes, token_hex
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import structs

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth import store
from regulars.platform.auth.access_tokens import GOOD_FOR, TOKEN_PREFIX, AccessTokens
from regulars.platform.auth.contracts import ADMIN, SCOPES, ApiKey, KeyChange, KeysWanted, Network, Principal
from regulars.platform.auth.contracts import KEY_PREFIX as KEY_IDS
from regulars.platform.auth.errors import (
    KeyEnded,
    KeyWithoutScope,
    NetworkUnknown,
    RotationUnderWay,
    ScopeUnknown,
    VersionNotSpoken,
)
from regulars.platform.auth.store import StoredSecret
from regulars.platform.clock import wall_now
from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotAuthenticated, NotFound, TemporarilyUnavailable
from regulars.platform.http.versions import SPOKEN, Versions
from regulars.platform.ids import new_id, parse_public_id, public_id

KEY_PREFIX: Final = "rgl"
ID_PREFIX: Final = KEY_IDS
_BEARER = b"bearer "
_SECRET_BYTES = 32
_HEX_DIGITS = 32
_MAX_TOKEN_LENGTH = 200
_BEARER_TOKEN = _BEARER + TOKEN_PREFIX.encode()
_MAX_ACCESS_TOKEN_LENGTH = 2_000

OVERLAP: Final = timedelta(hours=24)  # for which a rotated key's secret of before is good, unless told otherwise
KNOWN_FOR_SECONDS: Final = 1.0  # a revoked key is refused within this time
_ASK_AGAIN_SECONDS = 0.5  # from here on somebody looks, in the background, whether keys have changed
_MAX_KNOWN = 50_000
_MAPPED_BITS: Final = 96  # of an IPv6 address that stands for an IPv4 one
_NOBODY: Final = StoredSecret(bytes(_SECRET_BYTES), (), None, None, None, (), None, "")


async def create_key(
    tx: Transaction,
    *,
    label: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    staff_id: UUID | None = None,
    networks: Sequence[str] = (),
    requests_per_second: int | None = None,
    versions: Versions = SPOKEN,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which is shown this once.

    It is that of a member of staff (`staff_id`), or else of whoever makes it. For `networks` and
    `requests_per_second` see `ApiKey`. It is pinned to the latest of the `versions`. Raises ScopeUnknown,
    KeyWithoutScope, NetworkUnknown.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise ScopeUnknown(pointer="/scopes", scope=scope, scopes=", ".join(SCOPES))
    if not scopes:
        raise KeyWithoutScope(pointer="/scopes")
    secret = token_hex(_SECRET_BYTES)
    key = ApiKey(
        key_id=new_id(),
        label=label,
        scopes=sorted(set(scopes)),
        created_at=wall_now(),
        api_version=versions.latest,
        expires_at=expires_at,
        made_by=tx.actor,
        staff_id=staff_id,
        networks=_written(networks),
        requests_per_second=requests_per_second,
    )
    store.insert_key(tx, key, sha256(secret.encode()).digest())
    bound = f"; {_terms(key)}" if key.networks or key.requests_per_second is not None else ""
    tx.audit(_entry(tx, "create_key", key.key_id, detail=" ".join(key.scopes) + bound))
    return key, _token(key.key_id, secret)


async def rotate_key(
    tx: Transaction, key_id: UUID, *, overlap: timedelta = OVERLAP, reason: str = ""
) -> tuple[ApiKey, str]:
    """Give a key another secret and return it with its new token, which is shown this once.

    For as long as they overlap both tokens are good, and they are one key: a retry with the other one is the same
    request. Without an overlap the old one is refused within a second. Raises NotFound, KeyEnded, RotationUnderWay.
    """
    secret, now = token_hex(_SECRET_BYTES), wall_now()
    key = await store.rotate(tx, key_id, sha256(secret.encode()).digest(), now, now + overlap)
    if key is None:
        found = await _still_good(tx, key_id, now)
        raise RotationUnderWay(until=(found.previous_until or now).isoformat(timespec="seconds"))
    told = "" if key.previous_until is None else f"overlap until {key.previous_until.isoformat()}"
    tx.audit(_entry(tx, "rotate_key", key_id, reason=reason, detail=told))
    return key, _token(key_id, secret)


async def end_overlap(tx: Transaction, key_id: UUID, *, reason: str = "") -> ApiKey:
    """Let the secret before the last rotation be refused, within a second of the commit. Raises NotFound."""
    key = await store.end_overlap(tx, key_id)
    if key is None:
        raise NotFound
    tx.audit(_entry(tx, "end_key_overlap", key_id, reason=reason))
    return key


async def change_key(
    tx: Transaction, key_id: UUID, wanted: KeyChange, *, reason: str = "", versions: Versions = SPOKEN
) -> ApiKey:
    """Write anew what a key is called, where it may be used, how often, or what it speaks.

    Within a second every process knows. Raises NotFound, KeyEnded, NetworkUnknown, VersionNotSpoken.
    """
    if wanted.api_version is not None and wanted.api_version not in versions.names:
        told = ", ".join(versions.names)
        raise VersionNotSpoken(pointer="/api_version", version=wanted.api_version, versions=told)
    if wanted.networks is not None:
        wanted = structs.replace(wanted, networks=_written(wanted.networks))
    now = wall_now()
    key = await store.change(tx, key_id, wanted, now)
    if key is None:
        await _still_good(tx, key_id, now)
        raise NotFound
    tx.audit(_entry(tx, "change_key", key_id, reason=reason, detail=_terms(key)))
    return key


async def _still_good(tx: Transaction, key_id: UUID, now: datetime) -> ApiKey:
    key = await key_of(tx, key_id)
    if not is_good(key, now):
        raise KeyEnded
    return key


def _written(networks: Sequence[str]) -> list[str]:
    """Return networks as they are kept. Raises NetworkUnknown."""
    found = set[str]()
    for network in networks:
        try:
            found.add(str(_plain(ip_network(network.strip(), strict=False))))
        except ValueError:
            raise NetworkUnknown(pointer="/networks", network=network) from None
    return sorted(found)


def _plain(network: Network) -> Network:
    """Write `::ffff:203.0.113.0/120` as what it means: addresses of callers are read so, too."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _terms(key: ApiKey) -> str:
    """Return where a key may be used, how often, what it is called and what it speaks, for the audit log."""
    often = "the usual limit"
    if key.requests_per_second is not None:
        often = f"{key.requests_per_second}/s" if key.requests_per_second else "no limit"
    return f"from {' '.join(key.networks) or 'anywhere'}, {often}, {key.label!r}, version {key.api_version}"


def _token(key_id: UUID, secret: str) -> str:
    return f"{KEY_PREFIX}_{key_id.hex}_{secret}"


async def revoke_key(tx: Transaction, key_id: UUID, *, reason: str = "") -> ApiKey:
    """Revoke a key; every process refuses it within a second of the commit. Raises NotFound."""
    key = await store.revoke(tx, key_id, wall_now())
    if key is None:
        raise NotFound
    tx.audit(_entry(tx, "revoke_key", key_id, reason=reason))
    return key


async def key_of(tx: Transaction, key_id: UUID) -> ApiKey:
    """Return one key. Raises NotFound."""
    found = await store.select_keys(tx, [key_id])
    if not found:
        raise NotFound
    return found[0]


async def list_keys(tx: Transaction) -> list[ApiKey]:
    """Return every key, revoked ones included, oldest first."""
    return await store.select_keys(tx)


async def page_of_keys(tx: Transaction, wanted: KeysWanted) -> list[ApiKey]:
    """Return a page of keys, the latest first."""
    return await store.select_page(tx, wanted, wall_now())


def is_good(key: ApiKey, now: datetime) -> bool:
    """Tell whether a key opens anything at an instant of the wall clock."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _entry(tx: Transaction, action: str, key_id: UUID, *, reason: str = "", detail: str = "") -> AuditEntry:
    return AuditEntry(
        actor=tx.actor,
        action=action,
        subject=public_id(ID_PREFIX, key_id),
        reason=reason,
        request_id=tx.request_id,
        detail=detail,
    )


class Exchanged(NamedTuple):
    """An access token, what it is good for, for how many seconds, and whose key was exchanged for it."""

    token: str
    scopes: list[str]
    seconds: int
    principal: Principal


class _Claim(NamedTuple):
    """What a header says: whose key it is of; `is_of` tells whether of a secret with this hash. A token has an end."""

    key_id: UUID
    is_of: Callable[[bytes], bool]
    scopes: frozenset[str] | None = None
    ends: datetime | None = None


class Authenticator:
    """Recognises keys; remembers those it has met, by the hash of the token, so that a request costs a hash.

    Twice a second, while requests come, it reads one number that counts the changes of keys; when that has moved, it
    forgets everything. So a revocation takes effect within a second, and ten thousand keys cost no more than one.
    `requests_per_second` is the limit of keys that have none of their own; 0 for no limit. `tokens` reads the access
    tokens of the deployment; without it there are those of this process alone.
    """

    def __init__(self, database: Database, requests_per_second: int = 0, tokens: AccessTokens | None = None) -> None:
        self._database = database
        self._tokens = tokens or AccessTokens(token_bytes(_SECRET_BYTES))
        self._requests_per_second = requests_per_second
        self._known: dict[bytes, Principal] = {}
        self._revision = -1
        self._today = date.min
        self._asked_at = float("-inf")  # monotonic seconds at which the last look *began*
        self._looking: Task[None] | None = None

    def recognise(self, authorization: bytes) -> Principal | None:
        """Return who sent this `Authorization` header if that is known at this moment without asking anybody."""
        age = monotonic() - self._asked_at
        if age > _ASK_AGAIN_SECONDS:
            if age > KNOWN_FOR_SECONDS:
                return None
            _ = self._look()
        principal = self._known.get(sha256(authorization).digest())
        if principal is not None and principal.expires_at is not None and principal.expires_at <= wall_now():
            return None
        return principal

    async def authenticate(self, authorization: bytes) -> Principal:
        """Return who sent this header. Raises NotAuthenticated, or TemporarilyUnavailable without a database."""
        if principal := self.recognise(authorization):
            return principal
        claim = self._claim_in(authorization)
        try:
            if monotonic() - self._asked_at > KNOWN_FOR_SECONDS:
                await shield(self._look())
                if principal := self.recognise(authorization):
                    return principal
            return await self._ask(authorization, claim)
        except CONNECTION_LOST as error:
            raise TemporarilyUnavailable from error

    async def exchange(self, client_id: str, client_secret: str, scopes: Sequence[str]) -> Exchanged:
        """Return an access token for a key: id `ak_…`, secret the whole key or what stands behind its last `_`.

        It is good for some of the key's scopes, all of them if none are named. Raises NotAuthenticated,
        ScopeUnknown (one that the key has not), TemporarilyUnavailable.
        """
        key_id = parse_public_id(ID_PREFIX, client_id)
        key = client_secret if key_id is None or "_" in client_secret else _token(key_id, client_secret)
        authorization = _BEARER + key.encode("utf-8", "replace")
        found, secret = _parse(authorization)
        if found != key_id:
            raise NotAuthenticated
        principal = await self.authenticate(authorization)
        wanted = frozenset(scopes) or principal.scopes
        for scope in sorted(wanted):
            if scope not in SCOPES or not principal.may(scope):
                raise ScopeUnknown(scope=scope, scopes=", ".join(sorted(principal.scopes)))
        now = wall_now()
        ends = now + GOOD_FOR if principal.expires_at is None else min(now + GOOD_FOR, principal.expires_at)
        token = self._tokens.write(found, sha256(secret).digest(), wanted, ends)
        return Exchanged(token, sorted(wanted), int((ends - now).total_seconds()), principal)

    def _claim_in(self, authorization: bytes) -> _Claim:
        """Return what a header says of itself. Raises NotAuthenticated for what is neither a key nor a token."""
        if authorization[: len(_BEARER_TOKEN)].lower() != _BEARER_TOKEN:
            key_id, secret = _parse(authorization)
            secret_hash = sha256(secret).digest()
            return _Claim(key_id, lambda kept: compare_digest(secret_hash, kept))
        if len(authorization) > _MAX_ACCESS_TOKEN_LENGTH:
            raise NotAuthenticated
        granted = self._tokens.read(authorization[len(_BEARER) :].decode("ascii", "replace"), wall_now())
        if granted is None:
            raise NotAuthenticated
        return _Claim(granted.key_id, granted.is_of, frozenset(granted.scopes), granted.ends_at)

    def _look(self) -> "Task[None]":
        if self._looking is None:
            self._looking = create_task(self._forget_if_changed())
            self._looking.add_done_callback(self._looked)
        return self._looking

    def _looked(self, task: "Task[None]") -> None:
        self._looking = None
        if not task.cancelled():
            task.exception()  # whoever waits for the task gets it; in the background the next look tries again

    async def _forget_if_changed(self) -> None:
        began, today = monotonic(), wall_now().date()
        async with self._database.transaction() as tx:
            revision = await store.select_revision(tx)
        if (revision, today) != (self._revision, self._today) or len(self._known) > _MAX_KNOWN:
            self._known.clear()  # on a new day too: so each key's first use of the day is written down
            self._revision, self._today = revision, today
        self._asked_at = began

    async def _ask(self, authorization: bytes, claim: _Claim) -> Principal:
        revision, now = self._revision, wall_now()
        async with self._database.transaction() as tx:
            stored = await store.select_secret(tx, claim.key_id) or _NOBODY
            known, ends = _is_known(stored, claim)
            if not known or (ends is not None and ends <= now):
                raise NotAuthenticated
            store.note_use(tx, claim.key_id, now.date())
        public = public_id(ID_PREFIX, claim.key_id)
        scopes = frozenset(stored.scopes)
        if claim.scopes is not None:
            scopes = claim.scopes if ADMIN in scopes else scopes & claim.scopes
        often = self._requests_per_second if stored.requests_per_second is None else stored.requests_per_second
        principal = Principal(
            client=f"key:{public}",
            key_id=public,
            scopes=scopes,
            expires_at=ends,
            networks=tuple(ip_network(network) for network in stored.networks),
            requests_per_second=often or None,
            api_version=stored.api_version,
        )
        if revision == self._revision:  # else keys changed while we asked: the next request asks again
            self._known[sha256(authorization).digest()] = principal
        return principal


def _is_known(stored: StoredSecret, claim: _Claim) -> tuple[bool, datetime | None]:
    """Tell whether what is claimed is one of a key's secrets, or got with one, and until when it is good.

    Compared with both, even if there is no such key, so that the time taken tells nothing.
    """
    is_current = claim.is_of(stored.secret_hash)
    is_previous = claim.is_of(stored.previous_hash or bytes(_SECRET_BYTES)) and stored.previous_hash is not None
    ends = [stored.expires_at, claim.ends, None if is_current else stored.previous_until]
    return is_current or is_previous, min([one for one in ends if one is not None], default=None)


def _parse(authorization: bytes) -> tuple[UUID, bytes]:
    """Return key id and secret of `Bearer rgl_<id>_<secret>`. Raises NotAuthenticated."""
    if len(authorization) > _MAX_TOKEN_LENGTH or authorization[: len(_BEARER)].lower() != _BEARER:
        raise NotAuthenticated
    prefix, _, rest = authorization[len(_BEARER) :].strip().partition(b"_")
    digits, _, secret = rest.partition(b"_")
    if prefix != KEY_PREFIX.encode() or len(digits) != _HEX_DIGITS or not secret:
        raise NotAuthenticated
    try:
        return UUID(digits.decode("ascii")), secret
    except ValueError:
        raise NotAuthenticated from None
