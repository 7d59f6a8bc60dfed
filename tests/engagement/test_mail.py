"""E-mails reach a real SMTP server: whole, once, and without one holding up another."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from regulars.engagement import api
from regulars.engagement.channels import store
from regulars.engagement.channels.sending.couriers import Courier
from regulars.engagement.channels.sending.mail import MailTransport
from regulars.engagement.channels.sending.transport import Outgoing
from regulars.engagement.channels.stopping import stop_token
from regulars.engagement.contracts import MessageChannel, MessageRef, MessageState
from regulars.engagement.errors import MessageNotStuck, MessageUnreadable
from regulars.members import api as members
from regulars.members.contracts import AddIdentity, ConsentChannel, IdentityKind, IdentityValue, Purpose
from regulars.platform.clock import wall_now
from tests.commerce.shop import DAY, HOUR, MINUTE, NOW
from tests.engagement.mail_server import MailServer, serving
from tests.engagement.post_office import ADDRESS, PostOffice, order

pytestmark = pytest.mark.anyio
LOGO = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with serving() as running:
        yield running


def mailing(office: PostOffice, port: int, patience: float = 30.0, /, **more: object) -> Courier:
    """Return a courier that hands e-mails to the server on this port, and waits so many seconds for each answer."""
    office.settings = replace(
        office.settings,
        **({"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none"} | more),
        mail_sender="Beichen 北辰 <club@beichen.example>",
        development=False,
    )
    transport = MailTransport(office.settings, api.brand_of(office.settings), step_seconds=patience)
    return office.courier(transport, MessageChannel.EMAIL)


async def deliver_code(office: PostOffice, address: str, code: str = "482913") -> UUID:
    deliver = api.code_delivery(replace(office.settings, development=True), office.vault)
    async with office.database.transaction() as tx:
        return await deliver(tx, channel="email", address=address, code=code, language="en", member_id=None)


async def sent(courier: Courier) -> int:
    count = await courier.drain()
    await courier.transport.close()
    return count


async def ref_of(office: PostOffice, kind: str = "receipt") -> MessageRef:
    (ref,) = [
        message.ref
        for message in await office.messages()
        if message.ref.channel is MessageChannel.EMAIL and message.ref.kind == kind
    ]
    return ref


async def test_a_receipt_arrives_whole(office: PostOffice, server: MailServer, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(LOGO)
    courier = mailing(office, server.port, brand_logo=tmp_path / "logo.png")
    await office.apply(order(await office.member()))
    await office.write()
    ref = await ref_of(office)
    assert await sent(courier) == 1

    (mail,) = server.received
    assert server.recipients == [ADDRESS]
    assert str(mail["From"]) == "Beichen 北辰 <club@beichen.example>"
    assert (str(mail["To"]), str(mail["Subject"])) == (ADDRESS, "感谢您在 Beichen 购物，获得 299 积分")
    assert str(mail["Message-ID"]) == f"<{ref.message_id.hex}@beichen.example>"
    assert (str(mail["Auto-Submitted"]), str(mail["Content-Language"])) == ("auto-generated", "zh")
    assert mail["List-Unsubscribe"] is None  # a receipt is part of the purchase
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "合计: ¥299.00" in plain.get_content()
    assert "¥299.00" in html.get_content()
    assert 'src="cid:logo"' in html.get_content()
    (logo,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert (logo.get_payload(decode=True), str(logo["Content-ID"])) == (LOGO, "<logo>")
    after = await ref_of(office)
    assert (after.state, after.attempts, after.answer) == (MessageState.SENT, 1, "2.0.0 queued as 17")


async def test_a_code_is_wiped_once_it_is_sent(office: PostOffice, server: MailServer) -> None:
    courier = mailing(office, server.port)
    message_id = await deliver_code(office, "new@example.com")
    assert await sent(courier) == 1

    (mail,) = server.received
    assert str(mail["Subject"]) == "482913 is your code for Beichen"
    assert await office.rows("SELECT state, sealed_content, sealed_address FROM messages") == [("sent", None, None)]
    async with office.database.transaction() as tx:
        _, form = await api.read_message(tx, office.vault, api.brand_of(office.settings), message_id, clear=True)
    assert form is None


async def test_the_urgent_goes_first_and_connections_are_used_again(office: PostOffice, server: MailServer) -> None:
    member_id = await office.member()
    await office.apply(*[order(member_id, str(number), 1_000) for number in range(6)])
    await office.write()
    await deliver_code(office, "new@example.com")
    courier = mailing(office, server.port)
    courier.at_a_time = 1
    assert await sent(courier) == 7

    assert str(server.received[0]["Subject"]).startswith("482913")
    assert len(server.received) == 7
    assert len(server.sessions) == 1


async def test_what_the_server_refuses_for_good_is_parked_for_a_person(office: PostOffice, server: MailServer) -> None:
    courier = mailing(office, server.port)
    server.refuse_recipient[ADDRESS] = f"550 5.1.1 <{ADDRESS}>: no such user 13800138000"
    await office.apply(order(await office.member()))
    await office.write()
    await sent(courier)
    ref = await ref_of(office)
    assert (ref.state, ref.attempts, ref.answer) == (MessageState.PARKED, 1, "550 5.1.1 … no such user …")

    server.refuse_recipient.clear()
    async with office.database.transaction(actor="staff") as tx:
        again = await api.resend(tx, office.vault, ref.message_id, reason="mailbox exists now")
        assert (again.state, again.attempts) == (MessageState.QUEUED, 0)
        with pytest.raises(MessageNotStuck):
            await api.resend(tx, office.vault, ref.message_id, reason="twice")
        with pytest.raises(MessageNotStuck):
            await api.cancel(tx, ref.message_id, reason="queued")
    office.wall += MINUTE
    await sent(courier)
    assert (await ref_of(office)).state is MessageState.SENT
    assert await office.rows("SELECT actor, action, reason FROM audit_entries WHERE actor = 'staff'") == [
        ("staff", "resend_message", "mailbox exists now")
    ]


async def test_an_address_that_is_nobody_s_is_left_alone_until_it_is_proved_anew(
    office: PostOffice, server: MailServer
) -> None:
    courier, member_id = mailing(office, server.port), await office.member()
    server.refuse_recipient[ADDRESS] = f"550 5.1.1 <{ADDRESS}>: no such user"
    await office.apply(order(member_id))
    await office.write()
    await sent(courier)
    async with office.database.transaction() as tx:
        (refused,) = await api.refused_addresses(tx, office.vault, member_id)
    assert refused.answer == "550 5.1.1 … no such user"

    await office.apply(order(member_id, "1002"))
    await office.write()
    assert [one.ref.channel for one in await office.messages()] == ["email", "inbox", "inbox"]
    server.refuse_recipient.clear()
    await deliver_code(office, ADDRESS)  # a code goes there all the same: it proves the address
    async with office.database.transaction() as tx:
        assert await members.prove_email(tx, office.vault, member_id, ADDRESS.upper())
        assert await api.refused_addresses(tx, office.vault, member_id) == []
    await office.apply(order(member_id, "1003"))
    await office.write()
    await sent(courier)
    assert server.recipients == [ADDRESS] * 2  # the code, and the third receipt


async def test_another_address_is_used_in_place_of_one_that_is_nobody_s(office: PostOffice, server: MailServer) -> None:
    courier, member_id = mailing(office, server.port), await office.member()
    server.refuse_recipient[ADDRESS] = "550 User unknown"
    await office.apply(order(member_id))
    await office.write()
    await sent(courier)
    async with office.database.transaction() as tx:
        value = IdentityValue(IdentityKind.EMAIL, "new@example.com")
        await members.add_identity(tx, office.vault, AddIdentity(member_id=member_id, identity=value))
        await members.prove_email(tx, office.vault, member_id, "new@example.com")
    await office.apply(order(member_id, "1002"))
    await office.write()
    await sent(courier)

    assert server.recipients == ["new@example.com"]


async def test_what_is_refused_for_other_reasons_stops_nothing(office: PostOffice, server: MailServer) -> None:
    courier, member_id = mailing(office, server.port), await office.member()
    server.refuse_recipient[ADDRESS] = "550 5.7.1 blocked for today"
    await office.apply(order(member_id))
    await office.write()
    await sent(courier)
    async with office.database.transaction() as tx:
        assert await api.refused_addresses(tx, office.vault, member_id) == []


async def test_a_message_that_breaks_harms_only_itself(office: PostOffice, server: MailServer) -> None:
    """Its channel goes on, without a pause; after five tries it is parked."""
    courier, member_id = mailing(office, server.port), await office.member()
    carry = courier.transport.send

    async def breaking(outgoing: Outgoing) -> str:
        if "1001" in outgoing.rendered.text:
            raise KeyError("poison")
        return await carry(outgoing)

    courier.transport.send = breaking  # type: ignore[method-assign] # as a bug of ours would
    await office.apply(order(member_id), order(member_id, "1002"))
    await office.write()
    tries = 0
    while tries < 10 and any(one.ref.state is MessageState.QUEUED for one in await office.messages()):
        await sent(courier)
        assert courier._failures == 0
        office.wall += timedelta(hours=1)
        tries += 1
    states = {one.ref.state: (one.ref.attempts, one.ref.answer) for one in await office.messages()}
    assert states[MessageState.PARKED] == (5, "fault: KeyError")
    assert len(server.received) == 1


async def test_a_parked_message_can_be_given_up_and_an_unreadable_one_not_sent(
    office: PostOffice, server: MailServer
) -> None:
    courier = mailing(office, server.port)
    server.answer = "554 5.7.1 spam"
    member_id = await office.member()
    await office.apply(order(member_id))
    await office.write()
    await sent(courier)
    ref = await ref_of(office)
    await office.vault.destroy(member_id)
    with pytest.raises(MessageUnreadable):
        async with office.database.transaction() as tx:
            await api.resend(tx, office.vault, ref.message_id, reason="try")
    async with office.database.transaction() as tx:
        await api.cancel(tx, ref.message_id, reason="erased")

    ref = await ref_of(office)
    assert (ref.state, ref.answer) == (MessageState.FAILED, "cancelled")


async def test_what_may_pass_is_tried_again_later_and_later(office: PostOffice, server: MailServer) -> None:
    courier = mailing(office, server.port)
    server.answer = "451 4.7.1 greylisted, try later"
    await office.apply(order(await office.member()))
    await office.write()
    pauses = []
    ref = await ref_of(office)
    for _ in range(4):
        await sent(courier)
        ref = await ref_of(office)
        assert ref.due_at is not None
        pauses.append((ref.due_at - office.wall).total_seconds())
        office.wall = ref.due_at
    assert (pauses, ref.answer, ref.attempts) == ([30, 60, 120, 240], "451 4.7.1 greylisted, try later", 4)

    office.wall += 4 * DAY
    await sent(courier)
    assert (await ref_of(office)).state is MessageState.PARKED
    assert server.received == []


async def test_a_code_that_comes_too_late_is_forgotten(office: PostOffice, server: MailServer) -> None:
    courier = mailing(office, server.port)
    await deliver_code(office, "new@example.com")
    office.wall += 11 * MINUTE
    await sent(courier)

    assert server.received == []
    assert await office.rows("SELECT state, sealed_content FROM messages") == [("failed", None)]


async def test_one_slow_receiver_holds_up_nobody_else(office: PostOffice, server: MailServer) -> None:
    server.hang_for.add("slow@example.com")
    courier = mailing(office, server.port, 1.0)
    await deliver_code(office, "slow@example.com")
    for number in range(10):
        await deliver_code(office, f"m{number}@example.com")
    stop = asyncio.Event()
    running = asyncio.create_task(courier.run(stop))
    async with asyncio.timeout(20):
        while dict(await office.rows("SELECT state, count(*) FROM messages GROUP BY 1")).get("sent") != 10:
            await asyncio.sleep(0.01)
    assert len(server.received) == 10
    stop.set()
    await running  # the slow one's step ends in its own time

    ((answer, attempts),) = await office.rows("SELECT answer, attempts FROM messages WHERE state = 'queued'")
    assert (answer, attempts) == ("SMTPReadTimeoutError", 1)


async def test_a_cut_connection_loses_nothing_and_the_second_copy_has_the_same_id(
    office: PostOffice, server: MailServer
) -> None:
    courier = mailing(office, server.port)
    server.cut_after_data = True
    await office.apply(order(await office.member()))
    await office.write()
    await sent(courier)
    assert (await ref_of(office)).state is MessageState.QUEUED
    office.wall += HOUR
    await sent(courier)

    assert (await ref_of(office)).state is MessageState.SENT
    assert len(server.received) == 2
    assert len({str(mail["Message-ID"]) for mail in server.received}) == 1


async def test_who_dies_after_sending_sends_again_when_the_lease_ends(office: PostOffice, server: MailServer) -> None:
    """The note of a success is lost with its courier: the message stays claimed, then goes out a second time."""
    courier = mailing(office, server.port)
    message_id = await deliver_code(office, "new@example.com")
    async with office.database.transaction() as tx:
        (taken,) = await store.claim(tx, "email", office.wall + MINUTE, office.wall + 5 * MINUTE, 1)
    await courier._outcome(taken)
    assert await sent(courier) == 0
    office.wall += 6 * MINUTE
    assert await sent(courier) == 1

    assert [str(mail["Message-ID"]) for mail in server.received] == [f"<{message_id.hex}@beichen.example>"] * 2
    async with office.database.transaction() as tx:  # and the dead one's late note changes nothing
        assert not await store.settle(tx, taken, store.Outcome("parked", "late"))


async def test_a_server_that_is_not_there_costs_one_try_at_a_time(office: PostOffice) -> None:
    async with serving() as gone:
        port = gone.port
    courier = mailing(office, port)
    member_id = await office.member()
    await office.apply(*[order(member_id, str(number), 1_000) for number in range(6)])
    await office.write()
    stop = asyncio.Event()
    running = asyncio.create_task(courier.run(stop))
    async with asyncio.timeout(20):
        while not await office.rows("SELECT 1 FROM messages WHERE answer <> ''"):
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, 20)

    assert await office.rows("SELECT count(*) FROM messages WHERE channel = 'email' AND attempts > 1") == [(0,)]
    answers = await office.rows("SELECT DISTINCT answer FROM messages WHERE answer <> ''")
    assert answers == [("SMTPConnectError",)]


async def test_credentials_are_sent_and_wrong_ones_park_nothing(office: PostOffice) -> None:
    async with serving(password=True) as server:
        await deliver_code(office, "new@example.com")
        wrong = mailing(office, server.port, smtp_user="shop", smtp_password="guess")
        await sent(wrong)
        ((state, answer),) = await office.rows("SELECT state, answer FROM messages")
        assert (state, answer[:3]) == ("queued", "535")
        right = mailing(office, server.port, smtp_user="shop", smtp_password="sesame")
        office.wall += MINUTE
        await sent(right)
    assert len(server.received) == 1


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = wall_now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_the_setting_trusts_gets_mail_encrypted(
    office: PostOffice, tmp_path: Path, security: str
) -> None:
    """Signing in, too, comes after the encryption."""
    tls = self_signed(tmp_path)
    async with serving(tls=tls, password=True, from_the_start=security == "tls") as server:
        await deliver_code(office, "new@example.com")
        trusting = {"smtp_ca_file": tmp_path / "server.pem", "smtp_user": "shop", "smtp_password": "sesame"}
        assert await sent(mailing(office, server.port, smtp_security=security, **trusting)) == 1

    assert [str(mail["To"]) for mail in server.received] == ["new@example.com"]
    assert server.encrypted == [True]
    assert await office.rows("SELECT state FROM messages") == [("sent",)]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_under_another_name_or_another_s_trust_gets_nothing(
    office: PostOffice, tmp_path: Path, security: str
) -> None:
    (tmp_path / "other").mkdir()
    self_signed(tmp_path / "other")
    tls = self_signed(tmp_path)
    async with serving(tls=tls, from_the_start=security == "tls") as server:
        await deliver_code(office, "new@example.com")
        for trusting in ({"smtp_ca_file": tmp_path / "other" / "server.pem"}, {"smtp_host": "localhost"}):
            more = {"smtp_ca_file": tmp_path / "server.pem"} | trusting
            await sent(mailing(office, server.port, smtp_security=security, **more))
            office.wall += MINUTE

    assert server.received == []
    ((state, attempts),) = await office.rows("SELECT state, attempts FROM messages")
    assert (state, attempts) == ("queued", 2)


async def test_nothing_is_told_to_a_server_that_is_not_who_it_says(office: PostOffice, tmp_path: Path) -> None:
    async with serving(tls=self_signed(tmp_path)) as server:
        await deliver_code(office, "new@example.com")
        await sent(mailing(office, server.port, smtp_security="starttls"))
    assert server.received == []
    assert await office.rows("SELECT state FROM messages") == [("queued",)]


async def test_without_encryption_offered_starttls_sends_nothing(office: PostOffice, server: MailServer) -> None:
    await deliver_code(office, "new@example.com")
    await sent(mailing(office, server.port, smtp_security="starttls"))

    assert server.received == []
    assert await office.rows("SELECT state FROM messages") == [("queued",)]


async def test_headers_cannot_be_smuggled_in(office: PostOffice, server: MailServer) -> None:
    courier = mailing(office, server.port)
    await deliver_code(office, "eve@example.com\r\nBcc: everybody@example.com")
    await sent(courier)

    assert server.received == []
    ((state, answer),) = await office.rows("SELECT state, answer FROM messages")
    assert (state, "not an address" in answer) == ("parked", True)


async def test_a_notice_can_be_stopped_with_one_click(office: PostOffice, server: MailServer) -> None:
    member_id = await office.member()
    await office.post(member_id, 7, NOW + 10 * DAY)
    await office.set_clock(NOW + 14 * HOUR)
    await office.tell_of_expiry()
    await office.compose()
    await sent(mailing(office, server.port))

    (mail,) = server.received
    token = stop_token(office.vault, member_id)
    assert str(mail["List-Unsubscribe"]).strip() == f"<https://club.example/stop/{token}>"
    assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    for _ in range(2):
        async with office.database.transaction() as tx:
            await api.stop_notices(tx, office.vault, token)
    async with office.database.transaction() as tx:
        assert await members.withdrawn(tx, [member_id], Purpose.SERVICE, ConsentChannel.EMAIL) == {member_id}
    assert await office.rows("SELECT count(*) FROM consents") == [(1,)]


async def test_two_workers_send_each_message_once(office: PostOffice, server: MailServer) -> None:
    for number in range(30):
        await deliver_code(office, f"m{number}@example.com")
    one, other = mailing(office, server.port), mailing(office, server.port)
    counts = await asyncio.gather(sent(one), sent(other))

    assert sum(counts) == 30
    assert sorted(server.recipients) == sorted(f"m{number}@example.com" for number in range(30))
