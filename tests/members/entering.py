"""Codes as they reach their phones, and members who get in by them."""

from dataclasses import dataclass, field
from uuid import UUID

from regulars.members import api
from regulars.members.contracts import (
    CodeSent,
    CodeWanted,
    IdentityValue,
    MemberOpened,
    MemberViewer,
    SignUpByCode,
    SignUpOpen,
)
from regulars.platform.auth.contracts import Browser
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault

SETTINGS = Settings()
PHONE_BROWSER = Browser(
    address="192.0.2.7",
    user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
)


@dataclass
class Phones:
    """Whoever gets the codes: fits `DeliverCode`."""

    got: list[tuple[str, str, str, str, UUID | None]] = field(default_factory=list)
    known: list[bool] = field(default_factory=list)
    erasing: list[bool] = field(default_factory=list)

    async def __call__(
        self,
        tx: Transaction,
        *,
        channel: str,
        address: str,
        code: str,
        language: str,
        member_id: UUID | None,
        is_known: bool,
        erases: bool,
    ) -> UUID:
        assert not tx.connection.closed
        self.got.append((channel, address, code, language, member_id))
        self.known.append(is_known)
        self.erasing.append(erases)
        return new_id()

    @property
    def code(self) -> str:
        """The last one."""
        return self.got[-1][2]

    @property
    def wrong(self) -> str:
        """Six digits that are not the last one."""
        return f"{(int(self.code) + 1) % 1_000_000:06}"


@dataclass
class Portal:
    """The door of the portal, as its pages use it."""

    database: Database
    vault: Vault
    phones: Phones = field(default_factory=Phones)

    async def ask(self, identity: IdentityValue, browser: Browser = PHONE_BROWSER, market: str = "CN") -> CodeSent:
        async with self.database.transaction() as tx:
            wish = CodeWanted(identity=identity, market=market, language="zh")
            return await api.request_code(tx, self.vault, self.phones, wish, browser)

    async def enter(
        self, ticket: str, code: str, browser: Browser = PHONE_BROWSER, *, remember: bool = True
    ) -> MemberOpened | SignUpOpen | DomainError:
        async with self.database.transaction() as tx:
            return await api.sign_in_by_code(tx, self.vault, ticket, code, browser, remember=remember)

    async def sign_in(
        self, identity: IdentityValue, browser: Browser = PHONE_BROWSER, *, remember: bool = True
    ) -> MemberOpened:
        sent = await self.ask(identity, browser)
        opened = await self.enter(sent.ticket, self.phones.code, browser, remember=remember)
        assert isinstance(opened, MemberOpened), opened
        return opened

    async def sign_up(self, ticket: str, wish: SignUpByCode, *, remember: bool = True) -> MemberOpened:
        async with self.database.transaction() as tx:
            return await api.sign_up_by_code(tx, self.vault, ticket, wish, PHONE_BROWSER, remember=remember)

    async def recognise(self, token: str) -> MemberViewer | None:
        async with self.database.transaction() as tx:
            return await api.recognise_member(tx, SETTINGS, token)
