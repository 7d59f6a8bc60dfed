"""The example of a till: what it sold counts once, whatever was cut, and while nobody answers it sells on."""

import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regulars_client import NoAnswer, Regulars, Retries
from regulars_client.models import Amount, IdentityBody, LineBody
from tests.architecture.source import ROOT
from tests.client.serving import CUT_AFTER, CUT_BEFORE, Product, unsteady

FILE = ROOT / "clients" / "python" / "examples" / "till.py"
ONCE = Retries(attempts=1)
PHONE = "138 0013 0099"
TEA = LineBody(sku="tea", amount=Amount(amount_minor=3_900, currency="CNY"))


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    return runpy.run_path(str(FILE), run_name="till")


@pytest.fixture(scope="module")
def direct(product: Product) -> Iterator[tuple[Regulars, str]]:
    with Regulars(product.url, api_key=product.api_key) as client:
        phone = IdentityBody(kind="phone", value=PHONE)
        yield client, client.members.sign_up(market="CN", channel="store", identities=[phone]).member_id


def test_a_sale_counts_once_whatever_was_cut(
    example: dict[str, Any], product: Product, direct: tuple[Regulars, str], tmp_path: Path
) -> None:
    client, member = direct
    with (
        unsteady(product, CUT_AFTER, CUT_BEFORE, CUT_AFTER) as before,
        Regulars(before.url, api_key=product.api_key, retries=ONCE) as cut,
    ):
        till = example["Till"](cut, tmp_path / "slips.db", store_id="nanjing-road", market="CN")
        printed = [till.sell([TEA], member), till.sell([TEA, TEA], member)]
        assert (printed, till.waiting) == ([["Your points follow."]] * 2, 2)
        till.close()  # switched off

        till = example["Till"](cut, tmp_path / "slips.db", store_id="nanjing-road", market="CN")
        with pytest.raises(NoAnswer):
            till.deliver()
        assert till.waiting == 2
        assert till.deliver() == 2
        assert (till.waiting, till.deliver()) == (0, 0)
        till.close()

    sold = sorted(order.total.amount_minor for order in client.orders.iterate_of_member(member))
    assert sold == [3_900, 7_800]
    (points,) = [one for one in client.ledger.get_wallets(member).wallets if one.wallet == "points"]
    assert points.pending == 39 + 78


def test_it_is_a_program(product: Product, direct: tuple[Regulars, str], tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "clients/python/src"),
        "REGULARS_URL": product.url,
        "REGULARS_KEY": product.api_key,
    }

    def run(*arguments: str) -> str:
        command = [sys.executable, str(FILE), str(tmp_path / "slips.db"), *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    client, member = direct
    assert run("sell", PHONE, "cup=5900", "tea=100").startswith("60 points, from ")
    assert run("deliver") == "0 sent, 0 waiting\n"
    assert 6_000 in {order.total.amount_minor for order in client.orders.iterate_of_member(member)}
