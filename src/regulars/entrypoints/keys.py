"""`regulars keys`: API keys made, listed, revoked, and whose they are."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from regulars.entrypoints.commands import Json, Reason, day, in_transaction, print_json, print_table
from regulars.entrypoints.staff import account_of

if TYPE_CHECKING:
    from regulars.platform.db.transaction import Transaction

keys = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)


@keys.command("create")
def create_key(
    scopes: Annotated[list[str], typer.Option("--scope", help="A scope; may be given several times.")],
    label: Annotated[str, typer.Option(help="What the key is for, so that it can be told from others.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="Expire after so many days.")] = None,
    staff: Annotated[
        str | None, typer.Option(help="Whose it is: the e-mail of an account of staff. Else it is yours.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once: only its hash is kept.

    Where two persons are asked for, what a key does its owner does.
    """
    from regulars.platform.auth import service
    from regulars.platform.clock import wall_now

    async def make(tx: "Transaction") -> tuple[Any, str]:
        expires_at = wall_now() + timedelta(days=days) if days else None
        owner = None if staff is None else (await account_of(tx, staff)).staff_id
        return await service.create_key(tx, label=label, scopes=scopes, expires_at=expires_at, staff_id=owner)

    key, token = in_transaction(make)
    if as_json:
        print_json(
            {"key": token, "id": _public(key.key_id), "scopes": key.scopes, "label": key.label, "owner": key.owner}
        )
    else:
        typer.echo(token)
        typer.echo(f"{_public(key.key_id)}: keep the key above; it is not shown again.", err=True)


@keys.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List every key, revoked ones included."""
    from regulars.platform.auth import service

    found = in_transaction(service.list_keys)
    if as_json:
        print_json({"keys": [_key_told(key) for key in found]})
        return
    rows = [
        (
            _public(key.key_id),
            key.label,
            " ".join(key.scopes),
            day(key.created_at),
            key.owner,
            str(key.last_used_on or "never"),
            day(key.revoked_at) or (f"expires {day(key.expires_at)}" if key.expires_at else "no"),
        )
        for key in found
    ]
    print_table(("id", "label", "scopes", "made", "owner", "last used", "revoked"), rows)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="The id, ak_…")], reason: Reason = "") -> None:
    """Revoke a key. Every process refuses it within a second."""
    from regulars.platform.auth import service
    from regulars.platform.errors import NotFound
    from regulars.platform.ids import parse_public_id

    async def revoke(tx: "Transaction") -> None:
        found = parse_public_id(service.ID_PREFIX, key_id)
        if found is None:
            raise NotFound
        await service.revoke_key(tx, found, reason=reason)

    in_transaction(revoke)
    typer.echo(f"{key_id} is revoked.")


def _key_told(key: Any) -> dict[str, Any]:  # noqa: ANN401 - imported late
    return {**msgspec.to_builtins(key), "key_id": _public(key.key_id), "owner": key.owner}


def _public(key_id: Any) -> str:  # noqa: ANN401 - a UUID
    return f"ak_{key_id.hex}"
