"""From a fact to the message that tells of it: once, with the fact's figures, in the member's language."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from psycopg.errors import DiskFull

from regulars.domain_events.commerce import OrderPaid
from regulars.engagement import api, handlers
from regulars.engagement.channels import occasions
from regulars.engagement.channels.composing import Composer
from regulars.engagement.channels.service import forget_old
from regulars.engagement.contracts import MessageState, TierFacts
from regulars.engagement.errors import ChannelNotSetUp
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import PlaceHold
from regulars.members import api as members
from regulars.members.contracts import (
    ChangeProfile,
    ConsentChannel,
    ConsentGiven,
    Decision,
    ProfileChange,
    Purpose,
)
from regulars.platform.clock import wall_now
from regulars.platform.errors import NotFound
from regulars.platform.ids import new_id
from regulars.platform.outbox.contracts import Delivered
from regulars.platform.settings import Settings
from tests.commerce.shop import DAY, HOUR, NOW
from tests.engagement.post_office import ADDRESS, SOON, PostOffice, back, figures, order

pytestmark = pytest.mark.anyio
MORNING = NOW + 14 * HOUR  # ten in Shanghai


async def test_a_receipt_tells_the_figures_of_its_order(office: PostOffice) -> None:
    member_id = await office.member(name="小芳")
    await office.apply(order(member_id))
    await office.write()

    email, inbox = await office.messages()
    assert (email.ref.channel, email.ref.kind, email.ref.state, email.address) == (
        "email",
        "receipt",
        "queued",
        ADDRESS,
    )
    assert (inbox.ref.channel, inbox.ref.kind, inbox.ref.state, inbox.address) == ("inbox", "receipt", "sent", None)
    assert {email.ref.language, inbox.ref.language} == {"zh"}
    assert email.ref.occurred_at == inbox.ref.occurred_at == SOON
    assert email.letter is not None
    assert inbox.letter is not None
    assert email.letter.subject == "感谢您在 Beichen 购物，获得 299 积分"
    assert inbox.letter.heading == "小芳，谢谢您"
    assert email.letter.heading == "小芳，谢谢您"  # the address is proved to be hers
    assert inbox.letter.lead == ("您于 2026年3月2日 20:01 在 Nanjing Road 购物，订单号 1001。",)
    assert figures(inbox) == [
        ("合计", "¥299.00"),
        ("获得积分", "+299"),
        ("可用日期", "2026年3月9日"),
        ("有效期至", "2027年3月31日"),
    ]
    assert inbox.letter.button == ("查看我的积分", "https://club.example/portal/points")


async def test_a_receipt_speaks_the_language_of_its_member(office: PostOffice) -> None:
    member_id = await office.member(market="US", email=None)
    await office.apply(order(member_id, market="US", currency="USD", store_id=None, channel="online", total_minor=100))
    await office.write()

    (inbox,) = await office.messages()
    assert inbox.letter is not None
    assert inbox.letter.subject == "Thank you – 1 point for your purchase at Beichen"
    assert inbox.letter.lead == ("We received your order 1001 on March 2, 2026 7:01\u202fAM.",)
    assert figures(inbox)[:2] == [("Total", "$1.00"), ("Points earned", "+1")]


async def test_a_return_and_a_new_tier_are_told(office: PostOffice) -> None:
    member_id = await office.member(email=None)
    await office.apply(order(member_id, total_minor=260_000), back())
    await office.write()

    told = {message.ref.kind.value: message for message in await office.messages()}
    assert sorted(told) == ["receipt", "return_settled", "tier_up"]
    assert figures(told["tier_up"]) == [("我的等级", "金卡"), ("此前", "普通"), ("每次购物积分", "× 2")]
    assert figures(told["return_settled"]) == [
        ("退货金额", "¥2,600.00"),
        ("退款金额", "¥2,600.00"),
        ("扣回积分", "−2,600"),
    ]
    assert told["return_settled"].letter is not None
    assert told["return_settled"].letter.lead == ("Wudaokou 已于 2026年3月2日 20:02 收到您订单 1001 的退货。",)


async def test_the_figures_stay_those_of_the_fact(office: PostOffice) -> None:
    """What became of the order later changes nothing in its receipt, nor does a new language of the member's."""
    member_id = await office.member(email=None)
    await office.apply(order(member_id))
    await office.write()
    (before,) = await office.messages()

    await office.apply(back())
    async with office.database.transaction() as tx:
        change = ChangeProfile(member_id=member_id, change=ProfileChange(language="en"))
        await members.change_profile(tx, office.vault, change)
    await office.write()

    after = [message for message in await office.messages() if message.ref.kind == "receipt"]
    assert after == [before]


async def test_a_fact_delivered_twice_is_told_once(office: PostOffice) -> None:
    member_id = await office.member()
    await office.apply(order(member_id))
    (payload,) = await office.rows("SELECT event_id, recorded_at FROM outbox WHERE type = 'OrderPaid'")
    paid = OrderPaid(
        member_id=member_id, recorded_at=SOON, order_id="1001", channel="store", store_id="367", market="CN",
        total_minor=29_900, points_used=0, points_earned=299, growth_earned=299, currency="CNY", occurred_at=SOON,
    )  # fmt: skip
    delivered: Delivered[OrderPaid] = Delivered(payload[0], paid)

    await office.write()
    before = await office.messages()
    for _ in range(2):
        async with office.database.transaction() as tx:
            await handlers.send_receipts(tx, [delivered, delivered])
            await handlers.send_receipts(tx, [delivered])
        assert await office.rows("SELECT count(*) FROM message_occasions") == [(1,)]
        await office.compose()

    assert await office.messages() == before
    assert len(before) == 2


async def test_two_composers_write_each_message_once(office: PostOffice) -> None:
    member_id = await office.member(email=None)
    await office.apply(*[order(member_id, str(number), 1_000) for number in range(20)])
    await office.relay()
    composer = Composer(office.vault, api.reachable(office.settings))

    async with office.database.transaction() as one, office.database.transaction() as other:
        took = [await composer.compose(tx, 12) for tx in (one, other)]

    assert took == [12, 8]
    assert len(await office.messages()) == 20


async def test_history_is_told_to_nobody(office: PostOffice) -> None:
    member_id = await office.member()
    await office.apply(order(member_id, "before", occurred_at=NOW - HOUR, recorded_at=NOW - HOUR))
    await office.relay()
    await office.set_clock(NOW, ticking=False)
    await office.apply(order(member_id, "replayed"))
    await office.relay()

    assert await office.rows("SELECT count(*) FROM message_occasions") == [(0,)]
    assert await office.rows("SELECT count(*) FROM handled_events") == [(0,)]


async def test_what_a_shop_reports_days_later_is_settled_silently(office: PostOffice) -> None:
    member_id = await office.member(email=None)
    await office.apply(
        order(member_id, "late", occurred_at=SOON - 3 * DAY - timedelta(seconds=1)),
        order(member_id, "weekend", occurred_at=SOON - 3 * DAY),
    )
    await office.write()

    (message,) = await office.messages()
    assert message.letter is not None
    assert "weekend" in message.letter.preview


async def test_nothing_personal_is_readable_in_the_database(office: PostOffice) -> None:
    member_id = await office.member(name="小芳")
    await office.apply(order(member_id))
    await office.relay()
    await office.compose()
    deliver = api.code_delivery(office.settings, office.vault)
    async with office.database.transaction() as tx:
        await deliver(tx, channel="sms", address="+8613800138000", code="482913", language="zh-CN", member_id=None)

    found = await office.rows("SELECT to_jsonb(m)::text FROM messages AS m UNION SELECT payload FROM outbox")
    text = " ".join(row[0] for row in found)
    secrets = (ADDRESS, "小芳", "+8613800138000", "482913")
    assert [secret for secret in secrets if secret in text or secret.encode().hex() in text] == []


async def test_with_the_key_goes_what_was_said(office: PostOffice) -> None:
    member_id = await office.member()
    await office.apply(order(member_id))
    await office.write()
    await office.vault.destroy(member_id)

    assert [(message.letter, message.address) for message in await office.messages()] == [(None, None), (None, None)]
    await office.apply(order(member_id, "1002"))
    await office.write()
    assert len(await office.messages()) == 2  # and nothing new is said
    assert await office.rows("SELECT count(*) FROM message_occasions") == [(0,)]


async def test_a_code_reaches_a_bare_address_and_a_member(office: PostOffice) -> None:
    member_id = await office.member()
    deliver = api.code_delivery(office.settings, office.vault)
    async with office.database.transaction() as tx:
        await deliver(tx, channel="email", address=ADDRESS, code="111222", language="en-GB", member_id=member_id)
        await deliver(
            tx, channel="sms", address="+8613800138000", code="333444", language="zh-CN", member_id=None,
            valid_for=timedelta(minutes=5),
        )  # fmt: skip

    email, sms = await office.messages()
    assert (email.address, email.ref.member_id, email.ref.language) == (ADDRESS, member_id, "en")
    assert (sms.address, sms.ref.member_id, sms.ref.language) == ("+8613800138000", None, "zh")
    async with office.database.transaction() as tx:
        _, form = await api.read_message(
            tx, office.vault, api.brand_of(office.settings), sms.ref.message_id, clear=True
        )
        _, hidden = await api.read_message(tx, office.vault, api.brand_of(office.settings), sms.ref.message_id)
    assert form is not None
    assert hidden is not None
    assert form.text == "【Beichen】验证码 333444，5 分钟内有效，请勿告诉任何人。"
    assert "333444" not in hidden.text
    assert [message.address for message in await office.messages(clear=False)] == ["w***@example.com", "+86****00"]


async def test_without_a_channel_a_code_is_refused_and_mail_is_not_written(office: PostOffice) -> None:
    office.settings = Settings(mail_sender="club@example.com")
    deliver = api.code_delivery(office.settings, office.vault)
    for channel in ("email", "sms", "inbox"):
        with pytest.raises(ChannelNotSetUp):
            async with office.database.transaction() as tx:
                await deliver(tx, channel=channel, address=ADDRESS, code="1", language="en", member_id=None)
    await office.apply(order(await office.member()))
    await office.write()

    assert [message.ref.channel for message in await office.messages()] == ["inbox"]


async def test_an_inbox_is_read_page_by_page_and_marked(office: PostOffice) -> None:
    member_id, other = await office.member(email=None), await office.member()
    await office.apply(
        *[order(member_id, str(number), 1_000, recorded_at=SOON + timedelta(seconds=number)) for number in range(5)]
    )
    await office.apply(order(other, "9"))
    await office.write()
    brand = api.brand_of(office.settings)
    async with office.database.transaction() as tx:
        first = await api.list_inbox(tx, office.vault, brand, member_id, limit=2)
        rest = await api.list_inbox(tx, office.vault, brand, member_id, before=first.next_before, limit=3)
        (others,) = (await api.list_inbox(tx, office.vault, brand, other)).messages
        assert await api.unread_count(tx, member_id) == 5
    ids = [message.ref.message_id for message in (*first.messages, *rest.messages)]
    assert ids == sorted(ids, reverse=True)
    assert (len(first.messages), len(rest.messages), rest.next_before) == (2, 3, None)

    async with office.database.transaction() as tx:
        assert await api.mark_read(tx, member_id, message_ids=[ids[0], others.ref.message_id]) == 1
        assert await api.mark_read(tx, member_id, message_ids=[ids[0]]) == 0
        assert await api.mark_read(tx, member_id, up_to=ids[3]) == 2
        assert (await api.unread_count(tx, member_id), await api.unread_count(tx, other)) == (2, 1)
        with pytest.raises(NotFound):
            await api.mark_read(tx, new_id(), up_to=ids[0])


# --- expiry --------------------------------------------------------------------------------------------------------


async def expiring(office: PostOffice) -> list[tuple[str, ...]]:
    return [
        (message.ref.channel.value, *[value for _, value in figures(message)])
        for message in await office.messages()
        if message.ref.kind == "expiring_points"
    ]


async def test_who_loses_points_soon_is_told_once(office: PostOffice) -> None:
    member_id = await office.member()
    await office.post(member_id, 30, NOW + 10 * DAY)
    await office.post(member_id, 12, NOW + 10 * DAY, "gift:2")
    await office.post(member_id, 5, NOW + 15 * DAY, "gift:3")
    await office.set_clock(MORNING)
    for _ in range(3):
        assert not await office.tell_of_expiry()
        await office.compose()
    assert await expiring(office) == [("email", "42", "2026年3月12日"), ("inbox", "42", "2026年3月12日")]

    await office.set_clock(MORNING + DAY)
    await office.tell_of_expiry()
    await office.compose()
    assert [told for told in await expiring(office) if told[1] != "42"] == [
        ("email", "5", "2026年3月17日"),
        ("inbox", "5", "2026年3月17日"),
    ]


async def test_each_step_tells_of_what_no_nearer_step_tells(office: PostOffice) -> None:
    member_id = await office.member()
    await office.post(member_id, 30, NOW + 20 * DAY)
    await office.post(member_id, 12, NOW + 4 * DAY, "gift:2")
    told = []
    for day in range(22):
        await office.set_clock(MORNING + day * DAY)
        await office.tell_of_expiry((7, 30))
        await office.compose()
        told.append([figure[1] for figure in await expiring(office) if figure[0] == "inbox"])
    assert sorted(told[0]) == ["12", "30"]
    assert [len(each) for each in told] == [2] * 13 + [3] * 9
    assert sorted(told[-1]) == ["12", "30", "30"]


async def test_where_one_number_of_days_was_told_before_its_place_goes_on(office: PostOffice) -> None:
    await office.post(await office.member(), 30, NOW + 10 * DAY)
    async with office.database.transaction() as tx:
        tx.write("INSERT INTO expiry_notices (time_zone, told_until) VALUES ('Asia/Shanghai', %s)", (NOW + 12 * DAY,))
    for day in range(9):
        await office.set_clock(MORNING + day * DAY)
        await office.tell_of_expiry((30, 7))
    assert await office.rows("SELECT count(*) FROM message_occasions") == [(0,)]


async def test_what_is_held_is_not_told_to_expire(office: PostOffice) -> None:
    member_id = await office.member()
    await office.post(member_id, 30, NOW + 10 * DAY)
    async with office.database.transaction() as tx:
        kept = [
            PlaceHold(
                member_id=member_id,
                wallet="points",
                amount=amount,
                purpose="Workshop",
                deadline=deadline,
                reference=f"kept:{amount}",
                recorded_at=NOW + HOUR,
            )
            for amount, deadline in ((18, NOW + 20 * DAY), (5, NOW + 2 * HOUR))
        ]
        await loyalty.carry_out(tx, loyalty.Configuration(), kept)
    await office.set_clock(MORNING)
    await office.tell_of_expiry()
    await office.compose()
    assert await expiring(office) == [("email", "12", "2026年3月12日"), ("inbox", "12", "2026年3月12日")]


async def test_notices_go_on_where_a_page_ended(office: PostOffice) -> None:
    ids = sorted([await office.member(email=f"m{number}@example.com") for number in range(5)])
    for member_id in ids:
        await office.post(member_id, 7, NOW + 10 * DAY)
    await office.set_clock(MORNING)
    more = [await office.tell_of_expiry(at_once=2) for _ in range(4)]

    assert more == [True, True, False, False]
    assert [row[0] for row in await office.rows("SELECT member_id FROM message_occasions ORDER BY 1")] == ids


@pytest.mark.parametrize(("hour", "told"), [(8, 0), (9, 1), (19, 1), (20, 0)])
async def test_nobody_is_told_at_night(office: PostOffice, hour: int, told: int) -> None:
    await office.post(await office.member(), 7, NOW + 10 * DAY)
    await office.set_clock(datetime.fromisoformat(f"2026-03-03T{hour:02d}:00:00+08:00"))
    await office.tell_of_expiry()

    assert await office.rows("SELECT count(*) FROM message_occasions") == [(told,)]


async def test_nothing_is_announced_while_a_replay_holds_the_clock(office: PostOffice) -> None:
    await office.post(await office.member(), 7, NOW + 10 * DAY)
    await office.set_clock(MORNING, ticking=False)

    assert not await office.tell_of_expiry()
    assert await office.rows("SELECT count(*) FROM message_occasions") == [(0,)]


async def consent(office: PostOffice, member_id: UUID, decision: Decision) -> None:
    wish = ConsentGiven(
        member_id=member_id, purpose=Purpose.SERVICE, channel=ConsentChannel.EMAIL, decision=decision,
        wording_version="1", where="online", actor="member",
    )  # fmt: skip
    async with office.database.transaction() as tx:
        await members.record_consents(tx, [wish])


async def test_who_wants_no_notices_by_mail_finds_them_in_the_inbox(office: PostOffice) -> None:
    member_id = await office.member()
    await consent(office, member_id, Decision.WITHDRAWN)
    await office.post(member_id, 7, NOW + 10 * DAY)
    await office.apply(order(member_id))
    await office.write()
    await office.set_clock(MORNING)
    await office.tell_of_expiry()
    await office.compose()

    told = [(message.ref.kind, message.ref.channel) for message in await office.messages()]
    assert sorted(told) == [("expiring_points", "inbox"), ("receipt", "email"), ("receipt", "inbox")]


# --- keeping -------------------------------------------------------------------------------------------------------


async def test_messages_are_kept_for_as_long_as_they_are_of_use(office: PostOffice) -> None:
    member_id = await office.member()
    await office.apply(order(member_id))
    await office.write()
    deliver = api.code_delivery(office.settings, office.vault)
    async with office.database.transaction() as tx:
        await deliver(tx, channel="email", address=ADDRESS, code="111222", language="en", member_id=None)
        tx.write("UPDATE messages SET state = 'sent', sent_at = written_at, due_at = NULL")
    left = []
    for days in (0.5, 2, 91, 401):
        await office.set_clock(NOW + days * DAY)
        async with office.database.transaction() as tx:
            assert not await forget_old(tx)
        left.append(sorted({(message.ref.kind, message.ref.channel) for message in await office.messages()}))

    receipt = [("receipt", "email"), ("receipt", "inbox")]
    assert left == [[("code", "email"), *receipt], receipt, receipt[1:], []]


async def test_on_a_full_disk_an_occasion_waits_for_room_and_is_not_given_up(office: PostOffice) -> None:
    member = await office.member()
    async with office.database.transaction() as tx:
        facts = TierFacts(tier="gold", from_tier="silver", multiplier=2)
        occasions.note(tx, [(member, new_id(), NOW, facts)])
        tx.write(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END $$"
        )
        tx.write("CREATE TRIGGER full_disk BEFORE INSERT ON messages EXECUTE FUNCTION no_room()")
    with pytest.raises(DiskFull):
        await office.compose()
    assert await office.rows("SELECT attempts FROM message_occasions") == [(0,)]

    async with office.database.transaction() as tx:
        tx.write("DROP TRIGGER full_disk ON messages")
    await office.compose()
    assert {message.ref.member_id for message in await office.messages()} == {member}


async def test_an_occasion_that_cannot_be_told_harms_only_itself(office: PostOffice) -> None:
    one, other = await office.member(email=None), await office.member()
    async with office.database.transaction() as tx:
        facts = TierFacts(tier="gold", from_tier="silver", multiplier=2)
        occasions.note(tx, [(one, new_id(), NOW, facts), (other, new_id(), NOW, facts)])
        tx.write('UPDATE message_occasions SET facts = \'{"type": "nonsense"}\' WHERE member_id = %s', (one,))
    await office.compose()

    assert {message.ref.member_id for message in await office.messages()} == {other}
    ((attempts, later),) = await office.rows("SELECT attempts, due_at > %s FROM message_occasions", (wall_now(),))
    assert (attempts, later) == (1, True)
    for _ in range(7):
        async with office.database.transaction() as tx:
            tx.write("UPDATE message_occasions SET due_at = %s WHERE due_at IS NOT NULL", (wall_now(),))
        await office.compose()
    async with office.database.transaction() as tx:
        assert (await api.counts(tx)).failed == 1
    assert (await office.messages())[0].ref.state is MessageState.QUEUED
