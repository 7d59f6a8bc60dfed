"""What the platform itself has to export."""

from typing import Final

from regulars.platform.exports.contracts import ExportKind
from regulars.platform.exports.own.store import AUDIT, EVENTS

KINDS: Final[tuple[ExportKind, ...]] = (EVENTS, AUDIT)
