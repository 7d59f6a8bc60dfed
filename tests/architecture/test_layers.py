"""The contract of pyproject.toml stops imports that point upward, on a house built for the purpose."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
FLOORS = CONFIGURATION["contracts"][0]["layers"]
ROOMS = [room for floor in FLOORS for room in floor.split(" | ")]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A package with every room, each importing one below it, under our own contract."""
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "regulars").mkdir()
    (tmp_path / "regulars" / "__init__.py").touch()
    for room in ROOMS:
        (tmp_path / "regulars" / room).mkdir()
        (tmp_path / "regulars" / room / "__init__.py").touch()
    (tmp_path / "regulars" / "commerce" / "orders.py").write_text("from regulars.loyalty import api\n")
    (tmp_path / "regulars" / "loyalty" / "api.py").write_text("from regulars.domain_events import loyalty\n")
    (tmp_path / "regulars" / "domain_events" / "loyalty.py").touch()
    return tmp_path


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=house, capture_output=True, text=True, check=False)


def test_the_contract_has_every_floor_and_no_exception() -> None:
    (contract,) = CONFIGURATION["contracts"]

    floors = ["entrypoints", "demo | web", "engagement | commerce", "loyalty", "members", "platform"]
    assert FLOORS[:6] == floors
    assert FLOORS[-1] == "domain_events | migrations"
    assert contract["exhaustive"] is True
    assert not {"ignore_imports", "exhaustive_ignores", "unmatched_ignore_imports_alerting"} & contract.keys()


def test_imports_that_point_downward_pass(house: Path) -> None:
    result = lint(house)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("loyalty/api.py", "from regulars.commerce import orders"),
        ("members/api.py", "def late():\n    import regulars.loyalty.api"),
        ("platform/db.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from regulars.loyalty import api"),
        ("domain_events/base.py", "from regulars.platform import db"),
        ("domain_events/base.py", "import regulars.migrations"),
        ("migrations/env.py", "from regulars.members import api"),
        ("novelty/__init__.py", ""),
    ],
)
def test_planted_imports_and_rooms_are_stopped(house: Path, path: str, code: str) -> None:
    planted = house / "regulars" / path
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(code + "\n")
    for room in ("platform/db.py", "members/api.py"):
        (house / "regulars" / room).touch()

    result = lint(house)

    assert result.returncode == 1, result.stdout + result.stderr
    assert planted.parent.name in result.stdout
