"""The command palette of staff: Ctrl-K, a few letters, Enter. Pages register who finds what."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from regulars.web.kit.navigation import Entry
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer

_PAGE: Final = mark("Page")


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


@dataclass(slots=True)
class Palette:
    """Every provider, in the order in which hits are shown."""

    providers: list[Provider] = field(default_factory=list)

    async def find(self, text: str, viewer: Viewer) -> list[Hit]:
        """Return what matches a text, for this viewer."""
        return [
            hit
            for provider in self.providers
            if viewer.may(provider.permission)
            for hit in await provider.find(text, viewer)
        ]


def pages_called(text: str, entries: Sequence[Entry], language: str) -> list[Hit]:
    """Return the pages whose title holds a text, in the viewer's language or in English; all of them for none."""
    looked_for = text.casefold()
    titles = [(in_language(entry.label, language), entry) for entry in entries]
    return [
        Hit(title, _PAGE, entry.path, entry.icon)
        for title, entry in titles
        if looked_for in title.casefold() or looked_for in entry.label.casefold()
    ]
