"""Occasions: facts that members are to be told, noted in the transaction that learns of them, without personal data."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from regulars.engagement.channels import store
from regulars.engagement.contracts import Facts
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction

_encode = msgspec.json.Encoder().encode


def note(tx: Transaction, told: Sequence[tuple[UUID, UUID, datetime, Facts]]) -> None:
    """Note what members are to be told: (member, what it follows from, when it happened, the figures).

    Noting the same fact again changes nothing. The worker writes the messages, see `composing`.
    """
    if told:
        occasions = [
            store.Occasion(member_id, occasion_id, _encode(facts).decode(), occurred_at)
            for member_id, occasion_id, occurred_at, facts in told
        ]
        store.insert_occasions(tx, occasions, wall_now())
