"""Letters to staff about what needs somebody: to those who may mend it, each in their language.

Staff are bare addresses to this room: who gets a letter is decided when it is written.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from regulars.engagement.channels import store
from regulars.engagement.channels.composing import written
from regulars.engagement.channels.letters import Content
from regulars.engagement.channels.reach import reachable
from regulars.engagement.channels.sealing import bare_key
from regulars.engagement.channels.wording import language_of
from regulars.engagement.contracts import MessageChannel, WebhookDisabledFacts
from regulars.platform.auth.staff.permissions import permissions_of
from regulars.platform.auth.staff.service import list_accounts
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import derived_id, public_id
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.service import list_markets
from regulars.platform.settings import Settings
from regulars.platform.vault.contracts import Vault
from regulars.platform.webhooks.contracts import ENDPOINT_PREFIX, DisabledFor, Endpoint
from regulars.platform.webhooks.rules import host_of

_MAY_MEND = "webhooks:write"


class StaffLetters(NamedTuple):
    """Writes letters to staff; fits `webhooks.contracts.TellDisabled`."""

    settings: Settings
    vault: Vault

    async def __call__(self, tx: Transaction, endpoint: Endpoint, reason: DisabledFor, at: datetime) -> None:
        """Tell whoever may mend it that a webhook was disabled, where e-mail leaves the house; see `engagement.api`."""
        if MessageChannel.EMAIL not in reachable(self.settings):
            return
        facts = WebhookDisabledFacts(
            webhook_id=public_id(ENDPOINT_PREFIX, endpoint.endpoint_id),
            name=endpoint.description or host_of(endpoint.url),
            wants_no_more=reason is DisabledFor.GONE,
            at=at,
            failing_since=endpoint.failing_since,
        )
        where = _place(await list_markets(tx))
        messages = [
            written(
                Content(facts=facts, time_zone=where[0], country=where[1]),
                message_id=message_id,
                member_id=None,
                key=bare_key(self.vault),
                channel=MessageChannel.EMAIL,
                address=address,
                language=language_of(language),
                occurred_at=at,
                written_at=wall_now(),
            )
            for message_id, address, language in await _who_may_mend(tx, endpoint.endpoint_id, at)
        ]
        store.insert_messages(tx, messages)


def _place(markets: Sequence[Market]) -> tuple[str, str]:
    """Return the time zone and the country in which instants are told: the first market's."""
    return (markets[0].time_zone, markets[0].country) if markets else ("UTC", "US")


async def _who_may_mend(tx: Transaction, about: UUID, at: datetime) -> list[tuple[UUID, str, str]]:
    """Return whom to write to: an id for the letter, an address, a language."""
    return [
        (derived_id(at, about.hex, one.staff_id.hex, "webhook_disabled"), one.email, one.language)
        for one in await list_accounts(tx)
        if one.status == "active" and _MAY_MEND in permissions_of(one.roles, bound=one.stores is not None)
    ]
