"""Staff who may mend a webhook are told once, each in their language, that it was disabled."""

from pathlib import Path

import pytest

from regulars.engagement import api as engagement
from regulars.engagement.contracts import MessageChannel
from regulars.platform.auth.staff.permissions import Role
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from tests.platform.feeding import ANNE, BO, accrued
from tests.platform.receiving import House, Receiver, answering, house, receiver
from tests.web.visitors import Visitors

pytestmark = pytest.mark.anyio
__all__ = ["house", "receiver"]  # the fixtures


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, smtp_host="127.0.0.1", mail_sender="club@club.example", brand_name="Beichen")


async def staff_of(house: House, settings: Settings) -> None:
    """Make an owner, one who reads Chinese, one who is disabled, and an auditor, who may not mend webhooks."""
    visitors = Visitors(Services(settings, house.database, house.vault))
    async with house.database.transaction(actor="test") as tx:
        for name in ("zhao", "mei", "out"):
            await visitors.account(tx, Role.OWNER, f"{name}@shop.example")
        await visitors.account(tx, Role.AUDITOR)
        tx.write("UPDATE staff_accounts SET language = 'zh' WHERE email = 'mei@shop.example'")
        tx.write("UPDATE staff_accounts SET status = 'disabled' WHERE email = 'out@shop.example'")


async def letters(house: House, settings: Settings) -> list[tuple[str, str, str]]:
    """Return the e-mails: to whom, about what, how they begin."""
    async with house.database.transaction() as tx:
        page = await engagement.list_messages(tx, house.vault, engagement.brand_of(settings), clear=True)
    found = [one for one in page.messages if one.ref.channel is MessageChannel.EMAIL and one.letter is not None]
    return sorted((one.address or "", one.letter.subject, one.letter.lead[0]) for one in found if one.letter)


async def test_who_may_mend_a_webhook_is_told_once_that_it_was_disabled(
    house: House, receiver: Receiver, settings: Settings
) -> None:
    await staff_of(house, settings)
    house.courier.tell = engagement.staff_letters(settings, house.vault)
    receiver.always(answering(410))
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1), accrued(BO, 2))  # two are under way at once, and both are answered by 410
    await house.courier.drain()
    async with house.database.transaction() as tx:
        deeds = await tx.rows("SELECT actor, reason FROM audit_entries WHERE action = 'disable_webhook'")

    host = f"127.0.0.1:{receiver.port}"
    assert sorted(receiver.numbers) == [1, 2]
    assert (await house.standing(endpoint_id)).disabled_for == "gone"
    assert deeds == [("webhooks", "gone")]
    assert await letters(house, settings) == [
        ("mei@shop.example", "Beichen：一个 Webhook 已被停用", f"不再向 {host} 投递事件。"),
        ("zhao@shop.example", "Beichen: a webhook was disabled", f"No events are delivered any more to {host}."),
    ]


@pytest.mark.parametrize("mail", [True, False], ids=["mail", "no-mail"])
async def test_a_webhook_that_failed_for_days_is_told_where_mail_is_set_up(
    house: House, receiver: Receiver, settings: Settings, *, mail: bool
) -> None:
    await staff_of(house, settings)
    given = settings if mail else Settings(home=settings.home)
    house.courier.tell = engagement.staff_letters(given, house.vault)
    receiver.always(answering(500))
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1))
    await house.courier.drain()
    house.watch.later(days=5, minutes=1)
    await house.courier.drain()

    assert (await house.standing(endpoint_id)).disabled_for == "failing"
    assert len(await letters(house, settings)) == (2 if mail else 0)
