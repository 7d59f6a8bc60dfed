"""What stands in a file's first rows is shown in part where it may be by what somebody is found."""

import pytest

from regulars.platform.imports.glancing import veiled


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("13900139000", "13•••00"),
        ("+86 139-0013 9000", "+8•••00"),
        ("call (202) 555 0142", "ca•••42"),
        ("lin@home.example", "l•••@home.example"),
        ("NC000010", "NC000010"),
        ("1234567.50", "1234567.50"),
        ("12.345.678,50", "12.345.678,50"),
        ("01.05.2024", "01.05.2024"),
        ("2024-05-01T18:30:00+08:00", "2024-05-01T18:30:00+08:00"),
        ("2024年5月1日", "2024年5月1日"),
        ("20240531", "20240531"),
        ("20249931", "20•••31"),
        ("2024-05.01 139", "20•••39"),
        ("from the fair", "from the fair"),
    ],
)
def test_what_finds_somebody_is_shown_in_part(text: str, shown: str) -> None:
    assert veiled(text, personal=False) == shown


def test_a_personal_field_is_shown_in_part_whatever_it_holds() -> None:
    assert [veiled(text, personal=True) for text in ("NC000010", "x@y.example", "01.05.2024", "7", "")] == [
        "NC•••10", "x•••@y.example", "01•••24", "•••", "",
    ]  # fmt: skip
