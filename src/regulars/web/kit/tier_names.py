"""How people call tiers; those of a programme's own go by their code, written as a name."""

from typing import Final

from regulars.web.kit.texts import in_language, mark

_NAMES: Final = {
    "regular": mark("Regular"),
    "silver": mark("Silver"),
    "gold": mark("Gold"),
    "diamond": mark("Diamond"),
}


def tier_name(code: str, language: str) -> str:
    """Return a tier's name in a language (en, zh)."""
    known = _NAMES.get(code)
    return code.replace("_", " ").title() if known is None else in_language(known, language)
