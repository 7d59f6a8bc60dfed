"""What pages and commands see of staff. No secret, and no hash of one, is part of any of it."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct

from regulars.platform.auth.contracts import STAFF_PREFIX
from regulars.platform.auth.staff.permissions import Role, permissions_of
from regulars.platform.ids import public_id

SESSION_PREFIX: Final = "sts"


class Status(StrEnum):
    """Where an account stands."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


class How(StrEnum):
    """How a session was opened."""

    PASSWORD = "password"  # noqa: S105 - a word, not a password
    CODE = "code"
    RECOVERY = "recovery"
    OIDC = "oidc"
    INVITATION = "invitation"


class Account(Struct, frozen=True, kw_only=True):
    """An account of staff. `stores` are the stores it sees (their ids), None for all. Instants are the wall clock's."""

    staff_id: UUID
    email: str
    name: str
    language: str
    status: Status
    roles: tuple[Role, ...]
    stores: tuple[str, ...] | None
    has_second_factor: bool
    created_at: datetime
    signed_in_at: datetime | None = None

    @property
    def public_id(self) -> str:
        """The id as pages and the audit log write it."""
        return public_id(STAFF_PREFIX, self.staff_id)


class NewAccount(Struct, frozen=True, kw_only=True):
    """A wish to give somebody an account."""

    email: str
    name: str
    roles: tuple[Role, ...]
    stores: tuple[str, ...] | None = None
    language: str = "en"


class Viewer(Struct, frozen=True, kw_only=True):
    """Somebody of staff who is signed in: who looks at a page, or acts through it."""

    staff_id: UUID
    session_id: UUID
    email: str
    name: str
    language: str
    roles: tuple[Role, ...]
    stores: frozenset[str] | None
    permissions: frozenset[str]

    @property
    def actor(self) -> str:
        """Who acts, for transactions and the audit log: `staff:stf_…`."""
        return f"staff:{public_id(STAFF_PREFIX, self.staff_id)}"

    def may(self, permission: str) -> bool:
        """Say whether one of the roles gives this permission (of `PERMISSIONS`)."""
        return permission in self.permissions

    def sees_store(self, store_id: str | None) -> bool:
        """Say whether what belongs to this store (None: to no store) may be seen."""
        return self.stores is None or store_id in self.stores


class Session(Struct, frozen=True, kw_only=True):
    """One place where an account is signed in. `agent` is browser and system in words, e.g. `Firefox on Linux`."""

    session_id: UUID
    how: How
    agent: str
    made_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class Opened(Struct, frozen=True, kw_only=True):
    """A session that was opened. `token` is the cookie's value, told this once.

    `known` is the cookie by which this browser is told apart from now on; empty: as it was.
    """

    token: str
    staff_id: UUID
    session_id: UUID
    expires_at: datetime
    known: str = ""

    def __repr__(self) -> str:
        return f"Opened(staff_id={self.staff_id})"


class CodeAsked(Struct, frozen=True, kw_only=True):
    """The password was right; now the code. `token` proves the first step, and is good for a few minutes."""

    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return "CodeAsked(…)"


class Enrolment(Struct, frozen=True, kw_only=True):
    """A second factor to be set up: the secret to type, its address for a QR code, and a token to come back with."""

    token: str
    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Enrolment(…)"


class Welcome(Struct, frozen=True, kw_only=True):
    """Whoever was invited is in. The recovery codes are shown this once."""

    opened: Opened
    recovery_codes: tuple[str, ...]

    def __repr__(self) -> str:
        return "Welcome(…)"


class Invitation(Struct, frozen=True, kw_only=True):
    """An account and the token of the one-time link that lets its owner in, told this once."""

    account: Account
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Invitation(staff_id={self.account.staff_id})"


def viewer_of(account: Account, session_id: UUID) -> Viewer:
    """Return an account as the one who looks."""
    return Viewer(
        staff_id=account.staff_id,
        session_id=session_id,
        email=account.email,
        name=account.name,
        language=account.language,
        roles=account.roles,
        stores=None if account.stores is None else frozenset(account.stores),
        permissions=permissions_of(account.roles, bound=account.stores is not None),
    )
