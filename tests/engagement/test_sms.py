"""SMS go through any HTTP gateway: what it says is understood, what it does not say is not guessed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from msgspec.structs import replace

from regulars.engagement import api
from regulars.engagement.channels import store
from regulars.engagement.channels.sending.couriers import Courier, couriers
from regulars.engagement.channels.sending.sms import SmsGateway, filled, problem_of_gateway
from regulars.engagement.channels.sending.transport import NotNow, Outgoing, Refused, Uncertain, Unreachable
from regulars.engagement.contracts import MessageChannel, MessageState, RenderedMail
from regulars.platform.settings import Settings
from tests.engagement.post_office import PostOffice

pytestmark = pytest.mark.anyio
PHONE = "+8613800138000"


@dataclass
class Gateway:
    """A real HTTP server: what it was asked, and the bytes it answers (None: nothing, ever)."""

    answer: bytes | None = b""
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    port: int = 0

    def says(self, status: str, body: str = "", *headers: str) -> None:
        head = "".join(f"{header}\r\n" for header in headers)
        self.answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\n{head}\r\n{body}".encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (header := (await reader.readline()).decode().strip()) != "":
                    name, _, value = header.partition(": ")
                    headers[name.lower()] = value
                body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
                self.asked.append((line.decode().rpartition(" ")[0], headers, body))
                if self.answer is None:
                    await reader.read()
                    return
                writer.write(self.answer)
                await writer.drain()
        except ConnectionError:
            pass  # the caller has heard enough
        finally:
            writer.close()


@asynccontextmanager
async def running() -> AsyncIterator[Gateway]:
    gateway = Gateway()
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running() as started:
        started.says("200 OK", '{"code": 0, "result": {"status": "ok"}}')
        yield started


def outgoing(text: str = "【Beichen】482913") -> Outgoing:
    mail = RenderedMail(subject="", html="", text="")
    return Outgoing(address=PHONE, rendered=mail, text=text, language="zh", reference="a1b2")


def settings(port: int, **more: Any) -> Settings:  # noqa: ANN401 - fields of Settings
    return Settings(**({"sms_url": f"http://127.0.0.1:{port}/send?v=2"} | more))


async def send(port: int, **more: Any) -> str:  # noqa: ANN401 - as above
    transport = SmsGateway(settings(port, **more), step_seconds=0.5)
    try:
        return await transport.send(outgoing())
    finally:
        await transport.close()


async def test_a_request_looks_as_the_settings_say(gateway: Gateway) -> None:
    answer = await send(
        gateway.port,
        sms_headers='{"X-Key": "k1"}',
        sms_body='{"phones": ["{to}"], "params": {"content": "{text} {to}", "ref": "{id}"}, "type": 1}',
        sms_success="result.status=ok",
    )

    ((line, headers, body),) = gateway.asked
    assert (line, headers["x-key"], headers["content-type"]) == ("POST /send?v=2", "k1", "application/json")
    assert json.loads(body) == {
        "phones": [PHONE],
        "params": {"content": f"【Beichen】482913 {PHONE}", "ref": "a1b2"},
        "type": 1,
    }
    assert answer == '200 {"code": 0, "result": {"status": "ok"}}'


async def test_a_gateway_may_want_a_query(gateway: Gateway) -> None:
    await send(gateway.port, sms_method="get", sms_url=f"http://127.0.0.1:{gateway.port}/send", sms_success="code=0")

    ((line, _, body),) = gateway.asked
    method, _, target = line.partition(" ")
    assert (method, body) == ("GET", "")
    assert parse_qs(urlsplit(target).query) == {"to": [PHONE], "text": ["【Beichen】482913"]}


def test_what_is_filled_in_is_not_filled_again() -> None:
    assert filled({"a": ["{text}", 1, None]}, {"to": "T", "text": "{to}{id}", "id": "I"}) == {
        "a": ["{to}{id}", 1, None]
    }


@pytest.mark.parametrize(
    ("status", "body", "header", "wait"),
    [
        ("429 Too Many", "", "Retry-After: 90", timedelta(seconds=90)),
        ("429 Too Many", "", "X: y", None),
        ("503 Away", "", "Retry-After: 5", timedelta(seconds=5)),
    ],
)
async def test_what_may_pass_is_told_apart(
    gateway: Gateway, status: str, body: str, header: str, wait: timedelta | None
) -> None:
    gateway.says(status, body, header)
    with pytest.raises(NotNow) as refusal:
        await send(gateway.port)

    assert (refusal.value.wait, type(refusal.value)) == (wait, NotNow)


@pytest.mark.parametrize(
    ("status", "body", "success"),
    [
        ("400 Bad", '{"error": "number 13800138000 barred"}', None),
        ("302 Found", "", None),
        ("200 OK", '{"code": 1001}', "code=0"),
        ("200 OK", '{"code": {"a": 1}}', "code.b=0"),
        ("200 OK", "not json", "code=0"),
        ("200 OK", "", "code=0"),
    ],
)
async def test_what_is_no_success_is_refused(gateway: Gateway, status: str, body: str, success: str | None) -> None:
    gateway.says(status, body)
    with pytest.raises(Refused) as refusal:
        await send(gateway.port, sms_success=success)

    assert "13800138000" not in refusal.value.answer


async def test_a_silent_a_broken_and_an_absent_gateway(gateway: Gateway) -> None:
    gateway.answer = None
    with pytest.raises(Uncertain) as silent:
        await send(gateway.port)
    gateway.answer = b"SMTP 220 hello\r\n\r\n"
    with pytest.raises(Uncertain) as broken:
        await send(gateway.port)
    gateway.says("401 Unauthorized")
    with pytest.raises(Unreachable):
        await send(gateway.port)
    async with running() as gone:
        port = gone.port
    with pytest.raises(Unreachable) as absent:
        await send(port)

    assert [refusal.value.answer for refusal in (silent, broken, absent)] == [
        "ReadTimeout",
        "RemoteProtocolError",
        "ConnectError",
    ]


async def test_an_endless_answer_is_cut(gateway: Gateway) -> None:
    gateway.says("200 OK", "x" * 1_000_000)
    assert len(await send(gateway.port)) < 100_000


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"sms_body": "{to}"}, "REGULARS_SMS_BODY must be a JSON object"),
        ({"sms_headers": "[]"}, "REGULARS_SMS_HEADERS must be a JSON object"),
        ({"sms_headers": '{"X": 1}'}, "REGULARS_SMS_HEADERS must be a JSON object of texts"),
        ({}, None),
    ],
)
def test_a_gateway_that_is_misdescribed_is_told(more: dict[str, str], problem: str | None) -> None:
    assert problem_of_gateway(settings(1, **more)) == problem


async def test_a_code_goes_out_by_sms(office: PostOffice, gateway: Gateway) -> None:
    office.settings = replace(office.settings, development=False, sms_url=f"http://127.0.0.1:{gateway.port}/send")
    deliver = api.code_delivery(office.settings, office.vault)
    async with office.database.transaction() as tx:
        await deliver(tx, channel="sms", address=PHONE, code="482913", language="zh", member_id=None)
    gateway.says("429 Too Many", "", "Retry-After: 120")
    courier = office.courier(SmsGateway(office.settings), MessageChannel.SMS)
    await courier.drain()
    (message,) = await office.messages()
    assert message.ref.due_at is not None
    assert (message.ref.state, (message.ref.due_at - office.wall).total_seconds()) == (MessageState.QUEUED, 120)

    gateway.says("200 OK")
    office.wall += timedelta(minutes=3)
    await courier.drain()
    await courier.transport.close()
    (message,) = await office.messages()
    assert (message.ref.state, message.ref.attempts, message.letter) == (MessageState.SENT, 2, None)
    assert json.loads(gateway.asked[-1][2]) == {
        "to": PHONE,
        "text": "【Beichen】验证码 482913，10 分钟内有效，请勿告诉任何人。",
    }


@pytest.mark.parametrize("status", [None, "500 Fault", "504 Too late", "garbage"])
async def test_a_code_that_may_have_been_sent_is_sent_once_more_and_no_more(
    office: PostOffice, gateway: Gateway, status: str | None
) -> None:
    """A gateway that takes the request and then says nothing may have sent it, and bills for it."""
    courier = await _a_code_waits(office, gateway)
    gateway.answer = b"SMTP 220\r\n\r\n" if status == "garbage" else None
    if status is not None and status != "garbage":
        gateway.says(status)
    for _ in range(6):
        await courier.drain()
        office.wall += timedelta(minutes=1)
    await courier.transport.close()

    assert len(gateway.asked) == 2
    (message,) = await office.messages()
    assert (message.ref.state, message.letter) == (MessageState.FAILED, None)
    assert len({json.loads(body)["ref"] for _, _, body in gateway.asked}) == 1


async def test_what_surely_was_not_taken_is_tried_as_often_as_needed(office: PostOffice, gateway: Gateway) -> None:
    courier = await _a_code_waits(office, gateway)
    gateway.says("503 Away")
    for _ in range(5):
        await courier.drain()
        office.wall += timedelta(minutes=1, seconds=50)
    assert len(gateway.asked) >= 3
    await courier.transport.close()


async def test_a_courier_that_died_leaves_a_code_that_is_sent_once_more_at_most(
    office: PostOffice, gateway: Gateway
) -> None:
    courier = await _a_code_waits(office, gateway)
    courier.lease = timedelta(seconds=30)
    for _ in range(4):  # each takes it, and dies before it writes what came of it
        async with office.database.transaction(set_based=True) as tx:
            await store.claim(tx, "sms", office.wall, office.wall + courier.lease, 4)
        office.wall += timedelta(minutes=1)
    await courier.drain()
    await courier.transport.close()

    assert gateway.asked == []
    (message,) = await office.messages()
    assert (message.ref.state, message.ref.answer) == (MessageState.FAILED, "may have been sent before")


async def test_a_header_carries_the_id(gateway: Gateway) -> None:
    await send(gateway.port, sms_headers='{"Idempotency-Key": "{id}"}')

    ((_, headers, _),) = gateway.asked
    assert headers["idempotency-key"] == "a1b2"


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "warning"),
        ({"sms_body": '{"to": "{to}", "text": "{text}", "ref": "{id}"}'}, "well"),
        ({"sms_headers": '{"Idempotency-Key": "{id}"}'}, "well"),
    ],
)
def test_who_gives_no_id_is_warned(more: dict[str, str], state: str) -> None:
    looked = api.look_at_channels(settings(1, **more))

    assert looked.state == state
    assert looked.remedy is None or "is not given {id}" in str(looked.remedy)


async def _a_code_waits(office: PostOffice, gateway: Gateway) -> Courier:
    body = '{"to": "{to}", "text": "{text}", "ref": "{id}"}'
    office.settings = replace(
        office.settings, development=False, sms_url=f"http://127.0.0.1:{gateway.port}/send", sms_body=body
    )
    deliver = api.code_delivery(office.settings, office.vault)
    async with office.database.transaction() as tx:
        await deliver(tx, channel="sms", address=PHONE, code="482913", language="zh", member_id=None)
    return office.courier(SmsGateway(office.settings, step_seconds=0.5), MessageChannel.SMS)


async def test_there_is_a_courier_for_each_channel_that_can_be_used(office: PostOffice) -> None:
    def channels(**more: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - fields of Settings
        return [
            (courier.channel.value, type(courier.transport).__name__)
            for courier in couriers(office.database, Settings(**more), office.vault)
        ]

    outbox = "DevelopmentOutbox"
    mail = {"smtp_host": "127.0.0.1", "mail_sender": "club@example.com"}
    assert channels() == []
    assert channels(smtp_host="127.0.0.1") == []
    assert channels(development=True) == [("email", outbox), ("sms", outbox)]
    assert channels(development=True, **mail) == [("email", "MailTransport"), ("sms", outbox)]
    assert channels(**mail, sms_url="http://127.0.0.1:1/", sms_body="no json") == [("email", "MailTransport")]
