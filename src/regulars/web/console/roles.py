"""What roles are called, and what they are for, in words."""

from collections.abc import Iterable
from typing import Final

from regulars.platform.auth.staff.permissions import Role
from regulars.web.kit.texts import in_language, mark

ROLE_NAMES: Final[dict[Role, str]] = {
    Role.OWNER: mark("Owner"),
    Role.MARKETER: mark("Marketer"),
    Role.COMMUNITY: mark("Community"),
    Role.CARE: mark("Care"),
    Role.FINANCE: mark("Finance"),
    Role.STORE_MANAGER: mark("Store manager"),
    Role.ASSISTANT: mark("Assistant"),
    Role.AUDITOR: mark("Auditor"),
}
ROLE_HELP: Final[dict[Role, str]] = {
    Role.OWNER: mark("May everything, and decides who else may what."),
    Role.MARKETER: mark("Figures, members without personal data, orders, messages."),
    Role.COMMUNITY: mark("Members without personal data, and what is written to them."),
    Role.CARE: mark("Helps members: sees their data for a purpose, takes returns."),
    Role.FINANCE: mark("Figures, orders, members without personal data, and exports."),
    Role.STORE_MANAGER: mark("Their stores: figures, returns, devices, and the till."),
    Role.ASSISTANT: mark("The till of their stores, nothing else."),
    Role.AUDITOR: mark("Sees figures, orders, settings, staff and messages, no personal data; changes nothing."),
}


def roles_said(roles: Iterable[Role], language: str) -> str:
    """Return the names of roles, one after another."""
    return ("、" if language == "zh" else ", ").join(in_language(ROLE_NAMES[role], language) for role in roles)
