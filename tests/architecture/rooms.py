"""What import-linter's layers cannot say: doors between domains, and what each file of a slice may know."""

from collections.abc import Iterator

from tests.architecture.source import Finding, Source

# Domains are entered through their door only. Platform and domain_events are not domains: any room may use them.
DOMAINS = {"commerce", "engagement", "loyalty", "members"}
DOORS = {"api", "contracts"}
# Entrypoints wire routes, handlers and tasks of every domain; that is all they do.
WIRING = {"entrypoints"}

_DRIVERS = {"psycopg", "psycopg_pool", "sqlalchemy"}
_SERVERS = {"litestar", "uvicorn", "starlette"}
_IMPURE = {"asyncio", "random", "secrets", "time", "os", "pathlib", "socket", "subprocess", "httpx", "uuid", "logging"}

# For each file of a slice: the files of ours, and the libraries, that it must not know.
FORBIDDEN_FILES: dict[str, set[str]] = {
    "routes": {"store", "tables", "rules"},
    "schemas": {"routes", "service", "store", "tables", "tasks", "handlers"},
    "service": {"routes", "schemas", "tables", "handlers"},
    "rules": {"routes", "schemas", "service", "store", "tables", "tasks", "handlers", "api", "clock", "db", "settings"},
    "store": {"routes", "schemas", "service", "tasks", "handlers", "api"},
    "tables": {"routes", "schemas", "service", "store", "rules", "tasks", "handlers", "api", "contracts"},
    "tasks": {"routes", "schemas", "store", "tables"},
    "errors": {"routes", "schemas", "service", "store", "tables", "tasks", "handlers", "api", "rules"},
    "contracts": {"routes", "schemas", "service", "store", "tables", "tasks", "handlers", "api"},
    "api": {"routes", "schemas", "tables", "tasks", "handlers"},
    "handlers": {"routes", "schemas", "tables"},
}
FORBIDDEN_LIBRARIES: dict[str, set[str]] = {
    "routes": _DRIVERS,
    "schemas": _DRIVERS,
    "service": _SERVERS | {"sqlalchemy"},
    "rules": _DRIVERS | _SERVERS | _IMPURE,
    "store": _SERVERS,
    "tables": _SERVERS | {"psycopg", "psycopg_pool"},
    "errors": _DRIVERS,
    "contracts": _DRIVERS | _SERVERS,
    "api": _DRIVERS | _SERVERS,
    "handlers": _DRIVERS | _SERVERS,
}


def doors(source: Source) -> Iterator[Finding]:
    """Another domain is known by its api.py and contracts.py only."""
    if not source.room or source.room in WIRING:
        return
    for name, line in source.imports:
        parts = name.split(".")
        foreign = parts[0] == "regulars" and len(parts) > 1 and parts[1] in DOMAINS - {source.room}
        if foreign and (len(parts) < 3 or parts[2] not in DOORS):  # regulars.<domain>.<door>
            yield Finding(source.path, line, f"{name}: enter through regulars.{parts[1]}.api or .contracts")


def slices(source: Source) -> Iterator[Finding]:
    """Each file of a slice knows what its name says. Rows and tables never leave their slice."""
    if not source.room:
        return
    forbidden_files = FORBIDDEN_FILES.get(source.stem, set())
    forbidden_libraries = FORBIDDEN_LIBRARIES.get(source.stem, set())
    for name, line in source.imports:
        parts = name.split(".")
        if parts[0] in forbidden_libraries:
            yield Finding(source.path, line, f"{source.stem}.py must not know {parts[0]}")
        if parts[0] != "regulars":
            continue
        within = _within_the_room(parts)
        if known := forbidden_files & within:
            yield Finding(source.path, line, f"{source.stem}.py must not know {min(known)} ({name})")
        if "tables" in within and source.stem not in {"store", "tables"}:
            yield Finding(source.path, line, f"{name}: tables are known to store.py only")
        if {"store", "tables"} & within and not _same_slice(source, parts):
            yield Finding(source.path, line, f"{name}: rows and tables never leave their slice")


def _within_the_room(imported: list[str]) -> set[str]:
    """The names below the room; in the web, below its faces, of which one is the store screen."""
    return set(imported[3:] if imported[1] == "web" else imported[2:])


def _same_slice(source: Source, imported: list[str]) -> bool:
    """Whether the store or tables module imported lies in the folder of the file, or above it in its domain.

    platform/db writes the outbox and the audit log in the transaction itself, so it may know the platform's stores.
    """
    if source.parts[2:4] == ("platform", "db") and imported[1] == "platform":
        return True
    folder = source.module.split(".") if source.stem == "__init__" else source.module.split(".")[:-1]
    owner = imported[: next(at for at, part in enumerate(imported) if part in {"store", "tables"})]
    return folder[: len(owner)] == owner and len(owner) > 1


def migrations_alone(source: Source) -> Iterator[Finding]:
    """A migration tells what was done at its time; it must not change when the application does."""
    if source.room != "migrations":
        return
    for name, line in source.imports:
        if name.split(".")[0] == "regulars" and not name.startswith("regulars.migrations"):
            yield Finding(source.path, line, f"{name}: migrations import nothing of the application")


def code_in_locale(source: Source) -> Iterator[Finding]:
    """The locale folder holds catalogs; it is no package."""
    if source.room == "locale":
        yield Finding(source.path, 1, "no code among the catalogs")


LINTS = [doors, slices, migrations_alone, code_in_locale]
