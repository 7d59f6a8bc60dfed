"""The command palette of staff: Ctrl-K, a few letters, Enter. Pages register who finds what."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from regulars.web.kit.navigation import Entry
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer

_PAGE: Final = mark("Page")
_DEED: Final = mark("Action")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found: what it is called, what it is (a marked text), and where it is."""

    title: str
    kind: str
    path: str
    icon: str


Find = Callable[[str, Viewer], Awaitable[Sequence[Hit]]]


@dataclass(frozen=True, slots=True)
class Provider:
    """Finds one kind of thing: `find(text, viewer)` gives the best few, for viewers who have the permission."""

    permission: str
    find: Find


@dataclass(frozen=True, slots=True)
class Deed:
    """Something to be done, or a page that stands in no navigation, for who has all the permissions.

    `label` is a marked text, `words` a marked text of what else people call it.
    """

    label: str
    path: str
    icon: str
    permissions: tuple[str, ...] = ()
    words: str = ""


@dataclass(slots=True)
class Palette:
    """Every provider and every deed, in the order in which hits are shown."""

    providers: list[Provider] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)

    async def find(self, text: str, viewer: Viewer) -> list[Hit]:
        """Return what matches a text, for this viewer."""
        return [
            hit
            for provider in self.providers
            if viewer.may(provider.permission)
            for hit in await provider.find(text, viewer)
        ]

    def deeds_called(self, text: str, viewer: Viewer, language: str) -> list[Hit]:
        """Return what a viewer may do that a text calls, in the viewer's language or in English."""
        allowed = [deed for deed in self.deeds if all(viewer.may(permission) for permission in deed.permissions)]
        return _called(text, allowed, _DEED, language)


def pages_called(text: str, entries: Sequence[Entry], language: str) -> list[Hit]:
    """Return the pages that a text calls, in the viewer's language or in English; all of them for none."""
    return _called(text, entries, _PAGE, language)


def _called(text: str, found: Sequence[Entry | Deed], kind: str, language: str) -> list[Hit]:
    """Return what holds every word of a text in its title, or in what else it is called; titles first."""
    by_title, by_words = [], []
    looked_for = text.casefold().split()
    for one in found:
        title = in_language(one.label, language)
        titles = f"{title}\n{one.label}".casefold()
        others = f"{titles}\n{in_language(one.words, language)}\n{one.words}".casefold() if one.words else titles
        hit = Hit(title, kind, one.path, one.icon)
        if all(word in titles for word in looked_for):
            by_title.append(hit)
        elif all(word in others for word in looked_for):
            by_words.append(hit)
    return by_title + by_words
