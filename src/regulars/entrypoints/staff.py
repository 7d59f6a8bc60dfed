"""`regulars staff`: accounts of staff from the command line; the first owner comes this way."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from regulars.entrypoints.address import known_address
from regulars.entrypoints.commands import (
    Json,
    Language,
    configured_settings,
    day,
    in_transaction,
    print_json,
    print_table,
)
from regulars.platform.auth.staff.permissions import Role

if TYPE_CHECKING:
    from regulars.platform.auth.staff.contracts import Account, Invitation
    from regulars.platform.db.transaction import Transaction

INVITATIONS = "/console/invitation/"

staff_group = typer.Typer(help="Accounts of staff: add, list, link.", no_args_is_help=True)

Email = Annotated[str, typer.Option(help="The work address, with which they sign in.")]


@staff_group.command("add")
def add_staff(
    email: Email,
    roles: Annotated[list[Role], typer.Option("--role", help="A role; may be given several times.")],
    name: Annotated[str, typer.Option(help="What colleagues call them; else what stands before the @.")] = "",
    stores: Annotated[
        list[str] | None, typer.Option("--store", help="A store they see (its id); without any, they see all.")
    ] = None,
    language: Annotated[
        Language, typer.Option("--lang", help="The language in which they see the console.")
    ] = Language.en,
    *,
    as_json: Json = False,
) -> None:
    """Give somebody an account, and print the one-time link by which they set password and second factor."""
    from regulars.platform.auth.staff import service
    from regulars.platform.auth.staff.contracts import NewAccount

    wish = NewAccount(
        email=email,
        name=name or email.partition("@")[0],
        roles=tuple(roles),
        stores=tuple(stores) if stores else None,
        language=language.value,
    )
    _tell_link(in_transaction(lambda tx: service.invite(tx, wish)), as_json=as_json)


@staff_group.command("link")
def renew_link(email: Email, *, as_json: Json = False) -> None:
    """Print a one-time link by which an account gets a new password and second factor."""
    from regulars.platform.auth.staff import service

    async def renew(tx: "Transaction") -> "Invitation":
        return await service.renew_link(tx, (await account_of(tx, email)).staff_id)

    _tell_link(in_transaction(renew), as_json=as_json)


@staff_group.command("list")
def list_staff(*, as_json: Json = False) -> None:
    """List every account of staff."""
    from regulars.platform.auth.staff import service

    found: list[Account] = in_transaction(service.list_accounts)
    if as_json:
        print_json({"staff": [_shown(account) for account in found]})
        return
    rows = [
        (
            account.email,
            account.name,
            account.status.value,
            " ".join(account.roles),
            "all" if account.stores is None else " ".join(account.stores),
            day(account.signed_in_at) or "never",
        )
        for account in found
    ]
    print_table(("e-mail", "name", "status", "roles", "stores", "last signed in"), rows)


async def account_of(tx: "Transaction", email: str) -> "Account":
    """Return the account of staff with an e-mail address; where there is none, end with a sentence that says so."""
    from regulars.platform.auth.staff import service
    from regulars.platform.auth.staff.rules import email_sought

    sought = email_sought(email)
    for account in await service.list_accounts(tx):
        if account.email == sought:
            return account
    raise typer.BadParameter(f"there is no account of staff with {email}; `regulars staff list` shows them")


def _tell_link(invitation: "Invitation", *, as_json: bool) -> None:
    link = f"{known_address(configured_settings())}{INVITATIONS}{invitation.token}"
    if as_json:
        print_json({"staff": _shown(invitation.account), "link": link, "expires_at": invitation.expires_at})
        return
    typer.echo(link)
    typer.echo(
        f"The link above is for {invitation.account.email}: it is good once and until "
        f"{day(invitation.expires_at)}, and is not shown again.",
        err=True,
    )


def _shown(account: "Account") -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(account)
    return {**shown, "staff_id": account.public_id}
