"""`regulars import`: a file as somebody types it in."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commerce.shop import POLICY
from tests.entrypoints.typing_commands import Desk, deployment

FILE = "Card;Kind\nM0000001;x\nM0000002;x\n;x\n"
MAPPING = """
delimiter = ";"
[columns]
Card = "card"
[constants]
market = "CN"
channel = "store"
"""


@pytest.fixture
def desk(server_url: str, template: str, tmp_path: Path) -> Iterator[Desk]:
    with deployment(server_url, template, tmp_path, POLICY) as made:
        yield made


def test_a_file_is_imported_and_what_was_refused_is_told(desk: Desk, tmp_path: Path) -> None:
    file, mapping, errors = tmp_path / "people.csv", tmp_path / "people.toml", tmp_path / "errors.csv"
    file.write_text(FILE, encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    command = ("import", str(file), "--kind", "members", "--mapping", str(mapping), "--errors", str(errors))
    tried = desk.type(*command, "--dry-run", code=1)
    assert "2 would be imported, 0 are known, 1 would be refused." in tried.output
    done = desk.type(*command, code=1)
    assert "2 imported, 0 known before, 1 refused." in done.output
    assert errors.read_text(encoding="utf-8").splitlines()[1].startswith("4,identities,***,identity_missing,")
    assert "--errors" not in done.output
    assert "--errors FILE" in desk.type(*command[:-2], code=1).output
    again = desk.type(*command, "--json", code=1)
    job = json.loads(again.stdout)
    assert (job["counts"], job["asked_by"]) == ({"rows": 3, "imported": 0, "known": 2, "refused": 1}, "cli:meilin")
    nothing = desk.type("import", str(file), "--kind", "members", "--lang", "zh", code=2)
    assert "第 1 列没有对应的字段" in nothing.output
    assert "shoes" in desk.type("import", str(file), "--kind", "shoes", code=2).output
    assert "cannot be read" in desk.type("import", str(tmp_path / "none.csv"), "--kind", "members", code=2).output
