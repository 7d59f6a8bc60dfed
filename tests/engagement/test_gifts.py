"""Points from member to member, as both are told of them: given, got and taken back, once, without the other's id."""

from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Redeem
from regulars.loyalty.policy.contracts import TransferPolicy
from tests.commerce.shop import DAY, NOW, POLICY
from tests.engagement.post_office import ADDRESS, PostOffice, figures

pytestmark = pytest.mark.anyio
CONFIGURATION = loyalty.Configuration()


async def told(office: PostOffice, kind: str) -> dict[tuple[UUID | None, str], list[tuple[str, str]]]:
    """Return what messages of a kind say, by member and channel."""
    await office.write()
    return {
        (one.ref.member_id, one.ref.channel): figures(one) for one in await office.messages() if one.ref.kind == kind
    }


async def test_both_are_told_of_what_was_given_and_taken_back(office: PostOffice) -> None:
    giver, getter = await office.member(), await office.member(email="li@example.com")
    async with office.database.transaction() as tx:
        await loyalty.activate_policy(tx, structs.replace(POLICY, transfers=TransferPolicy(among="anyone")), tx.now)
    await office.post(giver, 300, NOW + 90 * DAY)
    wish = loyalty.TransferPoints(member_id=giver, to_id=getter, amount=200, reference="once", actor="test")
    async with office.database.transaction(set_based=True) as tx:  # the same wish again is told no second time
        done, _ = await loyalty.transfer_points(tx, CONFIGURATION, [wish, wish])
    assert isinstance(done, loyalty.Transferred)
    assert done.transfer_id is not None

    assert await told(office, "points_sent") == {
        (giver, "email"): [("转出积分", "−200")],
        (giver, "inbox"): [("转出积分", "−200")],
    }
    assert await told(office, "points_received") == {(getter, "inbox"): [("积分", "+200")]}

    async with office.database.transaction(set_based=True) as tx:
        await loyalty.post(tx, CONFIGURATION, [Redeem(member_id=getter, wallet="points", amount=50, reference="tea")])
    undo = loyalty.ReverseTransfer(member_id=giver, transfer_id=done.transfer_id, actor="staff", reason="by mistake")
    async with office.database.transaction() as tx:
        looked = await loyalty.reverse_transfer(tx, CONFIGURATION, structs.replace(undo, dry_run=True))
    async with office.database.transaction() as tx:
        await loyalty.reverse_transfer(tx, CONFIGURATION, undo)

    assert looked.shortfall == 50
    mine, theirs = [("积分", "+200")], [("积分", "−200"), ("其中尚欠", "50")]
    assert await told(office, "points_taken_back") == {
        (giver, "email"): mine,
        (giver, "inbox"): mine,
        (getter, "email"): theirs,
        (getter, "inbox"): theirs,
    }
    written = " ".join([f"{one.letter}" for one in await office.messages()])
    assert (ADDRESS in written, "li@example.com" in written, getter.hex in written) == (False, False, False)
    facts = await office.rows("SELECT type, member_id FROM outbox WHERE type LIKE 'Transfer%%' ORDER BY seq")
    assert facts == [
        ("TransferSent", giver),
        ("TransferReceived", getter),
        ("TransferTakenBack", giver),
        ("TransferTakenBack", getter),
    ]
