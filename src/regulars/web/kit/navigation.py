"""The entries of a face's navigation, declared beside the pages they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars.web.kit.viewers import Viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation. `label` is a marked text; staff see it who have the permission.

    `also` are paths that belong to it without lying below it. `alone`: what lies below it does not belong to it.
    `badge` is the address of a part that says how much waits there for who has `badge_permission`, fetched apart.
    """

    path: str
    label: str
    icon: str
    permission: str | None = None
    also: tuple[str, ...] = ()
    alone: bool = False
    badge: str = ""
    badge_permission: str = ""

    def leads_to(self, path: str) -> bool:
        """Whether a page is this one or lies below it, or belongs to it."""
        return path == self.path or (not self.alone and path.startswith(f"{self.path}/")) or path in self.also


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that belong together, under a marked heading (empty for the first, which needs none)."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Navigation:
    """The groups that a viewer sees, and the entry at which a page stands."""

    groups: Sequence[Group]
    current: Entry | None

    @property
    def entries(self) -> list[Entry]:
        """Every entry, without the groups."""
        return [entry for group in self.groups for entry in group.entries]


def navigation_for(groups: Sequence[Group], viewer: Viewer, path: str) -> Navigation:
    """Return what of the navigation a viewer may use; groups of the same label are one."""
    by_label: dict[str, list[Entry]] = {}
    for group in groups:
        allowed = [entry for entry in group.entries if entry.permission is None or viewer.may(entry.permission)]
        if allowed:
            by_label.setdefault(group.label, []).extend(allowed)
    shown = [Group(label, tuple(entries)) for label, entries in by_label.items()]
    found = [entry for group in shown for entry in group.entries if entry.leads_to(path)]
    return Navigation(shown, max(found, key=lambda entry: (path in entry.also, len(entry.path)), default=None))
