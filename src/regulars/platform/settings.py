"""What may be set from the environment: read once, typed, each setting described where it is declared.

Every command imports this module, so it stays cheap: no SQLAlchemy, no psycopg, no web framework.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
import platformdirs
from msgspec import Meta

NOT_SET = "not set"
PATIENT_LOCK_TIMEOUT_MS = 5_000

LogLevel = Literal["debug", "info", "warning", "error"]


class SettingError(Exception):
    """A variable holds something that cannot be used; the sentence names the variable and the remedy."""

    def __init__(self, variable: str, complaint: str, remedy: str) -> None:
        self.variable = variable
        super().__init__(f"{variable} {complaint}. {remedy}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting of the program. `load_settings` makes it from the environment."""

    home: Annotated[
        Path,
        Meta(
            description="Where the program keeps its data: the embedded PostgreSQL, its log, keys. Made if absent.",
            extra={"variable": "REGULARS_HOME", "default": "the user's data folder"},
        ),
    ] = msgspec.field(default_factory=lambda: platformdirs.user_data_path("regulars"))
    database_url: Annotated[
        str | None,
        Meta(
            description="Your PostgreSQL, 15 or newer; it may be a pgbouncer in transaction mode. Without it, the "
            "program starts an embedded PostgreSQL.",
            extra={"variable": "DATABASE_URL"},
        ),
    ] = None
    database_direct_url: Annotated[
        str | None,
        Meta(
            description="The same PostgreSQL without the pgbouncer, for LISTEN and migrations. Needed only when "
            "`DATABASE_URL` is a pgbouncer.",
            extra={"variable": "DATABASE_DIRECT_URL"},
        ),
    ] = None
    host: Annotated[
        str,
        Meta(description="The address the web process listens on.", extra={"variable": "REGULARS_HOST"}),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(ge=1, le=65_535, description="The port the web process listens on.", extra={"variable": "REGULARS_PORT"}),
    ] = 8790
    pool_size: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000,
            description="Connections to PostgreSQL that one process keeps. The embedded server allows 60 in all.",
            extra={"variable": "REGULARS_POOL_SIZE"},
        ),
    ] = 10
    batch_size: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Requests that one group commit gathers at most.",
            extra={"variable": "REGULARS_BATCH_SIZE"},
        ),
    ] = 200
    log_level: Annotated[
        LogLevel,
        Meta(description="The least serious message that is logged.", extra={"variable": "REGULARS_LOG_LEVEL"}),
    ] = "info"
    prepared_statements: Annotated[
        bool,
        Meta(
            description="Whether statements are prepared once per connection. Say `false` behind a pgbouncer older "
            "than 1.21.",
            extra={"variable": "REGULARS_PREPARED_STATEMENTS"},
        ),
    ] = True
    body_limit_bytes: Annotated[
        int,
        Meta(
            ge=1_000,
            le=1_000_000_000,
            description="The largest request body that is read, in bytes.",
            extra={"variable": "REGULARS_BODY_LIMIT_BYTES"},
        ),
    ] = 1_000_000
    lock_timeout_ms: Annotated[
        int,
        Meta(
            ge=1,
            le=600_000,
            description="How long a request waits for a lock, e.g. on its member, before it gives up, in "
            "milliseconds. Work that nobody waits for (jobs, replays, migrations) waits at least 5000.",
            extra={"variable": "REGULARS_LOCK_TIMEOUT_MS"},
        ),
    ] = 1_000

    @property
    def patient_lock_timeout_ms(self) -> int:
        """How long work waits for a lock that no caller waits for, in milliseconds."""
        return max(self.lock_timeout_ms, PATIENT_LOCK_TIMEOUT_MS)


class SettingDescription(msgspec.Struct, frozen=True):
    """One setting as its page shows it."""

    field: str
    variable: str
    type: str
    default: str
    meaning: str


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from `environ`. An empty variable counts as not set.

    Raises `SettingError`, which names the variable and the remedy.
    """
    values: dict[str, Any] = {}
    for setting in describe_settings():
        text = environ.get(setting.variable, "").strip()
        if text:
            values[setting.field] = _read(setting, text)
    settings = Settings(**values)
    if settings.database_direct_url and not settings.database_url:
        raise SettingError(
            "DATABASE_DIRECT_URL",
            "is set, but DATABASE_URL is not",
            "Set DATABASE_URL too, or unset both to use the embedded PostgreSQL.",
        )
    return settings


def describe_settings() -> tuple[SettingDescription, ...]:
    """Every setting, in the order in which they are declared."""
    hints = get_type_hints(Settings, include_extras=True)
    return tuple(_describe(name, *get_args(hints[name])) for name in Settings.__struct_fields__)


def _describe(name: str, kind: Any, meta: Meta) -> SettingDescription:  # noqa: ANN401 -- a type, or a union of types
    extra = meta.extra or {}
    return SettingDescription(
        field=name,
        variable=extra["variable"],
        type=_in_words(kind, meta),
        default=extra.get("default") or _default(name),
        meaning=meta.description or "",
    )


def _default(name: str) -> str:
    value = getattr(Settings(), name)
    if value is None:
        return NOT_SET
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_words(kind: Any, meta: Meta) -> str:  # noqa: ANN401 -- as `_describe`
    if kind is LogLevel:
        return ", ".join(get_args(LogLevel)[:-1]) + f" or {get_args(LogLevel)[-1]}"
    if kind is int:
        return f"whole number, {meta.ge} to {meta.le}"
    return {Path: "folder", bool: "true or false", str: "text", str | None: "PostgreSQL URL"}[kind]


def _read(setting: SettingDescription, text: str) -> Any:  # noqa: ANN401 -- of the field's own type
    kind = get_type_hints(Settings, include_extras=True)[setting.field]
    bare = get_args(kind)[0]
    if bare is Path:
        return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 -- Path.resolve follows links
    if bare == str | None and not text.startswith(("postgresql://", "postgres://")):
        # The value may hold a password, so it is not repeated.
        raise SettingError(
            setting.variable,
            "is not a PostgreSQL URL",
            "Write it as postgresql://user:password@host:5432/database.",
        )
    try:
        return msgspec.convert(text.lower() if bare in {bool, LogLevel} else text, kind, strict=False)
    except msgspec.ValidationError:
        raise SettingError(
            setting.variable, f"is {text!r}, which cannot be used", f"Give it a value of this kind: {setting.type}."
        ) from None
