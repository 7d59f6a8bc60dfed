"""`regulars privacy`: everything about a member, erasing, and who looked at whom."""

import os
import sys
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import msgspec
import typer

from regulars.entrypoints.commands import (
    Json,
    Language,
    cli_actor,
    give_up,
    in_transaction,
    print_json,
    print_table,
    with_services,
)

if TYPE_CHECKING:
    from regulars.platform.db.transaction import Transaction
    from regulars.platform.services import Services

privacy = typer.Typer(help="Everything about a member, erasing, and who looked at whom.", no_args_is_help=True)
_SHORTEST: Final = 5
_LONGEST: Final = 200

Member = Annotated[str, typer.Argument(help="The member's id (mbr_…).")]
Purpose = Annotated[str, typer.Option("--purpose", help="Why, for the audit log: 5 to 200 characters.")]
Of = Annotated[str | None, typer.Option("--member", help="Only this member (mbr_…).")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many at most.")]


class Form(StrEnum):
    """How everything about a member is written."""

    json = "json"
    html = "html"


class State(StrEnum):
    """How an erasure stands."""

    waiting = "waiting"
    under_way = "under_way"
    withdrawn = "withdrawn"
    carried_out = "carried_out"


@privacy.command("export")
def export_member(
    member: Member,
    purpose: Purpose,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write it; else to standard output.")] = None,
    form: Annotated[Form, typer.Option("--form", help="JSON for programs, HTML to read.")] = Form.json,
    language: Annotated[Language, typer.Option("--lang", help="The language of the titles in HTML.")] = Language.en,
) -> None:
    """Gather everything about a member, now, and write it: a look that is logged with its purpose."""
    from regulars.entrypoints.privacy import PARTS
    from regulars.members import api as members
    from regulars.platform.audit.contracts import asked_as

    member_id, why = _member_in(member), _purpose_in(purpose)
    if out is not None and out.exists():
        give_up(f"{out} is there already: choose another name, so that nothing is overwritten.")

    async def gather(services: "Services") -> bytes:
        actor, database, vault = cli_actor(), services.database, services.vault
        async with database.transaction(actor=actor) as tx:
            document = await members.gather_now(tx, vault, PARTS, member_id)
            formats = await members.formats_for(tx, document, language.value)
            detail = f"{form.value}{asked_as(member, document.member_id, ', ')}"
            _note(tx, "read_export", document.member_id, why, detail)
        if form is Form.json:
            return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
        return members.export_page(document, PARTS, formats).encode()

    content = with_services(gather)
    if out is None:
        sys.stdout.buffer.write(content)
        return
    _write_privately(out, content)
    typer.echo(f"{out} holds everything about {member}, in the clear. A copy that is passed on cannot be called back.")


@privacy.command("erase")
def erase_member(
    member: Member,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the audit log: no names, no numbers.")],
    confirm: Annotated[str, typer.Option("--confirm", help="The member's id once more: that it is meant.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Ask for a member to be erased when the waiting time is over (REGULARS_ERASURE_WAIT_HOURS); a worker does it."""
    from regulars.entrypoints.privacy import PARTS
    from regulars.members import api as members
    from regulars.members.contracts.privacy import AskErasure

    member_id, why = _member_in(member), _purpose_in(reason)
    if confirm != member:
        give_up(f"Nothing was done: this cannot be undone. Say that it is meant: --confirm {member}")

    async def ask(services: "Services") -> Any:  # noqa: ANN401 - imported late
        wait = timedelta(hours=services.settings.erasure_wait_hours)
        async with services.database.transaction(actor=cli_actor()) as tx:
            wish = AskErasure(member_id=member_id, actor=cli_actor(), reason=why)
            erasure = await members.ask_erasure(tx, PARTS, wait, wish)
            _note(tx, "ask_erasure", member, why)
        return erasure

    erasure = with_services(ask)
    if as_json:
        print_json(_erasure_told(erasure))
        return
    for loss in erasure.losses:
        typer.echo(f"Will be lost: {loss.balance:,} {loss.wallet}" + (f", {loss.debt:,} owed" if loss.debt else ""))
    typer.echo(f"{member} is erased at {erasure.due_at.isoformat()}; until then: regulars privacy stay {member}")


@privacy.command("stay")
def withdraw_erasure(member: Member, *, as_json: Json = False) -> None:
    """Withdraw an erasure that waits."""
    from regulars.members import api as members
    from regulars.members.contracts.privacy import WithdrawErasure

    member_id = _member_in(member)

    async def withdraw(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        erasure = await members.withdraw_erasure(tx, WithdrawErasure(member_id=member_id, actor=cli_actor()))
        _note(tx, "withdraw_erasure", member, "")
        return erasure

    erasure = in_transaction(withdraw)
    if as_json:
        print_json(_erasure_told(erasure))
    else:
        typer.echo(f"{member} stays: the erasure was withdrawn.")


@privacy.command("erasures")
def list_erasures(
    member: Of = None,
    state: Annotated[State | None, typer.Option("--state", help="Only those that stand so.")] = None,
    limit: Limit = 50,
    *,
    as_json: Json = False,
) -> None:
    """List erasures, the last asked for first, with when the journal says that the key was destroyed."""
    from regulars.members import api as members

    member_id = None if member is None else _member_in(member)

    async def look(services: "Services") -> tuple[Any, dict[UUID, datetime]]:
        async with services.database.transaction(actor=cli_actor()) as tx:
            found = await members.list_erasures(
                tx, member_id=member_id, state=None if state is None else state.value, limit=limit
            )
        return found, await services.vault.erased_among([one.member_id for one in found])

    found, journal = with_services(look)
    told = [{**_erasure_told(one), "key_destroyed_at": journal.get(one.member_id)} for one in found]
    if as_json:
        print_json({"erasures": told})
        return
    print_table(
        ("member", "state", "asked for", "due, or ended", "key destroyed", "by", "why"),
        [
            (
                one["member_id"],
                one["state"],
                _minute(one["asked_at"]),
                _minute(one["ended_at"] or one["due_at"]),
                _minute(one["key_destroyed_at"]),
                one["asked_by"],
                one["reason"],
            )
            for one in told
        ],
    )


@privacy.command("looks")
def list_looks(
    member: Of = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Only this one, e.g. staff:stf_… or key:ak_….")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="Only purposes that say this.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="From this day on (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="YYYY-MM-DD", help="Up to this day (UTC).")] = None,
    *,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """List who looked at whose personal data, when and why, the latest first."""
    from regulars.members import api as members
    from regulars.members.contracts import MEMBER_PREFIX
    from regulars.platform.audit import service as audit
    from regulars.platform.ids import public_id

    asked_for = None if member is None else _member_in(member)
    first, last = _day_in(since), _day_in(until)

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        ids = None if asked_for is None else await members.ids_of(tx, asked_for)
        return await audit.looks(
            tx,
            subjects=None if ids is None else [public_id(MEMBER_PREFIX, one) for one in ids],
            actor=actor,
            purpose=purpose,
            first=first,
            until=None if last is None else last + timedelta(days=1),
            limit=limit,
        )

    told = [
        {
            "at": one.written_at,
            "actor": one.actor,
            "action": one.action,
            "subject": one.subject,
            "purpose": one.reason if one.action.startswith("read_") else "",
            "detail": one.detail,
            "request_id": one.request_id,
        }
        for one in in_transaction(look)
    ]
    if as_json:
        print_json({"looks": told})
        return
    rows = [(_minute(one["at"]), one["actor"], one["action"], one["subject"], one["purpose"]) for one in told]
    print_table(("at", "who", "how", "at whom", "for what"), rows)


def _member_in(text: str) -> UUID:
    from regulars.members.contracts import MEMBER_PREFIX
    from regulars.platform.ids import parse_public_id

    found = parse_public_id(MEMBER_PREFIX, text)
    if found is None:
        give_up(f"{text} is no member's id: one is mbr_ and 32 digits.")
    return found


def _purpose_in(text: str) -> str:
    given = " ".join(text.split())
    if not _SHORTEST <= len(given) <= _LONGEST or not given.isprintable():
        give_up(f"Say why in {_SHORTEST} to {_LONGEST} characters: it is kept in the audit log.")
    return given


def _day_in(text: str | None) -> datetime | None:
    from datetime import UTC

    if text is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise typer.BadParameter(f"{text} is no day; write it as 2026-05-01") from None


def _note(tx: "Transaction", action: str, subject: str, reason: str, detail: str = "") -> None:
    from regulars.platform.audit.contracts import AuditEntry

    tx.audit(AuditEntry(actor=cli_actor(), action=action, subject=subject, reason=reason, detail=detail))


def _erasure_told(erasure: Any) -> dict[str, Any]:  # noqa: ANN401 - imported late
    from regulars.members.contracts import MEMBER_PREFIX
    from regulars.members.contracts.privacy import ERASURE_PREFIX
    from regulars.platform.ids import public_id

    told: dict[str, Any] = msgspec.structs.asdict(erasure)
    return told | {
        "erasure_id": public_id(ERASURE_PREFIX, erasure.erasure_id),
        "member_id": public_id(MEMBER_PREFIX, erasure.member_id),
    }


def _minute(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="minutes")


def _write_privately(path: Path, content: bytes) -> None:
    """Write a file that its owner alone may read; one that is there already is left alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        give_up(f"{path} is there already: choose another name, so that nothing is overwritten.")
    except OSError as error:
        give_up(f"{path} cannot be written: {error.strerror}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
