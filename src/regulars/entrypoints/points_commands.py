"""`regulars holds`, `corrections`, `lots`, `transfers`: what staff do to a member's points, at the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from regulars.entrypoints.commands import give_up
from regulars.entrypoints.requests import (
    Change,
    Cursor,
    Instant,
    Limit,
    Look,
    MemberArgument,
    Reference,
    Why,
    change,
    facts,
    given,
    look,
    path_of,
    rows,
    sentence,
)

holds = typer.Typer(help="Points kept for a purpose: list, place, post, void.", no_args_is_help=True)
corrections = typer.Typer(help="Corrections: make, ask for, approve, refuse.", no_args_is_help=True)
lots = typer.Typer(help="Lots: list, let them run out later.", no_args_is_help=True)
transfers = typer.Typer(help="Points from member to member: send, list, take back.", no_args_is_help=True)

Hold = Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id (hld_…).")]
Request = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id (adj_…).")]
Wallet = Annotated[str, typer.Option("--wallet", help="The wallet (its code).")]
Ended = Annotated[bool, typer.Option("--ended", help="Also what is over.")]
Note = Annotated[str, typer.Option("--note", help="What you have to say to it.")]
Deadline = Annotated[str, typer.Option("--until", help=f"{Instant} The API's `deadline`.")]
RunsOut = Annotated[str, typer.Option("--until", help=f"{Instant} The API's `expires_at`.")]
Signed = Annotated[int, typer.Option("--amount", help="What is added; what is taken away with a minus: --amount=-50.")]

_HOLDS = "/v1/members/{}/holds"
_REQUESTS = "/v1/members/{}/adjustment-requests"
_TRANSFERS = "/v1/members/{}/transfers"


@look(holds, "list", rows("holds", "hold_id", "state", "amount", "wallet", "purpose", "deadline", "posted"))
def list_holds(member: MemberArgument, *, ended: Ended = False, cursor: Cursor = None, limit: Limit = 50) -> Look:
    """List what is kept of a member's points, the latest first."""
    return Look(path_of(_HOLDS, member), {"ended": ended, "cursor": cursor, "limit": limit})


@look(holds, "show", facts)
def show_hold(member: MemberArgument, hold: Hold) -> Look:
    """Show one hold: of which lots it keeps what, and how it ended."""
    return Look(path_of(_HOLDS + "/{}", member, hold))


@change(holds, "place", sentence("{hold_id} keeps {amount:,} {wallet} until {deadline}."))
def place_hold(
    member: MemberArgument,
    amount: Annotated[int, typer.Option("--amount", help="How many.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What for; the member reads it.")],
    deadline: Deadline,
    reference: Reference,
    *,
    wallet: Wallet = "points",
) -> Change:
    """Keep spendable points for a purpose until a deadline: they cannot be spent otherwise meanwhile."""
    body = given(amount=amount, purpose=purpose, deadline=deadline, reference=reference, wallet=wallet)
    return Change(path=path_of(_HOLDS, member), body=body)


_ENDED = sentence("{hold_id} is over: {posted:,} {wallet} used, {released:,} free again.")


@change(holds, "post", _ENDED)
def post_hold(
    member: MemberArgument,
    hold: Hold,
    amount: Annotated[int | None, typer.Option("--amount", help="How many of them; else all.")] = None,
) -> Change:
    """Use what a hold keeps, all or a part; the rest is free again. A hold ends once."""
    return Change(path=path_of(_HOLDS + "/{}/post", member, hold), body=given(amount=amount))


@change(holds, "void", _ENDED)
def void_hold(member: MemberArgument, hold: Hold, reason: Why) -> Change:
    """Let go of what a hold keeps."""
    return Change(path=path_of(_HOLDS + "/{}/void", member, hold), body={"reason": reason})


@change(corrections, "make", sentence("{transfer_id}: {amount:+,} {wallet}, {balance:,} now."))
def make_correction(
    member: MemberArgument, amount: Signed, reason: Why, reference: Reference, wallet: Wallet = "points"
) -> Change:
    """Correct a balance, up or down. Above the policy's limits it is refused: ask for it then."""
    body = {"amount": amount, "reason": reason, "reference": reference, "wallet": wallet}
    return Change(path=path_of("/v1/members/{}/adjustments", member), body=body)


@change(corrections, "ask", sentence("{request_id} waits until {expires_at}: somebody else approves or refuses it."))
def ask_correction(
    member: MemberArgument, amount: Signed, reason: Why, reference: Reference, wallet: Wallet = "points"
) -> Change:
    """Ask for a correction that a second person approves; nothing is posted until then."""
    body = {"amount": amount, "reason": reason, "reference": reference, "wallet": wallet}
    return Change(path=path_of(_REQUESTS, member), body=body)


@look(
    corrections,
    "list",
    rows("requests", "request_id", "member_id", "state", "amount", "wallet", "asked_by", "asked_at", "reason"),
)
def list_corrections(
    member: Annotated[str | None, typer.Option("--member", help="Only this member (mbr_…).")] = None,
    *,
    ended: Ended = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Look:
    """List the corrections that wait for a second person."""
    return Look("/v1/adjustment-requests", {"member_id": member, "ended": ended, "cursor": cursor, "limit": limit})


_ANSWERED = sentence("{request_id} is {state}: {amount:+,} {wallet} for {member_id}.")


@change(corrections, "approve", _ANSWERED)
def approve_correction(member: MemberArgument, request: Request, note: Note = "") -> Change:
    """Approve what somebody else asked for: it is posted now, once."""
    return Change(path=path_of(_REQUESTS + "/{}/approve", member, request), body={"note": note})


@change(corrections, "refuse", _ANSWERED)
def refuse_correction(member: MemberArgument, request: Request, note: Note = "") -> Change:
    """Refuse what somebody else asked for; nothing is posted."""
    return Change(path=path_of(_REQUESTS + "/{}/refuse", member, request), body={"note": note})


@look(lots, "list", rows("lots", "lot_id", "wallet", "state", "amount", "remaining", "held", "expires_at"))
def list_lots(
    member: MemberArgument,
    *,
    spent: Annotated[bool, typer.Option("--spent", help="Also those with nothing left.")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Look:
    """List what a member's points are made of, in the order in which they are spent."""
    return Look(path_of("/v1/members/{}/lots", member), {"spent": spent, "cursor": cursor, "limit": limit})


@change(lots, "extend", sentence("{amount:,} {wallet} run out at {expires_at} now, as the lot {transfer_id}."))
def extend_lot(
    member: MemberArgument,
    lot: Annotated[str, typer.Argument(metavar="LOT", help="The lot's id (trf_…).")],
    expires_at: RunsOut,
    reason: Why,
    reference: Reference,
) -> Change:
    """Let what is free of a lot run out later. Balances stay as they are; the member reads the reason."""
    body = {"expires_at": expires_at, "reason": reason, "reference": reference}
    return Change(path=path_of("/v1/members/{}/lots/{}/extensions", member, lot), body=body)


@change(lots, "extend-many", sentence("{posted:,} are extended, {refused:,} refused."))
def extend_lots(
    file: Annotated[
        Path,
        typer.Argument(
            help="Lines of JSON, each with member_id, lot_id, expires_at, reason and reference; at most 1,000."
        ),
    ],
) -> Change:
    """Let many lots run out later, row by row: a refused row leaves the others as they are (--json says why)."""
    return Change(path="/v1/lots/extensions/batch", body={"extensions": _lines_of(file)})


def _lines_of(file: Path) -> list[object]:
    try:
        return msgspec.json.Decoder(object).decode_lines(file.read_bytes())
    except OSError as error:
        give_up(f"{file} cannot be read: {error.strerror}.")
    except msgspec.DecodeError as error:
        give_up(f"{file} is not lines of JSON: {error}.")


@change(
    transfers,
    "send",
    sentence("{amount:,} {wallet} went to {to} ({transfer_id}).", looked="{amount:,} {wallet} would go to {to}."),
    previewed=True,
)
def send_points(
    member: MemberArgument,
    to: Annotated[str, typer.Option("--to", help="Who gets them (mbr_…).")],
    amount: Annotated[int, typer.Option("--amount", help="How many.")],
    reference: Reference,
    reason: Annotated[str, typer.Option("--reason", help="Why; both members read it.")] = "",
) -> Change:
    """Let a member give points to another, lot by lot, as the policy allows."""
    body = {"to": to, "amount": amount, "reference": reference, "reason": reason}
    return Change(path=path_of(_TRANSFERS, member), body=body)


@look(transfers, "list", rows("transfers", "transfer_id", "side", "other", "amount", "recorded_at", "reversed_at"))
def list_transfers(member: MemberArgument, cursor: Cursor = None, limit: Limit = 50) -> Look:
    """List what a member gave to others, and got."""
    return Look(path_of(_TRANSFERS, member), {"cursor": cursor, "limit": limit})


@change(
    transfers,
    "take-back",
    sentence(
        "{returned:,} {wallet} went back as they were, {covered:,} out of others; {shortfall:,} are owed.",
        looked="{returned:,} {wallet} would go back as they are, {covered:,} out of others; {shortfall:,} be owed.",
    ),
    previewed=True,
    meant="Take this transfer back? It cannot be given again by undoing that.",
)
def take_back(
    member: MemberArgument,
    transfer: Annotated[str, typer.Argument(metavar="TRANSFER", help="The id of what was sent (ptr_…).")],
    reason: Why,
) -> Change:
    """Give points back to who gave them; what is lacking is owed by who had got them."""
    return Change(path=path_of(_TRANSFERS + "/{}/reverse", member, transfer), body={"reason": reason})
