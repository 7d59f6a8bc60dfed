"""Letters go to proved addresses only, and codes have a ceiling: neither strangers nor the budget pay for our mail."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from regulars.engagement import api
from regulars.engagement.channels import addresses, codes
from regulars.engagement.contracts import MessageChannel, MessageKind
from regulars.engagement.errors import CodesUsedUp, CountryNotServed
from regulars.platform.clock import wall_now
from regulars.platform.errors import NotFound
from tests.engagement.post_office import ADDRESS, PostOffice, order

pytestmark = pytest.mark.anyio


async def test_an_address_that_nobody_proved_is_asked_once_and_told_nothing(office: PostOffice) -> None:
    member_id = await office.member(name="小芳", proved=False)
    await office.apply(order(member_id), order(member_id, "1002"))
    await office.write()
    await office.apply(order(member_id, "1003"))
    await office.write()

    asked, *others = await office.messages()
    assert (asked.ref.kind, asked.ref.channel) == (MessageKind.CONFIRM_ADDRESS, MessageChannel.EMAIL)
    assert [one.ref.channel for one in others] == [MessageChannel.INBOX] * 3
    assert asked.letter is not None
    assert asked.letter.button is not None
    assert (asked.letter.heading, asked.letter.rows) == ("确认您的邮箱", ())
    assert "小芳" not in repr(asked.letter)
    shown = (await office.messages(clear=False))[0].letter
    assert shown is not None
    assert shown.button == ("确认此邮箱", "https://club.example/portal/confirm-address/••••••")

    token = asked.letter.button[1].rpartition("/")[2]
    for wrong in ("", "x", token[:-2], token + "A", token[::-1]):
        async with office.database.transaction() as tx:
            with pytest.raises(NotFound):
                await api.confirm_address(tx, office.vault, wrong)
    assert api.address_to_confirm(office.vault, token) == "w***@example.com"
    for _ in range(2):
        async with office.database.transaction() as tx:
            await api.confirm_address(tx, office.vault, token)
    await office.apply(order(member_id, "1004"))
    await office.write()
    by_mail = [one.ref.kind for one in await office.messages() if one.ref.channel is MessageChannel.EMAIL]
    assert [by_mail.count(kind) for kind in (MessageKind.CONFIRM_ADDRESS, MessageKind.RECEIPT)] == [1, 1]


async def test_a_link_of_a_month_ago_or_to_a_lost_address_confirms_nothing(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    member_id = await office.member(proved=False)
    token = addresses.confirm_token(office.vault, member_id, ADDRESS)
    lost = addresses.confirm_token(office.vault, member_id, "other@example.com")
    async with office.database.transaction() as tx:
        with pytest.raises(NotFound):
            await api.confirm_address(tx, office.vault, lost)
    later = wall_now() + timedelta(days=30)
    monkeypatch.setattr(addresses, "wall_now", lambda: later)
    async with office.database.transaction() as tx:
        with pytest.raises(NotFound):
            await api.confirm_address(tx, office.vault, token)


async def test_codes_have_a_ceiling_by_hour_and_day(office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    office.settings = structs.replace(office.settings, codes_per_hour=4, codes_per_day=6)
    now = datetime(2026, 5, 4, 8, 59, tzinfo=UTC)
    monkeypatch.setattr(codes, "wall_now", lambda: now)

    async def ask(channel: str, *, is_known: bool = False) -> bool:
        address = "a@example.com" if channel == "email" else "+8613800138000"
        try:
            async with office.database.transaction() as tx:
                await api.code_delivery(office.settings, office.vault)(
                    tx, channel=channel, address=address, code="1", language="en", member_id=None, is_known=is_known
                )
        except CodesUsedUp:
            return False
        return True

    assert [await ask("sms") for _ in range(4)] == [True, True, True, False]
    assert await ask("email")
    now += timedelta(minutes=1)
    assert [await ask("sms") for _ in range(3)] == [True, True, False]
    now += timedelta(hours=22)
    assert not await ask("sms")
    assert [await ask("sms", is_known=True) for _ in range(2)] == [True, False], "the last quarter"
    now += timedelta(hours=1)
    assert [await ask("sms") for _ in range(3)] == [True, True, False]
    assert len(await office.messages()) == 9


async def test_the_health_of_codes_says_when_they_run_out(office: PostOffice) -> None:
    settings = structs.replace(office.settings, codes_per_hour=6, codes_per_day=60)
    states = []
    for _ in range(6):
        async with office.database.transaction() as tx:
            states.append((await api.look_at_codes(settings)(tx)).state.value)
            await api.code_delivery(office.settings, office.vault)(
                tx, channel="email", address="a@example.com", code="1", language="en", member_id=None
            )
    assert states == ["well", "well", "well", "well", "warning", "trouble"]


@pytest.mark.parametrize(
    ("countries", "number", "served"),
    [
        ("", "+8613800138000", True),
        ("", "+12025550123", True),
        ("", "+447400123456", False),
        ("gb, CN", "+447400123456", True),
        ("gb", "+8613800138000", False),
    ],
)
async def test_sms_go_to_the_countries_served_only(
    office: PostOffice,
    countries: str,
    number: str,
    served: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    deliver = api.code_delivery(structs.replace(office.settings, sms_countries=countries), office.vault)

    async def ask() -> None:
        async with office.database.transaction() as tx:
            await deliver(tx, channel="sms", address=number, code="1", language="en", member_id=None)

    if served:
        await ask()
    else:
        with pytest.raises(CountryNotServed):
            await ask()
    assert len(await office.messages()) == served
