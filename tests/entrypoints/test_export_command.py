"""`regulars export`: rows as somebody asks for them at a command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commerce.shop import POLICY
from tests.entrypoints.typing_commands import Desk, deployment


@pytest.fixture
def desk(server_url: str, template: str, tmp_path: Path) -> Iterator[Desk]:
    with deployment(server_url, template, tmp_path, POLICY) as made:
        yield made


def test_rows_are_written_to_a_file_or_standard_output_and_nothing_stays(desk: Desk, tmp_path: Path) -> None:
    people, rows = tmp_path / "people.csv", tmp_path / "rows.jsonl"
    people.write_text("card,market,channel\nM0000001,CN,store\nM0000002,CN,store\n", encoding="utf-8")
    desk.type("import", str(people), "--kind", "members")
    why = ("--purpose", "test of exports")
    done = desk.type("export", "members", "--columns", "card, market", "--output", str(rows), *why)
    assert "rows." in done.stderr
    found = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    assert {"card": "M0000001", "market": "CN"} in found
    shown = desk.type("export", "policies", "--columns", "version,name")
    assert shown.stdout.splitlines()[0] == "version,name"
    assert list((desk.home / "exports").iterdir()) == []
    assert "shoes" in desk.type("export", "shoes", code=2).output
    assert (
        "这类数据" in desk.type("export", "balances", "--from", "2026-01-01T00:00:00Z", "--lang", "zh", code=2).output
    )
    assert "cannot be written" in desk.type("export", "members", "--output", str(tmp_path), code=2).output
