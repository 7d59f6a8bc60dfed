"""Mappings: suggested by names and values, written as the file that the command line takes, read from it again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.entrypoints.importing import import_kinds
from regulars.platform.imports.contracts import Mapped
from regulars.platform.imports.errors import MappingUnreadable
from regulars.platform.imports.glancing import Found
from regulars.platform.imports.mapping_files import read_mapping, write_mapping
from regulars.platform.settings import Settings
from regulars.web.console.import_words import DATES, FIELDS, HABITS, dates_of, suggested, with_comma

KINDS = import_kinds(Settings())
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
VALUES = st.one_of(NAMES, st.integers(-(2**53), 2**53), st.booleans())
MAPPINGS = st.builds(
    Mapped,
    columns=st.dictionaries(NAMES, NAMES, max_size=4),
    constants=st.dictionaries(NAMES, VALUES, max_size=4),
    dates=st.dictionaries(NAMES, NAMES, max_size=2),
    time_zone=st.none() | NAMES,
    decimal=st.sampled_from([".", ","]),
    delimiter=st.characters(codec="utf-8"),
)


@given(mapping=MAPPINGS)
@settings(max_examples=200, deadline=None)
def test_a_mapping_is_read_as_it_was_written(mapping: Mapped) -> None:
    assert read_mapping(write_mapping(mapping).encode()) == mapping


@pytest.mark.parametrize("content", [b"[columns", b"\xff", b"{", b'{"columns": 3}', b'colums = "x"', b"[[[[" * 9000])
def test_what_is_no_mapping_is_refused(content: bytes) -> None:
    with pytest.raises(MappingUnreadable):
        read_mapping(content)


def test_every_field_has_a_name_and_no_other_thing_has() -> None:
    fields = {name for kind in KINDS.values() for name in kind.fields}

    assert fields == FIELDS.keys()
    assert HABITS.keys() <= fields


@pytest.mark.parametrize(
    ("kind", "columns", "fields"),
    [
        ("members", ("手机号", "E-Mail", "入会日期", "Notiz"), ("phone", "email", "signed_up_at", None)),
        ("orders", ("Order No.", "date", "Qty", "PRICE"), ("order_id", "occurred_at", "quantity", "amount")),
        ("accruals", ("email", "mail", "积分", "Valid until"), ("email", None, "amount", "expires_at")),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names(kind: str, columns: tuple[str, ...], fields: tuple[str | None, ...]) -> None:
    found = suggested(KINDS[kind], columns)

    assert tuple(found.get(name) for name in columns) == fields


def test_how_values_are_written_is_known_by_what_stands_there() -> None:
    orders = KINDS["orders"]
    columns = {"When": "occurred_at", "Price": "amount"}

    def told(when: list[str], price: list[str]) -> tuple[dict[str, str], bool]:
        found = [Found("When", when), Found("Price", price)]
        return dates_of(orders, columns, found), with_comma(orders, columns, found)

    assert told(["31.05.2026 18:30"], ["1,50", "2"]) == ({"occurred_at": "%d.%m.%Y %H:%M"}, True)
    assert told(["2026-05-31", "2026-05-31T18:30:00Z"], ["1.50"]) == ({}, False)
    assert told(["05/31/2026"], []) == ({"occurred_at": "%m/%d/%Y"}, False)
    assert told(["soon"], ["1,234.50"]) == ({}, False)
    assert all(dates_of(orders, columns, [Found("When", [example])]) for _, example in DATES)
