"""Of `client.imports`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType


class Mapped(Struct, frozen=True, kw_only=True):
    """Part of `client.imports.begin`."""

    columns: dict[str, str] | UnsetType = UNSET
    constants: dict[str, str | int | bool] | UnsetType = UNSET
    dates: dict[str, str] | UnsetType = UNSET
    time_zone: str | None = None
    decimal: str = "."
    delimiter: str = ","


class ImportAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.imports.begin`: begin an import."""

    import_id: str
    kind: str
    format: str
    mode: str
    dry_run: bool
    name: str
    mapping: Mapped
    asked_by: str
    asked_at: datetime
    kept_until: datetime
    parts: int
    bytes: int
    started: bool
    links: dict[str, str]
