"""What an audit entry says."""

from msgspec import Struct


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who (`actor`) did what (`action`) to whom (`subject`, an id), and why. No personal data in the clear."""

    actor: str
    action: str
    subject: str
    reason: str = ""
    request_id: str = ""
    detail: str = ""
