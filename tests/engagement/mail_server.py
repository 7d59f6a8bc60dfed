"""A real SMTP server that can be told how to behave."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailServer:
    """What came in, and what is answered: lines of a recipient, of the data, or of nothing at all for a while."""

    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    encrypted: list[bool] = field(default_factory=list)
    refuse_recipient: dict[str, str] = field(default_factory=dict)
    answer: str = "250 2.0.0 queued as 17"
    hang_for: set[str] = field(default_factory=set)
    cut_after_data: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.hang_for:
            await self.released.wait()
        if (refusal := self.refuse_recipient.get(address)) is not None:
            return refusal
        del server
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.answer.startswith("250"):
            content = envelope.original_content or b""
            message = message_from_bytes(content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
            self.recipients += envelope.rcpt_tos
            self.sessions.add(str(session.peer))
            assert isinstance(server.transport, asyncio.Transport)
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        if self.cut_after_data:
            self.cut_after_data = False
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.answer


def check_password(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object) -> AuthResult:
    fits = isinstance(given, LoginPassword) and (given.login, given.password) == (b"shop", b"sesame")
    return AuthResult(success=fits, handled=False)


@asynccontextmanager
async def serving(
    *, tls: ssl.SSLContext | None = None, password: bool = False, from_the_start: bool = False
) -> AsyncIterator[MailServer]:
    """Give a running server on a free port of this machine; it offers STARTTLS, or TLS `from_the_start`."""
    handler = MailServer()
    sessions: list[SMTP] = []

    def session() -> SMTP:
        made = SMTP(
            handler,
            hostname="mail.example",
            tls_context=None if from_the_start else tls,
            require_starttls=tls is not None and not from_the_start,
            authenticator=check_password if password else None,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        sessions.append(made)
        return made

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=tls if from_the_start else None
    )
    try:
        handler.port = server.sockets[0].getsockname()[1]
        yield handler
    finally:
        handler.released.set()
        server.close()
        for each in sessions:
            if each.transport is not None:
                each.transport.close()
        await asyncio.sleep(0)
