"""What a deployment's rooms are given: the one place that holds the database, the vault and the lanes. No globals."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from regulars.platform.audit.contracts import Deed
from regulars.platform.auth.access_tokens import AccessTokens
from regulars.platform.auth.service import Authenticator
from regulars.platform.auth.staff.limits import terms_of
from regulars.platform.auth.staff.sign_in import StaffSignIn
from regulars.platform.clock import wall_now
from regulars.platform.commit.lane import Lane
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.origin import Origins
from regulars.platform.http.versions import SPOKEN, Versions
from regulars.platform.metrics.measures import Requests
from regulars.platform.settings import SettingError, Settings
from regulars.platform.vault.cipher import key_for
from regulars.platform.vault.contracts import Vault

if TYPE_CHECKING:
    from regulars.platform.auth.staff.oidc import Oidc

OIDC_RETURN: Final = "/console/sign-in/oidc"  # where the identity provider sends people back to

Command = TypeVar("Command")
Result = TypeVar("Result")


@dataclass(slots=True)
class Services:
    """Everything a room's routes need. `recover` brings a database back that went away, where that is ours to do.

    `stopping` is set once the process was told to end: who waits for news waits no longer. `requests` counts what this
    process answered since `began_at` (wall clock). `versions` are those of the API that are spoken.
    """

    settings: Settings
    database: Database
    vault: Vault
    recover: Callable[[], Awaitable[None]] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    began_at: datetime = field(default_factory=wall_now)
    requests: Requests = field(default_factory=Requests)
    versions: Versions = SPOKEN
    authenticator: Authenticator = field(init=False)
    staff: StaffSignIn = field(init=False)
    oidc: "Oidc | None" = field(init=False)
    origins: Origins = field(init=False)
    lanes: list[Lane[Any, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make what follows from the rest."""
        self.authenticator = Authenticator(
            self.database,
            self.settings.requests_per_second,
            AccessTokens(key_for(self.vault.pepper, "access-token")),
        )
        self.staff = StaffSignIn(self.database, self.vault.pepper, terms_of(self.settings))
        self.oidc = _identity_provider(self.settings, self.database, self.vault.pepper)
        self.origins = Origins(self.settings.trusted_proxies, self.settings.home)

    @property
    def request_key(self) -> bytes:
        """The key of the hashes that are kept of requests, see `request_hasher`."""
        return key_for(self.vault.pepper, "request-hash")

    def lane(
        self,
        action: str,
        apply: Callable[[Transaction, Sequence[Command]], Awaitable[Sequence[Result | DomainError]]],
        render: Callable[[Result], tuple[int, bytes]],
        *,
        assume_new: bool = False,
        keep_refusals: bool = True,
        tell: Callable[[Result], Deed] | None = None,
    ) -> Lane[Command, Result]:
        """Make the lane of one kind of mutation; it is drained before the process ends. See `Lane`."""
        lane = Lane(
            action,
            self.database,
            apply,
            render,
            batch_size=self.settings.batch_size,
            recover=self.recover,
            assume_new=assume_new,
            keep_refusals=keep_refusals,
            tell=tell,
        )
        self.lanes.append(lane)
        return lane

    async def drain(self, within_seconds: float | None = None) -> None:
        """Finish every mutation that was asked for, if that takes no longer than so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                for lane in self.lanes:
                    await lane.drain()


def _identity_provider(settings: Settings, database: Database, pepper: bytes) -> "Oidc | None":
    """Return the way in through the identity provider, if one is configured. Raises SettingError."""
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None or settings.public_url is None:
        missing = "REGULARS_OIDC_CLIENT_ID" if settings.oidc_client_id is None else "REGULARS_PUBLIC_URL"
        raise SettingError(missing, "is not set, but REGULARS_OIDC_ISSUER is", "Set both, or neither.")
    from regulars.platform.auth.staff.oidc import Oidc, OidcSettings  # noqa: PLC0415 - httpx costs a start 80 ms

    agreed = OidcSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret,
        redirect_uri=settings.public_url + OIDC_RETURN,
    )
    return Oidc(database, pepper, terms_of(settings), agreed)
