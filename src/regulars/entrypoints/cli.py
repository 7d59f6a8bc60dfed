"""The command line. Heavy imports stand inside the commands, so that `regulars --help` answers at once."""

import asyncio
import gc
from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from regulars.entrypoints.backup_commands import backup, restore
from regulars.entrypoints.commands import (
    Json,
    Language,
    Reason,
    caller_language,
    cli_actor,
    configured_settings,
    give_up,
    in_transaction,
    migrated,
    print_json,
    print_table,
    ticked,
    troubles_told,
    with_database,
)
from regulars.entrypoints.explain import explain
from regulars.entrypoints.export_commands import export_rows
from regulars.entrypoints.finance import finance
from regulars.entrypoints.import_commands import import_file
from regulars.entrypoints.keys import keys
from regulars.entrypoints.lineage_commands import lineage
from regulars.entrypoints.member_commands import consents, identities, identity_rules, members
from regulars.entrypoints.people_commands import households, merges, proposals
from regulars.entrypoints.points_commands import corrections, holds, lots, transfers
from regulars.entrypoints.policy import policy
from regulars.entrypoints.privacy_commands import privacy
from regulars.entrypoints.staff import staff_group
from regulars.platform.settings import SettingError, Settings

if TYPE_CHECKING:
    from regulars.entrypoints.wiring import Place
    from regulars.platform.db.database import Database
    from regulars.platform.db.transaction import Transaction
    from regulars.web.kit.demo import Demo

# What a command loads stays to its end: to look for garbage among it takes a fifth of a short command's time.
_SELDOM = (10_000, 20, 50)
_MARKS = {"well": "✓", "warning": "!", "trouble": "✗"}


def _as_spelt(option: str) -> str:
    """Return how an option is spelt here: `--lang`, which some commands called `--language` and all still take so."""
    return "lang" if option == "language" else option


app = typer.Typer(
    name="regulars",
    help="The open membership system for brands that sell online and in their own shops.",
    no_args_is_help=True,
    context_settings={"token_normalize_func": _as_spelt},
    pretty_exceptions_enable=False,
    add_completion=False,
)
parked = typer.Typer(help="Events that did not get through: list, replay, discard.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.add_typer(parked, name="parked")
app.add_typer(backup, name="backup")
app.command("restore")(restore)
app.add_typer(staff_group, name="staff")
app.add_typer(finance, name="finance")
app.add_typer(privacy, name="privacy")
app.add_typer(explain, name="explain")
app.add_typer(lineage, name="lineage")
app.add_typer(policy, name="policy")
app.add_typer(holds, name="holds")
app.add_typer(corrections, name="corrections")
app.add_typer(lots, name="lots")
app.add_typer(transfers, name="transfers")
app.add_typer(members, name="members")
app.add_typer(identities, name="identities")
app.add_typer(consents, name="consents")
app.add_typer(identity_rules, name="identity-rules")
app.add_typer(merges, name="merges")
app.add_typer(proposals, name="proposals")
app.add_typer(households, name="households")
app.command("import")(import_file)
app.command("export")(export_rows)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"regulars {version('regulars')}")
        raise typer.Exit


@app.callback()
def entry(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The open membership system for brands that sell online and in their own shops."""


class Programme(StrEnum):
    """Which programme the demo replays."""

    easy = "easy"
    hard = "hard"


def main() -> None:
    """Run a command; what an operator can mend is said in one sentence, with exit code 2."""
    gc.set_threshold(*_SELDOM)
    try:
        app()
    except SettingError as error:
        give_up(str(error))
    finally:
        gc.freeze()  # the end of the process frees everything at once


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.")] = None,
    no_work: Annotated[bool, typer.Option("--no-work", help="Leave the background work to `regulars work`.")] = False,
) -> None:
    """Serve the API, and do the background work beside it."""
    from regulars.entrypoints.wiring import located

    settings = configured_settings()

    def load() -> None:
        import_module("regulars.entrypoints.http")  # half of a start's time, spent beside PostgreSQL's

    with troubles_told(), located(settings, load) as place:
        migrated(settings, place)
        serve_at(settings, place, host=host, port=port, also_work=not no_work)


def serve_at(
    settings: Settings,
    place: "Place",
    *,
    host: str | None,
    port: int | None,
    also_work: bool,
    announce: Callable[[str], None] | None = None,
    demo: "Demo | None" = None,
) -> None:
    """Serve a migrated database until a signal comes; `announce` is given the address once requests are answered."""
    import uvloop

    from regulars.entrypoints.address import linked, note_address
    from regulars.entrypoints.http import listen, run

    chosen = (host or settings.host, port or settings.port)
    taken = listen(*chosen)
    shown = f"[{chosen[0]}]" if ":" in chosen[0] else chosen[0]
    address = f"http://{shown}:{chosen[1]}"

    def tell() -> None:
        note_address(settings.home, address)
        (announce or _say_served)(address)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(linked(settings, address), place, taken, also_work=also_work, announce=tell, demo=demo))


@app.command()
def work(
    *,
    beside: Annotated[bool, typer.Option("--beside", hidden=True, help="End when standard input ends.")] = False,
) -> None:
    """Do the background work: relay events, run jobs, seal the audit log."""
    from regulars.entrypoints.address import known_address, linked
    from regulars.entrypoints.wiring import located

    settings = configured_settings()
    settings = linked(settings, known_address(settings))
    with troubles_told(), located(settings) as place:
        migrated(settings, place)
        from regulars.entrypoints.companion import wait_for_end_of_input
        from regulars.entrypoints.watch import stop_on_signals
        from regulars.entrypoints.worker import work_at

        async def until_stopped() -> None:
            stop = asyncio.Event()
            stop_on_signals(stop)
            watching = asyncio.create_task(wait_for_end_of_input(stop)) if beside else None
            await work_at(place, settings, stop)
            if watching is not None:
                watching.cancel()

        asyncio.run(until_stopped())


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this release."""
    from regulars.entrypoints.wiring import located
    from regulars.platform.db.migrate import head

    settings = configured_settings()
    with troubles_told(), located(settings) as place:
        migrated(settings, place)
        typer.echo(f"{place.shown} has the schema {head()}.")


@app.command()
def configure(
    file: Annotated[Path, typer.Argument(help="A TOML file; docs/examples/programme.toml is one.")],
    reason: Reason = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Bring markets, wallets, stores and the loyalty policy to what a file says. Doing it again changes nothing."""
    from regulars.entrypoints import configure as configuring

    with troubles_told():
        programme = configuring.read_programme(file)
    changes = with_database(
        lambda database: configuring.configure(database, programme, reason=reason, dry_run=dry_run, by=cli_actor())
    )
    if as_json:
        changed = any(change.effect != "unchanged" for change in changes)
        print_json({"dry_run": dry_run, "changed": changed, "changes": changes})
        return
    print_table(("", "what", "name", "is"), [(one.effect, one.what, one.name, one.said) for one in changes])
    if dry_run:
        typer.echo("Nothing was changed: this was a dry run.", err=True)


@app.command()
def demo(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.")] = None,
    home: Annotated[Path | None, typer.Option(help="Where to keep the data (else REGULARS_HOME).")] = None,
    programme: Annotated[Programme, typer.Option(help="The programme to replay.")] = Programme.easy,
    *,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after the replay.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one JSON object.")] = False,
) -> None:
    """Replay a year of real baskets on this machine, then serve it, in development mode."""
    began = perf_counter()
    from regulars.demo.run import Surroundings, run_demo
    from regulars.entrypoints.wiring import located

    settings = msgspec.structs.replace(configured_settings(), development=True)
    if home is not None:
        settings = msgspec.structs.replace(settings, home=home.expanduser().absolute())
    with troubles_told(), located(settings) as place:
        if not no_serve:
            _find_port_free(settings, host, port)
        migrated(settings, place)
        outcome = run_demo(
            settings,
            place.url,
            programme=programme.value,
            as_json=as_json,
            will_serve=not no_serve,
            started=began,
            surroundings=Surroundings(place.recover, _do_background_work),
        )
        if not no_serve:
            from regulars.web.kit.demo import Demo

            demo = msgspec.convert(outcome.people, Demo)
            serve_at(settings, place, host=host, port=port, also_work=True, announce=outcome.announce, demo=demo)


@app.command()
def doctor(
    lang: Annotated[Language | None, typer.Option(help="The language of what is said; else the terminal's.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Look at everything this deployment stands on, and say the remedy. Exit code 1 if something is wrong."""
    from regulars.entrypoints.doctor import Examined, examine, unusable
    from regulars.entrypoints.wiring import located
    from regulars.platform.embedded import EmbeddedError

    async def look(settings: Settings, place: "Place") -> list[Examined]:
        language = lang.value if lang else caller_language()
        return [found async for found in examine(settings, place, language=language)]

    try:
        settings = configured_settings()
        with located(settings) as place:
            found = asyncio.run(look(settings, place))
    except SettingError as error:
        found = [unusable("settings", str(error))]
    except EmbeddedError as error:
        found = [unusable("embedded", str(error))]
    ok = all(examined.ok for examined in found)
    if as_json:
        print_json({"ok": ok, "examined": found})
    else:
        rows = [(_MARKS[one.state], one.name, one.said + (f"\n→ {one.remedy}" if one.remedy else "")) for one in found]
        print_table(("", "what", "found"), rows)
    raise typer.Exit(0 if ok else 1)


@app.command()
def verify(
    audit_head: Annotated[
        str | None, typer.Option(metavar="SEAL:HASH", help="An earlier audit head, which the log must extend.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Prove that the books are right. Exit code 1 if something is not.

    What was found is kept for the console's health page and `regulars doctor`. Without an earlier head, the audit log
    must extend the one that the last verification found.
    """
    from regulars.entrypoints.verifying import verify_and_record
    from regulars.platform.audit.contracts import Head

    if audit_head is not None and Head.parse(audit_head) is None:
        raise typer.BadParameter("give the head as `verify` printed it: the seal's number, a colon, 64 digits")

    found = with_database(lambda database: verify_and_record(database, audit_head or ""))
    ok = all(finding.ok for finding in found)
    head = "".join([finding.keep for finding in found])
    if as_json:
        told = [{**msgspec.to_builtins(one), "problems": one.told("en")} for one in found]
        print_json({"ok": ok, "audit_head": head, "checks": told})
    else:
        rows = [
            (
                ticked(one.ok),
                one.name,
                f"{one.rows_checked:,}",
                f"{one.seconds:.2f} s",
                "\n".join([*one.told("en"), one.note]),
            )
            for one in found
        ]
        print_table(("", "check", "rows", "took", "problems"), rows)
        typer.echo(f"Write the audit head down elsewhere; next time: regulars verify --audit-head {head}")
    raise typer.Exit(0 if ok else 1)


@app.command()
def figures(*, as_json: Json = False) -> None:
    """Compute the sums behind the console's figures anew, every day of them, from the facts."""
    from regulars.entrypoints.commands import roll_everything_up

    async def compute(database: "Database") -> dict[str, int]:
        return await roll_everything_up(database, anew=True)

    found = with_database(compute)
    if as_json:
        print_json(found)
    else:
        print_table(("roll-up", "days"), [(name, f"{days:,}") for name, days in found.items()])


@parked.command("list")
def list_parked(
    handler: Annotated[str | None, typer.Option(help="Only this handler's events.")] = None, *, as_json: Json = False
) -> None:
    """List events that have not got through."""
    from regulars.platform.outbox import service

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        return await service.list_parked(tx, handler=handler)

    found = in_transaction(look)
    if as_json:
        print_json({"parked": found})
        return
    rows = [(str(one.seq), one.handler, one.type, one.state, str(one.attempts), one.error) for one in found]
    print_table(("seq", "handler", "event", "state", "attempts", "error"), rows)


@parked.command("replay")
def replay_parked(
    handler: Annotated[str | None, typer.Option(help="Only this handler's events.")] = None,
    seq: Annotated[int | None, typer.Option(help="Only this event (with --handler).")] = None,
    reason: Reason = "",
) -> None:
    """Let parked events be tried again."""
    from regulars.platform.outbox import service

    async def replay(tx: "Transaction") -> int:
        if seq is None:
            return await service.replay_all_parked(tx, handler=handler, reason=reason)
        if handler is None:
            raise typer.BadParameter("give --handler with --seq")
        await service.replay_parked(tx, handler, seq, reason=reason)
        return 1

    typer.echo(f"{in_transaction(replay)} events will be tried again.")


@parked.command("discard")
def discard_parked(
    handler: Annotated[str, typer.Option(help="The handler that did not get it through.")],
    seq: Annotated[int, typer.Option(help="The event's number, as `parked list` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give one event up for this handler, for good; those of its member that wait behind it go on."""
    from regulars.platform.outbox import service

    if not reason.strip():
        raise typer.BadParameter("say why with --reason")
    if not yes:
        typer.confirm(f"{handler} will never get event {seq}. Discard it?", abort=True)

    async def discard(tx: "Transaction") -> str:
        return (await service.discard_parked(tx, handler, seq, reason=reason)).type

    typer.echo(f"{handler} will not get event {seq} ({in_transaction(discard)}).")


# --- what is said and done beside ---------------------------------------------------------------------------------


def _find_port_free(settings: Settings, host: str | None, port: int | None) -> None:
    """Refuse an address that is taken before the long work, not after it. Raises PortTaken."""
    from regulars.entrypoints.http import listen

    listen(host or settings.host, port or settings.port).close()


async def _do_background_work(database: "Database") -> None:
    """Relay every event, seal every audit entry and roll everything up, as the worker would."""
    from regulars.entrypoints.commands import roll_everything_up
    from regulars.entrypoints.reactions import REACTIONS
    from regulars.platform.audit.service import seal_all
    from regulars.platform.outbox.relay import Relay

    await Relay(database, REACTIONS).drain()
    await seal_all(database)
    await roll_everything_up(database)


def _say_served(address: str) -> None:
    typer.echo(f"Regulars serves {address} (ask {address}/ready; the API is described at {address}/docs/api).")


if __name__ == "__main__":
    main()
