"""The "why?" beside a figure: what was decided in a sentence, and the steps below it, which open without scripts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from regulars.platform.explaining.contracts import Explanation, Link, Reason, Value
from regulars.platform.explaining.speech import Speech
from regulars.web.kit.formats import Formats

Paths = Callable[[Link], tuple[str, str] | None]  # a link of an explanation -> a text and a path on this face


@dataclass(frozen=True, slots=True)
class Why:
    """An explanation as a page tells it: sentences, near misses, the policy that decided (None: none), ways on."""

    sentences: Sequence[str]
    near: Sequence[str] = ()
    policy: int | None = None
    links: Sequence[tuple[str, str]] = ()


def nowhere(_: Link) -> None:
    """Lead nowhere: what an explanation refers to has no page on this face."""


def named_by(found: Explanation, names: Mapping[str, str]) -> Explanation:
    """Return an explanation that calls who acted by their names, where those are known."""

    def called(value: Value) -> Value:
        return names.get(value, value) if isinstance(value, str) else value

    reasons = [Reason(one.rule, {name: called(value) for name, value in one.values.items()}) for one in found.reasons]
    return structs.replace(found, reasons=tuple(reasons))


ACTORS: Final = frozenset({"by", "approved_by", "asked_by", "answered_by"})


def acted_in(found: Explanation) -> list[str]:
    """Return who acted, as an explanation has them."""
    values = [(name, value) for one in found.reasons for name, value in one.values.items()]
    return [value for name, value in values if name in {*ACTORS, "actor"} and isinstance(value, str)]


def unnamed(found: Explanation) -> Explanation:
    """Return an explanation that says of nobody who they were: members are not told who of staff it was."""
    reasons = [
        Reason(one.rule, {name: None if name in ACTORS else value for name, value in one.values.items()})
        for one in found.reasons
    ]
    return structs.replace(found, reasons=tuple(reasons))


def why_of(found: Explanation, formats: Formats, paths: Paths = nowhere, *, but: int = 0) -> Why:
    """Return an explanation in a page's language and time zone; `but` leaves out so many of its first sentences."""
    speech = Speech(formats, found.currency)

    def told(reasons: Sequence[Reason]) -> list[str]:
        return [speech.say(one) for one in reasons]

    links = [there for link in found.links if (there := paths(link)) is not None]
    return Why(told(found.reasons[but:]), told(found.near), found.policy_version, list(dict.fromkeys(links)))
