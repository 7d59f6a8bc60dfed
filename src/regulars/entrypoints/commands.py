"""What commands share: settings, a migrated database, troubles told in one sentence, tables and JSON."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from getpass import getuser
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import msgspec
import typer

from regulars.platform.environment import load_settings
from regulars.platform.settings import SettingError, Settings

if TYPE_CHECKING:
    from rich.table import Table

    from regulars.entrypoints.wiring import Place
    from regulars.platform.db.database import Database
    from regulars.platform.db.transaction import Transaction
    from regulars.platform.services import Services

Result = TypeVar("Result")
_PIECE = re.compile(r"(?=.*\d)[\w:+.-]{18,}")  # an id, an instant, a digest
_WORD = 12  # what a column of words may be folded to
_GAP = 2
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit log.")]


class Language(StrEnum):
    """A language in which sentences are said."""

    en = "en"
    zh = "zh"


def caller_language() -> str:
    """Return the language of whoever works at this machine, as the environment tells it."""
    from regulars.platform.texts import negotiate

    told = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    return negotiate(next(filter(None, told), "").partition(".")[0].replace("_", "-"))


def cli_actor() -> str:
    """Say who works at this machine, for the books and the audit log: commands have no keys and no sessions."""
    try:
        return f"cli:{getuser()}"
    except (OSError, KeyError, ImportError):  # an account without a name, as containers have
        return f"cli:{os.getuid()}"


def configured_settings() -> Settings:
    from regulars.platform.logs import configure_logging

    settings = load_settings()
    configure_logging(settings.log_level)
    return settings


def migrated(settings: Settings, place: "Place") -> None:
    from regulars.platform.db.migrate import migrate as bring_to_head

    bring_to_head(place.direct_url, lock_timeout_ms=settings.patient_lock_timeout_ms)


def with_database(use: "Callable[[Database], Awaitable[Result]]") -> Result:
    """Run `use` with the migrated database of this deployment."""
    from regulars.entrypoints.wiring import located

    settings = configured_settings()
    with troubles_told(), located(settings) as place:
        migrated(settings, place)
        return asyncio.run(_used(place, settings, use))


def with_services(use: "Callable[[Services], Awaitable[Result]]") -> Result:
    """Run `use` with the migrated database and the vault of this deployment."""
    from regulars.entrypoints.wiring import located, opened

    settings = configured_settings()

    async def run(place: "Place") -> Result:
        async with opened(settings, place) as services:
            return await use(services)

    with troubles_told(), located(settings) as place:
        migrated(settings, place)
        return asyncio.run(run(place))


async def _used(place: "Place", settings: Settings, use: "Callable[[Database], Awaitable[Result]]") -> Result:
    from regulars.platform.db.database import Database

    async with Database(place.url, pool_size=2, lock_timeout_ms=settings.patient_lock_timeout_ms) as database:
        return await use(database)


async def roll_everything_up(database: "Database", *, anew: bool = False) -> dict[str, int]:
    """Bring every roll-up up to date, or compute it anew; returns how many days of each were computed."""
    from regulars.entrypoints.wiring import roll_ups
    from regulars.platform.rollups.service import bring_up_to_date

    days = {}
    for roll_up in roll_ups():
        async with database.transaction(actor="roll-up", set_based=True) as tx:
            days[roll_up.name] = await bring_up_to_date(tx, roll_up, anew=anew)
    return days


def in_transaction(do: "Callable[[Transaction], Awaitable[Result]]") -> Result:
    async def run(database: "Database") -> Result:
        async with database.transaction(actor=cli_actor()) as tx:
            return await do(tx)

    return with_database(run)


@contextmanager
def troubles_told() -> Iterator[None]:
    """Turn what an operator can mend into one sentence and exit code 2; anything else is a bug and shows itself."""
    from psycopg import OperationalError

    from regulars.platform.embedded import EmbeddedError
    from regulars.platform.errors import DomainError

    try:
        yield
    except (EmbeddedError, SettingError) as error:
        give_up(str(error))
    except OperationalError as error:
        give_up(
            f"The database does not answer: {str(error).strip()}. Check that it runs and that DATABASE_URL is right."
        )
    except DomainError as error:
        give_up(error.said(caller_language()))
    except Exception as error:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if kinds & {"PortTaken", "MigrationBusy", "VaultBroken", "ProgrammeFileError", "BackupFailed"}:
            give_up(str(error))
        raise


def give_up(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise SystemExit(2)


def day(instant: datetime | None) -> str:
    return instant.astimezone(UTC).date().isoformat() if instant else ""


def to_the_second(at: datetime | None) -> str:
    """Return an instant as tables show it, to the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def ticked(ok: bool) -> str:
    return "✓" if ok else "✗"


def print_json(what: object) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")


def print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows as a table; what it is read by further (no terminal) in lines as long as they are.

    Ids and instants stay in one piece, as they are copied from here: where a terminal is too narrow for them, each row
    is told field by field.
    """
    from rich.cells import cell_len
    from rich.console import Console

    if not rows:
        typer.echo("There are none.", err=True)
        return
    texts = [[cell.strip() for cell in row] for row in rows]
    columns = list(zip(head, *texts, strict=True))
    whole = [max([cell_len(line) for cell in column for line in cell.split("\n")]) for column in columns]
    pieces = [
        max([len(word) for cell in column for word in cell.split() if _PIECE.fullmatch(word)] or [0])
        for column in columns
    ]
    gaps = _GAP * (len(head) - 1)
    console = Console()
    if not console.is_terminal:
        console = Console(width=sum(whole) + gaps)
    least = sum([max(piece, min(wide, _WORD)) for piece, wide in zip(pieces, whole, strict=True)])
    if least + gaps <= console.width or not all(head):
        console.print(_table(head, texts, pieces))
        return
    for number, row in enumerate(texts):
        if number:
            console.print()
        told = [[name, cell] for name, cell in zip(head, row, strict=True) if cell]
        console.print(_table(("", ""), told, [max([len(name) for name in head]), 0]))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(head))
    for name, width in zip(head, widths, strict=True):
        table.add_column(name, overflow="fold", min_width=width)  # an id that is cut short is of no use
    for row in rows:
        table.add_row(*[Text(cell) for cell in row])  # as text: a label may hold what looks like markup
    return table
