"""Reading messages, and what people do with them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec
from msgspec import structs

from regulars.engagement.channels import rules, samples, store
from regulars.engagement.channels.layout import Brand, render_mail
from regulars.engagement.channels.letters import Content, letter_of, short_text
from regulars.engagement.channels.sealing import Keys
from regulars.engagement.channels.store import Recent, Stored
from regulars.engagement.contracts import (
    CodeFacts,
    ConfirmConsentFacts,
    ConfirmFacts,
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
from regulars.engagement.errors import MessageNotStuck, MessageUnreadable
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX, MemberStatus
from regulars.members.contracts.refusals import MemberGone
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import derived_id, public_id
from regulars.platform.vault.contracts import Vault

KEEP_INBOX = timedelta(days=400)
KEEP_SENT = timedelta(days=90)
KEEP_CODES = timedelta(days=1)
FORGET_AT_ONCE = 5_000
PAGE_AT_MOST = 200
RECENT = timedelta(hours=24)
HIDDEN = "••••••"


async def list_inbox(
    tx: Transaction, vault: Vault, brand: Brand, member_id: UUID, *, before: UUID | None, limit: int
) -> MessagesPage:
    """Return a page of a member's inbox; see `engagement.api.list_inbox`."""
    await require_active(tx, member_id)
    found = await store.inbox(tx, member_id, before, limit + 1)
    return await _page(vault, brand, found, limit, clear=True)


async def list_of_member(
    tx: Transaction, vault: Vault, brand: Brand, member_id: UUID, *, before: UUID | None, limit: int
) -> MessagesPage:
    """Return a page of a member's messages of all channels; see `engagement.api.list_of_member`."""
    known = (await members.known_members(tx, [member_id])).get(member_id)
    if known is None:
        raise NotFound
    found = await store.of_member(tx, known.stands_for, before, limit + 1)
    return await _page(vault, brand, found, limit, clear=False)


async def require_active(tx: Transaction, member_id: UUID) -> None:
    """Raise NotFound for who is no member, MemberGone for who was erased."""
    member = (await members.known_members(tx, [member_id])).get(member_id)
    if member is None:
        raise NotFound
    if member.status is MemberStatus.ERASED:
        raise MemberGone


async def everything_told(tx: Transaction, vault: Vault, member_id: UUID) -> list[dict[str, JsonValue]]:
    """Return all of a member's messages with what they tell, for the member's own eyes; codes and links are hidden."""
    found, before = [], None
    while page := await store.of_member(tx, member_id, before, PAGE_AT_MOST):
        found += page
        before = page[-1].message_id
    keys = await Keys.of(vault, found)
    told: list[dict[str, JsonValue]] = []
    for stored in found:
        content, hidden = keys.content(stored), _content(stored, keys, clear=False)
        told.append(
            {
                **msgspec.to_builtins(_ref(stored)),
                "address": keys.address(stored),
                "name": None if content is None else content.name,
                "facts": None if hidden is None else msgspec.to_builtins(hidden.facts),
            }
        )
    return told


async def list_refs_of_member(tx: Transaction, member_id: UUID, *, limit: int) -> list[MessageRef]:
    """Return a member's latest messages without their letters; see `engagement.api.list_refs_of_member`."""
    return [_ref(one) for one in await store.of_member(tx, member_id, None, limit)]


async def unread_count(tx: Transaction, member_id: UUID) -> int:
    """Return how many messages of the member's inbox have not been read."""
    return await ask_unread(tx, member_id)()


def ask_unread(tx: Transaction, member_id: UUID) -> Callable[[], Awaitable[int]]:
    """Ask along with the next read how many messages of the member's inbox are unread; see `engagement.api`."""
    return partial(store.unread_told, tx, store.ask_unread(tx, member_id))


async def mark_read(tx: Transaction, member_id: UUID, message_ids: Sequence[UUID] | None, up_to: UUID | None) -> int:
    """Mark messages of a member's inbox as read; see `engagement.api.mark_read`."""
    await require_active(tx, member_id)
    marked = await store.mark_read(tx, member_id, message_ids, tx.now) if message_ids else 0
    return marked + (await store.mark_read_up_to(tx, member_id, up_to, tx.now) if up_to is not None else 0)


async def list_messages(
    tx: Transaction,
    vault: Vault,
    brand: Brand,
    *,
    channels: Sequence[MessageChannel],
    states: Sequence[MessageState],
    kinds: Sequence[MessageKind],
    before: UUID | None,
    limit: int,
    clear: bool,
) -> MessagesPage:
    """Return a page of everybody's messages; see `engagement.api.list_messages`."""
    found = await store.listed(
        tx,
        channels=[one.value for one in channels],
        states=[one.value for one in states],
        kinds=[one.value for one in kinds],
        before=before,
        limit=limit + 1,
    )
    return await _page(vault, brand, found, limit, clear=clear)


async def read_message(
    tx: Transaction, vault: Vault, brand: Brand, message_id: UUID, *, clear: bool
) -> tuple[Message, RenderedMail | None]:
    """Return one message with its form; see `engagement.api.read_message`."""
    found = await store.find(tx, message_id)
    if found is None:
        raise NotFound
    keys = await Keys.of(vault, [found])
    return _message(found, keys, brand, clear=clear), _rendered(found, keys, brand, clear=clear)


async def resend(tx: Transaction, vault: Vault, message_id: UUID, reason: str) -> MessageRef:
    """Let a parked message be sent again; see `engagement.api.resend`."""
    found = await _hold_stuck(tx, message_id)
    keys = await Keys.of(vault, [found])
    if keys.content(found) is None or keys.address(found) is None:
        raise MessageUnreadable
    now = wall_now()
    store.requeue(tx, found, now, now + rules.SEND_FOR)
    _audit(tx, "resend_message", found, reason)
    again = found._replace(state=MessageState.QUEUED.value, attempts=0, due_at=now, answer="")
    return _ref(again)


async def cancel(tx: Transaction, message_id: UUID, reason: str) -> MessageRef:
    """Give a parked message up; see `engagement.api.cancel`."""
    found = await _hold_stuck(tx, message_id)
    store.give_up(tx, found, "cancelled")
    _audit(tx, "cancel_message", found, reason)
    return _ref(found._replace(state=MessageState.FAILED.value, answer="cancelled"))


async def counts(tx: Transaction) -> MessageCounts:
    """Return how many messages wait, are parked, or were given up; see `engagement.api.counts`."""
    queued, parked, failed, oldest = await store.counts(tx)
    late = max(0.0, (wall_now() - oldest).total_seconds()) if oldest is not None else 0.0
    return MessageCounts(queued=queued, parked=parked, failed=failed, oldest_due_seconds=late)


async def recent(tx: Transaction) -> Recent:
    """Return what became of the messages of the last 24 hours (wall clock), and what the other side put off."""
    # Ids follow the instants of facts: what left within a day is of facts no older than they may be told and tried.
    oldest = tx.now - RECENT - rules.TOLD_WITHIN - rules.SEND_FOR
    return await store.recent(tx, wall_now() - RECENT, _oldest(oldest))


async def forget_old(tx: Transaction) -> bool:
    """Delete messages that have been kept long enough, some thousand of each sort; returns whether there may be more.

    Codes are kept for a day, e-mails and SMS for 90 days, the inbox for 400, by the programme clock.
    """
    all_kinds = [kind.value for kind in MessageKind]
    gone = [
        await store.forget(tx, _oldest(tx.now - KEEP_CODES), ["email", "sms"], ["code"], FORGET_AT_ONCE),
        await store.forget(tx, _oldest(tx.now - KEEP_SENT), ["email", "sms"], all_kinds, FORGET_AT_ONCE),
        await store.forget(tx, _oldest(tx.now - KEEP_INBOX), ["inbox"], all_kinds, FORGET_AT_ONCE),
    ]
    return FORGET_AT_ONCE in gone


def preview(kind: MessageKind, language: str, brand: Brand) -> tuple[Letter, RenderedMail, str]:
    """Return what a kind of message looks like, with sample values; see `engagement.api.preview`."""
    content = samples.sample(kind, language)
    letter = letter_of(content, language, brand.sender)
    return (
        letter,
        render_mail(letter, brand, language, logo=brand.logo_url),
        short_text(content, language, brand.sender),
    )


async def _hold_stuck(tx: Transaction, message_id: UUID) -> Stored:
    found = await store.find(tx, message_id, hold=True)
    if found is None:
        raise NotFound
    if found.state != MessageState.PARKED:
        raise MessageNotStuck(state=found.state)
    return found


def _oldest(before: datetime) -> UUID:
    """Return what is less than every id from that instant on."""
    return UUID(int=derived_id(before, "").int >> 80 << 80)


async def _page(vault: Vault, brand: Brand, found: Sequence[Stored], limit: int, *, clear: bool) -> MessagesPage:
    shown = found[:limit]
    keys = await Keys.of(vault, shown)
    return MessagesPage(
        messages=tuple(_message(one, keys, brand, clear=clear) for one in shown),
        next_before=shown[-1].message_id if len(found) > limit else None,
    )


def _message(stored: Stored, keys: Keys, brand: Brand, *, clear: bool) -> Message:
    content = _content(stored, keys, clear=clear)
    address = keys.address(stored)
    if address is not None and not clear:
        address = rules.mask_address(MessageChannel(stored.channel), address)
    return Message(
        ref=_ref(stored),
        letter=None if content is None else letter_of(content, stored.language, brand.sender),
        address=address,
    )


def _content(stored: Stored, keys: Keys, *, clear: bool) -> Content | None:
    """Return what a message says; code and name only to who may see them."""
    content = keys.content(stored)
    if content is None or clear:
        return content
    facts = content.facts
    if isinstance(facts, CodeFacts):
        facts = structs.replace(facts, code=HIDDEN)
    elif isinstance(facts, ConfirmFacts):
        facts = ConfirmFacts(token=HIDDEN)
    elif isinstance(facts, ConfirmConsentFacts):
        facts = structs.replace(facts, token=HIDDEN)
    return structs.replace(content, facts=facts, name=f"{content.name[0]}**" if content.name else None)


def _rendered(stored: Stored, keys: Keys, brand: Brand, *, clear: bool) -> RenderedMail | None:
    content = _content(stored, keys, clear=clear)
    if content is None:
        return None
    if stored.channel == MessageChannel.SMS:
        text = short_text(content, stored.language, brand.sender)
        return RenderedMail(subject="", html="", text=text)
    letter = letter_of(content, stored.language, brand.sender)
    return render_mail(letter, brand, stored.language, logo=brand.logo_url)


def _ref(stored: Stored) -> MessageRef:
    return MessageRef(
        message_id=stored.message_id,
        member_id=stored.recipient_id if stored.to_member else None,
        kind=MessageKind(stored.kind),
        channel=MessageChannel(stored.channel),
        state=MessageState(stored.state),
        language=stored.language,
        attempts=stored.attempts,
        answer=stored.answer,
        occurred_at=stored.occurred_at,
        written_at=stored.written_at,
        due_at=stored.due_at,
        sent_at=stored.sent_at,
        read_at=stored.read_at,
    )


def _audit(tx: Transaction, action: str, message: Stored, reason: str) -> None:
    tx.audit(
        AuditEntry(
            actor=tx.actor,
            action=action,
            subject=public_id(MEMBER_PREFIX, message.recipient_id) if message.to_member else "",
            reason=reason,
            request_id=tx.request_id,
            detail=f"{message.kind} by {message.channel}, {message.message_id.hex}",
        )
    )
