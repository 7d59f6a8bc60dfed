"""`regulars merges`, `proposals`, `households`: who is one person, and who lives together, at the command line."""

from typing import Annotated

import typer

from regulars.entrypoints.requests import (
    Change,
    Cursor,
    Fields,
    Limit,
    Look,
    MemberArgument,
    Why,
    change,
    facts,
    given,
    look,
    path_of,
    rows,
    sentence,
)

merges = typer.Typer(help="Members who are one person: merge, list, undo.", no_args_is_help=True)
proposals = typer.Typer(help="Members who may be one person: list, show, confirm, dismiss.", no_args_is_help=True)
households = typer.Typer(help="Members who live together: form, show, join, leave.", no_args_is_help=True)

Proposal = Annotated[str, typer.Argument(metavar="PROPOSAL", help="The proposal's id (mpr_…).")]
Household = Annotated[str, typer.Argument(metavar="HOUSEHOLD", help="The household's id (hhd_…).")]
Member = Annotated[str, typer.Option("--member", help="The member's id (mbr_…).")]

_MERGES = "/v1/members/{}/merges"
_PROPOSALS = "/v1/merge-proposals"
_PROPOSAL = _PROPOSALS + "/{}"
_HOUSEHOLDS = "/v1/households"
_HOUSEHOLD = _HOUSEHOLDS + "/{}"


@change(merges, "make", facts, previewed=True, meant="Let the two be one member?")
def merge(
    member: MemberArgument,
    absorb: Annotated[str, typer.Option("--absorb", help="The member who becomes part of this one (mbr_…).")],
    reason: Why,
) -> Change:
    """Let another member become part of this one: identities, profile, consents, and the books lot by lot."""
    return Change(path=path_of(_MERGES, member), body={"absorb": absorb, "reason": reason})


@look(merges, "list", rows("merges", "merge_id", "state", "survivor", "absorbed", "recorded_at", "actor", "reason"))
def list_merges(member: MemberArgument) -> Look:
    """List the merges of a member and of all who are part of it, undone ones too."""
    return Look(path_of(_MERGES, member))


@change(merges, "undo", facts, previewed=True, meant="Let them be two again? What was spent meanwhile is owed.")
def undo_merge(
    member: MemberArgument,
    merge_id: Annotated[str, typer.Argument(metavar="MERGE", help="The merge's id (mrg_…).")],
    reason: Why,
) -> Change:
    """Let two members who were merged be two again; merges of merges are undone from the last."""
    return Change(path=path_of(_MERGES + "/{}/undo", member, merge_id), body={"reason": reason})


@look(proposals, "list", rows("proposals", "proposal_id", "state", "members", "rank", "seen_count", "last_seen_at"))
def list_proposals(
    in_state: Annotated[str | None, typer.Option("--state", help="Only those that stand so, e.g. open.")] = None,
    member: Annotated[str | None, typer.Option("--member", help="Only this member (mbr_…).")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many at most.")] = 50,
) -> Look:
    """List members who may be one person, the last seen first."""
    return Look(_PROPOSALS, {"state": in_state, "member": member, "cursor": cursor, "limit": limit})


@look(proposals, "show", facts)
def show_proposal(proposal: Proposal) -> Look:
    """Show why two members may be one person, and who would stay; values are masked."""
    return Look(path_of(_PROPOSAL, proposal))


@change(proposals, "confirm", facts, previewed=True, meant="Let the two be one member?")
def confirm_proposal(
    proposal: Proposal,
    reason: Why,
    survivor: Annotated[
        str | None, typer.Option("--survivor", help="Who stays; else who holds an account, or signed up first.")
    ] = None,
) -> Change:
    """Merge two members who were proposed; `regulars merges undo` lets them be two again."""
    return Change(path=path_of(_PROPOSAL + "/confirm", proposal), body=given(reason=reason, survivor=survivor))


@change(proposals, "dismiss", sentence("{proposal_id} is {state}: they are two."))
def dismiss_proposal(proposal: Proposal, reason: Why) -> Change:
    """Say that two members who were proposed are two; only what speaks stronger for it opens it again."""
    return Change(path=path_of(_PROPOSAL + "/dismiss", proposal), body={"reason": reason})


@look(households, "list", rows("households", "household_id", "state", "head", "formed_at", "dissolved_at"))
def list_households(
    dissolved: Annotated[
        bool | None, typer.Option("--dissolved/--standing", help="Only those that are no more, or only the others.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Look:
    """List households, the last formed first."""
    return Look(_HOUSEHOLDS, {"dissolved": dissolved, "cursor": cursor, "limit": limit})


@look(households, "show", facts)
def show_household(
    household: Household,
    purpose: Annotated[
        str, typer.Option("--purpose", help="Why its name is to be read in the clear, for the audit log; else masked.")
    ] = "",
) -> Look:
    """Show a household and who lives there."""
    return Look(path_of(_HOUSEHOLD, household), purpose=purpose)


@look(households, "changes", rows("changes", "change_no", "kind", "member_id", "recorded_at", "actor", "reason"))
def list_changes(household: Household, cursor: Cursor = None, limit: Limit = 50) -> Look:
    """List who came, left and became head, by whom and why."""
    return Look(path_of(_HOUSEHOLD + "/changes", household), {"cursor": cursor, "limit": limit})


@look(households, "of", rows("households", "household_id", "role", "since", "until"))
def households_of(member: MemberArgument) -> Look:
    """List in which households a member lives and lived."""
    return Look(path_of("/v1/members/{}/households", member))


_STANDS = sentence("{household_id} is {state}, its head is {head}.")


@change(households, "form", _STANDS)
def form_household(
    head: Annotated[str, typer.Option("--head", help="Who is its head (mbr_…).")],
    reason: Why,
    members: Annotated[list[str] | None, typer.Option("--member", help="Who else lives there; several times.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="What people call it: kept sealed.")] = None,
) -> Change:
    """Let members live together; who lives in another household is refused."""
    return Change(path=_HOUSEHOLDS, body=given(head=head, reason=reason, members=members or [], name=name))


@change(households, "join", _STANDS)
def join_household(household: Household, member: Member, reason: Why) -> Change:
    """Let a member live in a household."""
    return Change(path=path_of(_HOUSEHOLD + "/members", household), body=_about(member, reason))


@change(households, "leave", _STANDS)
def leave_household(household: Household, member: Member, reason: Why) -> Change:
    """Let a member live there no more; of a head who leaves, whoever lives there longest is the next."""
    path = path_of(_HOUSEHOLD + "/members/{}/remove", household, member)
    return Change(path=path, body={"reason": reason})


@change(households, "head", _STANDS)
def change_head(household: Household, member: Member, reason: Why) -> Change:
    """Let one who lives there be the head."""
    return Change(path=path_of(_HOUSEHOLD + "/head", household), body=_about(member, reason))


@change(households, "rename", _STANDS)
def rename_household(
    household: Household,
    reason: Why,
    name: Annotated[str | None, typer.Option("--name", help="What people call it; left out, it has no name.")] = None,
) -> Change:
    """Call a household otherwise, or take its name away."""
    return Change(method="PATCH", path=path_of(_HOUSEHOLD, household), body={"name": name, "reason": reason})


@change(
    households,
    "dissolve",
    sentence("{household_id} is {state}."),
    meant="Let this household be no more? It does not come back; who lived there is free for another.",
)
def dissolve_household(household: Household, reason: Why) -> Change:
    """Let everybody leave, for good; it stays to be read."""
    return Change(path=path_of(_HOUSEHOLD + "/dissolve", household), body={"reason": reason})


def _about(member: str, reason: str) -> Fields:
    return {"member": member, "reason": reason}
