"""The pages of messages: who may see what, and that a message's HTML can do nothing."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from regulars.engagement import api
from regulars.engagement.channels.sending.transport import DevelopmentOutbox, Outgoing, Refused
from regulars.engagement.channels.stopping import stop_token
from regulars.engagement.contracts import MessageChannel, MessageKind
from regulars.engagement.routes import routes
from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.platform.auth.staff.permissions import ROLES, Role
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.web.kit.kit import Kit
from regulars.web.kit.viewers import COOKIES, Viewer, ViewerKind
from regulars.web.routes import pages
from tests.engagement.post_office import PostOffice, order

pytestmark = pytest.mark.anyio
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}


class Known:
    """Sessions whose cookie is the role of a staff member, or a member's id."""

    async def find(self, kind: ViewerKind, cookies: Mapping[str, str]) -> Viewer | None:
        token = cookies.get(COOKIES[kind])
        if not token:
            return None
        if kind is ViewerKind.STAFF:
            return Viewer(kind=kind, id=UUID(int=1), name="Olivia", permissions=ROLES[Role(token)], stores=None)
        return Viewer(kind=kind, id=UUID(token))

    async def remember_language(self, viewer: Viewer, language: str) -> None:
        del viewer, language


class Picky:
    """A transport that refuses everything."""

    is_paid = False

    async def send(self, outgoing: Outgoing) -> str:
        del outgoing
        raise Refused("550 no")

    async def close(self) -> None: ...


@asynccontextmanager
async def browsing(
    office: PostOffice, *, role: str = "", member: UUID | None = None, language: str = "en"
) -> AsyncIterator[httpx.AsyncClient]:
    services = Services(office.settings, office.database, office.vault)
    kit = Kit(services, Known())
    app = create_app(services, Web([*routes(services), pages(kit)], [], kit))
    cookies = {name: value for name, value in (("rgl_staff", role), ("rgl_member", str(member or ""))) if value}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://shop.example",
        headers={"Accept": "text/html", "Accept-Language": LANGUAGES[language], "Sec-Fetch-Site": "same-origin"},
        cookies=cookies,
    ) as browser:
        yield browser
    await services.drain()


async def parked_receipt(office: PostOffice) -> tuple[UUID, str]:
    member_id = await office.member(name="小芳")
    await office.apply(order(member_id))
    await office.write()
    await office.courier(Picky()).drain()
    (message,) = [one for one in await office.messages() if one.ref.channel is MessageChannel.EMAIL]
    return member_id, public_id("msg", message.ref.message_id)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_page_of_messages_answers_in_both_languages(office: PostOffice, language: str) -> None:
    member_id, message = await parked_receipt(office)
    paths = [
        "/console/messages", "/console/messages?state=parked&channel=email&about=receipt",
        "/console/messages?state=nonsense&after=nonsense", f"/console/messages/{message}",
        "/console/messages/templates", "/outbox", f"/outbox/{message}", "/portal/inbox", "/stop/any",
        *[f"/console/messages/templates?kind={kind.value}&in={to}" for kind in MessageKind for to in ("en", "zh")],
    ]  # fmt: skip
    async with browsing(office, role="owner", member=member_id, language=language) as browser:
        answers = {path: await browser.get(path) for path in paths}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 200)
    for answer in answers.values():
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
        assert "style=" not in answer.text
        assert "<script>" not in answer.text


async def test_a_framed_message_can_do_nothing_and_pages_load_nothing_else(office: PostOffice) -> None:
    _, message = await parked_receipt(office)
    frames = [f"/console/messages/{message}/mail", "/console/messages/templates/tier_up/zh", f"/outbox/{message}/mail"]
    async with browsing(office, role="owner") as browser:
        for path in frames:
            answer = await browser.get(path)
            policy = answer.headers["content-security-policy"]
            assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "SAMEORIGIN")
            assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
            assert policy.endswith("frame-ancestors 'self'; sandbox allow-same-origin")  # and no script
        page = (await browser.get(f"/console/messages/{message}")).text
        unknown = [
            (await browser.get(path)).status_code
            for path in ("/console/messages/msg_1", "/console/messages/msg_" + "0" * 32, "/outbox/x",
                         "/console/messages/templates?kind=spam", "/console/messages/templates/code/fr")
        ]  # fmt: skip

    (frame,) = re.findall(r"<iframe[^>]*>", page)
    assert ' sandbox="allow-same-origin" ' in frame
    assert unknown == [404] * 5


async def test_names_addresses_and_codes_are_masked_for_staff(office: PostOffice) -> None:
    member_id, message = await parked_receipt(office)
    deliver = api.code_delivery(office.settings, office.vault)
    async with office.database.transaction() as tx:
        code = await deliver(
            tx, channel="email", address="new@example.com", code="482913", language="en", member_id=member_id
        )
    (inbox,) = [one for one in await office.messages() if one.ref.channel is MessageChannel.INBOX]
    ids = [message, public_id("msg", code), public_id("msg", inbox.ref.message_id)]
    async with browsing(office, role="care", member=member_id) as browser:
        seen = "".join(
            [(await browser.get(f"/console/messages/{one}{end}")).text for one in ids for end in ("", "/mail")]
        )
        seen += (await browser.get("/console/messages")).text
        own = (await browser.get("/outbox")).text

    assert [secret for secret in ("小芳", "wang.fang@", "new@example.com", "482913") if secret in seen] == []
    assert "小**" in seen
    assert "482913" in own


@pytest.mark.parametrize(
    ("role", "reads", "acts"),
    [("owner", 200, 303), ("care", 200, 303), ("marketer", 200, 403), ("assistant", 403, 403)],
)
async def test_who_may_read_and_send_again(office: PostOffice, role: str, reads: int, acts: int) -> None:
    _, message = await parked_receipt(office)
    async with browsing(office, role=role) as browser:
        statuses = [
            (await browser.get(path)).status_code for path in ("/console/messages", f"/console/messages/{message}")
        ]
        sent = await browser.post(f"/console/messages/{message}/resend", data={"reason": "mailbox is back"})
    async with browsing(office) as nobody:
        away = await nobody.get("/console/messages")

    assert (statuses, sent.status_code) == ([reads, reads], acts)
    assert (away.status_code, away.headers["location"]) == (303, "/console/sign-in?next=/console/messages")
    states = await office.rows("SELECT state FROM messages WHERE channel = 'email'")
    assert states == [("queued" if acts == 303 else "parked",)]


async def test_a_reason_is_needed_and_kept(office: PostOffice) -> None:
    _, message = await parked_receipt(office)
    async with browsing(office, role="owner") as browser:
        without = await browser.post(f"/console/messages/{message}/cancel", data={"reason": ""})
        done = await browser.post(f"/console/messages/{message}/cancel", data={"reason": "address is dead"})
        again = await browser.post(f"/console/messages/{message}/resend", data={"reason": "changed my mind"})
        foreign = await browser.post(
            f"/console/messages/{message}/cancel", data={"reason": "x" * 9}, headers={"Sec-Fetch-Site": "cross-site"}
        )

    assert [one.status_code for one in (without, done, again, foreign)] == [422, 303, 409, 403]
    assert await office.rows(
        "SELECT action, actor, reason FROM audit_entries WHERE action IN ('cancel_message', 'resend_message')"
    ) == [("cancel_message", f"staff:{UUID(int=1)}", "address is dead")]


async def test_a_member_reads_their_own_inbox_only(office: PostOffice) -> None:
    member_id, _ = await parked_receipt(office)
    other = await office.member(email="other@example.com")
    async with browsing(office, member=member_id) as browser:
        page = (await browser.get("/portal/inbox")).text
        newest = re.findall(r'name="up_to" value="(msg_[0-9a-f]{32})"', page)[0]
        read = await browser.post("/portal/inbox/read", data={"up_to": newest})
        after = (await browser.get("/portal/inbox")).text
    async with browsing(office, member=other) as browser:
        empty = (await browser.get("/portal/inbox")).text
        theirs = await browser.post("/portal/inbox/read", data={"up_to": newest})
        bad = await browser.post("/portal/inbox/read", data={"up_to": "msg_1"})
    async with browsing(office) as nobody:
        away = await nobody.get("/portal/inbox")

    assert "小芳，谢谢您" not in empty
    assert ("感谢您在 Beichen 购物，获得 299 积分" in page, "299" in empty) == (True, False)
    assert (read.status_code, theirs.status_code, bad.status_code, away.status_code) == (303, 303, 404, 303)
    assert ("Mark all as read" in page, "Mark all as read" in after) == (True, False)


async def test_the_outbox_is_there_in_development_mode_only(office: PostOffice) -> None:
    _, message = await parked_receipt(office)
    office.settings = replace(office.settings, development=False)
    async with browsing(office, role="owner") as browser:
        answers = [
            (await browser.get(path)).status_code
            for path in ("/outbox", f"/outbox/{message}", f"/outbox/{message}/mail")
        ]

    assert answers == [404, 404, 404]


async def test_stopping_is_asked_before_it_is_done(office: PostOffice) -> None:
    member_id = await office.member()
    token = stop_token(office.vault, member_id)
    async with browsing(office) as browser:
        await browser.get(f"/stop/{token}")
        assert await office.rows("SELECT count(*) FROM consents") == [(0,)]
        done = await browser.post(f"/stop/{token}/confirmed")
        tails = ("=", "==", "==%0d%0aX-Evil:%201", "%20")
        forged = [f"{token[:-3]}AAA", *(token + tail for tail in tails)]
        statuses = {(await browser.post(f"/stop/{one}/confirmed")).status_code for one in forged}

    assert (done.status_code, done.headers["location"], statuses) == (303, f"/stop/{token}", {404})
    assert await office.rows("SELECT count(*) FROM consents") == [(1,)]


async def test_development_mode_sends_nothing(office: PostOffice) -> None:
    await office.apply(order(await office.member()))
    await office.write()
    await office.courier(DevelopmentOutbox()).drain()
    async with browsing(office) as browser:
        page = (await browser.get("/outbox")).text

    assert "wang.fang@example.com" in page
