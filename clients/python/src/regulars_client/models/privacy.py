"""Of `client.privacy`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct


class Document(Struct, frozen=True, kw_only=True):
    """The answer of `client.privacy.read_export`: read everything about a member."""

    member_id: str
    made_at: datetime
    as_of: datetime
    sections: dict[str, list[dict[str, Any]]]


class LossAnswer(Struct, frozen=True, kw_only=True):
    """Part of `ErasureAnswer`."""

    wallet: str
    balance: int
    debt: int


class ErasureAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.privacy.ask_erasure`: ask for a member to be erased."""

    erasure_id: str
    member_id: str
    state: str
    asked_at: datetime
    asked_by: str
    reason: str
    due_at: datetime
    ended_at: datetime | None
    losses: list[LossAnswer]


class ErasureStandingAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.privacy.get_erasure`: read what erasing a member would mean, and whether it was asked
    for.
    """

    member_id: str
    status: str
    wait_hours: int
    erasure: ErasureAnswer | None
    would_lose: list[LossAnswer]


class ExportAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.privacy.ask_export`: have everything about a member gathered."""

    export_id: str
    member_id: str
    state: str
    asked_at: datetime
    asked_by: str
    ready_at: datetime | None
    kept_until: datetime


class ExportsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.privacy.list_exports`: list the exports of a member."""

    exports: list[ExportAnswer]


class LookAnswer(Struct, frozen=True, kw_only=True):
    """Part of `LooksAnswer`."""

    at: datetime
    actor: str
    action: str
    subject: str
    purpose: str
    detail: str
    request_id: str


class LooksAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.privacy.list_personal_reads`: list who looked at whose personal data."""

    looks: list[LookAnswer]
    has_more: bool
    next_cursor: str | None
