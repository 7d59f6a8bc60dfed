"""`regulars policy`: versions and drafts, what differs, whom a change touches, scheduling and withdrawing."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from regulars.entrypoints.commands import (
    Json,
    Language,
    Reason,
    caller_language,
    give_up,
    in_transaction,
    print_json,
    print_table,
    to_the_second,
)
from regulars.entrypoints.requests import (
    Change,
    Key,
    Lang,
    Look,
    change,
    given,
    in_steps,
    look,
    path_of,
    rows,
    sentence,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from regulars.entrypoints.own_api import Answer, Document, OwnApi, Query
    from regulars.loyalty.policy.contracts import Policy
    from regulars.platform.db.database import Database
    from regulars.platform.db.transaction import Transaction


policy = typer.Typer(help="Policies: versions, drafts, differences, previews.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(help="A version's number, or a draft's id (pdr_…).")]
Draft = Annotated[str, typer.Argument(help="A draft's id (pdr_…).")]
Revision = Annotated[int, typer.Option("--revision", help="The revision that you have seen.")]
Seen = Annotated[str, typer.Option("--for", help="The instant that you have seen it proposed for, with its zone.")]
Note = Annotated[str, typer.Option("--note", help="What you have to say to it.")]
TOUCHED_AT_ONCE: Final = 1_000
PREVIEWS: Final = "/v1/policy-previews"
_DRAFTS: Final = "/v1/policy-drafts"
_DRAFT: Final = _DRAFTS + "/{}"
_AN_INSTANT: Final = "An instant with its zone (else UTC), e.g. 2026-06-01T00:00:00+08:00."
At = Annotated[datetime | None, typer.Option(help=_AN_INSTANT)]


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
        (
            str(one.version),
            one.state,
            to_the_second(one.active_from),
            to_the_second(one.active_until),
            one.name,
            one.scheduled_by,
        )
        for one in reversed(versions)
    ]
    rows += [(one.draft_id, one.state, to_the_second(one.proposed_for), "", one.name, one.changed_by) for one in drafts]
    print_table(("version", "state", "from", "until", "name", "by"), rows)


@policy.command("show")
def show_policy(
    named: Annotated[
        str | None, typer.Argument(help="A version's number, or a draft's id (pdr_…); else what is in force.")
    ] = None,
    *,
    toml: Annotated[
        bool, typer.Option("--toml", help="As a file that `regulars configure` and `policy draft --file` take.")
    ] = False,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show all that a version or a draft says, with what became of it."""
    from regulars.entrypoints.policy_shown import head_of, heading_of, policy_of, policy_toml, shown
    from regulars.loyalty import api as loyalty

    language = lang.value if lang else caller_language()

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        found = await shown(tx, named)
        return found, await loyalty.policy_sheet(tx, policy_of(found), language)

    found, sheet = in_transaction(look)
    if as_json:
        print_json(found)
    elif toml:
        typer.echo(policy_toml(policy_of(found), heading_of(found)), nl=False)
    else:
        print_table(("", ""), [pair for pair in head_of(found) if pair[1]])
        for title, lines in sheet:
            typer.echo(f"\n{title}")
            print_table(("", ""), [(f"  {label}", value) for label, value in lines])


@change(
    policy, "draft", sentence("{draft_id} is begun. It decides nothing until it is scheduled and its instant comes.")
)
def begin_draft(
    name: Annotated[str, typer.Argument(help="What it is about.")],
    file: Annotated[
        Path | None, typer.Option(help="A TOML file with a section policy; else the latest version.")
    ] = None,
) -> Change:
    """Begin a draft, from a file as `regulars configure` takes it, or from what the latest version says."""
    document = None if file is None else msgspec.to_builtins(_policy_in(file))
    return Change(path=_DRAFTS, body=given(name=name, policy=document))


@policy.command("diff")
def compare(
    after: Named,
    before: Annotated[str | None, typer.Option(help="Compare with this; else what is in force.")] = None,
    language: Annotated[Language, typer.Option("--lang", help="The language of the sentences.")] = Language.en,
    *,
    as_json: Json = False,
) -> None:
    """Say what differs between two policies."""
    from regulars.loyalty import api as loyalty
    from regulars.loyalty.drafts.diff import named_in

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        differences = await loyalty.difference(tx, named_in(before), named_in(after), language.value)
        return differences, await loyalty.withdrawn_base(tx, named_in(after), language.value)

    found, base = in_transaction(look)
    if as_json:
        print_json({"differences": found, "base_withdrawn": base})
        return
    if base is not None:
        typer.echo(base.said)
    for one in found:
        typer.echo(one.said)
    if not found:
        typer.echo("Nothing differs.")


@policy.command("preview")
def preview_policy(
    context: typer.Context,
    named: Named,
    at: At = None,
    *,
    members: Annotated[bool, typer.Option("--members", help="List every member who is touched.")] = False,
    as_json: Json = False,
    lang: Lang = None,
    key: Key = None,
) -> None:
    """Count whom a draft or a scheduled version touches, and what orders of the last ninety days would have earned."""
    version = int(named) if named.isascii() and named.isdigit() else None
    instant = None if at is None else _in_utc(at).isoformat()
    body = dict(given(version=version, draft_id=named if version is None else None, active_from=instant))

    async def count(api: "OwnApi", database: "Database") -> "Answer":
        asked = await api.ask("POST", PREVIEWS, body=body, key=key)
        if asked.refused:
            return asked
        preview_id = asked.document["preview_id"]
        result = await counted(api, database, preview_id)
        touched = touched_of(api, preview_id) if members else None
        await (write_preview(result, touched) if as_json else show_preview(result, touched))
        return asked

    in_steps(count, lang, context, as_json=as_json)


async def counted(api: "OwnApi", database: "Database", preview_id: str) -> "Document":
    """Count a preview here, slice by slice, and return what it found; a worker may take slices as well."""
    from regulars.loyalty.preview.schemas import preview_id_in
    from regulars.platform.reports.computing import compute_slice

    report_id = preview_id_in(preview_id)
    while True:
        async with database.transaction() as tx:
            more = await compute_slice(tx, report_id)
        found = (await api.ask("GET", f"{PREVIEWS}/{preview_id}")).document
        if sys.stderr.isatty() and found["all_of_it"]:
            typer.echo(f"\r{found['done']:,} of {found['all_of_it']:,} members", nl=False, err=True)
        if found["state"] not in {"queued", "running"}:
            break
        if not more:
            await asyncio.sleep(1)
    if found["result"] is None:
        give_up("The preview did not come to its end. Ask for it again.")
    result: Document = found["result"]
    return result


async def touched_of(api: "OwnApi", preview_id: str) -> "AsyncIterator[list[Document]]":
    """Give who is touched, slice by slice: of a large programme nearly everybody may be."""
    cursor: str | None = None
    while True:
        query: Query = {"limit": TOUCHED_AT_ONCE, "cursor": cursor}
        page = (await api.ask("GET", f"{PREVIEWS}/{preview_id}/members", query=query)).document
        if page["members"]:
            yield page["members"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


async def write_preview(result: "Document", touched: "AsyncIterator[list[Document]] | None") -> None:
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


async def show_preview(result: "Document", touched: "AsyncIterator[list[Document]] | None") -> None:
    """Show what a preview counted, and tables of some members each."""
    typer.echo(
        "Of {members:,} members, {rises:,} rise, {falls:,} fall at the next review, "
        "{stays:,} keep more, {review:,} are reviewed at another date.".format_map(result)
    )
    rows = [
        (one["market"], one["tier"], f"{one['orders']:,}", f"{one['points']:,}", f"{one['points_then']:,}")
        for one in result["orders"]
    ]
    print_table(("market", "tier", "orders", "points", "points then"), rows)
    if touched is not None:
        async for some in touched:
            print_table(
                ("member", "what", "from", "to", "growth"),
                [
                    (one["member_id"], one["kind"], one["from_tier"], one["to_tier"], f"{one['metric']:,}")
                    for one in some
                ],
            )


def _scheduled(document: "Document", _: bool) -> None:
    if document["state"] == "proposed":
        at = datetime.fromisoformat(document["proposed_for"])
        typer.echo(f"Proposed for {to_the_second(at)}: somebody else must agree now.")
    else:
        typer.echo(f"Version {document['version']} comes into force at {document['at']}.")


@change(policy, "schedule", _scheduled)
def schedule(
    draft: Draft,
    active_from: Annotated[datetime, typer.Option("--at", help=_AN_INSTANT)],
    reason: Reason = "",
    based_on: Annotated[
        int | None,
        typer.Option(
            help="The latest version that you have compared it with, where one came or was withdrawn meanwhile."
        ),
    ] = None,
    revision: Annotated[
        int | None, typer.Option("--revision", help="The revision that you have seen; else the one that is there.")
    ] = None,
) -> Change:
    """Let a draft come into force at an instant, or propose it where a second person must agree."""
    at = to_the_second(_in_utc(active_from))
    return Change(
        path=path_of(_DRAFT + "/schedule", draft),
        body=given(active_from=at, reason=reason, based_on=based_on, revision=revision),
        seen="" if revision is not None else path_of(_DRAFT, draft),
        taken=("revision",),
        told={"at": at},
    )


@change(policy, "withdraw", sentence("Version {version} is withdrawn: it will not come."))
def withdraw(version: int, reason: Reason = "") -> Change:
    """Take a version back before its instant comes."""
    return Change(path=path_of("/v1/policies/{}/withdraw", version), body={"reason": reason})


_STANDS = sentence("{draft_id} is {state} in its revision {revision}.")


@look(policy, "revisions", rows("revisions", "revision", "name", "changed_by", "changed_at"))
def list_revisions(draft: Draft) -> Look:
    """List everything that a draft ever said, with who wrote it (--json says what)."""
    return Look(path_of(_DRAFT + "/revisions", draft))


@change(policy, "change", _STANDS)
def change_draft(
    draft: Draft,
    file: Annotated[Path, typer.Option(help="A TOML file with a section policy: all that the draft shall say.")],
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


def _in_utc(typed: datetime) -> datetime:
    """Return an instant as it was typed: with its zone, or in UTC."""
    return typed.replace(tzinfo=UTC) if typed.tzinfo is None else typed.astimezone(UTC)
