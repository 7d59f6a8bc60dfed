"""E-mail by SMTP: a few connections, each used for a while, every step bounded in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from time import monotonic

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from regulars.engagement.channels import rules
from regulars.engagement.channels.layout import LOGO_CID, Brand
from regulars.engagement.channels.sending.transport import NotNow, Outgoing, Refused, Unreachable
from regulars.platform.clock import wall_now
from regulars.platform.settings import Settings

MESSAGES_A_CONNECTION = 100
IDLE_SECONDS = 30.0
STEP_SECONDS = 15.0
MESSAGE_SECONDS = 60.0
_PERMANENT = 500


@dataclass(slots=True)
class _Line:
    """A connection, how many messages it has carried, and since when it rests."""

    client: SMTP
    carried: int = 0
    rests_since: float = 0.0

    @property
    def is_fresh(self) -> bool:
        """Whether it may carry one more."""
        return (
            self.client.is_connected
            and self.carried < MESSAGES_A_CONNECTION
            and monotonic() - self.rests_since < IDLE_SECONDS
        )


class MailTransport:
    """Sends e-mails through the server of the settings; there are as many connections as messages sent at a time."""

    is_paid = False

    def __init__(self, settings: Settings, brand: Brand, *, step_seconds: float = STEP_SECONDS) -> None:
        if settings.smtp_host is None or settings.mail_sender is None:
            raise ValueError("no mail server, or no sender")
        self._settings = settings
        self._brand = brand
        self._step_seconds = step_seconds
        name, address = parseaddr(settings.mail_sender)
        self._sender = Address(display_name=name or brand.sender.brand, addr_spec=address)
        self._resting: list[_Line] = []

    async def send(self, outgoing: Outgoing) -> str:
        """Hand a message to the server. A refused recipient or message is Refused, all else may pass."""
        try:
            message = mail_of(outgoing, self._sender, self._brand)
            recipient = ascii_domain(outgoing.address)
            async with asyncio.timeout(MESSAGE_SECONDS), self._line() as line:
                answers, said = await line.client.send_message(
                    message, sender=self._sender.addr_spec, recipients=[recipient]
                )
        except SMTPRecipientsRefused as error:
            (first, *_) = error.recipients
            answer = f"{first.code} {first.message}"
            if first.code >= _PERMANENT:
                raise Refused(answer, nobody_there=rules.says_nobody_there(answer)) from None
            raise NotNow(answer) from None
        except (SMTPAuthenticationError, SMTPSenderRefused) as error:
            raise Unreachable(f"{error.code} {error.message}") from None
        except SMTPResponseException as error:
            raise _outcome(error.code, error.message) from None
        except SMTPException as error:
            raise NotNow(type(error).__name__) from None
        except TimeoutError:
            raise NotNow("the server took too long") from None
        except ValueError as error:  # an address that no server could take
            raise Refused(f"not an address: {type(error).__name__}") from None
        del answers
        return said

    async def close(self) -> None:
        """Say good-bye on every resting connection."""
        while self._resting:
            await _quit(self._resting.pop())

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[_Line]:
        """Give a connection to one message; it rests afterwards, unless the message broke it."""
        line = await self._rested() or await self._connected()
        try:
            yield line
        except BaseException as error:
            if isinstance(error, SMTPResponseException | SMTPRecipientsRefused) and line.client.is_connected:
                self._rest(line)
            else:
                line.client.close()
            raise
        self._rest(line)

    def _rest(self, line: _Line) -> None:
        line.carried += 1
        line.rests_since = monotonic()
        self._resting.append(line)

    async def _rested(self) -> _Line | None:
        while self._resting:
            line = self._resting.pop()
            if line.is_fresh:
                return line
            await _quit(line)
        return None

    async def _connected(self) -> _Line:
        settings = self._settings
        client = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=settings.smtp_password,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            cert_bundle=None if settings.smtp_ca_file is None else str(settings.smtp_ca_file),
            timeout=self._step_seconds,
        )
        try:
            await client.connect()
        except BaseException as error:
            client.close()
            if isinstance(error, SMTPResponseException):
                raise Unreachable(f"{error.code} {error.message}") from None
            if isinstance(error, SMTPException | OSError):
                raise Unreachable(type(error).__name__) from None
            raise
        return _Line(client, rests_since=monotonic())


def mail_of(outgoing: Outgoing, sender: Address, brand: Brand) -> EmailMessage:
    """Write a message as MIME: plain text, and HTML with the logo beside it. The same each time but for its date."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = ascii_domain(outgoing.address)
    message["Subject"] = outgoing.rendered.subject
    message["Date"] = format_datetime(wall_now())
    message["Message-ID"] = f"<{outgoing.reference}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if outgoing.stop_url is not None:
        message["List-Unsubscribe"] = f"<{outgoing.stop_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(outgoing.rendered.text, cte="quoted-printable")
    message.add_alternative(outgoing.rendered.html, subtype="html", cte="quoted-printable")
    message["Content-Language"] = outgoing.language  # `set_content` would have taken it away
    if brand.logo is not None:
        html = message.get_payload()[1]  # type: ignore[index] # a multipart by now
        html.add_related(brand.logo, "image", "png", cid=f"<{LOGO_CID}>", disposition="inline", filename="logo.png")  # type: ignore[union-attr] # as above
    return message


def ascii_domain(address: str) -> str:
    """Return an address with its domain as the DNS has it. Raises ValueError (UnicodeError) for what is no domain."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def _outcome(code: int, answer: str) -> Exception:
    return Refused(f"{code} {answer}") if code >= _PERMANENT else NotNow(f"{code} {answer}")


async def _quit(line: _Line) -> None:
    with suppress(SMTPException, OSError, TimeoutError):
        await line.client.quit()
    line.client.close()
