"""Sentences in the caller's language.

The English sentence is the key (gettext's `msgid`); `locale/zh/*.po` holds the Chinese. Catalogues are read by
Babel when a language is first asked for, so that a process that never speaks Chinese does not pay for it.

Chinese is written with a space between its characters and Latin letters or digits, and with none among its own. What
fills a place may be either (`金卡`, `Gold`), so the catalogues always have the space, and `spaced` takes it away.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, LiteralString

LANGUAGES = ("en", "zh")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return English sentence → sentence in `language`, of every `.po` file of that language."""
    from babel.messages.pofile import read_po  # noqa: PLC0415 - 60 ms that English callers need not pay

    sentences: dict[str, str] = {}
    for source in files("regulars").joinpath("locale", language).iterdir():
        if source.name.endswith(".po"):
            with source.open("rb") as stream:
                for message in read_po(stream, locale=language):
                    if message.id and message.string:
                        sentences[str(message.id)] = str(message.string)
    return sentences


def mark(sentence: LiteralString) -> str:
    """Return the sentence as it is; the mark says that it is looked up later, and that it has its Chinese."""
    return sentence


class _Filled(dict[str, object]):
    """What a sentence is filled with; what was kept by a release that did not fill all of it yet has gaps."""

    def __missing__(self, name: str) -> object:
        return "…"


def say(sentence: str, language: str, /, **given: object) -> str:
    """Return `sentence` in `language` with its placeholders filled; English where no translation exists."""
    values = _Filled(given)
    if language != "en" and language in LANGUAGES:
        sentence = spaced(catalogue(language).get(sentence, sentence), values)
    return sentence.format_map(values)


_HAN: Final = "\u3400-\u9fff"
_SEAM: Final = re.compile(f"((?<=[{_HAN}]) )?{{([a-z_]+)}}( (?=[{_HAN}]))?")
_OWN_EDGE: Final = re.compile(  # with punctuation as wide
    f"[{_HAN}\u2018-\u201d\u2026\u3001-\u301f\uff00-\uff5e]"
)  # a character, or punctuation of its width
_TAGS: Final = re.compile(r"<[^>]*>")


def spaced(sentence: str, values: Mapping[str, object]) -> str:
    """Return a Chinese sentence without the spaces beside those places that a value fills with Chinese.

    The sentence is not filled yet. Markup counts as what is read of it.
    """
    if not _has_seam(sentence):
        return sentence

    def drawn(place: re.Match[str]) -> str:
        before, name, after = place.groups(default="")
        value = values.get(name)
        if not (before or after) or value is None or isinstance(value, int):
            return place[0]
        markup = getattr(value, "__html__", None)
        read = str(value) if markup is None else _TAGS.sub("", markup()).strip()
        return (
            ("" if _OWN_EDGE.match(read[:1]) else before)
            + f"{{{name}}}"
            + ("" if _OWN_EDGE.match(read[-1:]) else after)
        )

    return _SEAM.sub(drawn, sentence)


@lru_cache(maxsize=8_192)
def _has_seam(sentence: str) -> bool:
    return any(before or after for before, _, after in _SEAM.findall(sentence))


_NO_AMOUNTS: Final = frozenset({"port", "revision", "version", "year"})  # numbers that count nothing


def in_figures(values: Mapping[str, object]) -> dict[str, object]:
    """Return values as a sentence shows them: what is counted with its digits grouped, in either language alike."""
    return {
        name: f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool) and name.rpartition("_")[2] not in _NO_AMOUNTS
        else value
        for name, value in values.items()
    }


_SINGLE: Final = {"points": "point", "entries": "entry", "were": "was", "are": "is", "have": "has"}
_ONE: Final = re.compile(r"(?<![\w.,:/-])1 (points|entries)\b(?: (were|are|have)\b)?")


def of_one(sentence: str, language: str) -> str:
    """Return a sentence that was written for many things as it is said of one: `1 point was used`.

    For sentences whose number and noun are both values. Only English tells one from many.
    """
    if language != "en" or "1 " not in sentence:
        return sentence
    return _ONE.sub(lambda found: " ".join(["1", *[_SINGLE[word] for word in found.groups() if word]]), sentence)


def negotiate(accept_language: str | None) -> str:
    """Choose the language for an `Accept-Language` header: the best-weighted of ours, else English."""
    best, best_weight = "en", 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().partition("-")[0].lower()
        if language not in LANGUAGES:
            continue
        name, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weight = 0.0
        if weight > best_weight:
            best, best_weight = language, weight
    return best
