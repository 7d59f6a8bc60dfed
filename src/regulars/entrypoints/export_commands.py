"""`regulars export`: rows of a kind, of one instant, into a file or to standard output; nothing of it stays behind."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

import msgspec
import typer

from regulars.entrypoints.commands import caller_language, cli_actor, give_up, with_services
from regulars.entrypoints.import_commands import asked, steps
from regulars.entrypoints.requests import Lang

if TYPE_CHECKING:
    from regulars.platform.exports.contracts import Format
    from regulars.platform.services import Services

_SUFFIXES: "Final[dict[str, Format]]" = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported, as it was typed."""

    body: dict[str, Any]
    form: "Format"
    spreadsheet: bool
    purpose: str
    output: Path | None
    language: str


def export_rows(
    kind: Annotated[str, typer.Argument(help="What is wanted: members, orders, transfers … (see docs/exports.md).")],
    *,
    form: Annotated[
        Literal["csv", "jsonl", "parquet"] | None, typer.Option("--format", help="Else by the file's name, or CSV.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="Recorded from this instant on (RFC 3339).")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Recorded before this instant.")] = None,
    market: Annotated[str | None, typer.Option("--market", help="Of this market.")] = None,
    store: Annotated[str | None, typer.Option("--store", help="Of this store, by your id of it.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Of this channel: store, online …")] = None,
    wallet: Annotated[str | None, typer.Option("--wallet", help="Of this wallet, by its code.")] = None,
    columns: Annotated[str | None, typer.Option("--columns", help="These, with commas between them.")] = None,
    importable: Annotated[
        bool, typer.Option("--importable", help="The columns that `regulars import` takes again.")
    ] = False,
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="CSV of which no spreadsheet takes a text for a formula.")
    ] = False,
    purpose: Annotated[str, typer.Option("--purpose", help="Why personal data are wanted, for the audit log.")] = "",
    output: Annotated[Path | None, typer.Option("--output", help="A file; else standard output.")] = None,
    lang: Lang = None,
) -> None:
    """Export rows as CSV, JSON Lines or Parquet, all of one instant."""
    chosen = {"kind": kind, "importable": importable, "since": since, "until": until, "market": market}
    chosen |= {"store_id": store, "channel": channel, "wallet": wallet}
    if columns is not None:
        chosen["columns"] = [name.strip() for name in columns.split(",") if name.strip()]
    wish = Wish(
        body={name: value for name, value in chosen.items() if value is not None},
        form=form or _SUFFIXES.get("" if output is None else output.suffix.lower(), "csv"),
        spreadsheet=spreadsheet,
        purpose=purpose,
        output=output,
        language=caller_language() if lang is None else lang.value,
    )
    with_services(lambda services: _export(services, wish))


async def _export(services: "Services", wish: Wish) -> None:
    from regulars.entrypoints.own_api import OwnApi

    api = OwnApi(services, cli_actor(), wish.language)
    with _opened(wish.output) as out:
        begun = await asked(api, "POST", "/v1/exports", body=wish.body, purpose=wish.purpose)
        job_id = begun["job_id"]
        async for job in steps(services, api, job_id):
            begun = job
        if begun["state"] != "done":
            give_up(begun["problem"]["detail"] if begun["problem"] else f"The export was {begun['state']}.")
        try:
            await _write(services, job_id, wish, out)
        except BrokenPipeError:
            give_up("Whoever was to read the rows has gone.")
        finally:
            await asked(api, "DELETE", f"/v1/exports/{job_id}")
    typer.echo(f"{begun['counts']['rows']:,} rows.", err=True)


async def _write(services: "Services", job_id: str, wish: Wish, out: BinaryIO) -> None:
    from regulars.entrypoints.exporting import PEOPLE, export_kinds
    from regulars.platform.bulk.routes import job_id_in
    from regulars.platform.exports.files import ExportFiles
    from regulars.platform.exports.service import Source, Taking, file_of, take

    files = ExportFiles(services.settings.home, services.vault.pepper)
    taking = Taking(
        actor=cli_actor(), request_id="", purpose=wish.purpose, form=wish.form, spreadsheet=wish.spreadsheet
    )
    async with services.database.transaction() as tx:
        one, parts, writer = await take(tx, export_kinds(), PEOPLE, job_id_in(job_id), taking, by=None)
    async for piece in file_of(Source(files, services.vault, PEOPLE), one, parts, writer):
        out.write(piece)
    out.flush()


def _opened(output: Path | None) -> Any:  # noqa: ANN401 - a file to be closed, or one that is not
    if output is None:
        return nullcontext(sys.stdout.buffer)
    try:
        return output.open("wb")
    except OSError as error:
        give_up(f"{output} cannot be written: {error.strerror}.")
