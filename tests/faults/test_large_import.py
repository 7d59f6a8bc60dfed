"""A large file takes no more memory than a small one; `REGULARS_FAULT_MEGABYTES` says how large it is."""

import os
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
import pytest

from regulars.demo.programme import MARKET
from regulars.platform.ids import new_id
from regulars.platform.imports.contracts import PART_BYTES
from tests.faults.product import product_at, until
from tests.faults.shop import prepare
from tests.faults.test_exports_killed import held
from tests.faults.test_lifecycle import start_both

pytestmark = [pytest.mark.anyio, pytest.mark.faults]

MEGABYTES = int(os.environ.get("REGULARS_FAULT_MEGABYTES", "200"))
CELL = 100_000  # of a column that nobody asked for
GROWN_BYTES = 64 * 2**20


def parts(megabytes: int, begin: int) -> Iterator[bytes]:
    """Give a CSV file of members with long notes, part by part."""
    held_back = b"card,note\n"
    for number in range(begin, begin + megabytes * PART_BYTES // CELL):
        held_back += b"M%07d," % number + (b"%07d" % number * CELL)[:CELL] + b"\n"
        while len(held_back) >= PART_BYTES:
            yield held_back[:PART_BYTES]
            held_back = held_back[PART_BYTES:]
    yield held_back


def imported(client: httpx.Client, megabytes: int, begin: int) -> int:
    """Import a file by HTTP; returns how many came in."""

    def sent(method: str, path: str, **body: Any) -> dict[str, object]:  # noqa: ANN401 - what httpx takes
        answer = client.request(method, path, headers={"Idempotency-Key": new_id().hex}, **body)
        assert answer.is_success, answer.text
        found: dict[str, object] = answer.json()
        return found

    mapping = {"columns": {"card": "card"}, "constants": {"market": MARKET.code, "channel": "store"}}
    one = f"/v1/imports/{sent('POST', '/v1/imports', json={'kind': 'members', 'mapping': mapping})['import_id']}"
    for number, part in enumerate(parts(megabytes, begin), 1):
        sent("PUT", f"{one}/parts/{number}", content=part)
    job = f"/v1/jobs/{sent('POST', f'{one}/start')['job_id']}"
    until(lambda: client.get(job).json()["state"] not in {"queued", "running"}, 600)
    found: int = client.get(job).json()["counts"]["imported"]
    return found


async def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    with product_at(tmp_path) as product:
        shop = await prepare(product, 10)
        start_both(product)
        headers = {"Authorization": f"Bearer {shop.token}"}
        with httpx.Client(base_url=product.address, headers=headers, timeout=120) as client:
            assert imported(client, 20, 1) == 20 * PART_BYTES // CELL
            before, began = held(product, "VmHWM"), perf_counter()
            assert imported(client, MEGABYTES, 100_000) == MEGABYTES * PART_BYTES // CELL
            after, took = held(product, "VmHWM"), perf_counter() - began
    print(f"held at most for 20 MB: {before}, for {MEGABYTES} more: {after}, in {took:.0f} s")  # noqa: T201 # seen with -s
    assert {name: most for name, most in after.items() if most > before[name] + GROWN_BYTES} == {}
