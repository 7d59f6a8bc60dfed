"""API keys: made, listed, revoked, recognised.

A key reads `rgl_<id>_<secret>`. The secret is 256 random bits and only its SHA-256 is kept. That is the right hash
here: a slow one (argon2, scrypt) protects secrets that people think up and others could guess, but nobody can try
2^256 values, however fast the hash; and a slow one would cost every request, or every attacker's request, 50 ms.
"""

from asyncio import Task, create_task, shield
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex
from time import monotonic
from typing import Final
from uuid import UUID

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.auth import store
from regulars.platform.auth.contracts import KEY_PREFIX as KEY_IDS
from regulars.platform.auth.contracts import SCOPES, ApiKey, Principal
from regulars.platform.auth.errors import KeyWithoutScope, ScopeUnknown
from regulars.platform.clock import wall_now
from regulars.platform.db.database import CONNECTION_LOST, Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotAuthenticated, NotFound, TemporarilyUnavailable
from regulars.platform.ids import new_id, public_id

KEY_PREFIX: Final = "rgl"
ID_PREFIX: Final = KEY_IDS
_BEARER = b"bearer "
_SECRET_BYTES = 32
_HEX_DIGITS = 32
_MAX_TOKEN_LENGTH = 200

KNOWN_FOR_SECONDS: Final = 1.0  # a revoked key is refused within this time
_ASK_AGAIN_SECONDS = 0.5  # from here on somebody looks, in the background, whether keys have changed
_MAX_KNOWN = 50_000


async def create_key(
    tx: Transaction,
    *,
    label: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    staff_id: UUID | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which is shown this once. Raises ScopeUnknown, KeyWithoutScope.

    It is that of a member of staff (`staff_id`), or else of whoever makes it.
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
        expires_at=expires_at,
        made_by=tx.actor,
        staff_id=staff_id,
    )
    store.insert_key(tx, key, sha256(secret.encode()).digest())
    tx.audit(_entry(tx, "create_key", key.key_id, detail=" ".join(key.scopes)))
    return key, f"{KEY_PREFIX}_{key.key_id.hex}_{secret}"


async def revoke_key(tx: Transaction, key_id: UUID, *, reason: str = "") -> ApiKey:
    """Revoke a key; every process refuses it within a second of the commit. Raises NotFound."""
    key = await store.revoke(tx, key_id, wall_now())
    if key is None:
        raise NotFound
    tx.audit(_entry(tx, "revoke_key", key_id, reason=reason))
    return key


async def list_keys(tx: Transaction) -> list[ApiKey]:
    """Return every key, revoked ones included, oldest first."""
    return await store.select_keys(tx)


def _entry(tx: Transaction, action: str, key_id: UUID, *, reason: str = "", detail: str = "") -> AuditEntry:
    return AuditEntry(
        actor=tx.actor,
        action=action,
        subject=public_id(ID_PREFIX, key_id),
        reason=reason,
        request_id=tx.request_id,
        detail=detail,
    )


class Authenticator:
    """Recognises keys; remembers those it has met, by the hash of the token, so that a request costs a hash.

    Twice a second, while requests come, it reads one number that counts the changes of keys; when that has moved, it
    forgets everything. So a revocation takes effect within a second, and ten thousand keys cost no more than one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
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
        key_id, secret = _parse(authorization)
        try:
            if monotonic() - self._asked_at > KNOWN_FOR_SECONDS:
                await shield(self._look())
                if principal := self.recognise(authorization):
                    return principal
            return await self._ask(authorization, key_id, secret)
        except CONNECTION_LOST as error:
            raise TemporarilyUnavailable from error

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

    async def _ask(self, authorization: bytes, key_id: UUID, secret: bytes) -> Principal:
        revision, now = self._revision, wall_now()
        async with self._database.transaction() as tx:
            stored = await store.select_secret(tx, key_id)
            # Compared even if there is no such key, so that the time taken tells nothing.
            expected = stored.secret_hash if stored else bytes(_SECRET_BYTES)
            same = compare_digest(sha256(secret).digest(), expected)
            if stored is None or not same or (stored.expires_at is not None and stored.expires_at <= now):
                raise NotAuthenticated
            store.note_use(tx, key_id, now.date())
        public = public_id(ID_PREFIX, key_id)
        principal = Principal(
            client=f"key:{public}", key_id=public, scopes=frozenset(stored.scopes), expires_at=stored.expires_at
        )
        if revision == self._revision:  # else keys changed while we asked: the next request asks again
            self._known[sha256(authorization).digest()] = principal
        return principal


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
