"""The words of pages. The English sentence is the key; `locale/zh/web.po` holds the Chinese.

Templates say `{{ _("Members") }}`, and `{{ plural("{count} order", "{count} orders", count=n) }}`. Python that declares
a text for later (the label of a column) marks it: `mark("Joined")`.
"""

from functools import lru_cache
from typing import Any, LiteralString

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from regulars.platform.texts import catalogue, spaced
from regulars.web.kit.shapes import filled


def mark(sentence: LiteralString) -> str:
    """Return the sentence as it is; the mark lets the extraction find it."""
    return sentence


def in_language(sentence: str, language: str) -> str:
    """Return a marked sentence in a language, its placeholders not yet filled."""
    return catalogue(language).get(sentence, sentence) if language != "en" else sentence


@pass_context
def translate(context: Context, sentence: str, /, **values: object) -> Markup:
    """Return a sentence in the page's language; values are escaped as they are filled in."""
    language = context["page"].language
    return filled(spaced(in_language(sentence, language), values), values) if values else _bare(sentence, language)


@pass_context
def translate_plural(context: Context, one: str, other: str, /, count: int, **values: Any) -> Markup:  # noqa: ANN401 - whatever a sentence shows
    """Return the sentence for a number, which stands in it as `{count}`. Chinese has one form, the second."""
    page = context["page"]
    sentence = one if count == 1 and page.language == "en" else in_language(other, page.language)
    told = {**values, "count": page.formats.number(count)}
    return filled(spaced(sentence, told), told)


@pass_context
def browser_named(context: Context, agent: str) -> Markup:
    """Return what a browser is called, e.g. `Safari on iPhone`, as `platform.auth.browsers` recognised it."""
    browser, _, system = agent.partition(" on ")
    if system:
        return translate(context, mark("{browser} on {system}"), browser=browser, system=system)
    return escape(agent) if agent not in {"", "?"} else translate(context, mark("An unknown browser"))


@lru_cache(maxsize=8_192)
def _bare(sentence: str, language: str) -> Markup:
    """Return a sentence without placeholders; a page asks for hundreds of them."""
    return escape(in_language(sentence, language))
