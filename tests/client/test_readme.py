"""The README's example is one program; here it runs against the product."""

import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from regulars.platform.webhooks.signing import draw, shown, sign
from regulars_client import Refused, Regulars
from regulars_client.clock import wall_seconds
from regulars_client.models import IdentityBody
from tests.architecture.source import ROOT
from tests.client.serving import Product

README = ROOT / "clients" / "python" / "README.md"
EVENT = (
    b'{"specversion":"1.0","id":"evt_1","source":"urn:x","type":"order.paid","time":"2026-05-01T00:00:00Z","data":{}}'
)


def program() -> str:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 8
    return "\n".join(blocks)


def test_the_examples_of_the_api_page_run(product: Product, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    *of_an_order, of_a_member = blocks
    with Regulars(product.url, api_key=product.api_key) as client:
        known = [IdentityBody(kind="card", value="BC-000888"), IdentityBody(kind="phone", value="+86 138 0013 8888")]
        member = client.members.sign_up(market="CN", channel="store", identities=known).member_id
    given: dict[str, Any] = {"Regulars": Regulars, "Refused": Refused, "address": product.url, "member_id": member}
    # The page asks for what orders need; here the same client books points.
    given |= {"key_id": product.key_id, "secret": product.api_key}

    exec(compile("\n".join(of_an_order).replace('"orders:write"', '"ledger:write"'), "docs/api.md", "exec"), given)  # noqa: S102 - our own page

    assert "insufficient_points" in capsys.readouterr().out
    given["client"].close()
    with Regulars(product.url, api_key=product.api_key) as given["client"]:
        exec(compile(of_a_member.replace("0013 8000", "0013 8888"), "docs/api.md", "exec"), given)  # noqa: S102 - our own page
    assert (given["member"].member_id, given["member"].wallets is None) == (member, False)


def test_it_runs_from_the_first_line_to_the_last(
    product: Product, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = draw()
    given = {
        "REGULARS_URL": product.url,
        "REGULARS_KEY": product.api_key,
        "WEBHOOK_SECRET": shown(secret),
        "OUT": str(tmp_path),
    }
    for name, value in given.items():
        monkeypatch.setitem(os.environ, name, value)
    names: dict[str, Any] = {}
    monkeypatch.setattr(time, "sleep", lambda _: product.work())  # what is waited for is a job

    exec(compile(program(), str(README), "exec"), names)  # noqa: S102 - our own page

    said = capsys.readouterr().out
    assert "points_pending 1199" in said
    assert "'points': 1199" in said
    assert "insufficient_points {" in said
    assert "order.paid" in said
    balances = dict(re.findall(r"^(mbr_\w+) (\d+)$", said, re.MULTILINE))
    assert balances[names["member"].member_id] == str(1199 + 200)  # those that wait among them
    assert "+8613800138000" in said
    assert (tmp_path / "2026-05.beancount").read_text(encoding="utf-8").startswith("option")
    at = int(wall_seconds())
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(at)}
    headers["webhook-signature"] = sign([secret], "evt_1", at, EVENT)
    assert names["on_delivery"](headers, EVENT) == 204
    assert names["on_delivery"](headers, EVENT + b" ") == 401
    names["client"].close()
