"""`regulars backup` and `regulars restore`: for the embedded PostgreSQL; your own server has its own tools."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from regulars.entrypoints.commands import (
    Json,
    configured_settings,
    give_up,
    migrated,
    print_json,
    print_table,
    troubles_told,
)
from regulars.platform.settings import Settings

if TYPE_CHECKING:
    from regulars.platform.backups.contracts import Plan, Restored
    from regulars.platform.embedded import EmbeddedServer

backup = typer.Typer(help="Copies of the embedded PostgreSQL: take one now, list, verify; copy the keys.")

_MEGABYTE = 1_000_000


@backup.callback(invoke_without_command=True)
def take(context: typer.Context, *, as_json: Json = False) -> None:
    """Copy the whole database now, while it goes on. The worker does so by itself (REGULARS_BACKUP_HOURS)."""
    if context.invoked_subcommand is not None:
        return
    from regulars.entrypoints.wiring import located
    from regulars.platform.backups.taking import take_base

    settings = configured_settings()
    plan = _plan(settings)
    if not (settings.home / "postgres" / "data").exists():
        give_up(f"{settings.home} has no database. Name the home of the deployment in REGULARS_HOME.")
    with troubles_told(), located(settings) as place:
        assert place.server is not None  # noqa: S101 -- the plan gave up where the database is not ours
        base = take_base(place.server, settings.home, plan)
    if as_json:
        print_json(base)
    else:
        typer.echo(f"{base.name}: {base.size_bytes / _MEGABYTE:,.1f} MB in {plan.folder}.")


@backup.command("list")
def list_backups(*, as_json: Json = False) -> None:
    """List the backups, and until when the log behind each reaches."""
    from regulars.platform.backups.folder import listed_in

    listed = listed_in(_plan(configured_settings()).folder)
    if as_json:
        print_json({"backups": listed})
        return
    rows = [
        (
            one.base.name,
            _said(one.base.ended_at),
            _said(one.until) + (", then a gap" if one.gap else ""),
            f"{one.base.size_bytes / _MEGABYTE:,.1f} MB",
            one.base.release,
        )
        for one in listed
    ]
    print_table(("backup", "restores from", "to", "size", "release"), rows)


@backup.command("verify")
def verify_backups(
    name: Annotated[str | None, typer.Argument(help="Only this one; else all of them.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Compare every file of the backups with what was noted when they were taken. Exit code 1 if one is damaged."""
    from regulars.platform.backups.contracts import BackupFailed
    from regulars.platform.backups.folder import listed_in
    from regulars.platform.backups.standing import note_check
    from regulars.platform.backups.taking import check_base

    plan = _plan(configured_settings())
    folder = plan.folder
    told = []
    for one in listed_in(folder):
        if name not in {None, one.base.name}:
            continue
        try:
            check_base(folder, one.base)
            said = "the log behind it has a gap" if one.gap else ""
        except BackupFailed as error:
            said = str(error)
        note_check(plan, one.base, said)
        told.append({"name": one.base.name, "ok": not said, "problem": said})
    if name is not None and not told:
        give_up(f"There is no backup {name} in {folder}. `regulars backup list` names them.")
    ok = all(one["ok"] for one in told)
    if as_json:
        print_json({"ok": ok, "backups": told})
    else:
        print_table(("backup", "found"), [(str(one["name"]), str(one["problem"]) or "whole") for one in told])
    raise typer.Exit(0 if ok else 1)


@backup.command("keys")
def copy_keys(
    into: Annotated[Path, typer.Argument(help="The folder to copy to; never one inside the backups.")],
    *,
    as_json: Json = False,
) -> None:
    """Copy the members' keys and the erasure journal, which are in no backup. The copy replaces the one before."""
    from regulars.platform.vault import copying

    settings = configured_settings()
    into = into.expanduser().resolve()
    if settings.backup_folder is not None and into.is_relative_to(settings.backup_folder.resolve()):
        give_up(
            f"{into} is inside the folder of the backups. Whoever has both can read everybody: keep the keys apart."
        )
    with troubles_told():
        copying.copy_keys(settings.home, into)
    if as_json:
        print_json({"copied_to": str(into)})
    else:
        typer.echo(f"The keys and the erasure journal were copied to {into}.")


def restore(
    to: Annotated[
        str | None, typer.Option("--to", help="An instant with its zone; without it, as late as the backups know.")
    ] = None,
    home: Annotated[Path | None, typer.Option(help="Where to (else REGULARS_HOME): a home without a database.")] = None,
    name: Annotated[str | None, typer.Option("--backup", help="From this backup, not the newest that serves.")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="A folder with vault and vault.erasures to copy into the home first.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Put the database as it was at an instant into a home that has none; erasures since then are carried out again."""
    from regulars.platform.backups.restoring import choose
    from regulars.platform.backups.restoring import restore as restored_to
    from regulars.platform.vault import copying

    settings = configured_settings()
    folder = _plan(settings).folder
    if home is not None:
        settings = msgspec.structs.replace(settings, home=home.expanduser().absolute())
    instant = None if to is None else _instant(to)
    with troubles_told():
        if (settings.home / "postgres" / "data").exists():
            give_up(f"{settings.home} has a database already, and nothing was changed. Name another home with --home.")
        if keys is not None and copying.has_keys(settings.home):
            give_up(f"{settings.home} has a vault already, and nothing was changed. Leave --keys away to use that one.")
        base = choose(folder, instant, name)
        if keys is not None:
            copying.copy_keys(keys.expanduser().absolute(), settings.home)
        server, restored = restored_to(folder, base, settings.home, instant)
        with server:
            last, served = asyncio.run(_made_ready(settings, server))
    _tell(settings, restored, last, served=served, as_json=as_json)


async def _made_ready(settings: Settings, server: "EmbeddedServer") -> tuple[datetime | None, bool]:
    """Carry erasures out again before anybody is served; returns the last change, and whether the keys are there."""
    from regulars.entrypoints.wiring import Place, opened
    from regulars.platform.backups.restoring import last_change
    from regulars.platform.db.database import Database
    from regulars.platform.vault import copying

    async with Database(server.url, pool_size=1) as database:
        last = await last_change(database)
    if not copying.has_keys(settings.home):
        return last, False
    place = Place(server.url, server.url, server)
    await asyncio.to_thread(migrated, settings, place)
    async with opened(settings, place):
        return last, True


def _tell(settings: Settings, restored: "Restored", last: datetime | None, *, served: bool, as_json: bool) -> None:
    if as_json:
        print_json(
            {**msgspec.structs.asdict(restored), "last_change": last, "keys": served, "home": str(settings.home)}
        )
        return
    typer.echo(f"{settings.home} has the database as it was: from the backup {restored.base}.")
    typer.echo(f"Its last change is of {_said(last)}." if last else "Nothing was changed behind the backup.")
    if restored.whole and restored.asked is not None:
        typer.echo("The backups know of no change after that: is this as late as you expected?", err=True)
    if not served:
        typer.echo(
            f"Its keys are missing. Put vault and the latest vault.erasures into {settings.home} before you start it: "
            "without them it does not serve.",
            err=True,
        )


def _plan(settings: Settings) -> "Plan":
    """Return where backups go; gives up where the product keeps none."""
    from regulars.entrypoints.wiring import backup_plan

    if settings.database_url is not None:
        give_up("DATABASE_URL is set: back up and restore your PostgreSQL by its own tools, as docs/backup.md says.")
    plan = backup_plan(settings)
    if plan is None:
        give_up("REGULARS_BACKUP_FOLDER is not set. Name a folder for the backups, on another disk than the data's.")
    return plan


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter(f"{text} is no instant; write it as 2026-05-31T23:59:59+08:00")
    return at


def _said(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
