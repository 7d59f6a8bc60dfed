"""`regulars explain`: why, on the command line, in sentences or as data."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from regulars.entrypoints.commands import Json, Language, in_transaction, print_json

if TYPE_CHECKING:
    from regulars.platform.db.transaction import Transaction
    from regulars.platform.explaining.contracts import Explanation

explain = typer.Typer(
    help="Say why: balances, tiers, lots, statement lines, orders, holds, corrections, refusals.", no_args_is_help=True
)


Lang = Annotated[Language, typer.Option("--lang", help="The language of the sentences.")]
Member = Annotated[str, typer.Argument(metavar="MEMBER", help="The member's id, mbr_…")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="A past instant, e.g. 2026-05-31T23:59:59+08:00.")]


@explain.command("member")
def explain_member(member: Member, as_of: AsOf = None, lang: Lang = Language.en, *, as_json: Json = False) -> None:
    """Say why a member's balances and tier are what they are, now or as of an instant."""
    from regulars.loyalty import api as loyalty

    async def look(tx: "Transaction") -> "list[Explanation]":
        configuration, member_id, at = loyalty.Configuration(), loyalty.member_id_in(member), _instant(as_of, tx)
        wallets = [one.code for one in await loyalty.list_wallets(tx)]
        found = [await loyalty.explain_balance(tx, configuration, member_id, code, at) for code in wallets]
        return [*found, await loyalty.explain_tier(tx, configuration, member_id, at)]

    _tell(in_transaction(look), lang, as_json=as_json)


@explain.command("tier")
def explain_tier(member: Member, as_of: AsOf = None, lang: Lang = Language.en, *, as_json: Json = False) -> None:
    """Say why a member holds a tier, and how far the next one is."""
    from regulars.loyalty import api as loyalty

    async def look(tx: "Transaction") -> "list[Explanation]":
        member_id = loyalty.member_id_in(member)
        return [await loyalty.explain_tier(tx, loyalty.Configuration(), member_id, _instant(as_of, tx))]

    _tell(in_transaction(look), lang, as_json=as_json)


@explain.command("lot")
def explain_lot(
    lot: Annotated[str, typer.Argument(metavar="LOT", help="The lot's id, trf_…")],
    lang: Lang = Language.en,
    *,
    as_json: Json = False,
) -> None:
    """Say what is left of a lot, until when, and why it is there."""
    from regulars.commerce import api as commerce

    _entry(commerce.explain_lot, lot, lang, as_json=as_json)


@explain.command("transfer")
def explain_transfer(
    transfer: Annotated[str, typer.Argument(metavar="TRANSFER", help="The id of a line of a statement, trf_…")],
    lang: Lang = Language.en,
    *,
    as_json: Json = False,
) -> None:
    """Say why a line of a statement is there."""
    from regulars.commerce import api as commerce

    _entry(commerce.explain_transfer, transfer, lang, as_json=as_json)


def _entry(explained: Callable[..., Any], text: str, lang: Language, *, as_json: bool) -> None:
    from regulars.loyalty import api as loyalty
    from regulars.platform.errors import NotFound

    async def look(tx: "Transaction") -> "list[Explanation]":
        member_id, seq = _whose(text)
        if seq is None:
            raise NotFound
        return [await explained(tx, loyalty.Configuration(), member_id, seq)]

    _tell(in_transaction(look), lang, as_json=as_json)


def _whose(text: str) -> tuple[UUID, int | None]:
    """Return whose a transfer or a lot is, and its number: both stand in its id. Raises NotFound."""
    from regulars.loyalty import api as loyalty

    member_id = loyalty.member_id_in(f"mbr_{text.partition('_')[2][:32]}")
    return member_id, loyalty.seq_in(member_id, text)


@explain.command("order")
def explain_order(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")],
    lang: Lang = Language.en,
    *,
    as_json: Json = False,
) -> None:
    """Say why an order did what it did, and each of its returns."""
    from regulars.commerce import api as commerce
    from regulars.loyalty import api as loyalty

    async def look(tx: "Transaction") -> "list[Explanation]":
        found = await commerce.explain_order(tx, commerce.Commerce(loyalty.Configuration()), order)
        return [found.order, *found.returns]

    _tell(in_transaction(look), lang, as_json=as_json)


@explain.command("hold")
def explain_hold(
    member: Member,
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id, hld_…")],
    lang: Lang = Language.en,
    *,
    as_json: Json = False,
) -> None:
    """Say why units are held, or how their hold ended."""
    from regulars.loyalty import api as loyalty

    async def look(tx: "Transaction") -> "list[Explanation]":
        member_id = loyalty.member_id_in(member)
        return [await loyalty.explain_hold(tx, loyalty.Configuration(), member_id, _id("hld", hold))]

    _tell(in_transaction(look), lang, as_json=as_json)


@explain.command("adjustment")
def explain_adjustment(
    member: Member,
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="The id of the request, adj_…")],
    lang: Lang = Language.en,
    *,
    as_json: Json = False,
) -> None:
    """Say why a correction waits, or who answered it."""
    from regulars.loyalty import api as loyalty

    async def look(tx: "Transaction") -> "list[Explanation]":
        member_id = loyalty.member_id_in(member)
        return [await loyalty.explain_request(tx, loyalty.Configuration(), member_id, _id("adj", request))]

    _tell(in_transaction(look), lang, as_json=as_json)


@explain.command("refusal")
def explain_refusal(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="The id of the request that was refused.")],
    lang: Lang = Language.en,
    row: Annotated[int | None, typer.Option(min=0, help="Of a batch: which row, from 0.")] = None,
    client: Annotated[str | None, typer.Option(help="Only what was refused to this one, e.g. key:ak_….")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say why a change was refused (409, 422); refusals are kept for 90 days.

    Callers choose the ids of requests: all who were refused under one are told, the last first.
    """
    from importlib import import_module

    from regulars.platform.commit import refusals
    from regulars.platform.commit.errors import RefusalNotKept

    for room in ("web", "commerce", "engagement", "loyalty", "members"):
        import_module(f"regulars.{room}.routes")  # a refusal is told by its class, which its room brings along

    async def look(tx: "Transaction") -> "list[Explanation]":
        found = await refusals.explain_each(tx, request, client, row)
        if not found:
            raise RefusalNotKept
        clients.extend(found)
        return list(found.values())

    clients = list[str]()
    _tell(in_transaction(look), lang, clients, as_json=as_json)


def _id(prefix: str, text: str) -> UUID:
    from regulars.platform.errors import NotFound
    from regulars.platform.ids import parse_public_id

    found = parse_public_id(prefix, text)
    if found is None:
        raise NotFound
    return found


def _instant(text: str | None, tx: "Transaction") -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter(f"{text} is no instant; write it as 2026-05-31T23:59:59+08:00")
    if at > tx.now:
        raise typer.BadParameter(f"the programme clock shows {tx.now.isoformat()}; that is still to come")
    return at


def _tell(found: "Sequence[Explanation]", language: Language, clients: Sequence[str] = (), *, as_json: bool) -> None:
    """Print explanations: as one JSON object, or each under its heading, near misses and links below.

    `clients` says of refusals whose each was.
    """
    if as_json:
        from regulars.commerce.explaining.schemas import explanation_answer

        told = [explanation_answer(one, language.value, every=True) for one in found]
        print_json({"explanations": told, **({"clients": clients} if clients else {})})
        return
    from rich.console import Console
    from rich.text import Text

    from regulars.platform.explaining.speech import Speech

    console = Console()
    for number, one in enumerate(found):
        speech = Speech.of(one, language.value)
        if number:
            console.print()
        version = "" if one.policy_version is None else f"  policy {one.policy_version}"
        version += f"  {clients[number]}" if clients else ""
        console.print(
            Text.assemble((f"{one.about} {one.id}", "bold"), (version, "dim")),
            soft_wrap=True,
        )
        for place, reason in enumerate(one.reasons):
            mark = ("→ ", "bold") if not place else ("  · ", "dim")
            console.print(Text.assemble(mark, speech.say(reason)), soft_wrap=True)
        for reason in one.near:
            console.print(Text.assemble(("  ≈ ", "yellow"), speech.say(reason)), soft_wrap=True)
        for link in one.links:
            console.print(Text.assemble(("  ", ""), (f"{link.kind}: {link.id}", "dim")), soft_wrap=True)
