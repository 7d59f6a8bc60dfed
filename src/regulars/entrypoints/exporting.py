"""What can be exported: the one page that knows every kind."""

from regulars.commerce.exporting.kinds import KINDS as COMMERCE
from regulars.loyalty.exporting.kinds import KINDS as LOYALTY
from regulars.members.exporting.kinds import KINDS as MEMBERS
from regulars.members.exporting.people import PEOPLE
from regulars.platform.exports.contracts import ExportKinds
from regulars.platform.exports.own.kinds import KINDS as PLATFORM

__all__ = ["PEOPLE", "export_kinds"]


def export_kinds() -> ExportKinds:
    """Return every kind of export."""
    return {kind.name: kind for kind in (*MEMBERS, *COMMERCE, *LOYALTY, *PLATFORM)}
