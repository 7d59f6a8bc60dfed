"""`regulars policy`: versions and drafts, what differs, whom a change touches, scheduling and withdrawing."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import msgspec
import typer

from regulars.entrypoints.commands import (
    Json,
    Reason,
    cli_actor,
    give_up,
    in_transaction,
    print_json,
    print_table,
    with_database,
)
from regulars.entrypoints.requests import Change, Look, change, facts, look, path_of, rows, sentence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from regulars.loyalty.policy.contracts import Policy
    from regulars.loyalty.preview.contracts import Preview
    from regulars.loyalty.preview.schemas import TouchedAnswer
    from regulars.platform.db.database import Database
    from regulars.platform.db.transaction import Transaction
    from regulars.platform.reports.contracts import Report


policy = typer.Typer(help="Policies: versions, drafts, differences, previews.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="A version's number, or a draft's id (pdr_…).")]
Draft = Annotated[str, typer.Argument(help="A draft's id (pdr_…).")]
Revision = Annotated[int, typer.Option("--revision", help="The revision that you have seen.")]
Seen = Annotated[str, typer.Option("--for", help="The instant that you have seen it proposed for, with its zone.")]
Note = Annotated[str, typer.Option("--note", help="What you have to say to it.")]
TOUCHED_AT_ONCE: Final = 1_000
At = Annotated[datetime | None, typer.Option(help="An instant (UTC), e.g. 2026-06-01T00:00:00.")]


@policy.command("list")
def list_policies(*, as_json: Json = False) -> None:
    """Show every version with its state, and the drafts that are worked on."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.drafts.schemas import draft_answer

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        drafts, last = list[Any](), None
        while page := await loyalty.list_drafts(tx, after=last):
            drafts += page
            last = page[-1].created_at, page[-1].draft_id
        return await loyalty.read_versions(tx), [draft_answer(one) for one in drafts]

    versions, drafts = in_transaction(look)
    if as_json:
        print_json({"versions": versions[::-1], "drafts": drafts})
        return
    rows = [
        (str(one.version), one.state, _instant(one.active_from), _instant(one.active_until), one.name, one.scheduled_by)
        for one in reversed(versions)
    ]
    rows += [(one.draft_id, one.state, _instant(one.proposed_for), "", one.name, one.changed_by) for one in drafts]
    print_table(("version", "state", "from", "until", "name", "by"), rows)


@policy.command("draft")
def begin_draft(
    name: Annotated[str, typer.Argument(help="What it is about.")],
    file: Annotated[Path | None, typer.Option(help="A TOML file with [policy]; else the latest version.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Begin a draft, from a file as `regulars configure` takes it, or from what the latest version says."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.drafts.schemas import draft_answer

    document = None if file is None else _policy_in(file)
    command = loyalty.CreateDraft(name=name, actor=cli_actor(), policy=document)
    made = draft_answer(_carried_out(command))
    if as_json:
        print_json(made)
    else:
        typer.echo(f"{made.draft_id} is begun. It decides nothing until it is scheduled and its instant comes.")


@policy.command("diff")
def compare(
    after: Named,
    before: Annotated[str | None, typer.Option(help="Compare with this; else what is in force.")] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    *,
    as_json: Json = False,
) -> None:
    """Say what differs between two policies."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.drafts.diff import named_in

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        return await loyalty.difference(tx, named_in(before), named_in(after), language)

    found = in_transaction(look)
    if as_json:
        print_json({"differences": found})
        return
    for one in found:
        typer.echo(one.said)
    if not found:
        typer.echo("Nothing differs.")


@policy.command("preview")
def preview_policy(
    named: Named,
    at: At = None,
    *,
    members: Annotated[bool, typer.Option("--members", help="List every member who is touched.")] = False,
    as_json: Json = False,
) -> None:
    """Count whom a draft or a scheduled version touches, and what orders of the last ninety days would have earned."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.drafts.diff import named_in

    async def count(database: "Database") -> Any:  # noqa: ANN401 - imported late
        found = named_in(named)
        version = found if isinstance(found, int) else None
        asked = loyalty.AskPreview(
            actor=cli_actor(),
            version=version,
            draft_id=None if isinstance(found, int) else found,
            active_from=None if at is None else at.replace(tzinfo=UTC),
        )
        report = await computed(database, asked)
        result = loyalty.result_of_preview(report)
        assert result is not None, "it was computed just now"  # noqa: S101 - tells the type checker
        touched = touched_of(database, report) if members else None
        await (write_preview(result, touched) if as_json else show_preview(result, touched))

    with_database(count)


async def touched_of(database: "Database", report: "Report") -> "AsyncIterator[list[TouchedAnswer]]":
    """Give who is touched, slice by slice: of a large programme nearly everybody may be."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.preview.schemas import touched_page

    last: UUID | None = None
    while True:
        async with database.transaction() as tx:
            found = await loyalty.preview_members(tx, report, after=last, limit=TOUCHED_AT_ONCE)
        if found:
            yield touched_page(found, has_more=False).members
        if len(found) < TOUCHED_AT_ONCE:
            return
        last = found[-1].member_id


async def write_preview(result: "Preview", touched: "AsyncIterator[list[TouchedAnswer]] | None") -> None:
    """Write one JSON object, its members as they are read."""
    encode = msgspec.json.Encoder().encode
    sys.stdout.write('{"preview":' + encode(result).decode())
    if touched is not None:
        sys.stdout.write(',"members":[')
        begun = False
        async for some in touched:
            sys.stdout.write("," * begun + encode(some).decode()[1:-1])
            begun = True
        sys.stdout.write("]")
    sys.stdout.write("}\n")


async def show_preview(result: "Preview", touched: "AsyncIterator[list[TouchedAnswer]] | None") -> None:
    """Show what a preview counted, and tables of some members each."""
    typer.echo(
        f"Of {result.members:,} members, {result.rises:,} rise, {result.falls:,} fall at the next review, "
        f"{result.stays:,} keep more, {result.review:,} are reviewed at another date."
    )
    rows = [
        (one.market, one.tier, f"{one.orders:,}", f"{one.points:,}", f"{one.points_then:,}") for one in result.orders
    ]
    print_table(("market", "tier", "orders", "points", "points then"), rows)
    if touched is not None:
        async for some in touched:
            print_table(
                ("member", "what", "from", "to", "growth"),
                [(one.member_id, one.kind, one.from_tier, one.to_tier, f"{one.metric:,}") for one in some],
            )


@policy.command("schedule")
def schedule(
    draft: Draft,
    at: Annotated[datetime, typer.Option(help="The instant (UTC), e.g. 2026-06-01T00:00:00.")],
    reason: Reason = "",
    based_on: Annotated[
        int | None, typer.Option(help="The latest version that you have compared it with, where one came meanwhile.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Let a draft come into force at an instant, or propose it where a second person must agree."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.drafts.schemas import draft_answer, draft_id_in

    async def run(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        return await loyalty.read_draft(tx, draft_id_in(draft))

    found = in_transaction(run)
    command = loyalty.ScheduleDraft(
        draft_id=found.draft_id,
        revision=found.revision,
        active_from=at.replace(tzinfo=UTC),
        actor=cli_actor(),
        reason=reason,
        based_on=based_on,
    )
    done = draft_answer(_carried_out(command))
    if as_json:
        print_json(done)
    elif done.state == "proposed":
        typer.echo(f"Proposed for {_instant(done.proposed_for)}: somebody else must agree now.")
    else:
        typer.echo(f"Version {done.version} comes into force at {_instant(at.replace(tzinfo=UTC))}.")


@policy.command("withdraw")
def withdraw(version: int, reason: Reason = "", *, as_json: Json = False) -> None:
    """Take a version back before its instant comes."""
    from regulars.loyalty import api as loyalty

    async def run(database: "Database") -> Any:  # noqa: ANN401 - imported late
        async with database.transaction(actor=cli_actor()) as tx:
            command = loyalty.WithdrawVersion(version=version, actor=cli_actor(), reason=reason)
            return await loyalty.withdraw_policy(tx, database.clock, command)

    done = with_database(run)
    if as_json:
        print_json(done)
    else:
        typer.echo(f"Version {version} is withdrawn: it will not come.")


_DRAFT = "/v1/policy-drafts/{}"
_STANDS = sentence("{draft_id} is {state} in its revision {revision}.")


@look(policy, "show", facts)
def show_draft(draft: Draft) -> Look:
    """Show a draft with all that it says, its revision, and what it is proposed for."""
    return Look(path_of(_DRAFT, draft))


@look(policy, "revisions", rows("revisions", "revision", "name", "changed_by", "changed_at"))
def list_revisions(draft: Draft) -> Look:
    """List everything that a draft ever said, with who wrote it (--json says what)."""
    return Look(path_of(_DRAFT + "/revisions", draft))


@change(policy, "change", _STANDS)
def change_draft(
    draft: Draft,
    file: Annotated[Path, typer.Option(help="A TOML file with [policy]: all that the draft shall say.")],
    name: Annotated[str, typer.Option(help="What it is about.")],
    revision: Revision,
) -> Change:
    """Replace what a draft says. Who has not seen its last revision is refused, so that nothing is lost."""
    body = {"revision": revision, "name": name, "policy": msgspec.to_builtins(_policy_in(file))}
    return Change(method="PUT", path=path_of(_DRAFT, draft), body=body)


@change(policy, "abandon", _STANDS, meant="Give this draft up? It stays to be read, and is never worked on again.")
def abandon_draft(draft: Draft) -> Change:
    """Give a draft or a proposal up."""
    return Change(method="DELETE", path=path_of(_DRAFT, draft), body={})


@change(policy, "approve", sentence("{draft_id} is scheduled: version {version} comes into force as proposed."))
def approve_draft(draft: Draft, revision: Revision, active_from: Seen, note: Note = "") -> Change:
    """Agree to what somebody else proposed, as you have seen it; another proposal meanwhile is refused."""
    return _answer("approve", draft, revision, active_from, note)


@change(policy, "refuse", _STANDS)
def refuse_draft(draft: Draft, revision: Revision, active_from: Seen, note: Note = "") -> Change:
    """Give back what was proposed, with a note."""
    return _answer("refuse", draft, revision, active_from, note)


def _answer(answer: str, draft: str, revision: int, active_from: str, note: str) -> Change:
    body = {"revision": revision, "active_from": active_from, "note": note}
    return Change(path=path_of(_DRAFT + f"/{answer}", draft), body=body)


def _policy_in(file: Path) -> "Policy":
    """Return the policy of a programme's file, or give up."""
    from regulars.entrypoints.configure import ProgrammeFileError, read_programme

    try:
        section = read_programme(file).policy
    except ProgrammeFileError as error:
        give_up(str(error))
    if section is None:
        give_up(f"{file} has no [policy]. Add one.")
    return section.policy()


def _carried_out(command: Any) -> Any:  # noqa: ANN401 - imported late
    from regulars.loyalty import api as loyalty

    async def run(database: "Database") -> Any:  # noqa: ANN401 - imported late
        async with database.transaction(actor=cli_actor()) as tx:
            return await loyalty.work_on_policy(tx, database.clock, command)

    return with_database(run)


async def computed(database: "Database", asked: Any) -> Any:  # noqa: ANN401 - imported late
    """Count a preview here, slice by slice; a worker may take slices as well."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.preview.reports import PREVIEW
    from regulars.platform.reports.computing import compute_slice

    async with database.transaction(actor=cli_actor()) as tx:
        report = await loyalty.ask_preview(tx, PREVIEW, asked)
    while report.is_open:
        async with database.transaction() as tx:
            more = await compute_slice(tx, report.report_id)
        async with database.transaction() as tx:
            report = await loyalty.read_preview(tx, report.report_id)
        if report.is_open and not more:
            await asyncio.sleep(1)
        if sys.stderr.isatty() and report.all_of_it:
            typer.echo(f"\r{report.done:,} of {report.all_of_it:,} members", nl=False, err=True)
    if loyalty.result_of_preview(report) is None:
        give_up("The preview did not come to its end. Ask for it again.")
    return report


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="seconds")
