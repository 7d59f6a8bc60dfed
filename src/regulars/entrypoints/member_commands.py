"""`regulars members`, `identities`, `consents`, `identity-rules`: what a member has and is found by, at a shell."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

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
    Tell,
    Why,
    change,
    facts,
    given,
    look,
    path_of,
    rows,
    sentence,
)

if TYPE_CHECKING:
    from regulars.entrypoints.own_api import Document

members = typer.Typer(help="A member: who it is, wallets, statement, tier.", no_args_is_help=True)
identities = typer.Typer(help="What a member is found by: list, add, remove.", no_args_is_help=True)
consents = typer.Typer(help="What a member agreed to: list, record, confirm.", no_args_is_help=True)
identity_rules = typer.Typer(
    help="How many identities a member may hold, and which propose a merge: show, list, set.", no_args_is_help=True
)

AsOf = Annotated[str | None, typer.Option("--as-of", help=f"As it was known then. {Instant}")]
Clear = Annotated[
    str,
    typer.Option("--purpose", help="Why personal data are to be read in the clear, for the audit log; else masked."),
]
Consent = Annotated[str, typer.Argument(metavar="CONSENT", help="The request's id (cns_…).")]

_MEMBER: Final = "/v1/members/{}"
_IDENTITIES: Final = _MEMBER + "/identities"
_CONSENTS: Final = _MEMBER + "/consents"
_RULES: Final = "/v1/identity-rules"
_READ: Final = "-"  # typed instead of what shall stand in no shell's history
_OF_A_DECISION: Final = ("purpose", "channel", "decision", "where", "effective_at", "wording_version", "actor")


def _part(of: str, tell: Tell) -> Tell:
    """Tell a part of an answer."""
    return lambda document, only_looked: tell(document[of], only_looked)


# --- a member -----------------------------------------------------------------------------------------------------


@look(members, "show", facts)
def show_member(member: MemberArgument, purpose: Clear = "") -> Look:
    """Show a member with profile and identities."""
    return Look(path_of(_MEMBER, member), purpose=purpose)


@look(
    members,
    "wallets",
    rows("wallets", "wallet", "balance", "available", "held", "pending", "debt", "expired", "next_expiry"),
)
def show_wallets(member: MemberArgument, as_of: AsOf = None) -> Look:
    """List every wallet of a member: what is spendable, kept, yet to come, owed."""
    return Look(path_of(_MEMBER + "/wallets", member), {"as_of": as_of})


@look(
    members,
    "statement",
    rows("lines", "transfer_id", "recorded_at", "kind", "wallet", "amount", "balance", "reason", "order_id"),
)
def show_statement(
    member: MemberArgument,
    wallet: Annotated[str | None, typer.Option("--wallet", help="Only this wallet (its code).")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Look:
    """List what moved a member's balances and why, the latest first."""
    return Look(path_of(_MEMBER + "/statement", member), {"wallet": wallet, "cursor": cursor, "limit": limit})


@look(members, "tier", _part("status", facts))
def show_tier(member: MemberArgument, as_of: AsOf = None) -> Look:
    """Show a member's tier, why it is held, and what is missing for the next."""
    return Look(path_of(_MEMBER + "/tier", member), {"as_of": as_of})


# --- what a member is found by ------------------------------------------------------------------------------------


@look(identities, "list", rows("identities", "identity_id", "kind", "value", "added_at", "verified_at"))
def list_identities(member: MemberArgument, purpose: Clear = "") -> Look:
    """List what a member is found by; --json has the whole member."""
    return Look(path_of(_MEMBER, member), purpose=purpose)


@change(identities, "add", sentence("{identity_id}: this member is found by that {kind}, too."))
def add_identity(
    member: MemberArgument,
    kind: Annotated[str, typer.Option("--kind", help="phone, email, card, external or openid.")],
    value: Annotated[
        str, typer.Option("--value", help="The value; - reads it from standard input, so that no history keeps it.")
    ],
) -> Change:
    """Let a member be found by one more value; one that the member has already stays as it is."""
    return Change(path=path_of(_IDENTITIES, member), body={"kind": kind, "value": _read(value)})


@change(
    identities,
    "remove",
    sentence("{identity_id}: this member is no longer found by that {kind}."),
    meant="Let this member no longer be found by it? Whoever adds it again needs its value.",
)
def remove_identity(
    member: MemberArgument,
    identity: Annotated[str, typer.Argument(metavar="IDENTITY", help="The identity's id (idn_…).")],
) -> Change:
    """Let a member no longer be found by a value; the last one stays."""
    return Change(method="DELETE", path=path_of(_IDENTITIES + "/{}", member, identity), body={})


# --- what a member agreed to --------------------------------------------------------------------------------------


def _tell_consents(document: "Document", only_looked: bool) -> None:
    """Tell what is in force, and what waits to be confirmed; the history is a list of its own."""
    standing = [*document["in_force"], *document["requested"]]
    rows("standing", "consent_id", *_OF_A_DECISION)({"standing": standing}, only_looked)


@look(consents, "list", _tell_consents)
def list_consents(member: MemberArgument, as_of: AsOf = None) -> Look:
    """List the decisions in force and what waits to be confirmed, now or as known then; --json has the history, too."""
    return Look(path_of(_CONSENTS, member), {"as_of": as_of})


@look(consents, "history", rows("history", "consent_id", "recorded_at", *_OF_A_DECISION, "confirmation"))
def list_history(
    member: MemberArgument,
    purpose: Annotated[str | None, typer.Option("--purpose", help="Only this purpose, e.g. marketing.")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="Only this channel, e.g. email.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Look:
    """List everything that a member decided, the last to become known first."""
    query = {"purpose": purpose, "channel": channel, "cursor": cursor, "limit": limit}
    return Look(path_of(_CONSENTS + "/history", member), query)


@change(consents, "record", sentence("{consent_id}: {purpose} by {channel} is {decision}."))
def record_consent(
    member: MemberArgument,
    *,
    purpose: Annotated[str, typer.Option("--purpose", help="service, marketing, research, profiling or sharing.")],
    channel: Annotated[str, typer.Option("--channel", help="email, sms, push, wechat, phone, post or any.")],
    decision: Annotated[str, typer.Option("--decision", help="given or withdrawn.")],
    wording_version: Annotated[str, typer.Option("--wording-version", help="Which text the member saw.")],
    where: Annotated[str, typer.Option("--where", help="Where it was decided, e.g. store, online, phone.")],
    store_id: Annotated[str | None, typer.Option("--store-id", help="The shop, if it was in one.")] = None,
    effective_at: Annotated[str | None, typer.Option("--effective-at", help=f"When; else now. {Instant}")] = None,
    wording: Annotated[str | None, typer.Option("--wording", help="The text as the member saw it.")] = None,
    language: Annotated[
        str | None, typer.Option("--wording-language", help="The text's language, e.g. zh-CN (the field language).")
    ] = None,
    confirmed_elsewhere: Annotated[
        bool, typer.Option("--confirmed-elsewhere", help="It was confirmed from the address before; you can prove it.")
    ] = False,
) -> Change:
    """Record that a member gave or withdrew consent; where double opt-in is asked for, a letter asks to confirm it."""
    body = given(
        purpose=purpose,
        channel=channel,
        decision=decision,
        wording_version=wording_version,
        where=where,
        store_id=store_id,
        effective_at=effective_at,
        wording=wording,
        language=language,
        confirmed_elsewhere=confirmed_elsewhere,
    )
    return Change(path=path_of(_CONSENTS, member), body=body)


@change(consents, "letter", sentence("{consent_id}: one more letter asks to confirm {purpose} by {channel}."))
def send_letter(member: MemberArgument, consent: Consent) -> Change:
    """Send the letter that asks for confirmation once more; its link replaces the one before."""
    return Change(path=path_of(_CONSENTS + "/{}/letters", member, consent), body={})


@change(consents, "confirm", sentence("{member_id} confirmed {purpose} by {channel} ({request_id})."))
def confirm_consent(
    token: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN", help="What the letter's link carries, or the link; - reads it from standard input."
        ),
    ],
) -> Change:
    """Confirm a consent as the page behind a letter's link does; again changes nothing."""
    return Change(path="/v1/consent-confirmations", body={"token": _read(token).rpartition("/")[2]})


def _read(typed: str) -> str:
    return sys.stdin.readline().strip() if typed == _READ else typed


# --- the rules of identities --------------------------------------------------------------------------------------


def _tell_rules(document: "Document", only_looked: bool) -> None:
    """Tell the rules in force: what holds of all, then kind by kind."""
    in_force = document["in_force"]
    facts({name: one for name, one in in_force.items() if name != "kinds"}, only_looked)
    typer.echo()
    rows("kinds", "kind", "limit", "proposes", "refuses_repeated", "blocked")(in_force, only_looked)


@look(identity_rules, "show", _tell_rules)
def show_rules() -> Look:
    """Show the rules in force, the strongest kind first; --json has every version, too."""
    return Look(_RULES)


@look(
    identity_rules,
    "list",
    rows("versions", "version", "recorded_at", "automatic", "automatic_after_minutes", "actor", "reason"),
)
def list_rules() -> Look:
    """List every version of the rules, the last first; version 0 stands in the program."""
    return Look(_RULES)


@change(identity_rules, "set", sentence("Version {version} of the rules is in force."))
def set_rules(
    file: Annotated[
        Path, typer.Argument(help="The rules as JSON: what `identity-rules show --json` tells, changed in `in_force`.")
    ],
    reason: Why,
    based_on: Annotated[
        int | None, typer.Option("--based-on", help="The version that was read before; else the file's `version`.")
    ] = None,
) -> Change:
    """Let a new version of the rules be in force; refused if somebody changed them since they were read."""
    rules = _rules_in(file)
    wanted = given(reason=reason, based_on=rules.get("version") if based_on is None else based_on)
    return Change(method="PUT", path=_RULES, body={**_asked_of(rules), **wanted})


def _rules_in(file: Path) -> dict[str, Any]:
    try:
        rules = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        give_up(f"{file} cannot be read: {error.strerror}.")
    except msgspec.MsgspecError as error:
        give_up(f"{file} is no JSON object: {error}.")
    in_force = rules.get("in_force", rules)
    return in_force if isinstance(in_force, dict) else rules


def _asked_of(rules: dict[str, Any]) -> dict[str, Any]:
    """Return what a new version says: who made the one before, when and why, is not part of it."""
    return {name: one for name, one in rules.items() if name not in {"version", "actor", "reason", "recorded_at"}}
