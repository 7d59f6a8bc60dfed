"""Lineage at the command line is told in words: of the order of the worked examples of which a part came back."""

import re
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from regulars.entrypoints.lineage_words import tell_order

MEMBER = "mbr_019de000000070008000000000000001"
LOT = "trf_019de000000070008000000000000001000000000001"


def answered(operation: str) -> Any:  # noqa: ANN401 - any JSON there is
    """Return what an operation answered when the worked examples were made."""
    written = files("regulars").joinpath("platform", "http", "worked_examples.json").read_bytes()
    return msgspec.json.decode(written)[operation]["answer"]


def told(capsys: pytest.CaptureFixture[str], found: Any, language: str) -> list[str]:  # noqa: ANN401 - as above
    """Return the lines that are printed of an order's lineage, with one space for their gaps."""
    tell_order(found, language)
    return [re.sub(r"\s+", " ", one).strip() for one in capsys.readouterr().out.splitlines()]


def test_an_order_is_told_line_by_line_without_what_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, answered("getOrderLineage"), "en") == [
        "Order web-1001",
        f"Member {MEMBER}",
        "Return R-17, 2026-05-03T02:00:00Z: worth CN¥100.00",
        "2026-05-01T02:00:00Z Order web-1001 earned 1,199 × 1 = 1,199 points (tier Regular).",
        "2026-05-01T02:00:00Z Order web-1001 counts 1,199 growth.",
        "2026-05-03T02:00:00Z Return R-17 of order web-1001 took back 100 points that it had earned.",
        "2026-05-03T02:00:00Z Return R-17 of order web-1001 took back 100 growth that it had earned.",
        "2026-05-01T02:00:00Z Tier Regular → Silver, Growth 1,199",
        f"Lot {LOT}: 1,199 points, 1,099 of them left, good from 2026-05-08T02:00:00Z until 2027-05-31T16:00:00Z",
        "Taken back: 100 (order web-1001)",
    ]


def test_an_order_is_told_in_chinese_with_what_it_took_and_what_was_moved(capsys: pytest.CaptureFixture[str]) -> None:
    found = answered("getOrderLineage")
    lot = found["lots"][0]
    moved = {**lot, "movements": [], "lot_id": LOT, "member_id": MEMBER, "from_lot": LOT, "why": "merge"}
    lines = told(capsys, found | {"spent": lot["movements"], "moved": [moved]}, "zh")
    dates = "自 2026-05-08T02:00:00Z 起可用，2027-05-31T16:00:00Z 到期"
    assert lines[:3] == ["订单 web-1001", f"会员 {MEMBER}", "退货 R-17，2026-05-03T02:00:00Z：价值 ¥100.00"]
    assert lines[7:] == [
        "2026-05-01T02:00:00Z 等级普通 → 银卡，成长值 1,199",
        f"所用积分 批次 {LOT} 的 100 积分（订单 web-1001）",
        f"批次 {LOT}：1,199 积分，剩余 1,099，{dates}",
        "扣回：100（订单 web-1001）",
        f"批次 {LOT}：1,199 积分，剩余 1,099，{dates}（{MEMBER}）",
        "其中因合并转入另一会员账户的",
    ]
