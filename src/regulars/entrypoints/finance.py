"""`regulars finance`: what members may still spend, months closed and proven, journals."""

import asyncio
import sys
from contextlib import nullcontext
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from regulars.entrypoints.commands import (
    Json,
    Reason,
    cli_actor,
    day,
    in_transaction,
    print_json,
    print_table,
    ticked,
    to_the_second,
    with_database,
)

if TYPE_CHECKING:
    from regulars.platform.db.database import Database
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
            "" if one.closing_worth is None else _money(one.closing_worth.at_most_minor, one.currency),
            "yes" if one.is_closed else "",
        )
        for one in months
    ]
    print_table(head, rows)
    typer.echo(f"As recorded by {to_the_second(standing.as_of) if standing else 'no roll-up yet: regulars figures'}.")


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
                [f"{it:,}" for it in (one.parts.spendable, one.parts.held, one.parts.pending, one.parts.run_out)]
                if one.parts
                else [""] * 4
            ),
            f"{one.held.debt:,}",
            f"{one.held.balance:,}",
        )
        for one in found
    ]
    print_table(("market", "wallet", "outstanding", "spendable", "held", "pending", "run out", "debt", "balance"), rows)


@finance.command("breakage")
def show_breakage(
    market: Annotated[str, typer.Option(help="The market (its code).")],
    wallet: Annotated[str, typer.Option(help="The wallet (its code).")] = "points",
    *,
    as_json: Json = False,
) -> None:
    """Estimate which share of outstanding units will expire unused, and the fair value of a point."""
    from regulars.loyalty import api as loyalty

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        return await loyalty.read_breakage(tx, loyalty.Configuration(), wallet=wallet, market=market, language="en")

    found = in_transaction(look)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.earned,
            *[f"{it:,}" for it in (one.issued, one.used, one.expired, one.other, one.left, one.will_expire)],
            "yes" if one.is_complete else "",
        )
        for one in found.cohorts
    ]
    print_table(("earned", "issued", "used", "expired", "other", "left", "will expire", "run"), rows)
    typer.echo(f"Of outstanding: {found.of_outstanding} ({found.low} to {found.high}). Of issued: {found.of_issued}.")
    if found.worth is not None:
        typer.echo(f"Fair value of a point: {found.worth.fair_per_point_minor} ({found.currency}, minor units).")
    typer.echo(found.method)


class Form(StrEnum):
    """The text format of a journal."""

    csv = "csv"
    beancount = "beancount"


class By(StrEnum):
    """What stands on one line of a journal."""

    day = "day"
    transfer = "transfer"


@finance.command("journal")
def write_journal(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The month.")],
    form: Annotated[Form, typer.Option(help="CSV, or the double-entry text of beancount.")] = Form.beancount,
    by: Annotated[By, typer.Option(help="Added up by account and day, or transfer by transfer.")] = By.day,
    market: Market = None,
    output: Annotated[
        Path | None, typer.Option("--out", "--output", "-o", help="A file to write; else standard output.")
    ] = None,
) -> None:
    """Write a month's bookings as a journal: spendable wallets, with what was there before and after."""
    from regulars.loyalty import api as loyalty

    asked = month_given(month)

    async def write(database: "Database") -> None:
        with output.open("w", encoding="utf-8", newline="") if output else nullcontext(sys.stdout) as file:
            async with database.transaction(actor=cli_actor()) as tx:
                async for piece in loyalty.read_journal(
                    tx, loyalty.Configuration(), asked or date.min, form=form.value, by=by.value, market=market
                ):
                    file.write(piece)

    with_database(write)


def month_given(text: str | None) -> date | None:
    """Return the first day of a month as it was typed."""
    from regulars.loyalty.api import month_named

    if text is None:
        return None
    found = month_named(text)
    if found is None:
        raise typer.BadParameter(f"{text} is no month; write it as 2026-05")
    return found


def _money(minor: int, currency: str) -> str:
    from regulars.platform.formats import major_units
    from regulars.platform.money import Money

    return f"{major_units(Money(minor, currency)):,} {currency}"


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter(f"{text} is no instant; write it as 2026-05-31T23:59:59+08:00")
    return at


@finance.command("close")
def close(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="The month, the next in order.")],
    reason: Reason = "",
    patience_seconds: Annotated[
        float, typer.Option("--patience", min=0, help="How long to wait for transactions that began before.")
    ] = 60.0,
    *,
    as_json: Json = False,
) -> None:
    """Close a month for good: nothing is booked into it any more. Exit code 1 if it is still being closed."""
    from regulars.loyalty import api as loyalty

    asked = month_given(month)

    async def run(database: "Database") -> Any:  # noqa: ANN401 - imported late
        async with database.transaction(actor=cli_actor()) as tx:
            under_way = [one for one in await loyalty.list_closes(tx) if (one.month, one.state) == (month, "closing")]
            if asked is not None and not under_way:
                await loyalty.begin_close(tx, asked, by=cli_actor(), reason=reason)
        give_up_at = perf_counter() + patience_seconds
        while True:
            async with database.transaction(actor=cli_actor()) as tx:
                await loyalty.go_on_closing(tx, loyalty.Configuration())
            async with database.transaction(actor=cli_actor()) as tx:
                found = await loyalty.read_close(tx, asked or date.min)
            if found.state == "closed" or perf_counter() > give_up_at:
                return found
            await asyncio.sleep(0.2)

    found = with_database(run)
    if as_json:
        print_json(found)
    elif found.state == "closed":
        typer.echo(f"{found.month} is closed: {found.transfers:,} transfers of {found.members:,} members.")
        typer.echo(f"Digest {found.digest}. Write it down elsewhere; `regulars finance prove {found.month}` compares.")
    else:
        typer.echo(
            f"{found.month} takes no bookings any more, but {found.waits_for} transactions that began before have not "
            "ended. A worker closes it once they have; or run this again.",
            err=True,
        )
    raise typer.Exit(0 if found.state == "closed" else 1)


@finance.command("closes")
def show_closes(*, as_json: Json = False) -> None:
    """List the months that are closed or being closed."""
    from regulars.loyalty import api as loyalty

    found = in_transaction(loyalty.list_closes)
    if as_json:
        print_json({"closes": found})
        return
    rows = [
        (one.month, one.state, one.asked_by, day(one.closed_at), f"{one.transfers or 0:,}", one.digest or "")
        for one in found
    ]
    print_table(("month", "state", "by", "closed", "transfers", "digest"), rows)


@finance.command("prove")
def prove(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="A closed month.")],
    digest: Annotated[str, typer.Option(help="The digest as it was written down when the month was closed.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Recompute a closed month from every transfer in it. Exit code 1 if it is not what was closed."""
    from regulars.loyalty import api as loyalty

    asked = month_given(month)

    async def look(tx: "Transaction") -> Any:  # noqa: ANN401 - imported late
        return await loyalty.prove(tx, asked or date.min)

    proof = in_transaction(look)
    ok = proof.holds and digest.lower() in {"", proof.digest}
    if as_json:
        print_json({"ok": ok, **msgspec.to_builtins(proof)})
        raise typer.Exit(0 if ok else 1)
    for problem in proof.problems:
        typer.echo(problem, err=True)
    if proof.holds and not ok:
        typer.echo(f"{proof.month}: the digest that was written down is another one.", err=True)
    typer.echo(f"{ticked(ok)} {proof.month}: {proof.transfers:,} transfers, digest {proof.recomputed}")
    raise typer.Exit(0 if ok else 1)
