"""One-time codes on their way: written in the transaction of who asked, sent after it, worthless soon."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from regulars.engagement.channels import budgets, store
from regulars.engagement.channels.budgets import Budget
from regulars.engagement.channels.composing import written
from regulars.engagement.channels.letters import Content
from regulars.engagement.channels.sealing import bare_key
from regulars.engagement.channels.wording import language_of
from regulars.engagement.contracts import CODE_VALID_FOR, CodeFacts, MessageChannel
from regulars.engagement.errors import ChannelNotSetUp, CodesUsedUp, CountryNotServed
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import derived_id, new_id
from regulars.platform.markets.service import list_markets
from regulars.platform.texts import say
from regulars.platform.vault.contracts import Vault

logger = logging.getLogger(__name__)

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CodeDelivery:
    """Delivers codes by the channels that can be used; fits `members.contracts.DeliverCode`."""

    vault: Vault
    reachable: frozenset[MessageChannel]
    budget: Budget
    countries: frozenset[str] = frozenset()

    async def __call__(
        self,
        tx: Transaction,
        *,
        channel: str,
        address: str,
        code: str,
        language: str,
        member_id: UUID | None,
        is_known: bool = False,
        erases: bool = False,
        valid_for: timedelta = CODE_VALID_FOR,
    ) -> UUID:
        """Send a code after the commit; see `engagement.api.code_delivery`."""
        way = MessageChannel(channel)
        speaking = language_of(language)
        if way is MessageChannel.INBOX or way not in self.reachable:
            raise ChannelNotSetUp(channel=name_of_channel(way, speaking))
        if way is MessageChannel.SMS and not await self._is_served(tx, address):
            raise CountryNotServed(pointer="/identity")
        budget = self.budget if is_known else self.budget.of_anybody()
        if not await budgets.spend(tx, way, budget, wall_now()):
            logger.error("no more codes are sent: the budget is used up", extra={"fields": {"channel": way.value}})
            raise CodesUsedUp(channel=name_of_channel(way, speaking))
        key = None
        if member_id is not None:
            key = (await self.vault.keys_of([member_id])).get(member_id)
        message_id = derived_id(tx.now, new_id().hex)
        message = written(
            Content(
                facts=CodeFacts(code=code, valid_minutes=max(1, valid_for // _MINUTE), erases=erases),
                time_zone="UTC",
                country="US",
            ),
            message_id=message_id,
            member_id=None if key is None else member_id,  # an erased member is a bare address
            key=bare_key(self.vault) if key is None else key,
            channel=way,
            address=address,
            language=speaking,
            occurred_at=tx.now,
            written_at=wall_now(),
            send_for=valid_for,
        )
        store.insert_messages(tx, [message])
        return message_id

    async def _is_served(self, tx: Transaction, number: str) -> bool:
        """Whether SMS are sent to the country of a number in E.164."""
        import phonenumbers  # noqa: PLC0415 - who sends SMS pays for it

        served = self.countries or {market.country for market in await list_markets(tx)}
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) in served


def countries_in(setting: str) -> frozenset[str]:
    """Read a list of countries."""
    return frozenset(part.strip().upper() for part in setting.split(",") if part.strip())


def name_of_channel(channel: MessageChannel, language: str) -> str:
    """Return how people call a channel."""
    match channel:
        case MessageChannel.EMAIL:
            return say("e-mail", language)
        case MessageChannel.SMS:
            return say("SMS", language)
        case MessageChannel.INBOX:
            return say("inbox", language)
