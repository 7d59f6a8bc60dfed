"""`regulars import`: a file, by the API's own routes, with its steps done in this process and shown as they come."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
import typer

from regulars.entrypoints.commands import Json, caller_language, cli_actor, give_up, print_json, with_services
from regulars.entrypoints.requests import DryRun, Lang

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from regulars.entrypoints.own_api import Document, OwnApi
    from regulars.platform.services import Services

_FORMATS: Final = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_ENDED: Final = ("done", "failed", "cancelled")
_SOME_REFUSED: Final = 1


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be imported, as it was typed."""

    file: Path
    body: dict[str, Any]
    errors: Path | None
    language: str
    as_json: bool


def import_file(
    file: Annotated[Path, typer.Argument(help="The file: CSV, JSON Lines or Parquet.")],
    kind: Annotated[str, typer.Option("--kind", help="What its rows are: members, consents, orders or accruals.")],
    *,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="How columns become fields: a TOML or JSON file.")
    ] = None,
    mode: Annotated[
        Literal["rest", "all"], typer.Option("--mode", help="Import the rows that are right (rest), or all or nothing.")
    ] = "rest",
    form: Annotated[
        Literal["csv", "jsonl", "parquet"] | None, typer.Option("--format", help="Else by the file's name.")
    ] = None,
    errors: Annotated[
        Path | None, typer.Option("--errors", help="Where to write which rows were refused, as CSV.")
    ] = None,
    dry_run: DryRun = False,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Import a file; the same file again changes nothing. Exit code 1: rows were refused, 2: nothing came of it."""
    body: dict[str, Any] = {
        "kind": kind,
        "format": form or _format_of(file),
        "mapping": {} if mapping is None else _mapping_in(mapping),
        "mode": mode,
        "dry_run": dry_run,
        "name": file.name,
    }
    language = caller_language() if lang is None else lang.value
    wish = Wish(file=file, body=body, errors=errors, language=language, as_json=as_json)
    job = with_services(lambda services: _import(services, wish))
    _tell(job, wish)


async def _import(services: "Services", wish: Wish) -> "Document":
    from regulars.entrypoints.own_api import OwnApi
    from regulars.platform.imports.contracts import PART_BYTES

    api = OwnApi(services, cli_actor(), wish.language)
    begun = await asked(api, "POST", "/v1/imports", body=wish.body)
    job_id = begun["import_id"]
    with _opened(wish.file) as stream:
        number = 0
        while content := stream.read(PART_BYTES):
            number += 1
            await asked(api, "PUT", f"/v1/imports/{job_id}/parts/{number}", content=content)
    await asked(api, "POST", f"/v1/imports/{job_id}/start")
    return await _done(services, api, job_id, wish)


async def _done(services: "Services", api: "OwnApi", job_id: str, wish: Wish) -> "Document":
    """Do the job's steps here, beside whatever worker does them as well, and show how far it is."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=wish.as_json,
    ) as shown:
        bar = shown.add_task(wish.file.name, total=None)
        async for job in steps(services, api, job_id):
            shown.update(bar, total=job["progress"]["total"], completed=job["progress"]["done"])
    if wish.errors is not None:
        await _write_errors(services, job_id, wish)
    return await asked(api, "GET", f"/v1/jobs/{job_id}")


async def steps(services: "Services", api: "OwnApi", job_id: str) -> "AsyncIterator[Document]":
    """Do a job's steps here, beside whatever worker does them as well; gives the job as it stands, until it ended."""
    from psycopg.errors import LockNotAvailable

    from regulars.entrypoints.importing import job_kinds
    from regulars.platform.bulk.routes import job_id_in
    from regulars.platform.bulk.stepping import STEPS_AT_A_TURN, do_step

    kinds = job_kinds(services.settings, services.vault, services.database)
    while True:
        job = await asked(api, "GET", f"/v1/jobs/{job_id}")
        yield job
        if job["state"] in _ENDED:
            return
        for _ in range(STEPS_AT_A_TURN):
            try:
                async with services.database.transaction(by_keys=True, actor=cli_actor()) as tx:
                    if await do_step(tx, kinds, job_id_in(job_id)) is None:
                        break
            except LockNotAvailable:  # a worker is at it: the next look finds what it did
                break


async def _write_errors(services: "Services", job_id: str, wish: Wish) -> None:
    from regulars.platform.bulk.routes import job_id_in
    from regulars.platform.imports.routes import errors_as_csv

    assert wish.errors is not None, "called with a file only"  # noqa: S101 - for the type checker
    try:
        with wish.errors.open("w", encoding="utf-8", newline="") as out:
            async for piece in errors_as_csv(services, job_id_in(job_id), wish.language):
                out.write(piece)
    except OSError as error:
        give_up(f"{wish.errors} cannot be written: {error.strerror}.")


async def asked(
    api: "OwnApi",
    method: str,
    path: str,
    *,
    body: "Document | None" = None,
    content: bytes | None = None,
    purpose: str = "",
) -> "Document":
    """Send a request, and give up where it is refused."""
    answer = await api.ask(method, path, body=body, content=content, purpose=purpose)
    if answer.refused:
        give_up(answer.document["detail"])
    return answer.document


def _tell(job: "Document", wish: Wish) -> None:
    if wish.as_json:
        print_json(job)
    elif job["state"] == "done":
        counts = {"imported": 0, "known": 0, "refused": 0} | job["counts"]
        text = "{imported:,} imported, {known:,} known before, {refused:,} refused."
        if wish.body["dry_run"]:
            text = "{imported:,} would be imported, {known:,} are known, {refused:,} would be refused."
        typer.echo(text.format_map(counts))
        if counts["refused"] and wish.errors is None:
            typer.echo("Why: the same command with --errors FILE writes a line for each.", err=True)
    if job["state"] != "done":
        give_up(job["problem"]["detail"] if job["problem"] else f"The import was {job['state']}.")
    if job["counts"].get("refused"):
        raise SystemExit(_SOME_REFUSED)


def _opened(file: Path) -> Any:  # noqa: ANN401 - a file, or an end
    try:
        return file.open("rb")
    except OSError as error:
        give_up(f"{file} cannot be read: {error.strerror}.")


def _format_of(file: Path) -> str:
    if file.suffix.lower() not in _FORMATS:
        give_up(f"What is in {file.name}? Say --format csv, jsonl or parquet.")
    return _FORMATS[file.suffix.lower()]


def _mapping_in(file: Path) -> dict[str, Any]:
    try:
        content = file.read_bytes()
        found = tomllib.loads(content.decode()) if file.suffix == ".toml" else msgspec.json.decode(content)
    except OSError as error:
        give_up(f"{file} cannot be read: {error.strerror}.")
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        give_up(f"{file} is no mapping: {error}.")
    if not isinstance(found, dict):
        give_up(f"{file} is no mapping: it should be a table of columns, constants and formats.")
    return found
