"""`regulars doctor`: looks at everything a deployment stands on, and says the remedy."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from regulars.engagement.api import look_at_channels, look_at_codes, look_at_messages
from regulars.entrypoints.configure import missing
from regulars.entrypoints.wiring import Place, checks, declare_tasks
from regulars.platform.db.database import Database
from regulars.platform.health.contracts import Looked, State
from regulars.platform.health.looks import LOOKS, look_at_disk, look_at_schema, looked
from regulars.platform.http.origin import proxy_not_believed
from regulars.platform.settings import Settings
from regulars.platform.verification.books import look_at_books
from regulars.platform.verification.service import verify
from regulars.platform.webhooks.health import look_at_webhooks


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `remedy` is empty when all is well."""

    name: str
    ok: bool
    said: str
    remedy: str = ""


async def examine(settings: Settings, place: Place) -> AsyncIterator[Examined]:
    """Look at one thing after the other, and yield what was found. Changes nothing."""
    declare_tasks()
    yield Examined(name="settings", ok=True, said=f"home {settings.home}, database {place.shown}")
    yield vault_permissions(settings.home / "vault")
    yield proxies(settings)
    database = Database(place.url, pool_size=2, lock_timeout_ms=settings.lock_timeout_ms, wait_seconds=3.0)
    try:
        await database.open()
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering is the finding
        yield Examined(
            name="database",
            ok=False,
            said=f"does not answer ({type(error).__qualname__})",
            remedy="Check that PostgreSQL runs and that DATABASE_URL is right.",
        )
        return
    try:
        looks = {
            **LOOKS,
            "messages": look_at_messages,
            "codes": look_at_codes(settings),
            "webhooks": look_at_webhooks,
            "books": look_at_books,
        }
        for name, look in looks.items():
            found = _examined(await looked(name, look, database))
            yield found
            if look is look_at_schema and not found.ok:
                return  # nothing else can be asked of another schema
        if place.server is not None:
            yield _examined(await look_at_disk(settings.home))
        yield channels(settings)
        yield await _programme(database)
        async for finding in verify(database, [check for check in checks() if check.quick]):
            yield Examined(
                name=f"books: {finding.name}",
                ok=finding.ok,
                said=finding.note or f"{finding.rows_checked} rows looked at",
                remedy=" ".join(finding.told("en")),
            )
    finally:
        await database.close()


def vault_permissions(folder: Path) -> Examined:
    """Look whether anybody else may read the vault."""
    if not folder.exists():
        return Examined(name="vault", ok=True, said=f"not made yet; it will be {folder}")
    open_to_others = [
        path
        for path in (folder, *folder.iterdir())
        if stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_to_others:
        return Examined(
            name="vault",
            ok=False,
            said=f"{len(open_to_others)} of its files may be read by others, {open_to_others[0].name} among them",
            remedy=f"chmod -R go= '{folder}'",
        )
    return Examined(name="vault", ok=True, said=f"{folder} is private")


def proxies(settings: Settings) -> Examined:
    """Look whether the proxy in front is believed: behind one that is not, everybody counts as one place."""
    believed = settings.trusted_proxies
    said = f"believed: {believed}" if believed else "none believed"
    remedy = ""
    if peer := proxy_not_believed(believed, settings.home):
        remedy = (
            f"Warning: X-Forwarded-For came from {peer}, which is not believed. "
            f"If that is your proxy, everybody behind it counts as one place: "
            f"Set REGULARS_TRUSTED_PROXIES to {peer}. See docs/signin.md."
        )
    elif not believed and (settings.public_url or "").startswith("https://"):
        remedy = (
            "Warning: REGULARS_PUBLIC_URL begins with https, so a proxy stands in front that is not believed, and "
            "everybody counts as one place. Set REGULARS_TRUSTED_PROXIES to its address. See docs/signin.md."
        )
    return Examined(name="proxies", ok=True, said=said, remedy=remedy)


def channels(settings: Settings) -> Examined:
    """Look whether messages can leave the house."""
    return _examined(look_at_channels(settings))


def _examined(found: Looked) -> Examined:
    """Return a look's finding in English; a warning is no reason to fail."""
    remedy = str(found.remedy or "")
    warned = f"Warning: {remedy[:1].lower()}{remedy[1:]}" if found.state is State.WARNING else remedy
    return Examined(name=found.name, ok=found.state is not State.TROUBLE, said=str(found.said), remedy=warned)


async def _programme(database: Database) -> Examined:
    async with database.transaction() as tx:
        lacking = await missing(tx)
    if lacking:
        return Examined(
            name="programme",
            ok=False,
            said=", ".join(lacking),
            remedy="Describe the programme in a file and run `regulars configure FILE`; see docs/configuration.md.",
        )
    return Examined(name="programme", ok=True, said="markets, wallets and a policy in force")
