"""Whom somebody means by digits."""

import pytest

from regulars.members import api as members
from regulars.members.contracts.recipients import SeekRecipient
from regulars.platform.db.database import Database
from regulars.platform.vault.contracts import Vault
from tests.members.people import card, define_markets, phone, signed_up

pytestmark = pytest.mark.anyio


async def test_digits_that_are_a_phone_here_and_a_card_there_mean_nobody(database: Database, vault: Vault) -> None:
    await define_markets(database)
    one = await signed_up(database, vault, phone("139 0013 9000"))
    await signed_up(database, vault, card("138 0013 8000"))
    await signed_up(database, vault, phone("138 0013 8000"))
    found = []
    for typed in ("13900139000", "13800138000"):
        async with database.transaction() as tx:
            sought = SeekRecipient(member_id=one.member_id, typed=typed, market="CN", address="192.0.2.7", actor="test")
            found.append(await members.recipients.seek(tx, vault, sought))

    assert found == [one.member_id, None]
