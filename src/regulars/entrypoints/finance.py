"""`regulars finance`: what members may still spend, months closed and proven, journals."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regulars.entrypoints.commands import Json, in_transaction, print_json, print_table

if TYPE_CHECKING:
    from regulars.platform.db.transaction import Transaction

finance = typer.Typer(help="Liability, months, journals.", no_args_is_help=True)

Market = Annotated[str | None, typer.Option(help="Only this market (its code).")]
Wallet = Annotated[str | None, typer.Option(help="Only this wallet (its code).")]


@finance.command("liability")
def show_liability(
    first: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="The first month; else twelve of them.")] = None,
    last: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="The last month; else the one that lasts.")
    ] = None,
    market: Market = None,
    wallet: Wallet = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what members may still spend by month: opening, movements, closing."""
    from regulars.loyalty import api as loyalty

    asked = loyalty.Span(first=month_given(first), last=month_given(last), market=market, wallet=wallet)

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        return await loyalty.liability(tx, loyalty.Configuration(), asked)

    months, standing = in_transaction(look)
    if as_json:
        print_json({"as_of": None if standing is None else standing.as_of, "months": months})
        return
    head = ("month", "market", "wallet", "opening", "moved", "closing", "worth at most", "closed")
    rows = [
        (
            one.month,
            one.market,
            one.wallet,
            f"{one.opening.outstanding:,}",
            "\n".join(
                [f"{it.movement} {it.units + it.debt_change:+,}" for it in one.movements if it.units or it.debt_change]
            ),
            f"{one.closing.outstanding:,}",
            "" if one.closing_worth is None else f"{one.closing_worth.at_most_minor:,} ({one.currency}, minor units)",
            "yes" if one.is_closed else "",
        )
        for one in months
    ]
    print_table(head, rows)
    typer.echo(f"As recorded by {standing.as_of.isoformat() if standing else 'no roll-up yet: regulars figures'}.")


@finance.command("as-of")
def show_as_of(
    at: Annotated[str, typer.Argument(help="A past instant, e.g. 2017-03-31T23:59:59-04:00.")],
    market: Market = None,
    wallet: Wallet = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what members held and could spend as it was recorded by an instant."""
    from regulars.loyalty import api as loyalty

    instant = _instant(at)

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        if instant > tx.now:
            raise typer.BadParameter(f"the programme clock shows {tx.now.isoformat()}; that is still to come")
        return await loyalty.liability_at(
            tx, loyalty.Configuration(), instant, market=market, wallet=wallet, parts=True
        )

    found = in_transaction(look)
    if as_json:
        print_json({"at": instant, "wallets": found})
        return
    rows = [
        (
            one.market,
            one.wallet,
            f"{one.held.outstanding:,}",
            *(
                [f"{it:,}" for it in (one.parts.spendable, one.parts.pending, one.parts.run_out)]
                if one.parts
                else [""] * 3
            ),
            f"{one.held.debt:,}",
            f"{one.held.balance:,}",
        )
        for one in found
    ]
    print_table(("market", "wallet", "outstanding", "spendable", "pending", "run out", "debt", "balance"), rows)


def month_given(text: str | None) -> date | None:
    """Return the first day of a month as it was typed."""
    from regulars.loyalty.api import month_named

    if text is None:
        return None
    found = month_named(text)
    if found is None:
        raise typer.BadParameter(f"{text} is no month; write it as 2026-05")
    return found


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter(f"{text} is no instant; write it as 2026-05-31T23:59:59+08:00")
    return at
