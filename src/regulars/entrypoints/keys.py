"""`regulars keys`: API keys made, listed, revoked, and whose they are."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from regulars.entrypoints.commands import Json, Reason, day, in_transaction, print_json, print_table, to_the_second
from regulars.entrypoints.staff import account_of

if TYPE_CHECKING:
    from regulars.platform.db.transaction import Transaction

KeyId = Annotated[str, typer.Argument(help="The id, ak_…")]
Networks = Annotated[
    list[str] | None,
    typer.Option("--network", help="An address or network that it may be used from; may be given several times."),
]
Often = Annotated[
    int | None,
    typer.Option("--requests-per-second", min=0, max=1_000_000, help="How often it may ask; 0 for no limit."),
]

keys = typer.Typer(help="API keys: make, list, change, rotate, revoke.", no_args_is_help=True)


@keys.command("create")
def create_key(
    scopes: Annotated[list[str], typer.Option("--scope", help="A scope; may be given several times.")],
    label: Annotated[str, typer.Option(help="What the key is for, so that it can be told from others.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="Expire after so many days.")] = None,
    staff: Annotated[
        str | None, typer.Option(help="Whose it is: the e-mail of an account of staff. Else it is yours.")
    ] = None,
    *,
    networks: Networks = None,
    often: Often = None,
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
        return await service.create_key(
            tx,
            label=label,
            scopes=scopes,
            expires_at=expires_at,
            staff_id=owner,
            networks=networks or [],
            requests_per_second=often,
        )

    key, token = in_transaction(make)
    if as_json:
        told = {"scopes": key.scopes, "label": key.label, "owner": key.owner, "api_version": key.api_version}
        print_json({"key": token, "id": _public(key.key_id), **told})
    else:
        typer.echo(token)
        typer.echo(f"{_public(key.key_id)}: keep the key above; it is not shown again.", err=True)


@keys.command("rotate")
def rotate_key(
    key_id: KeyId,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=24 * 90, help="For so long the key of before is good too; 0 refuses it at once.")
    ] = 24,
    reason: Reason = "",
    *,
    as_json: Json = False,
) -> None:
    """Give a key a new secret, shown this once. The one of before is good for a while, so that nothing stands still."""
    from regulars.platform.auth import service

    key, token = in_transaction(
        lambda tx: service.rotate_key(tx, _read(key_id), overlap=timedelta(hours=overlap_hours), reason=reason)
    )
    if as_json:
        print_json({"key": token, "id": _public(key.key_id), "previous_until": key.previous_until})
    else:
        until = (
            "is refused within a second"
            if key.previous_until is None
            else f"is good until {to_the_second(key.previous_until)}"
        )
        typer.echo(token)
        typer.echo(f"Keep the key above; it is not shown again. The one before {until}.", err=True)


@keys.command("end-overlap")
def end_overlap(key_id: KeyId, reason: Reason = "") -> None:
    """Let the secret of before a rotation be refused now, within a second."""
    from regulars.platform.auth import service

    in_transaction(lambda tx: service.end_overlap(tx, _read(key_id), reason=reason))
    typer.echo(f"{key_id} has one secret.")


@keys.command("change")
def change_key(
    key_id: KeyId,
    *,
    label: Annotated[str | None, typer.Option(help="What the key is for.")] = None,
    networks: Networks = None,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="Let it be used from everywhere.")] = False,
    often: Often = None,
    usual_limit: Annotated[bool, typer.Option("--usual-limit", help="Let the deployment's limit hold.")] = False,
    api_version: Annotated[
        str | None, typer.Option(help="The version of the API that it speaks unless a request names another.")
    ] = None,
    reason: Reason = "",
) -> None:
    """Change what a key is called, where it may be used, how often, what it speaks; what is not named stays."""
    from regulars.platform.auth import service
    from regulars.platform.auth.contracts import KeyChange

    if (networks and anywhere) or (often is not None and usual_limit):
        raise typer.BadParameter("--network excludes --anywhere, and --requests-per-second excludes --usual-limit.")

    limit = None if usual_limit else msgspec.UNSET if often is None else often
    wanted = KeyChange(
        label=label,
        networks=[] if anywhere else networks or None,
        requests_per_second=limit,
        api_version=api_version,
    )
    in_transaction(lambda tx: service.change_key(tx, _read(key_id), wanted, reason=reason))
    typer.echo(f"{key_id} is changed.")


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
            " ".join(key.networks) or "anywhere",
            key.api_version,
            day(key.revoked_at) or (f"expires {day(key.expires_at)}" if key.expires_at else "no"),
        )
        for key in found
    ]
    print_table(("id", "label", "scopes", "made", "owner", "last used", "from", "version", "revoked"), rows)


@keys.command("revoke")
def revoke_key(key_id: KeyId, reason: Reason = "") -> None:
    """Revoke a key. Every process refuses it within a second."""
    from regulars.platform.auth import service

    in_transaction(lambda tx: service.revoke_key(tx, _read(key_id), reason=reason))
    typer.echo(f"{key_id} is revoked.")


def _read(key_id: str) -> Any:  # noqa: ANN401 - a UUID
    from regulars.platform.auth import service
    from regulars.platform.errors import NotFound
    from regulars.platform.ids import parse_public_id

    found = parse_public_id(service.ID_PREFIX, key_id)
    if found is None:
        raise NotFound
    return found


def _key_told(key: Any) -> dict[str, Any]:  # noqa: ANN401 - imported late
    return {**msgspec.to_builtins(key), "key_id": _public(key.key_id), "owner": key.owner}


def _public(key_id: Any) -> str:  # noqa: ANN401 - a UUID
    return f"ak_{key_id.hex}"
