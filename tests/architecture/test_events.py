"""Every event of the system is a frozen fact, and stands on the one page of reactions."""

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

EventClass = type[Struct]


def events() -> list[EventClass]:
    """Every event of regulars.domain_events; a class that others derive from only lends them its fields."""
    import regulars.domain_events as room

    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        importlib.import_module(module.name)
    found: list[EventClass] = []
    waiting = Struct.__subclasses__()
    while waiting:
        candidate = waiting.pop()
        waiting.extend(candidate.__subclasses__())
        if candidate.__module__.startswith(room.__name__ + ".") and not candidate.__subclasses__():
            found.append(candidate)
    return sorted(set(found), key=lambda event: event.__name__)


def faults(found: Iterable[EventClass], reactions: Collection[EventClass]) -> Iterator[str]:
    """Events that nobody lists, that could change, or that share a name; and reactions to what is no event."""
    names: set[str] = set()
    found = list(found)
    for event in found:
        if not event.__struct_config__.frozen:
            yield f"{event.__name__} is not frozen"
        if event not in reactions:
            yield f"{event.__name__} is not listed in REACTIONS (list it with [] if nothing follows)"
        if event.__name__ in names:
            yield f"{event.__name__} exists twice"
        names.add(event.__name__)
    for listed in reactions:
        if listed not in found:
            yield f"{listed.__name__} is listed in REACTIONS and is no event of domain_events"


def test_every_event_is_frozen_and_listed() -> None:
    reactions = importlib.import_module("regulars.entrypoints.reactions").REACTIONS

    assert events()
    assert list(faults(events(), reactions)) == []


class PlantedFact(Struct, frozen=True):
    """An event as it should be."""


class PlantedChange(Struct):
    """An event that can be changed after it happened."""


def test_listed_events_pass() -> None:
    assert list(faults([PlantedFact], [PlantedFact])) == []


def test_planted_events_are_caught() -> None:
    assert "not listed" in next(faults([PlantedFact], []))
    assert "not frozen" in next(faults([PlantedChange], [PlantedChange]))
    assert "no event" in next(faults([], [PlantedFact]))
    assert "twice" in list(faults([PlantedFact, PlantedFact], [PlantedFact]))[-1]
