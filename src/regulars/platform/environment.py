"""Settings read from the environment, and each of them in words."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from regulars.platform.settings import SettingError, Settings

NOT_SET: Final = "not set"

# What these hold is never repeated in a complaint.
SECRET: Final = frozenset({"oidc_client_secret", "smtp_password", "sms_url", "sms_headers", "sms_body"})


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
    if said := (meta.extra or {}).get("kind"):
        return str(said)
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind)[:-1]) + f" or {get_args(kind)[-1]}"
    if kind is int:
        return f"whole number, {meta.ge} to {meta.le}"
    return {Path: "folder", bool: "true or false", str: "text", str | None: "PostgreSQL URL"}[kind]


def _read(setting: SettingDescription, text: str) -> Any:  # noqa: ANN401 -- of the field's own type
    kind = get_type_hints(Settings, include_extras=True)[setting.field]
    bare = get_args(kind)[0]
    if Path in {bare, *get_args(bare)}:
        return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 -- Path.resolve follows links
    if setting.type == "PostgreSQL URL" and not text.startswith(("postgresql://", "postgres://")):
        # The value may hold a password, so it is not repeated.
        raise SettingError(
            setting.variable,
            "is not a PostgreSQL URL",
            "Write it as postgresql://user:password@host:5432/database.",
        )
    try:
        return msgspec.convert(
            text.lower() if bare is bool or get_origin(bare) is Literal else text, kind, strict=False
        )
    except msgspec.ValidationError:
        raise SettingError(
            setting.variable,
            f"is {'…' if setting.field in SECRET else repr(text)}, which cannot be used",
            f"Give it a value of this kind: {setting.type}.",
        ) from None
