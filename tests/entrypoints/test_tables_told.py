"""Tables of commands: what is copied from them, or read by the next program, stays in one piece."""

import pytest

from regulars.entrypoints.commands import print_table

HEAD = ("request", "member", "lot", "at", "reason")
ROW = (f"adj_{'1' * 32}", f"mbr_{'2' * 32}", f"trf_{'3' * 44}", "2018-01-01T05:03:27Z", "Counted twice at the till")


def test_a_file_gets_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(HEAD, [ROW, ROW])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ") for line in lines[1:]] == [list(ROW)] * 2


def test_a_narrow_terminal_breaks_no_id(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, said in (("FORCE_COLOR", "1"), ("COLUMNS", "80"), ("LINES", "40")):
        monkeypatch.setenv(name, said)
    print_table(HEAD, [ROW, ROW])
    told = capsys.readouterr().out
    assert [told.count(piece) for piece in ROW] == [2] * 5
    assert told.count("request") == 2  # field by field
    print_table(HEAD[3:], [(ROW[3], "Counted twice at the till, as the receipts say, and the till itself, too")] * 2)
    told = capsys.readouterr().out
    assert (told.count(ROW[3]), told.count("reason")) == (2, 1)  # a table: only words were folded
    folded = [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in told.splitlines()]
    assert max([len(line) for line in folded]) <= 80


def test_nothing_is_told_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(HEAD, [])
    assert capsys.readouterr() == ("", "There are none.\n")
