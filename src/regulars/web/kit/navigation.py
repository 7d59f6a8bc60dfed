"""The entries of a face's navigation, declared beside the pages they lead to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from regulars.web.kit.viewers import Viewer

COOKIE: Final = "rgl_groups"  # written by ui/scripts/groups.js
_CHOICE: Final = re.compile(r"([a-z-]{1,40}):([01])")
_LINES: Final = 26  # of a window 900 pixels high, without the brand
_KEPT_FREE: Final = 4  # lines for the group in which one is, so that no other closes on the way


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation. `label` is a marked text; staff see it who have the permission.

    `also` are paths that belong to it without lying below it. `alone`: what lies below it does not belong to it.
    `badge` is the address of a part that says how much waits there for who has `badge_permission`, fetched apart.
    `words`, a marked text, are what else people call it: the palette finds it by them.
    """

    path: str
    label: str
    icon: str
    permission: str | None = None
    also: tuple[str, ...] = ()
    alone: bool = False
    badge: str = ""
    badge_permission: str = ""
    words: str = ""

    def leads_to(self, path: str) -> bool:
        """Whether a page is this one or lies below it, or belongs to it."""
        return path == self.path or (not self.alone and path.startswith(f"{self.path}/")) or path in self.also


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that belong together, under a marked heading (empty for the first, which needs none and never closes)."""

    label: str
    entries: tuple[Entry, ...]
    is_open: bool = True

    @property
    def key(self) -> str:
        """What a browser keeps it under."""
        return self.label.casefold().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Navigation:
    """The groups that a viewer sees, and the entry at which a page stands."""

    groups: Sequence[Group]
    current: Entry | None

    @property
    def entries(self) -> list[Entry]:
        """Every entry, without the groups."""
        return [entry for group in self.groups for entry in group.entries]


def kept_groups(cookies: Mapping[str, str]) -> dict[str, bool]:
    """Return which groups somebody opened or closed in this browser, by key."""
    return {key: state == "1" for key, state in _CHOICE.findall(cookies.get(COOKIE, ""))}


def navigation_for(
    groups: Sequence[Group], viewer: Viewer, path: str, kept: Mapping[str, bool] | None = None
) -> Navigation:
    """Return what of the navigation a viewer may use; groups of the same label are one.

    Open are the groups that somebody opened, that in which the page is, and of the others as many, from above, as fit
    a window without scrolling.
    """
    by_label: dict[str, list[Entry]] = {}
    for group in groups:
        allowed = [entry for entry in group.entries if entry.permission is None or viewer.may(entry.permission)]
        if allowed:
            by_label.setdefault(group.label, []).extend(allowed)
    shown = [Group(label, tuple(entries)) for label, entries in by_label.items()]
    found = [entry for group in shown for entry in group.entries if entry.leads_to(path)]
    current = max(found, key=lambda entry: (path in entry.also, len(entry.path)), default=None)
    return Navigation(_opened(shown, current, kept or {}), current)


def _opened(groups: Sequence[Group], current: Entry | None, kept: Mapping[str, bool]) -> list[Group]:
    left = _LINES - len(groups)
    if sum(len(group.entries) for group in groups) > left:
        left -= _KEPT_FREE
    opened = []
    for group in groups:
        left -= len(group.entries)
        chosen = kept.get(group.key, left >= 0)
        opened.append(replace(group, is_open=chosen or not group.label or current in group.entries))
    return opened
