"""Webhooks get through: signed as others check it, in order for each member, side by side, and after a crash."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook, WebhookVerificationError

from regulars.platform.clock import wall_now
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.metrics.measures import WEBHOOK_ATTEMPTS, WEBHOOKS_DISABLED
from regulars.platform.webhooks import service
from regulars.platform.webhooks.contracts import Chosen, DeliveryState, EndpointState
from regulars.platform.webhooks.health import deliveries_have_events, look_at_webhooks
from regulars.platform.webhooks.signing import open_secret, shown
from tests.platform.feeding import ANNE, BO, accrued, redeemed
from tests.platform.receiving import (
    HURRIED,
    Behaviour,
    House,
    Received,
    Receiver,
    answering,
    house,
    receiver,
    receiving,
)
from tests.platform.relaying import NOON, publish

pytestmark = pytest.mark.anyio
__all__ = ["house", "receiver"]  # the fixtures


@pytest.fixture
async def other() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


# --- what arrives ---------------------------------------------------------------------------------------------------


async def test_a_verifier_that_others_wrote_accepts_deliveries(house: House, receiver: Receiver) -> None:
    endpoint_id, secret = await house.endpoint(receiver.url, "points.accrued")
    await house.tell(accrued(ANNE, 1), redeemed(ANNE, 2), accrued(None, 3))
    await house.courier.drain()

    assert sorted(receiver.numbers) == [1, 3]
    first = next(one for one in receiver.received if one.number == 1)
    verified = Webhook(secret).verify(first.body, first.headers)
    assert verified["id"] == first.headers["webhook-id"]
    assert (verified["type"], verified["subject"], verified["source"]) == (
        "points.accrued",
        f"mbr_{ANNE.hex}",
        "urn:test",
    )
    assert first.headers["content-type"] == "application/cloudevents+json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(first.body + b" ", first.headers)
    assert [one.state for one in await house.log(endpoint_id)] == ["delivered"] * 2
    assert (await house.standing(endpoint_id)).delivered_at is not None


async def test_both_secrets_sign_while_both_hold(house: House, receiver: Receiver) -> None:
    endpoint_id, old = await house.endpoint(receiver.url)
    async with house.database.transaction() as tx:
        made = await service.rotate(tx, house.vault, endpoint_id, timedelta(hours=2))
    new = shown(open_secret(house.vault, endpoint_id, made.sealed))
    await house.tell(accrued(ANNE, 1))
    await house.courier.drain()
    (both,) = receiver.received
    for secret in (old, new):
        Webhook(secret).verify(both.body, both.headers)

    house.watch.later(hours=3)
    await house.tell(accrued(ANNE, 2))
    await house.courier.drain()
    assert len(receiver.received[1].headers["webhook-signature"].split(" ")) == 1
    assert len(both.headers["webhook-signature"].split(" ")) == 2


async def test_events_of_a_member_come_in_order_and_a_failing_one_holds_back_that_member_alone(
    house: House, receiver: Receiver, other: Receiver
) -> None:
    async def refuse_one(received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answering(500 if received.number == 1 else 200))

    receiver.behave = refuse_one
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.endpoint(other.url)
    await house.tell(*[accrued(ANNE, number) for number in (1, 2, 3)], *[accrued(BO, number) for number in (4, 5)])
    await house.courier.drain()
    await house.tell(accrued(ANNE, 6))
    await house.courier.drain()

    assert [number for number in receiver.numbers if number in {4, 5}] == [4, 5]
    assert set(receiver.numbers) == {1, 4, 5}
    assert [number for number in other.numbers if number not in {4, 5}] == [1, 2, 3, 6]
    assert [one.state for one in await house.log(endpoint_id)] == [
        "pending", "pending", "pending", "delivered", "delivered", "pending",
    ]  # fmt: skip
    receiver.behave = None
    house.watch.later(minutes=1)
    await house.courier.drain()
    assert [number for number in receiver.numbers if number not in {4, 5}] == [1, 1, 2, 3, 6]
    ids = {one.headers["webhook-id"] for one in receiver.received if one.number == 1}
    assert len(ids) == 1


async def test_a_receiver_that_sleeps_delays_nobody_else(house: House, receiver: Receiver, other: Receiver) -> None:
    asleep = asyncio.Event()

    async def sleep(_: Received, writer: asyncio.StreamWriter) -> None:
        await asleep.wait()
        writer.close()

    receiver.behave = sleep
    slow, _ = await house.endpoint(receiver.url)
    await house.endpoint(other.url)
    members = [UUID(int=number) for number in range(1, 21)]
    await house.tell(*[accrued(member, member.int) for member in members])
    stop = asyncio.Event()
    running = asyncio.create_task(house.courier.run(stop))
    while len(other.received) < 20 or len(receiver.received) < 4:
        await asyncio.sleep(0.005)

    assert len(receiver.received) == 4, "so many at a time for one"
    assert {one.state for one in await house.log(slow)} == {"pending"}
    asleep.set()
    stop.set()
    await running


# --- receivers that lie, or break off -------------------------------------------------------------------------------


async def cut(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
    await writer.drain()
    writer.close()


async def talk_without_end(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-More: and more\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def say_nothing(_: Received, writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    await asyncio.get_running_loop().create_future()


async def close(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("behave", [cut, talk_without_end, say_nothing, close], ids=["cut", "endless", "mute", "gone"])
async def test_what_breaks_off_is_not_taken(house: House, receiver: Receiver, behave: Behaviour) -> None:
    receiver.behave = behave
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1))
    hurried = house.another_courier(HURRIED)
    await hurried.drain()
    await hurried.sender.close()

    assert [one.state for one in await house.log(endpoint_id)] == ["pending"]
    (error,) = await house.errors(endpoint_id)
    assert error in {"took too long", "broke off (ReadTimeout)", "broke off (RemoteProtocolError)"}


async def test_a_huge_answer_is_read_a_little_of(house: House, receiver: Receiver) -> None:
    receiver.always(answering(200, body="积".encode() * 2_000_000))
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1))
    await house.courier.drain()

    (delivery,) = await house.log(endpoint_id)
    async with house.database.transaction() as tx:
        ((attempt,),) = (await service.attempts_of(tx, [delivery])).values()
    assert (delivery.state, attempt.status, len(attempt.answer)) == ("delivered", 200, 500)


async def test_redirects_are_not_followed_and_nobody_is_there(
    house: House, receiver: Receiver, other: Receiver
) -> None:
    receiver.always(answering(302, f"Location: {other.url}"))
    endpoint_id, _ = await house.endpoint(receiver.url)
    dead, _ = await house.endpoint("http://127.0.0.1:9/hooks")
    await house.tell(accrued(ANNE, 1))
    await house.courier.drain()

    assert (len(receiver.received), other.received) == (1, [])
    assert await house.errors(endpoint_id) == ["answered 302"]
    assert await house.errors(dead) == ["no connection (ConnectError)"]


# --- giving up ------------------------------------------------------------------------------------------------------


async def test_410_disables_at_once_and_nothing_more_is_written(house: House, receiver: Receiver) -> None:
    receiver.always(answering(410))
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1), accrued(ANNE, 2))
    await house.courier.drain()
    await house.tell(accrued(ANNE, 3))
    await house.courier.drain()

    endpoint = await house.standing(endpoint_id)
    assert (endpoint.state, endpoint.disabled_for) == ("disabled", "gone")
    assert [one.state for one in await house.log(endpoint_id)] == ["failed", "pending"]
    async with house.database.transaction() as tx:
        found = await tx.rows("SELECT action, reason FROM audit_entries WHERE action = 'disable_webhook'")
        looked = await look_at_webhooks(tx)
    assert found == [("disable_webhook", "gone")]
    assert (looked.state, looked.remedy is not None) == ("warning", True)
    receiver.behave = None
    async with house.database.transaction() as tx:
        await service.change(tx, endpoint_id, service.Changes(state=EndpointState.ACTIVE))
    await house.courier.drain()
    assert receiver.numbers == [1, 2]
    counted = {labels: number for (what, labels), number in house.database.counts.told() if what is WEBHOOK_ATTEMPTS}
    assert (counted["4xx",], counted["delivered",]) == (1, 1)
    assert dict(house.database.counts.told())[WEBHOOKS_DISABLED, ("gone",)] == 1


async def test_a_delivery_is_tried_for_three_days_and_then_the_next_goes(house: House, receiver: Receiver) -> None:
    async def refuse_one(received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answering(503 if received.number == 1 else 204))

    receiver.behave = refuse_one
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1), accrued(ANNE, 2))
    began = house.watch()
    for _ in range(40):
        await house.courier.drain()
        waiting = [one.due_at for one in await house.log(endpoint_id, "pending") if one.due_at is not None]
        if not waiting:
            break
        async with house.database.transaction() as tx:
            rests_until = (await service.find(tx, endpoint_id)).next_try_at or began
        until = max(min(waiting), rests_until)
        house.watch.ahead += max(until - house.watch(), timedelta()) + timedelta(seconds=1)

    given_up, delivered = await house.log(endpoint_id)
    assert [given_up.state, delivered.state] == ["failed", "delivered"]
    tried = receiver.numbers.count(1)
    assert 10 <= tried <= 20
    assert given_up.settled_at is not None
    assert timedelta(days=2) < given_up.settled_at - began <= timedelta(days=3, minutes=1)


async def test_an_endpoint_that_is_down_is_asked_by_one_at_a_time_and_disabled_after_five_days(
    house: House, receiver: Receiver
) -> None:
    receiver.always(answering(500))
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(*[accrued(UUID(int=number), number) for number in range(1, 31)])
    await house.courier.drain()
    assert len(receiver.received) == 8, "two rounds of four; then it rests"
    house.watch.later(minutes=10)
    await house.courier.drain()
    assert len(receiver.received) == 9, "one finds out for all"

    house.watch.later(days=5)
    await house.courier.drain()

    endpoint = await house.standing(endpoint_id)
    assert (endpoint.state, endpoint.disabled_for) == ("disabled", "failing")


# --- couriers -------------------------------------------------------------------------------------------------------


async def test_what_a_courier_took_goes_out_again_when_it_dies(house: House, receiver: Receiver) -> None:
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1))
    dying = house.another_courier()
    assert await dying.round() == 1
    await asyncio.wait(dying._under_way)  # taken by the receiver, and then no note of it
    assert await house.courier.drain() == 0, "on lease"

    house.watch.later(minutes=2)
    assert await house.courier.drain() == 1

    assert receiver.numbers == [1, 1]
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert [one.state for one in await house.log(endpoint_id)] == ["delivered"]
    await dying.round()  # and a note that comes late changes nothing
    assert [(one.state, one.attempts) for one in await house.log(endpoint_id)] == [("delivered", 2)]
    await dying.sender.close()


async def test_what_ran_while_the_courier_was_away_comes_and_history_does_not(house: House, receiver: Receiver) -> None:
    """A worker that was away for a week loses nothing; a replay's facts are history."""
    endpoint_id, _ = await house.endpoint(receiver.url)
    week = timedelta(days=7)
    async with house.database.transaction() as tx:
        await set_programme_clock(tx.connection, NOON - week, ticking=False)
    await publish(house.database, replace(accrued(ANNE, 1), recorded_at=NOON - week))
    async with house.database.transaction() as tx:
        await set_programme_clock(tx.connection, NOON, ticking=True)
    await house.database.follow_clock()
    before, after = accrued(ANNE, 2), accrued(ANNE, 3)
    await house.tell(replace(before, recorded_at=NOON - timedelta(seconds=1)), replace(after, recorded_at=NOON))
    async with house.database.transaction() as tx:
        await set_programme_clock(tx.connection, NOON, ticking=True)
        tx.write("UPDATE programme_clock SET programme_at = %s, wall_at = %s", (NOON, wall_now() - week))
    await house.database.follow_clock()
    await house.tell(replace(after, amount=4, recorded_at=NOON + timedelta(hours=1)))
    await house.courier.drain()

    assert [one.type for one in await house.log(endpoint_id)] == ["points.accrued"] * 2
    assert receiver.numbers == [3, 4]


async def test_what_nobody_wants_costs_no_mark(house: House, receiver: Receiver) -> None:
    await house.tell(accrued(ANNE, 1))
    await house.endpoint(receiver.url, "points.redeemed")
    await house.tell(accrued(ANNE, 2), redeemed(ANNE, 3))
    async with house.database.transaction() as tx:
        marks = await tx.rows("SELECT handler FROM handled_events")
    assert marks == [("platform.webhooks.handlers.announce",)]


# --- the log --------------------------------------------------------------------------------------------------------


async def test_ranges_are_counted_and_sent_anew(house: House, receiver: Receiver) -> None:
    endpoint_id, _ = await house.endpoint(receiver.url)
    await house.tell(*[accrued(ANNE, number) for number in range(1, 6)])
    await house.courier.drain()
    log = await house.log(endpoint_id)
    chosen = Chosen(states=("delivered",), first=log[1].position, last=log[3].position)
    async with house.database.transaction() as tx:
        assert await service.count_to_replay(tx, endpoint_id, chosen) == 3
        assert await service.count_to_replay(tx, endpoint_id, chosen._replace(states=("failed",))) == 0
        assert await service.count_to_replay(tx, endpoint_id, Chosen(until=log[0].queued_at - timedelta(days=1))) == 0
        assert await service.replay_range(tx, endpoint_id, chosen) == 3
    await house.courier.drain()

    assert receiver.numbers == [1, 2, 3, 4, 5, 2, 3, 4]
    assert [one.attempts for one in await house.log(endpoint_id)] == [1, 2, 2, 2, 1]


async def test_old_deliveries_are_forgotten_and_lost_events_found(house: House, receiver: Receiver) -> None:
    endpoint_id, _ = await house.endpoint(receiver.url)
    gone, _ = await house.endpoint(receiver.url)
    await house.tell(accrued(ANNE, 1), accrued(BO, 2))
    async with house.database.transaction() as tx:
        await service.delete(tx, gone)
        assert await service.forget_old(tx, timedelta(days=30)) is False
        assert await tx.rows("SELECT count(*) FROM webhook_deliveries") == [(2,)]
        old = wall_now() - timedelta(days=40)
        tx.write("UPDATE webhook_deliveries SET state = 'delivered', due_at = NULL, settled_at = %s WHERE position ="
                 " (SELECT min(position) FROM webhook_deliveries)", (old,))  # fmt: skip
        tx.write(
            "UPDATE webhook_deliveries SET delivery_id = '00000000-0000-7000-8000-000000000001' WHERE due_at IS NULL"
        )
        tx.write(
            "UPDATE webhook_events SET event_id = '00000000-0000-7000-8000-000000000001'"
            " WHERE event_id = (SELECT event_id FROM webhook_deliveries WHERE due_at IS NULL)"
        )
        assert (await deliveries_have_events(tx)).ok
        await service.forget_old(tx, timedelta(days=30))
        left = await tx.rows("SELECT state FROM webhook_deliveries")
        assert left == [(DeliveryState.PENDING.value,)]
        tx.write("DELETE FROM webhook_events")
        found = await deliveries_have_events(tx)
    assert (found.ok, len(found.problems)) == (False, 1)
    assert len(await house.log(endpoint_id)) == 1
