"""Webhooks go to public addresses, and where settings say; a name that leads elsewhere a moment later is no help."""

import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.webhooks import rules
from regulars.platform.webhooks.addresses import Guard
from regulars.platform.webhooks.couriers import Courier
from regulars.platform.webhooks.sending import Sender
from tests.platform.feeding import ANNE, accrued
from tests.platform.receiving import HURRIED, LOOPBACK, House, receiving

PRIVATE = (
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104 - refused here
    "224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "192.0.0.1", "198.18.0.1", "203.0.113.5",
    "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::",
    "::7f00:1",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:830::200e")


def test_public_addresses_are_told_from_others() -> None:
    assert [one for one in PRIVATE if rules.is_public(ip_address(one))] == []
    assert [one for one in PUBLIC if not rules.is_public(ip_address(one))] == []
    networks = rules.networks_in("127.0.0.0/8, 10.2.0.0/16,fd00::/8")
    listed = [one for one in (*PRIVATE, *PUBLIC, "10.2.3.4") if rules.is_listed(ip_address(one), networks)]
    assert listed == ["127.0.0.1", "127.9.9.9", "fd12::1", "::ffff:127.0.0.1", "10.2.3.4"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://8.8.8.8/hooks", None),
        ("https://[2606:4700:4700::1111]:8443/hooks?shop=1", None),
        ("http://8.8.8.8/hooks", "webhook_url_not_allowed"),
        ("https://127.0.0.1/hooks", "webhook_url_not_allowed"),
        ("https://[::ffff:127.0.0.1]/", "webhook_url_not_allowed"),
        ("https://169.254.169.254/latest/meta-data", "webhook_url_not_allowed"),
        ("https://2130706433/", "webhook_url_not_allowed"),
        ("https://0x7f.1/", "webhook_url_not_allowed"),
        ("https://user:word@8.8.8.8/", "webhook_url_impossible"),
        ("https://8.8.8.8/#part", "webhook_url_impossible"),
        ("https://8.8.8.8:0/", "webhook_url_impossible"),
        ("https://8.8.8.8:99999/", "webhook_url_impossible"),
        ("https:///hooks", "webhook_url_impossible"),
        ("https://8.8.8.8/a b", "webhook_url_impossible"),
        ("https://8.8.8.8/\r\nHost: x", "webhook_url_impossible"),
        ("ftp://8.8.8.8/", "webhook_url_impossible"),
        ("file:///etc/passwd", "webhook_url_impossible"),
        ("https://nobody.invalid/", "webhook_host_unknown"),
    ],
)
@pytest.mark.anyio
async def test_addresses_are_judged_when_they_are_given(url: str, code: str | None) -> None:
    try:
        await Guard("").check(url)
        found = None
    except DomainError as error:
        found = error.code
    assert found == code


@pytest.mark.anyio
async def test_listed_networks_are_reached_by_http() -> None:
    await Guard(LOOPBACK).check("http://127.0.0.1:8080/hooks")
    await Guard(LOOPBACK).check("http://localhost:8080/hooks")


@pytest.mark.anyio
async def test_a_name_that_leads_elsewhere_later_is_judged_again_and_connected_as_judged(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is public while it is given, private when it is called; and it is asked for once a connection."""
    house = House.of(database, tmp_path)
    asked: list[str] = []
    answers = {"shop.example": "93.184.216.34"}
    real = socket.getaddrinfo

    def told(host: str, port: int, *rest: object, **more: object) -> object:
        if host not in answers:
            return real(host, port, *rest, **more)  # type: ignore[arg-type] # as it was called
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[host], port))]

    monkeypatch.setattr(socket, "getaddrinfo", told)
    async with receiving() as receiver:
        url = f"https://shop.example:{receiver.port}/hooks"
        await Guard("").check(url)
        endpoint_id, _ = await house.endpoint(url)
        answers["shop.example"] = "127.0.0.1"
        strict = Courier(database, house.vault, Sender(Guard(""), HURRIED), "urn:test")
        await house.tell(accrued(ANNE, 1))
        await strict.drain()
        assert await house.errors(endpoint_id) == ["leads to an address that is not allowed"]
        assert asked == ["shop.example", "shop.example"]

        async with database.transaction() as tx:  # where it is allowed, the name stays what `Host` speaks of
            tx.write("UPDATE webhook_endpoints SET url = %s", (url.replace("https", "http"),))
        house.watch.later(minutes=1)
        await house.courier.drain()
        assert receiver.received[0].headers["host"] == f"shop.example:{receiver.port}"
        await strict.sender.close()
        await house.courier.sender.close()
    house.vault.close()
