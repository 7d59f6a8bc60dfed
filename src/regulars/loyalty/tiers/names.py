"""How people call tiers: the one place. Those of a programme's own go by their code, written as a name."""

from typing import Final

from regulars.platform.texts import mark, say

_NAMES: Final = {
    "regular": mark("Regular"),
    "silver": mark("Silver"),
    "gold": mark("Gold"),
    "diamond": mark("Diamond"),
}


def tier_label(code: str) -> str:
    """Return a tier's name as a marked text, for whoever says it in a language later."""
    return _NAMES.get(code, code.replace("_", " ").title())


def name_of_tier(code: str, language: str) -> str:
    """Return a tier's name in a language (en, zh)."""
    label = tier_label(code)
    return say(label, language) if code in _NAMES else label
