"""`regulars doctor`: looks at everything a deployment stands on, and says the remedy."""

import asyncio
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

from regulars.engagement.api import counts as message_counts
from regulars.engagement.api import is_mail_set_up, is_sms_set_up, problem_of_channels
from regulars.entrypoints.configure import missing
from regulars.entrypoints.wiring import Place, checks
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.health.service import postgresql_version, require_ready
from regulars.platform.logs import blot
from regulars.platform.outbox.service import backlog
from regulars.platform.settings import Settings
from regulars.platform.verification.service import verify

OLDEST_POSTGRESQL = 150_000
BACKLOG_SECONDS = 60.0


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `remedy` is empty when all is well."""

    name: str
    ok: bool
    said: str
    remedy: str = ""


async def examine(settings: Settings, place: Place) -> AsyncIterator[Examined]:
    """Look at one thing after the other, and yield what was found. Changes nothing."""
    yield Examined(name="settings", ok=True, said=f"home {settings.home}, database {place.shown}")
    yield vault_permissions(settings.home / "vault")
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
        for look in (_version, _schema, _clock, _programme, _queues, _messages):
            found = await _guarded(look, database)
            yield found
            if look is _schema and not found.ok:
                return  # nothing else can be asked of another schema
        yield channels(settings)
        async for finding in verify(database, [check for check in checks() if check.quick]):
            yield Examined(
                name=f"books: {finding.name}",
                ok=finding.ok,
                said=finding.note or f"{finding.rows_checked} rows looked at",
                remedy=" ".join(finding.problems),
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


def channels(settings: Settings) -> Examined:
    """Look whether messages can leave the house. A deployment may do without; settings that contradict are wrong."""
    by_mail, by_sms = is_mail_set_up(settings), is_sms_set_up(settings)
    said = f"e-mail {'set up' if by_mail else 'not set up'}, SMS {'set up' if by_sms else 'not set up'}"
    if problem := problem_of_channels(settings):
        return Examined(name="channels", ok=False, said=said, remedy=f"{problem}. See docs/messages.md.")
    if settings.development:
        said += "; in development mode the page /outbox shows what cannot be sent"
    elif not by_mail and not by_sms:
        remedy = (
            "Warning: nobody can sign in by a code, and members are told in their inbox only. "
            "Set REGULARS_SMTP_HOST and REGULARS_MAIL_SENDER, or REGULARS_SMS_URL; see docs/messages.md."
        )
        return Examined(name="channels", ok=True, said=said, remedy=remedy)
    return Examined(name="channels", ok=True, said=said)


async def _guarded(look: Callable[[Database], Awaitable[Examined]], database: Database) -> Examined:
    try:
        return await look(database)
    except Exception as error:  # noqa: BLE001 - a look that breaks is a finding
        return Examined(
            name=look.__name__.strip("_"),
            ok=False,
            said=f"{type(error).__qualname__}: {blot(str(error))}",
            remedy="See docs/faults.md, or report it.",
        )


async def _version(database: Database) -> Examined:
    version = await postgresql_version(database)
    said = f"PostgreSQL {version // 10_000}.{version % 10_000}"
    if version < OLDEST_POSTGRESQL:
        return Examined(name="version", ok=False, said=said, remedy="Upgrade PostgreSQL to 15 or newer.")
    return Examined(name="version", ok=True, said=said)


async def _schema(database: Database) -> Examined:
    try:
        revision = await require_ready(database)
    except DomainError as refusal:
        return Examined(name="schema", ok=False, said=refusal.code, remedy=refusal.message.format_map(refusal.data))
    return Examined(name="schema", ok=True, said=f"revision {revision}, as this release needs")


async def _clock(database: Database) -> Examined:
    await asyncio.wait_for(database.follow_clock(), 3.0)
    now = database.clock.now()
    return Examined(name="clock", ok=True, said=f"the programme's instant is {now.isoformat(timespec='seconds')}")


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


async def _queues(database: Database) -> Examined:
    async with database.transaction() as tx:
        left = await backlog(tx)
    oldest = left.oldest_unread_seconds or 0.0
    said = f"{left.unread} events unread, {left.retrying} tried again, {left.parked} parked"
    if left.parked:
        remedy = "See `regulars parked list`, mend the cause, then `regulars parked replay`."
    elif oldest > BACKLOG_SECONDS:
        remedy = f"The oldest event has waited for {oldest:.0f} s: start a worker (`regulars work`)."
    else:
        remedy = ""
    return Examined(name="queues", ok=not remedy, said=said, remedy=remedy)


async def _messages(database: Database) -> Examined:
    async with database.transaction() as tx:
        left = await message_counts(tx)
    said = f"{left.queued} messages to send, {left.parked} parked, {left.failed} given up"
    if left.parked:
        remedy = "See the parked messages in the console, mend the cause, then send them again."
    elif left.oldest_due_seconds > BACKLOG_SECONDS:
        remedy = f"The oldest message has waited for {left.oldest_due_seconds:.0f} s: start a worker (`regulars work`)."
    else:
        remedy = ""
    return Examined(name="messages", ok=not remedy, said=said, remedy=remedy)
