"""When a member is erased, every message to them is forgotten, and so is what still waits to be told or sent.

A code that was sent to a bare address before it was a member's names nobody, so it cannot be found by the member; all
such codes that are no longer on their way are wiped instead: they were good for ten minutes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from regulars.engagement.channels.service import everything_told
from regulars.engagement.privacy import store
from regulars.members.contracts.merging import MergingPart
from regulars.members.contracts.privacy import PrivacyPart, Section
from regulars.platform.db.transaction import Transaction
from regulars.platform.texts import mark
from regulars.platform.vault.contracts import Vault


async def forget_messages(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Forget the messages of members, in every channel and state."""
    store.forget(tx, member_ids)


async def forget_told(tx: Transaction, member_id: UUID, since: datetime) -> None:
    """Forget what a member was told since an instant: while two were one, it may be of the other, or went to them."""
    store.forget_told(tx, member_id, since)


async def _has_account(_tx: Transaction, _member_id: UUID) -> bool:
    return False


async def _export(tx: Transaction, vault: Vault, member_id: UUID) -> dict[str, Section]:
    return {"messages": await everything_told(tx, vault, member_id), **await store.of_member(tx, member_id)}


_KINDS: Final = {
    "code": mark("Sign-in code"),
    "receipt": mark("Receipt"),
    "return_settled": mark("Return settled"),
    "tier_up": mark("New tier"),
    "expiring_points": mark("Points expire"),
    "confirm_address": mark("Address to confirm"),
    "confirm_consent": mark("Consent to confirm"),
    "points_sent": mark("Points sent"),
    "points_received": mark("Points received"),
    "points_taken_back": mark("Gift taken back"),
}
PRIVACY: Final = PrivacyPart(
    room="engagement",
    erase=forget_messages,
    export=_export,
    sections={
        "messages": mark("What we told you"),
        "message_occasions": mark("What you are about to be told"),
        "mail_standings": mark("How your e-mail addresses answered"),
    },
    codes={
        "messages.kind": _KINDS,
        "message_occasions.kind": _KINDS,
        "type": _KINDS,  # of what a message said
        "messages.channel": {
            "email": mark("E-mail message"),
            "sms": mark("Text message"),
            "inbox": mark("Inbox"),
        },
        "messages.state": {
            "queued": mark("Waiting"),
            "sent": mark("Sent"),
            "parked": mark("Parked"),
            "failed": mark("Given up"),
        },
    },
    excused={},
    forget_told=forget_told,
)
MERGING: Final = MergingPart(room="engagement", has_account=_has_account, forget_told=forget_told)
