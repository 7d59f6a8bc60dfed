"""The door of engagement: what members are told, where that stands, and how codes are delivered.

Every function takes the caller's transaction and never commits. What a message says is sealed; who asks for it in the
clear must be allowed to read personal data. `Brand` (from the settings, `brand_of`) gives letters their name and look.
Lists go from the latest to the oldest; `before` is the `next_before` of the page before. Source of all: messages.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

from regulars.engagement.channels import addresses, rules, service, stopping
from regulars.engagement.channels.budgets import budget_of
from regulars.engagement.channels.codes import CodeDelivery, countries_in
from regulars.engagement.channels.health import look_at_channels, look_at_codes, look_at_messages
from regulars.engagement.channels.layout import Brand, brand_of
from regulars.engagement.channels.reach import is_mail_set_up, is_sms_set_up, reachable
from regulars.engagement.channels.sending.couriers import couriers, problem_of_channels, run_messages
from regulars.engagement.channels.to_staff import StaffLetters
from regulars.engagement.contracts import (
    AddressRefused,
    Letter,
    Message,
    MessageChannel,
    MessageCounts,
    MessageKind,
    MessageRef,
    MessagesPage,
    MessageState,
    RenderedMail,
)
from regulars.engagement.privacy.service import MERGING, PRIVACY
from regulars.platform.db.transaction import Transaction
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault

EVERY_CHANNEL: Final = tuple(MessageChannel)
EVERY_STATE: Final = tuple(MessageState)
EVERY_KIND: Final = tuple(MessageKind)

__all__ = [
    "EVERY_CHANNEL",
    "EVERY_KIND",
    "EVERY_STATE",
    "MERGING",
    "PRIVACY",
    "Brand",
    "CodeDelivery",
    "address_to_confirm",
    "ask_unread",
    "brand_of",
    "cancel",
    "code_delivery",
    "confirm_address",
    "counts",
    "couriers",
    "is_mail_set_up",
    "is_sms_set_up",
    "list_inbox",
    "list_messages",
    "list_of_member",
    "list_refs_of_member",
    "look_at_channels",
    "look_at_codes",
    "look_at_messages",
    "mark_read",
    "preview",
    "problem_of_channels",
    "reachable",
    "read_message",
    "refused_addresses",
    "resend",
    "run_messages",
    "staff_letters",
    "stop_notices",
    "unread_count",
]


def code_delivery(settings: Settings, vault: Vault) -> CodeDelivery:
    """Return how one-time codes are delivered in this deployment; it fits `members.contracts.DeliverCode`.

    `await deliver(tx, channel="email" | "sms", address=, code=, language=, member_id=, is_known=)` writes the message
    in the caller's transaction and returns its id; the worker sends it within a second of the commit, before anything
    else. `member_id` is None for a bare address. `address` is an e-mail address or a phone number in E.164. Code and
    address are sealed (under the member's key, or the deployment's for a bare address) and wiped once sent; after
    `valid_for` it is sent no more.
    Raises ChannelNotSetUp (503) where the operator has set up no such channel and it is not development mode,
    CodesUsedUp (503) once the budget of the hour or the day is used up, its last quarter for a browser that `is_known`
    only, CountryNotServed (422) for a number of a
    country to which no SMS are sent; roll back then, as the code is counted.
    """
    return CodeDelivery(vault, reachable(settings), budget_of(settings), countries_in(settings.sms_countries))


def staff_letters(settings: Settings, vault: Vault) -> StaffLetters:
    """Return how staff are told by letter what needs them; it fits `webhooks.contracts.TellDisabled`.

    `await tell(tx, endpoint, reason, at)` writes, in the caller's transaction, a letter to each active account that
    may manage webhooks, in its language; the worker sends it. Without e-mail nothing is written: the console tells.
    """
    return StaffLetters(settings, vault)


def address_to_confirm(vault: Vault, token: str) -> str:
    """Return, masked, the e-mail address that a link of a confirmation is about. Raises NotFound (404)."""
    return rules.mask_address(MessageChannel.EMAIL, addresses.address_in(vault, token))


async def confirm_address(tx: Transaction, vault: Vault, token: str) -> None:
    """Note that whoever follows the link of a confirmation holds the address; again changes nothing.

    Raises NotFound (404) for a link that we did not write, or too long ago, and once the address is not the member's;
    AddressNotProved (403) once a merge has brought the address to another: no link proves it then.
    """
    await addresses.confirm(tx, vault, token)


async def refused_addresses(tx: Transaction, vault: Vault, member_id: UUID) -> list[AddressRefused]:
    """Return which of a member's e-mail addresses their servers refused as nobody's.

    Nothing is sent there until one is proved anew or changed. Raises nothing.
    Source: mail_standings, member_identities.
    """
    return await addresses.refused(tx, vault, member_id)


async def list_inbox(
    tx: Transaction, vault: Vault, brand: Brand, member_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> MessagesPage:
    """Return a page of a member's inbox, for the member's own eyes. Raises NotFound (404)."""
    return await service.list_inbox(tx, vault, brand, member_id, before=before, limit=limit)


async def list_of_member(
    tx: Transaction, vault: Vault, brand: Brand, member_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> MessagesPage:
    """Return a page of a member's messages of every channel, for staff: addresses, names and codes are masked.

    Of who was erased there are none. Raises NotFound (404).
    """
    return await service.list_of_member(tx, vault, brand, member_id, before=before, limit=limit)


async def list_refs_of_member(tx: Transaction, member_id: UUID, *, limit: int) -> list[MessageRef]:
    """Return what is known of a member's latest messages of every channel without opening them: no letters.

    Empty for who is no member. Raises nothing.
    """
    return await service.list_refs_of_member(tx, member_id, limit=limit)


async def unread_count(tx: Transaction, member_id: UUID) -> int:
    """Return how many messages of a member's inbox have not been read; 0 for who is no member. Raises nothing."""
    return await service.unread_count(tx, member_id)


def ask_unread(tx: Transaction, member_id: UUID) -> Callable[[], Awaitable[int]]:
    """Ask the same along with the next read of the transaction; what is returned gives the answer. Raises nothing."""
    return service.ask_unread(tx, member_id)


async def mark_read(
    tx: Transaction, member_id: UUID, *, message_ids: Sequence[UUID] = (), up_to: UUID | None = None
) -> int:
    """Mark messages of a member's inbox as read, by name or all up to one; returns how many were unread before.

    What is read stays read, with its first mark; others' messages are left alone. Raises NotFound (404).
    """
    return await service.mark_read(tx, member_id, message_ids, up_to)


async def list_messages(
    tx: Transaction,
    vault: Vault,
    brand: Brand,
    *,
    channels: Sequence[MessageChannel] = EVERY_CHANNEL,
    states: Sequence[MessageState] = EVERY_STATE,
    kinds: Sequence[MessageKind] = EVERY_KIND,
    before: UUID | None = None,
    limit: int = 50,
    clear: bool = False,
) -> MessagesPage:
    """Return a page of everybody's messages. `clear` (addresses, names, codes) is for the development outbox only."""
    return await service.list_messages(
        tx, vault, brand, channels=channels, states=states, kinds=kinds, before=before, limit=limit, clear=clear
    )


async def read_message(
    tx: Transaction, vault: Vault, brand: Brand, message_id: UUID, *, clear: bool = False
) -> tuple[Message, RenderedMail | None]:
    """Return one message, and its form: subject, HTML, text (of an SMS the text only); None once it is unreadable.

    Without `clear` the address is masked, and so are a name and a code. Raises NotFound (404).
    """
    return await service.read_message(tx, vault, brand, message_id, clear=clear)


async def resend(tx: Transaction, vault: Vault, message_id: UUID, *, reason: str) -> MessageRef:
    """Let a parked message be sent again, for three days from now. Audited.

    Raises NotFound (404), MessageNotStuck, MessageUnreadable (409).
    """
    return await service.resend(tx, vault, message_id, reason)


async def cancel(tx: Transaction, message_id: UUID, *, reason: str) -> MessageRef:
    """Give a parked message up. Audited. Raises NotFound (404), MessageNotStuck (409)."""
    return await service.cancel(tx, message_id, reason)


async def counts(tx: Transaction) -> MessageCounts:
    """Return how many messages wait, are parked, were given up, and how late the oldest is (seconds, wall clock)."""
    return await service.counts(tx)


def preview(kind: MessageKind, language: str, brand: Brand) -> tuple[Letter, RenderedMail, str]:
    """Return what a kind of message looks like in a language (`en`, `zh`), with sample values: letter, mail, SMS."""
    return service.preview(kind, language, brand)


async def stop_notices(tx: Transaction, vault: Vault, token: str) -> None:
    """End notices by e-mail for the member whom a stop link names; again changes nothing. Raises NotFound (404)."""
    await stopping.stop_notices(tx, vault, token)
