"""Markup with holes is escaped wherever it is filled, and says what `Markup.format` says."""

import pytest
from markupsafe import Markup

from regulars.web.kit.shapes import Shape, filled

VALUES = ["plain", "<b>&\"'</b>", "100 %s", "{0}", "%(name)s", Markup("<i>ours</i>"), 7, None]


@pytest.mark.parametrize("value", VALUES)
def test_a_shape_is_filled_as_markup_is_formatted(value: object) -> None:
    text = '<a href="{}" title="100%">{}</a>'

    assert Shape('<a href="{}" title="100%">{}</a>')(value, value) == Markup(text).format(value, value)  # noqa: S704 - a literal


@pytest.mark.parametrize("values", [(), ("one",), ("one", "two", "three")])
def test_a_shape_takes_as_many_values_as_it_has_holes(values: tuple[str, ...]) -> None:
    with pytest.raises(TypeError):
        Shape("<p>{} {}</p>")(*values)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("sentence", ["{name} is <here>", "{name}, 50 % of {name}", "no holes & none", "{{{name}}}"])
def test_a_sentence_is_filled_as_markup_is_formatted(sentence: str, value: object) -> None:
    assert filled(sentence, {"name": value}) == Markup.escape(sentence).format(name=value)


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(KeyError):
        filled("{name} and {other}", {"name": "Ada"})
