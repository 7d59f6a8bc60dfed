"""Webhooks in the console: made with a secret shown once, tried out, followed in the log, counted and sent anew."""

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from standardwebhooks import Webhook

from regulars.platform.auth.staff.permissions import Role
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.platform.receiving import LOOPBACK, House, Receiver, answering, receiver
from tests.web.site import Site
from tests.web.test_console_members import words

pytestmark = pytest.mark.anyio
__all__ = ["receiver"]  # the fixture
KEY = "0" * 32
SHANGHAI = ZoneInfo("Asia/Shanghai")
CHANGES = "SELECT detail FROM audit_entries WHERE action = 'change_webhook'"
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def services(database: Database, tmp_path: Path) -> AsyncIterator[Services]:
    made = Services(Settings(home=tmp_path, webhook_networks=LOOPBACK), database, LocalVault(tmp_path / "vault"))
    yield made
    await made.drain()


def webhook_in(answer: httpx.Response) -> str:
    found = re.search(r"/console/webhooks/whe_\w+", answer.text)
    assert found is not None, answer.text
    return found[0]


async def test_a_webhook_that_was_disabled_is_told_until_it_is_mended(
    services: Services, tmp_path: Path, receiver: Receiver
) -> None:
    site, house = await Site(services).begin(), House.of(services.database, tmp_path)
    receiver.always(answering(410))
    form = {"url": receiver.url, "description": "Web shop", "types": "tier.lost", "key": KEY}
    said = "1 webhook was disabled: nothing gets through to it."
    async with site.browsing(Role.OWNER) as owner, site.browsing(Role.FINANCE) as finance:
        path = webhook_in(await owner.post("/console/webhooks", data=form))
        await owner.post(f"{path}/test")
        before = [words((await owner.get(page)).text) for page in ("/console", "/console/webhooks")]
        await house.courier.drain()
        told = [words((await owner.get(page)).text) for page in ("/console", "/console/webhooks")]
        others = words((await finance.get("/console")).text)
        await owner.post(f"{path}/state", data={"state": "active"})
        mended = [words((await owner.get(page)).text) for page in ("/console", "/console/webhooks")]
    await house.courier.sender.close()
    house.vault.close()

    assert [said in one for one in (*before, *told, *mended, others)] == [False, False, True, True, False, False, False]
    assert "Web shop : its receiver answered that it wants no more (410)" in told[1].replace("shop:", "shop :")


async def test_a_webhook_is_made_tried_out_and_sent_anew(
    services: Services, tmp_path: Path, receiver: Receiver
) -> None:
    site, house = await Site(services).begin(), House.of(services.database, tmp_path)
    receiver.always(answering(500, body=b"<b>broken</b>"))
    form = {"url": receiver.url, "description": "Web shop", "types": "tier.lost", "key": KEY}
    async with site.browsing(Role.OWNER) as browser:
        wrong = await browser.post("/console/webhooks", data=form | {"url": "http://10.0.0.1/"})
        made = await browser.post("/console/webhooks", data=form)
        twice = await browser.post("/console/webhooks", data=form)
        path = webhook_in(made)
        tried = await browser.post(f"{path}/test")
        delivery = tried.headers["location"].partition("?")[0]
        await house.courier.drain()
        failed = await browser.get(delivery)
        await site.rows(
            "UPDATE webhook_deliveries SET state = 'failed', due_at = NULL, settled_at = queued_at RETURNING 1"
        )
        counted = await browser.post(f"{path}/replay", data={"which": "failed", "act": "count"})
        of_none = await browser.post(f"{path}/replay", data={"act": "count", "first": "2", "last": "9"})
        of_what = await browser.post(f"{path}/replay", data={"act": "count", "first": "two"})
        sent = await browser.post(f"{path}/replay", data={"which": "failed", "act": "send"})
        receiver.behave = None
        await house.courier.drain()
        taken = await browser.get(delivery)
        again = await browser.post(f"{delivery}/replay")
        log = await browser.get(path)
        listed = await browser.get("/console/webhooks")

    assert (wrong.status_code, "10.0.0.1" in words(wrong.text)) == (422, True)
    (secret,) = re.findall(r"whsec_[\w+/=]+", made.text)
    Webhook(secret).verify(receiver.received[0].body, receiver.received[0].headers)
    assert (twice.status_code, twice.headers["location"].partition("?")[0]) == (303, path)
    assert "answered 500" in failed.text
    assert "The receiver itself failed: its own log tells why." in failed.text
    assert "&lt;b&gt;broken" in failed.text
    assert "1 delivery would be sent anew." in words(counted.text)
    assert "0 deliveries would be sent anew." in words(of_none.text)
    assert (of_what.status_code, "Please write a whole number" in of_what.text) == (422, True)
    assert (sent.status_code, again.status_code) == (303, 303)
    assert "Taken" in words(taken.text)
    assert "webhook.ping" in log.text
    assert "whsec_" not in log.text + listed.text + taken.text
    assert "Web shop" in listed.text
    assert await site.rows("SELECT action FROM audit_entries WHERE action LIKE '%%webhook%%' ORDER BY entry_id") == [
        ("create_webhook",), ("test_webhook",),
    ]  # fmt: skip
    await house.courier.sender.close()
    house.vault.close()


async def test_what_failed_is_told_and_sent_anew_from_an_instant_to_another(
    services: Services, tmp_path: Path, receiver: Receiver
) -> None:
    site, house = await Site(services).begin(), House.of(services.database, tmp_path)
    receiver.always(answering(500))
    async with site.browsing(Role.OWNER) as browser:
        path = webhook_in(await browser.post("/console/webhooks", data={"url": receiver.url, "key": KEY}))
        await browser.post(f"{path}/test")
        await house.courier.drain()
        await site.rows(
            "UPDATE webhook_deliveries SET state = 'failed', due_at = NULL, settled_at = queued_at RETURNING 1"
        )
        ((since_when,),) = await site.rows("SELECT queued_at FROM webhook_deliveries")
        assert isinstance(since_when, datetime)
        queued = since_when.astimezone(SHANGHAI)
        counts = []
        for since, until, event in (
            (queued, queued, ""),
            (queued - MINUTE, queued, "webhook.ping"),
            (queued, queued, "order.paid"),
            (queued + MINUTE, None, ""),
            (None, queued - MINUTE, ""),
        ):
            told = {name: f"{at:%Y-%m-%dT%H:%M}" for name, at in (("since", since), ("until", until)) if at}
            answer = await browser.post(f"{path}/replay", data={"act": "count", "type": event, **told})
            counts += re.findall(r"(\d+) deliver\w+ would", words(answer.text))
        of_when = await browser.post(f"{path}/replay", data={"act": "count", "since": "at night"})
        failing = await browser.get(path)
        listed = await browser.get("/console/webhooks")
        narrowed = [
            words((await browser.get(f"{path}?{query}")).text)
            for query in ("type=webhook.ping&since_from=2020-01-01", "type=order.paid", "since_to=2020-01-01")
        ]
    await house.courier.sender.close()
    house.vault.close()

    assert counts == ["1", "1", "0", "0", "0"]
    assert (of_when.status_code, "Please write a day and a time" in words(of_when.text)) == (422, True)
    assert not re.search(r'id="field-(type|since|until|first|last)"[^>]* required', failing.text)
    assert "Nothing gets through since" in words(failing.text)
    assert "Nothing gets through" in words(listed.text)
    assert "answered 500" in words(failing.text)
    assert ["answered 500" in one for one in narrowed] == [True, False, False]


async def test_it_is_disabled_enabled_rotated_and_deleted_by_who_may(services: Services, receiver: Receiver) -> None:
    site = await Site(services).begin()
    async with site.browsing(Role.OWNER) as browser:
        path = webhook_in(await browser.post("/console/webhooks", data={"url": receiver.url, "key": KEY}))
        await browser.post(f"{path}/state", data={"state": "disabled"})
        disabled = words((await browser.get(path)).text)
        refused = await browser.post(f"{path}/test")
        terms = {"url": f"{receiver.url}/new", "description": "Shop", "types": ["order.paid", "tier.lost"]}
        astray = await browser.post(f"{path}/terms", data=terms | {"url": "http://10.0.0.1/"})
        before = words((await browser.get(path)).text)
        changed = await browser.post(f"{path}/terms", data=terms)
        after = words((await browser.get(path)).text)
        await browser.post(f"{path}/state", data={"state": "active"})
        rotated = await browser.post(f"{path}/rotate", data={"overlap_hours": "2", "key": KEY})
        standing = words((await browser.get(path)).text)
        unsure = await browser.post(f"{path}/delete", data={"confirmation": "delete"})
    async with site.browsing(Role.AUDITOR) as auditor:
        seen = await auditor.get(path)
        not_allowed = await auditor.post(f"{path}/delete", data={"confirmation": "DELETE"})
    async with site.browsing(Role.OWNER) as browser:
        gone = await browser.post(f"{path}/delete", data={"confirmation": "DELETE"})
        empty = await browser.get("/console/webhooks")

    assert "Disabled" in disabled
    assert refused.status_code == 409
    assert (astray.status_code, "10.0.0.1" in astray.text, f"{receiver.url}/new" in before) == (422, True, False)
    assert changed.status_code == 303
    assert f"Address {receiver.url}/new Events order.paid, tier.lost What for Shop" in after
    details = [detail for (detail,) in await site.rows(CHANGES)]
    assert any(f"{receiver.url}/new" in str(one) for one in details)
    assert "whsec_" in rotated.text
    assert "Two secrets until" in standing
    assert (unsure.status_code, "Type DELETE, in capitals." in words(unsure.text)) == (422, True)
    assert (seen.status_code, "Delete" in words(seen.text), not_allowed.status_code) == (200, False, 403)
    assert (gone.status_code, "No events are delivered yet." in words(empty.text)) == (303, True)
