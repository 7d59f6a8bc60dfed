"""What a deployment's rooms are given: the one place that holds the database, the vault and the lanes. No globals."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from regulars.platform.auth.service import Authenticator
from regulars.platform.commit.lane import Lane
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.settings import Settings
from regulars.platform.vault.cipher import key_for
from regulars.platform.vault.contracts import Vault

Command = TypeVar("Command")
Result = TypeVar("Result")


@dataclass(slots=True)
class Services:
    """Everything a room's routes need. `recover` brings a database back that went away, where that is ours to do."""

    settings: Settings
    database: Database
    vault: Vault
    recover: Callable[[], Awaitable[None]] | None = None
    authenticator: Authenticator = field(init=False)
    lanes: list[Lane[Any, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make what follows from the rest."""
        self.authenticator = Authenticator(self.database)

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
        )
        self.lanes.append(lane)
        return lane

    async def drain(self) -> None:
        """Finish every mutation that was asked for."""
        for lane in self.lanes:
            await lane.drain()
