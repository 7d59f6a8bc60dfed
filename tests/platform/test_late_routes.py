"""Markers of parameters: hashed without a copy, and alike where they are equal."""

import pytest
from litestar.params import Body, FromQuery, Parameter, QueryParameter

import regulars.platform.http.late_routes  # noqa: F401 - it gives the markers their hash


@pytest.mark.parametrize("kind", [QueryParameter, Parameter, Body])
def test_equal_markers_have_equal_hashes_and_others_need_not(kind: type[QueryParameter]) -> None:
    assert kind(ge=1, examples=[]) == kind(ge=1, examples=[])
    assert hash(kind(ge=1, examples=[])) == hash(kind(ge=1, examples=[]))
    assert hash(kind(ge=1)) != hash(kind(ge=2))
    assert {kind(le=1): "one"}[kind(le=1)] == "one"


def test_no_field_is_copied_for_a_hash() -> None:
    class Uncopied(list[object]):
        def __deepcopy__(self, _: object) -> list[object]:
            raise AssertionError("copied")

    assert hash(QueryParameter(examples=Uncopied([object()]))) == hash(QueryParameter())  # type: ignore[arg-type]  # no example is read
    assert FromQuery[int] == FromQuery[int]
