"""Who asks: a principal with scopes."""

from datetime import date, datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from regulars.platform.ids import public_id

ADMIN: Final = "admin"
KEY_PREFIX: Final = "ak"
STAFF_PREFIX: Final = "stf"
SHELL: Final = "cli"  # who works at the command line is `cli:<user>`

Network = IPv4Network | IPv6Network

SCOPES: Final[dict[str, str]] = {
    "members:read": "Read members without personal data.",
    "members:write": "Sign up members, change profiles and consent.",
    "members:personal": "Read personal data in the clear.",
    "members:erase": "Erase members, and withdraw that while it waits.",
    "members:merge": "Merge members, and undo it.",
    "ledger:read": "Read wallets, balances, statements and tiers.",
    "ledger:write": "Post accruals, redemptions and adjustments; hold points.",
    "ledger:approve": "Approve or refuse corrections that others ask for.",
    "policies:read": "Read drafts of policies, compare versions.",
    "policies:write": "Draft policies, schedule and withdraw them.",
    "policies:approve": "Agree to policies that others propose.",
    "orders:read": "Read orders and their effects.",
    "orders:write": "Send orders and returns.",
    "finance:read": "Read the liability, closed months and journals.",
    "finance:write": "Close months.",
    "stores:write": "Register and change stores.",
    "events:read": "Read what happened: the events feed.",
    "exports:write": "Have tables exported, with the scope for reading such rows.",
    "webhooks:read": "Read webhooks and what was delivered.",
    "webhooks:write": "Make, change and replay webhooks.",
    "audit:read": "Read who looked at whose personal data; export the audit log.",
    "metrics:read": "Read the metrics of the deployment.",
    ADMIN: "Everything.",
}


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks. `client` is the actor for audit and idempotency, e.g. `key:ak_0190…`; `key_id` its public id.

    From `networks` alone it may ask, from anywhere if there are none; `requests_per_second` is how often in the long
    run, without a limit if it is None. `api_version` is the version of the API that it speaks unless a request names
    another; empty for the latest.
    """

    client: str
    key_id: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    networks: tuple[Network, ...] = ()
    requests_per_second: int | None = None
    api_version: str = ""

    def may(self, scope: str) -> bool:
        """Tell whether this principal has a scope."""
        return scope in self.scopes or ADMIN in self.scopes


class Browser(Struct, frozen=True, kw_only=True):
    """Where a request of a page comes from.

    `address` is the caller's (`platform.http.origin`), `user_agent` what the browser calls itself, `token` the session
    token that it brought along, empty if none: that session ends when another one is opened in its place. `known` is
    the cookie by which a browser is told apart in which somebody signed in before (`platform.auth.known`).
    """

    address: str
    user_agent: str = ""
    token: str = ""
    known: str = ""

    def __repr__(self) -> str:
        return "Browser(…)"


class ApiKey(Struct, frozen=True, kw_only=True):
    """An API key as it is listed: everything but its secret, which nobody knows.

    `made_by` is the actor who made it; `staff_id` the member of staff for whom, if it was for one. `networks` are those
    it may be used from, all if there are none; `requests_per_second` is None where the deployment's limit holds, and 0
    for no limit. `rotated_at` is when it got the secret it has, `previous_until` until when the one before is good too.
    `rotated_by` are the actors who rotated it, and so were shown a secret of it. `api_version` is the version of the
    API that it speaks: the latest there was when it was made, until it is pinned to another.
    """

    key_id: UUID
    label: str
    scopes: list[str]
    created_at: datetime
    api_version: str
    last_used_on: date | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    made_by: str = ""
    staff_id: UUID | None = None
    networks: list[str] = []
    requests_per_second: int | None = None
    rotated_at: datetime | None = None
    previous_until: datetime | None = None
    rotated_by: list[str] = []

    @property
    def owner(self) -> str:
        """The person who stands behind it: an account, who made it at a command line, or empty if nobody knows."""
        if self.staff_id is not None:
            return f"staff:{public_id(STAFF_PREFIX, self.staff_id)}"
        return self.made_by if self.made_by.startswith(f"{SHELL}:") else ""


class KeysWanted(NamedTuple):
    """Which keys a page of their list shows: those made before one, good or ended ones (None: both), by their label."""

    limit: int
    before: UUID | None = None
    good: bool | None = None
    label: str = ""


class KeyChange(Struct, frozen=True, kw_only=True):
    """What of a key is to be another; what is not named stays. For `requests_per_second` see `ApiKey`."""

    label: str | None = None
    networks: list[str] | None = None
    requests_per_second: int | UnsetType | None = UNSET
    api_version: str | None = None
