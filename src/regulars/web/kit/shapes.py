"""Pieces of markup with holes. What fills a hole is escaped, always."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, LiteralString

from markupsafe import Markup, escape

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_BRACES: Final = re.compile(r"[{}]")


class Shape:
    """Markup with holes: `Shape('<b>{}</b>')(text)` is `Markup.format`, but fast: a page has hundreds of them."""

    __slots__ = ("_text",)

    def __init__(self, text: LiteralString) -> None:
        """Take the markup; each `{}` is a hole."""
        self._text = text.replace("%", "%%").replace("{}", "%s")

    def __call__(self, *values: object) -> Markup:
        """Return the markup with its holes filled, in order. Raises TypeError for more or fewer values."""
        return Markup(self._text % tuple([escape(value) for value in values]))  # noqa: S704 - a literal, and escaped values


def filled(sentence: str, values: Mapping[str, object]) -> Markup:
    """Return a sentence as markup, its `{names}` filled with the values. Raises KeyError for one that is not given."""
    shape = _sentence(sentence)
    if shape is None:
        return escape(sentence).format(**values)
    return Markup(shape % {name: escape(value) for name, value in values.items()})  # noqa: S704 - all of it is escaped


@lru_cache(maxsize=4_096)
def _sentence(sentence: str) -> str | None:
    """Return a sentence, escaped, with its holes as `%` takes them; None if they are more than names."""
    text = str(escape(sentence)).replace("%", "%%")
    if _BRACES.search(_PLACEHOLDER.sub("", text)):
        return None
    return _PLACEHOLDER.sub(r"%(\1)s", text)
