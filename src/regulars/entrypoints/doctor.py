"""`regulars doctor`: looks at everything a deployment stands on, and says the remedy."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from typing import Literal

import msgspec

from regulars.demo.api import is_demo
from regulars.engagement.api import look_at_channels, look_at_codes, look_at_messages
from regulars.entrypoints.configure import missing
from regulars.entrypoints.wiring import Place, backup_plan, checks, declare_tasks
from regulars.members.api import look_at_members_keys
from regulars.platform.backups.standing import look_at_backups
from regulars.platform.db.database import Database
from regulars.platform.health.contracts import Looked, Sentence, State
from regulars.platform.health.looks import (
    LOOKS,
    Look,
    look_at_connections,
    look_at_disk,
    look_at_schema,
    look_at_storage,
    looked,
)
from regulars.platform.health.surroundings import look_at_home, look_at_keys, look_at_proxies, look_at_settings
from regulars.platform.settings import Settings
from regulars.platform.texts import mark, say
from regulars.platform.verification.books import look_at_books
from regulars.platform.verification.service import verify
from regulars.platform.webhooks.health import look_at_webhooks

_WARNING = mark("Warning: {remedy}")


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `remedy` is empty when all is well. A warning is `ok`: it works."""

    name: str
    ok: bool
    said: str
    remedy: str = ""
    state: Literal["well", "warning", "trouble"] = "well"


async def examine(
    settings: Settings, place: Place, *, language: str = "en", environ: Mapping[str, str] = os.environ
) -> AsyncIterator[Examined]:
    """Look at one thing after the other, and yield what was found. Changes nothing."""
    declare_tasks()
    yield told(look_at_settings(settings, environ, place.shown), language)
    yield told(look_at_home(settings.home), language)
    yield told(look_at_keys(settings.home), language)
    yield told(look_at_proxies(settings), language)
    if settings.home.exists():
        yield told(await look_at_disk(settings.home), language)
    yield told(await asyncio.to_thread(look_at_backups, settings, backup_plan(settings)), language)
    if place.server is not None:
        yield told(embedded(is_supervised=place.server.is_supervised()), language)
    database = Database(place.url, pool_size=2, lock_timeout_ms=settings.lock_timeout_ms, wait_seconds=3.0)
    try:
        await database.open()
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering is the finding
        yield told(_silent(type(error).__qualname__), language)
        return
    try:
        async for found in _of_database(settings, database, language):
            yield found
    finally:
        await database.close()


async def _of_database(settings: Settings, database: Database, language: str) -> AsyncIterator[Examined]:
    looks: dict[str, Look] = {
        **LOOKS,
        "storage": look_at_storage,
        "connections": look_at_connections(settings),
        "keys": look_at_members_keys(settings.home / "vault"),
        "messages": look_at_messages,
        "codes": look_at_codes(settings),
        "webhooks": look_at_webhooks,
        "books": look_at_books,
    }
    for name, look in looks.items():
        found = told(await looked(name, look, database), language)
        yield found
        if look is look_at_schema and not found.ok:
            return  # nothing else can be asked of another schema
    in_development = settings.development or await _is_demo(database)
    yield told(look_at_channels(msgspec.structs.replace(settings, development=in_development)), language)
    yield await _programme(database, language)
    async for finding in verify(database, [check for check in checks() if check.quick]):
        rows = Sentence(mark("{count} rows looked at"), {"count": finding.rows_checked})
        yield Examined(
            name=f"books: {finding.name}",
            ok=finding.ok,
            said=finding.note or rows.in_language(language),
            remedy=" ".join(finding.told(language)),
            state="well" if finding.ok else "trouble",
        )


async def _is_demo(database: Database) -> bool:
    """Tell whether a year was replayed here: `regulars demo` serves that in development mode, whatever is set."""
    async with database.transaction() as tx:
        return await is_demo(tx)


def told(found: Looked, language: str = "en") -> Examined:
    """Return a look's finding in a language; a warning is no reason to fail, and says that it is one."""
    remedy = "" if found.remedy is None else found.remedy.in_language(language)
    if remedy and found.state is State.WARNING:
        remedy = say(_WARNING, language, remedy=_small(remedy))
    return Examined(
        name=found.name,
        ok=found.state is not State.TROUBLE,
        said=found.said.in_language(language),
        remedy=remedy,
        state=found.state.value,
    )


def _small(sentence: str) -> str:
    """Let a sentence go on behind a colon; a name in capitals stays as it is."""
    return sentence if sentence[1:2].isupper() or sentence[1:2] == "-" else sentence[:1].lower() + sentence[1:]


def channels(settings: Settings) -> Examined:
    """Look whether messages can leave the house."""
    return told(look_at_channels(settings))


def proxies(settings: Settings) -> Examined:
    """Look whether the proxy in front is believed."""
    return told(look_at_proxies(settings))


def embedded(*, is_supervised: bool) -> Looked:
    """Does somebody start the embedded server again when it crashes?"""
    if is_supervised:
        return Looked(
            name="embedded", state=State.WELL, said=Sentence(mark("runs, and is started again if it crashes"))
        )
    return Looked(
        name="embedded",
        state=State.TROUBLE,
        said=Sentence(mark("runs, and nobody would start it again")),
        remedy=Sentence(
            mark("Start `regulars serve` or `regulars work` again; the end of server.log says what happened.")
        ),
    )


def unusable(name: str, sentence: str) -> Examined:
    """Return what is told where nothing else can be looked at: a setting is wrong, or the server stays away."""
    said, _, remedy = sentence.partition(". ")
    return Examined(name=name, ok=False, said=said, remedy=remedy or sentence, state="trouble")


def _silent(kind: str) -> Looked:
    return Looked(
        name="database",
        state=State.TROUBLE,
        said=Sentence(mark("does not answer ({kind})"), {"kind": kind}),
        remedy=Sentence(mark("Check that PostgreSQL runs and that DATABASE_URL is right.")),
    )


async def _programme(database: Database, language: str) -> Examined:
    """Look whether there is a programme to be served."""
    async with database.transaction() as tx:
        lacking = await missing(tx)
    if not lacking:
        said = Sentence(mark("markets, wallets and a policy in force"))
        return told(Looked(name="programme", state=State.WELL, said=said), language)
    remedy = mark("Describe the programme in a file and run `regulars configure FILE`; see docs/configuration.md.")
    return Examined(
        name="programme",
        ok=False,
        said=", ".join([say(what, language) for what in lacking]),
        remedy=say(remedy, language),
        state="trouble",
    )
