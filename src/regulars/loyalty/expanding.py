"""What of the books other answers can give along: wallets, tiers, lots."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import place_of_transfer, transfer_id
from regulars.loyalty.statement import service
from regulars.loyalty.statement.schemas import (
    LotAnswer,
    TierAnswer,
    WalletsAnswer,
    lot_answer,
    tier_answer,
    wallets_answer,
)
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.errors import DomainError
from regulars.platform.http.expanding import Looking, Related
from regulars.platform.ids import parse_public_id

READ: Final = "ledger:read"


def wallets_given_along() -> Related:
    """Return the wallets of members by their ids."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, WalletsAnswer]:
        wanted = {text: found for text in ids if (found := parse_public_id(MEMBER_PREFIX, text)) is not None}
        wallets = await service.balances_or_refusals(looking.tx, list(wanted.values()))
        return {
            text: wallets_answer(member_id, looking.tx.now, found)
            for (text, member_id), found in zip(wanted.items(), wallets, strict=True)
            if not isinstance(found, DomainError)
        }

    return Related(WalletsAnswer, "getWallets", READ, read)


def tiers_given_along(configuration: Configuration) -> Related:
    """Return tiers by members' ids: for answers about one member."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, TierAnswer]:
        found = {}
        for text in ids:
            if (named := parse_public_id(MEMBER_PREFIX, text)) is None:
                continue
            try:
                member_id = await members.who_is(looking.tx, named)
                status = await service.tier_status(looking.tx, configuration, member_id, language=looking.language)
            except DomainError:  # no policy is in force yet, or no such member any more
                continue
            found[text] = tier_answer(member_id, status)
        return found

    return Related(TierAnswer, "getTier", READ, read)


def lots_given_along() -> Related:
    """Return lots by their ids: for answers about one member."""

    async def read(looking: Looking, ids: Sequence[str]) -> dict[str, LotAnswer]:
        wanted: dict[UUID, list[int]] = {}
        for place in [place_of_transfer(text) for text in ids]:
            if place is not None:
                wanted.setdefault(place[0], []).append(place[1])
        found = {}
        for member_id, numbers in wanted.items():
            for lot in await service.lots_by_number(looking.tx, member_id, numbers):
                found[transfer_id(member_id, lot.lot_no)] = lot_answer(member_id, lot)
        return found

    return Related(LotAnswer, "listLots.lots", READ, read)
