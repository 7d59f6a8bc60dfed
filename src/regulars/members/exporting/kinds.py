"""What is known of members, to be exported."""

from typing import Final

from regulars.members.exporting import store
from regulars.platform.exports.contracts import ExportKind

KINDS: Final[tuple[ExportKind, ...]] = (
    store.MEMBERS,
    store.IDENTITIES,
    store.CONSENTS,
    store.HOUSEHOLDS,
    store.MERGES,
)
