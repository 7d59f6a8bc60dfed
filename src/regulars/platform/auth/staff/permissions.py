"""Who may do what: the one page on which roles and permissions are written.

A permission is asked for by every page and every act of staff (`Viewer.may`). A role gives permissions; who has several
roles has all of theirs. Which stores somebody sees is another question, answered by the account's stores.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody does here. The order is that of the page on which roles are chosen."""

    OWNER = "owner"
    MARKETER = "marketer"
    COMMUNITY = "community"
    CARE = "care"
    FINANCE = "finance"
    STORE_MANAGER = "store_manager"
    ASSISTANT = "assistant"
    AUDITOR = "auditor"


PERMISSIONS: Final[dict[str, str]] = {
    "overview:read": "See the programme's figures.",
    "members:read": "Find members and see them, personal data masked.",
    "members:personal": "Reveal a member's personal data; each look is logged with its purpose.",
    "members:export": "Take everything about a member along as a file.",
    "members:erase": "Have members erased, and withdraw that while it waits.",
    "households:write": "Form households, change who lives in them, and dissolve them.",
    "privacy:read": "See the log of consents, erasures and exports, and who looked at whose personal data.",
    "members:merge": "Merge two members who are one person, and undo it.",
    "orders:read": "See orders, returns and what they did.",
    "returns:write": "Take returns.",
    "returns:above_policy": "Take returns at a till that are older or larger than a till alone may.",
    "stores:read": "See stores and their figures.",
    "programme:read": "See the programme's settings in force.",
    "policies:write": "Draft policies, preview, schedule and withdraw them.",
    "policies:approve": "Agree to policies that others propose.",
    "finance:read": "See what members may still spend, by month, with breakage and journals.",
    "finance:write": "Close months, for good.",
    "points:read": "See what is held of members' points, and which corrections were asked for.",
    "points:write": "Correct points or ask for it, and use or let go what is held.",
    "points:approve": "Approve or refuse corrections that others asked for.",
    "messages:read": "See templates and what was sent.",
    "messages:write": "Send parked messages again, or give them up.",
    "exports:write": "Take lists and whole tables out of the house as files.",
    "imports:write": "Bring members, orders and points in from files; points need points:write, too.",
    "consents:write": "Bring decisions on consent in from files, with imports:write; not for who writes to members.",
    "jobs:read": "See what is done in the background: how far it is, what came of it, why it failed.",
    "jobs:write": "Stop jobs of others and let them go on; one's own anybody may.",
    "staff:read": "See the accounts of staff.",
    "staff:write": "Invite staff, change roles and stores, disable accounts.",
    "devices:read": "See the devices of stores.",
    "devices:write": "Enrol and revoke the devices of stores.",
    "health:read": "See how the system stands: queues, clocks, books; have the books verified.",
    "health:write": "Replay or discard parked events, let failed jobs run again.",
    "audit:read": "See the audit log: who did what, to whom and why; have its chain checked.",
    "backups:read": "See which backups there are, and how to restore them.",
    "backups:write": "Have a backup taken.",
    "keys:read": "See API keys: what they may, from where, when they were used.",
    "keys:write": "Make, rotate, change and revoke API keys.",
    "webhooks:read": "See webhooks and what was delivered.",
    "webhooks:write": "Make, change and replay webhooks.",
    "till:use": "Work at a shop's till: scan members, ring up, register.",
}

_OFFICE: Final = frozenset({"overview:read", "members:read", "orders:read", "stores:read", "programme:read"})
_TILL: Final = frozenset({"till:use"})

ROLES: Final[dict[Role, frozenset[str]]] = {
    Role.OWNER: frozenset(PERMISSIONS),
    Role.MARKETER: _OFFICE | {"messages:read", "exports:write", "imports:write", "jobs:read", "policies:write"},
    Role.COMMUNITY: frozenset({"overview:read", "members:read", "programme:read", "messages:read"}),
    Role.CARE: _OFFICE
    | {
        "members:personal",
        "members:export",
        "members:erase",
        "members:merge",
        "households:write",
        "returns:write",
        "messages:read",
        "messages:write",
        "points:read",
        "points:write",
    },
    Role.FINANCE: _OFFICE
    | {
        "policies:approve",
        "exports:write",
        "jobs:read",
        "finance:read",
        "finance:write",
        "points:read",
        "points:write",
        "points:approve",
    },
    Role.STORE_MANAGER: _TILL
    | {
        "overview:read",
        "members:read",
        "orders:read",
        "stores:read",
        "programme:read",
        "returns:write",
        "returns:above_policy",
        "devices:read",
        "devices:write",
    },
    Role.ASSISTANT: _TILL | {"returns:write"},
    Role.AUDITOR: _OFFICE
    | {
        "privacy:read",
        "jobs:read",
        "finance:read",
        "points:read",
        "staff:read",
        "devices:read",
        "messages:read",
        "health:read",
        "audit:read",
        "backups:read",
        "keys:read",
        "webhooks:read",
    },
}

# Who works in a shop is bound to shops: an account with one of these roles must name its stores.
BOUND_TO_STORES: Final = frozenset({Role.STORE_MANAGER, Role.ASSISTANT})


# What concerns the whole programme whatever the shop: an account bound to shops does not get it with its roles.
OF_THE_WHOLE: Final = frozenset(
    {
        "members:export",
        "members:erase",
        "policies:write",
        "policies:approve",
        "households:write",
        "privacy:read",
        "members:merge",
        "messages:read",
        "messages:write",
        "imports:write",
        "jobs:read",
        "jobs:write",
        "staff:read",
        "staff:write",
        "health:read",
        "health:write",
        "audit:read",
        "backups:read",
        "backups:write",
        "keys:read",
        "keys:write",
        "webhooks:read",
        "webhooks:write",
        "finance:read",
        "finance:write",
        "points:read",
        "points:write",
        "points:approve",
    }
)


def permissions_of(roles: Iterable[Role], *, bound: bool = False) -> frozenset[str]:
    """Return what these roles allow together; of those `bound` to shops, but for owners, only what concerns shops."""
    held = frozenset(roles)
    allowed = frozenset[str]().union(*(ROLES[role] for role in held))
    return allowed - OF_THE_WHOLE if bound and Role.OWNER not in held else allowed
