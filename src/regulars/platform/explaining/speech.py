"""How reasons are said: one sentence for each rule, in every language, its values written as people read them.

Each room declares the sentences of its rules (`declare`); a rule without one cannot be told, and a test looks for such.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from regulars.platform.explaining.contracts import Explanation, Reason, Told, Value
from regulars.platform.formats import Formats, formats_of
from regulars.platform.money import Money
from regulars.platform.texts import of_one, say

Named = Callable[[str, str], str]  # a code and a language -> how people call it


@dataclass(frozen=True, slots=True)
class Sentence:
    """How a rule is said: a marked text whose places are its values.

    `without` gives the text to be said instead while a value is nothing (0, empty or unknown), the first that fits.
    """

    text: str
    without: Mapping[str, str] = field(default_factory=dict)

    def of(self, values: Mapping[str, Value]) -> str:
        """Return the text that fits the values."""
        return next((text for name, text in self.without.items() if not values.get(name)), self.text)

    def texts(self) -> list[str]:
        """Return every text that it may be said in."""
        return [self.text, *self.without.values()]


SENTENCES: Final[dict[str, Sentence]] = {}
NAMES: Final[dict[str, Named]] = {}  # the ending of a value's name -> how its codes are called


def declare(sentences: Mapping[str, Sentence], names: Mapping[str, Named] | None = None) -> None:
    """Make known how the rules of a room are said, and how codes among their values are called."""
    twice = SENTENCES.keys() & sentences.keys()
    if twice:
        raise ValueError(f"said twice: {', '.join(sorted(twice))}")
    SENTENCES.update(sentences)
    NAMES.update(names or {})


@dataclass(frozen=True, slots=True)
class Speech:
    """A language, a time zone and a currency to say reasons in."""

    formats: Formats
    currency: str | None = None

    @classmethod
    def of(cls, found: Explanation, language: str) -> "Speech":
        """Return the speech for an explanation."""
        return cls(formats_of(language, found.time_zone), found.currency)

    def say(self, reason: Reason) -> str:
        """Return the sentence of a reason. Raises KeyError for a rule that nobody declared, or without a value."""
        sentence = SENTENCES[reason.rule].of(reason.values)
        told = {name: self._written(name, value) for name, value in reason.values.items()}
        return of_one(say(sentence, self.formats.language, **told), self.formats.language)

    def tell(self, reason: Reason) -> Told:
        """Return a reason with its values as data, and its sentence."""
        return Told(rule=reason.rule, values=plain(reason.values), sentence=self.say(reason))

    def _written(self, name: str, value: Value) -> str:
        if value is None:
            return ""
        if isinstance(value, datetime):
            return self.formats.moment(value)
        if isinstance(value, int):
            is_money = self.currency is not None and "minor" in name.split("_")
            return self.formats.money(Money(value, self.currency or "")) if is_money else self.formats.number(value)
        named = NAMES.get(name.rpartition("_")[2])
        return value if named is None else named(value, self.formats.language)


def plain(values: Mapping[str, Value]) -> dict[str, str | int | None]:
    """Return values as JSON has them, instants as RFC 3339 in UTC."""
    return {name: written(value) if isinstance(value, datetime) else value for name, value in values.items()}


def written(at: datetime) -> str:
    """Write an instant as RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
