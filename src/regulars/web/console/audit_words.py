"""Who did what to what, as the audit log's pages say it: names with links, codes only where there are none."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from regulars.commerce.contracts import DEVICE_PREFIX
from regulars.loyalty.api import DRAFT_PREFIX
from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.households import HOUSEHOLD_PREFIX
from regulars.members.contracts.merging import PROPOSAL_PREFIX
from regulars.platform.audit.contracts import Entry
from regulars.platform.auth.contracts import KEY_PREFIX, SHELL, STAFF_PREFIX
from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.texts import say
from regulars.platform.webhooks import service as webhooks
from regulars.platform.webhooks.contracts import ENDPOINT_PREFIX
from regulars.web.console.actors import names_of_programs
from regulars.web.console.audit_codes import ACTIONS, PROGRAMS
from regulars.web.console.health_jobs import TASK_NAMES
from regulars.web.console.member_privacy import who
from regulars.web.console.words import member_link, order_link
from regulars.web.kit.cells import Cell, Link
from regulars.web.kit.texts import in_language, mark

_ORDERS: Final = frozenset({"record_order", "import_orders", "look_up_order"})
_STORES: Final = frozenset({"define_store", "make_device_code"})
_MONTHS: Final = frozenset({"ask_to_close_month", "close_month", "export_journal"})
_HOUSEHOLDS: Final = mark("Household {end}")
_PROPOSALS: Final = mark("Proposal {end}")
_DRAFTS: Final = mark("Policy draft {end}")
_JOBS: Final = mark("Job {end}")
_NUMBERED: Final = re.compile(r"(?P<what>policy version|list|store|import of|export of) (?P<name>\S+)")
_SUBJECTS: Final[dict[str, str]] = {
    "policy version": mark("Policy version {name}"),
    "list": mark("List {name}"),
    "store": mark("Store {name}"),
    "import of": mark("Import of {name}"),
    "export of": mark("Export of {name}"),
}
_PAGES: Final[dict[str, tuple[str, str]]] = {
    HOUSEHOLD_PREFIX: (_HOUSEHOLDS, "/console/households"),
    PROPOSAL_PREFIX: (_PROPOSALS, "/console/proposals"),
    DRAFT_PREFIX: (_DRAFTS, "/console/policies/drafts"),
    JOB_PREFIX: (_JOBS, "/console/jobs"),
}
_NAMED: Final[dict[str, tuple[str, str]]] = {
    KEY_PREFIX: ("key", "/console/keys"),
    STAFF_PREFIX: ("staff", "/console/staff"),
    DEVICE_PREFIX: ("device", ""),
    ENDPOINT_PREFIX: ("webhook", "/console/webhooks"),
}
_CALLED: Final[dict[str, str]] = {
    "nobody": mark("nobody"),
    "policy draft": mark("A new policy draft"),
    "identity rules": mark("Rules of identities"),
    "all failed jobs": mark("All failed jobs"),
    "all handlers": mark("All parked events"),
    "backups": mark("Backups"),
}
_END: Final = 6


@dataclass(slots=True)
class Words:
    """What entries are told in: a language, and the names of those who are in them, by how the log has them."""

    language: str
    names: Mapping[str, str]

    def actor(self, entry: Entry) -> Cell:
        """Return who did it."""
        kind, _, rest = entry.actor.partition(":")
        if kind == SHELL:
            return say(mark("{name}, at the command line"), self.language, name=rest)
        if kind == "job":
            task = TASK_NAMES.get(rest)
            return rest if task is None else in_language(task, self.language)
        if kind == "key" and entry.actor in self.names:
            return Link(self.names[entry.actor], f"/console/keys/{rest}")
        if kind == "member" and (found := parse_public_id(MEMBER_PREFIX, rest)) is not None:
            return member_link(found)
        if entry.actor in PROGRAMS:
            return in_language(PROGRAMS[entry.actor], self.language)
        return who(entry.actor, self.names, see_staff=True)

    def action(self, entry: Entry) -> str:
        """Return what was done; a code that is not known stands for itself."""
        return in_language(ACTIONS.get(entry.action, entry.action), self.language)

    def subject(self, entry: Entry) -> Cell:
        """Return whom or what it was done to."""
        text = entry.subject
        member_id = parse_public_id(MEMBER_PREFIX, text)
        if member_id is not None:
            return member_link(member_id)
        prefix, _, end = text.partition("_")
        if prefix in _NAMED and end:
            return self._named(text, *_NAMED[prefix])
        if prefix in _PAGES and parse_public_id(prefix, text) is not None:
            said, path = _PAGES[prefix]
            return Link(say(said, self.language, end=f"…{end[-_END:]}"), f"{path}/{text}")
        if text.isascii() and text.isprintable() and "/" not in text:
            for actions, link in self._by_action:
                if entry.action in actions and " " not in text:
                    return link(text)
        found = _NUMBERED.fullmatch(text)
        if found is not None:
            return say(_SUBJECTS[found["what"]], self.language, name=found["name"])
        return in_language(_CALLED.get(text, text), self.language)

    def detail(self, entry: Entry) -> str:
        """Return what was changed: what is JSON, so that people can read it."""
        try:
            return msgspec.json.format(entry.detail, indent=2) if entry.detail[:1] in "{[" else entry.detail
        except msgspec.DecodeError:
            return entry.detail

    @property
    def _by_action(self) -> Sequence[tuple[frozenset[str], Callable[[str], Link]]]:
        return (
            (_ORDERS, order_link),
            (_STORES, lambda text: Link(text, f"/console/stores/{text}")),
            (_MONTHS, lambda text: Link(text, f"/console/finance/months/{text}")),
        )

    def _named(self, text: str, kind: str, path: str) -> Cell:
        name = self.names.get(f"{kind}:{text}")
        if name is None:
            return text
        return Link(name, f"{path}/{text}") if path else name


async def names_in(tx: Transaction, entries: Iterable[Entry], language: str) -> dict[str, str]:
    """Return what the keys, devices and webhooks in some entries are called; nothing is asked where there are none."""
    asked = [one.actor for one in entries]
    for one in entries:
        prefix, _, end = one.subject.partition("_")
        if prefix in _NAMED and end:
            asked.append(f"{_NAMED[prefix][0]}:{one.subject}")
    names = await names_of_programs(tx, asked, language)
    if any(one.startswith("webhook:") for one in asked):
        for hook in await webhooks.every(tx):
            names[f"webhook:{public_id(ENDPOINT_PREFIX, hook.endpoint_id)}"] = hook.description or hook.url
    return names
