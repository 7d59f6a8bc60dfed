"""`regulars lineage`: what an order caused and where units came from and went, at the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from regulars.entrypoints.requests import Cursor, InWords, Look, MemberArgument, look, path_of

if TYPE_CHECKING:
    from regulars.entrypoints.own_api import Document

lineage = typer.Typer(help="Lineage: what an order caused, where points come from and went.", no_args_is_help=True)

Lot = Annotated[str, typer.Argument(metavar="LOT", help="The lot's id (trf_…).")]
Line = Annotated[str, typer.Argument(metavar="TRANSFER", help="The transfer's id (trf_…).")]
PageOf = Annotated[int, typer.Option("--limit", min=1, max=100, help="How many at most.")]


def _say_order(found: "Document", language: str) -> None:
    from regulars.entrypoints.lineage_words import tell_order

    tell_order(found, language)


def _say_units(found: "Document", language: str) -> None:
    from regulars.entrypoints.lineage_words import tell_units

    tell_units(found, language)


@look(lineage, "order", InWords(_say_order))
def of_order(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")],
    cursor: Cursor = None,
    limit: PageOf = 100,
) -> Look:
    """Tell what an order and its returns caused, and what became of its points, through merges too."""
    return Look(path_of("/v1/orders/{}/lineage", order), {"cursor": cursor, "limit": limit})


@look(lineage, "lot", InWords(_say_units))
def of_lot(member: MemberArgument, lot: Lot, cursor: Cursor = None, limit: PageOf = 50) -> Look:
    """Tell what brought a member's lot, and what used it."""
    return Look(path_of("/v1/members/{}/lots/{}/lineage", member, lot), {"cursor": cursor, "limit": limit})


@look(lineage, "transfer", InWords(_say_units))
def of_transfer(member: MemberArgument, transfer: Line, cursor: Cursor = None, limit: PageOf = 50) -> Look:
    """Tell of which lots the units of a member's transfer came."""
    path = path_of("/v1/members/{}/transfers/{}/lineage", member, transfer)
    return Look(path, {"cursor": cursor, "limit": limit})
