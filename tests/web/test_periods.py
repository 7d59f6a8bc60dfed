"""The days that an address names, however they are written."""

from datetime import date

import pytest
from litestar.testing import RequestFactory

from regulars.web.console.periods import Period, Usual, period_of

USUAL = Usual(date(2018, 1, 1), 365)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ({}, date(2017, 1, 2), date(2018, 1, 1)),
        ({"from": "2017-03-01", "to": "2017-03-31"}, date(2017, 3, 1), date(2017, 3, 31)),
        ({"to": "2017-03-30"}, date(2017, 3, 1), date(2017, 3, 30)),
        ({"from": "2017-12-31", "to": "2017-01-01"}, date(2017, 1, 1), date(2017, 12, 31)),
        ({"from": "1900-01-01", "to": "2099-12-31"}, date(1990, 1, 1), date(2018, 1, 1)),
        ({"from": "2020-01-01", "to": "2020-01-31"}, date(2020, 1, 1), date(2020, 1, 31)),
        ({"from": "soon", "to": "never"}, date(2017, 1, 2), date(2018, 1, 1)),
    ],
)
def test_days_are_taken_as_they_were_meant(asked: dict[str, str | list[str]], first: date, last: date) -> None:
    request = RequestFactory().get("/console", query_params=asked)

    assert period_of(request, USUAL) == Period(first, last)
