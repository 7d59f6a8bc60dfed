"""Of `client.exports`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import Struct


class ExportColumnAnswer(Struct, frozen=True, kw_only=True):
    """Part of `ExportKindAnswer`."""

    name: str
    about: str
    form: str
    personal: bool
    importable: bool


class ExportKindAnswer(Struct, frozen=True, kw_only=True):
    """Part of `ExportKindsAnswer`."""

    kind: str
    about: str
    scope: str
    by_time: bool
    by_market: bool
    by_store: bool
    by_channel: bool
    by_wallet: bool
    columns: list[ExportColumnAnswer]


class ExportKindsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.exports.list_kinds`: list what can be exported."""

    kinds: list[ExportKindAnswer]


class TableExportAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.exports.get`: read an export."""

    export_id: str
    kind: str
    columns: list[str]
    personal: bool
    since: datetime | None
    until: datetime | None
    market: str | None
    store_id: str | None
    channel: str | None
    wallet: str | None
    asked_by: str
    asked_at: datetime
    as_of: datetime | None
    rows: int
    parts: int
    ready: bool
    kept_until: datetime
    links: dict[str, str]


class TableExportsPage(Struct, frozen=True, kw_only=True):
    """The answer of `client.exports.list`: list exports."""

    exports: list[TableExportAnswer]
    has_more: bool
    next_cursor: str | None
