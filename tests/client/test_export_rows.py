"""The rows of an export as the client gives them: one by one, behind those that arrived where a download breaks off."""

import asyncio
import re
from typing import Any

import pytest

from regulars_client import NO_RETRIES, AsyncRegulars, Conflict, NoAnswer, Regulars, Retries
from regulars_client.models import IdentityBody
from tests.client.serving import Product, unsteady

MEMBERS = 5
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def export(product: Product) -> tuple[str, list[dict[str, Any]]]:
    with Regulars(product.url, api_key=product.api_key) as client:
        for number in range(MEMBERS):
            card = IdentityBody(kind="card", value=f"BC-00077{number}")
            client.members.sign_up(market="CN", channel="store", identities=[card])
        export_id = client.exports.begin(kind="members", columns=["member_id", "channel"]).job_id
        with pytest.raises(Conflict) as early:
            next(client.export_rows(export_id))
        assert early.value.code == "export_under_way"
        product.work()
        rows = list(client.export_rows(export_id))
    assert len({row["member_id"] for row in rows}) == len(rows) == MEMBERS
    assert {row["channel"] for row in rows} == {"store"}
    return export_id, rows


def line(row: dict[str, Any]) -> bytes:
    return b'{"member_id":"%b","channel":"store"}\n' % row["member_id"].encode()


def broken(*chunks: bytes) -> bytes:
    """Return an answer that comes in chunks and breaks off: the last one is missing."""
    told = b"Transfer-Encoding: chunked\r\n\r\n"
    return HEAD + told + b"".join([b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks])


def short(told: int, content: bytes) -> bytes:
    """Return an answer that ends well, with fewer rows than it tells of."""
    return HEAD + b"Regulars-Rows: %d\r\nContent-Length: %d\r\n\r\n%b" % (told, len(content), content)


def skipped(asked: list[bytes]) -> list[int]:
    found = [re.search(rb"skip_rows=(\d+)", request.split(b"\r\n")[0]) for request in asked]
    return [int(one[1]) if one else 0 for one in found]


def test_it_goes_on_behind_the_rows_that_arrived(product: Product, export: tuple[str, list[dict[str, Any]]]) -> None:
    export_id, rows = export
    faults = (
        broken(line(rows[0]), line(rows[1]), line(rows[2])[:9]),  # within a row
        short(MEMBERS - 2, line(rows[2])),
        broken(line(rows[3])),
    )

    async def in_a_loop(url: str) -> list[dict[str, Any]]:
        async with AsyncRegulars(url, api_key=product.api_key) as client:
            return [row async for row in client.export_rows(export_id)]

    with unsteady(product, *faults) as before, Regulars(before.url, api_key=product.api_key) as client:
        assert list(client.export_rows(export_id)) == rows
        assert skipped(before.asked) == [0, 2, 3, 4]
    with unsteady(product, *faults) as before:
        assert asyncio.run(in_a_loop(before.url)) == rows
        assert skipped(before.asked) == [0, 2, 3, 4]


def test_what_stays_broken_off_is_told(product: Product, export: tuple[str, list[dict[str, Any]]]) -> None:
    export_id, rows = export
    for retries, attempts in ((NO_RETRIES, 1), (Retries(attempts=3), 3)):
        faults = [broken(line(rows[0]))] + [broken(b"{")] * 5
        with unsteady(product, *faults) as before:
            client = Regulars(before.url, api_key=product.api_key, retries=retries)
            found = client.export_rows(export_id)
            assert next(found) == rows[0]
            with client, pytest.raises(NoAnswer):
                next(found)
            assert len(before.asked) == attempts
