"""A place in a list is read as it was written, to the microsecond; whatever else stands there is none."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.platform.places import read_place, read_place_of_two, write_place

INSTANTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - given its zone behind


@given(INSTANTS, st.uuids(), st.uuids())
def test_what_was_written_is_read(at: datetime, one: UUID, other: UUID) -> None:
    assert read_place(write_place(at, one)) == (at, one)
    assert read_place_of_two(write_place(at, one, other)) == (at, one, other)
    assert read_place(write_place(at, one, other)) is None
    assert read_place_of_two(write_place(at, one)) is None


@pytest.mark.parametrize(
    "text",
    [None, "", "_", "x", "1", "1_", f"-1_{'0' * 32}", f"1.5_{'0' * 32}", f"{'9' * 18}_{'0' * 32}", f"1_{'g' * 32}",
     f"{'9' * 400}_{'0' * 32}", f"١_{'0' * 32}", f"1_{'0' * 31}", f"1_{'0' * 32}_"],
)  # fmt: skip
def test_what_is_none_of_ours_is_none(text: str | None) -> None:
    assert read_place(text) is None
