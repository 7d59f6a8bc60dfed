"""How the rooms are put together: the one page that knows them all.

Imports stand inside functions on purpose: PostgreSQL is started first, and the frameworks are loaded meanwhile.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from regulars.platform.settings import Settings

if TYPE_CHECKING:
    from regulars.platform.audit.contracts import Head
    from regulars.platform.backups.contracts import Plan
    from regulars.platform.embedded import EmbeddedServer
    from regulars.platform.http.hot import HotRoute
    from regulars.platform.rollups.contracts import RollUp
    from regulars.platform.services import Services
    from regulars.platform.verification.contracts import Check
    from regulars.web.kit.demo import Demo
    from regulars.web.kit.kit import Kit

# Every module that declares tasks; a job of a task that no worker knows fails.
TASK_MODULES = (
    "regulars.commerce.tasks",
    "regulars.engagement.channels.tasks",
    "regulars.loyalty.tasks",
    "regulars.members.tasks",
    "regulars.platform.auth.tasks",
    "regulars.platform.bulk.tasks",
    "regulars.platform.commit.tasks",
    "regulars.platform.exports.tasks",
    "regulars.platform.health.tasks",
    "regulars.platform.imports.tasks",
    "regulars.platform.outbox.tasks",
    "regulars.platform.reports.tasks",
    "regulars.platform.webhooks.tasks",
)

BRINGING_BACK_SECONDS = 2.0  # a thread that waits for longer would outlive a process that is told to end
LANES_SECONDS = 2.0  # for what is committed although nobody waits for its answer any more
_PASSWORD = re.compile(r"(?<=:)[^:@/]+(?=@)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database is: `url` for requests, `direct_url` past any pgbouncer for LISTEN and migrations."""

    url: str
    direct_url: str
    server: "EmbeddedServer | None" = None

    @property
    def shown(self) -> str:
        """The address without its password."""
        return _PASSWORD.sub("…", self.url)

    async def recover(self) -> None:
        """Bring an embedded server back that died; anybody else's is theirs to bring back."""
        if self.server is not None:
            await asyncio.to_thread(self.server.ensure)

    async def bring_back(self) -> None:
        """Do the same for a moment only: what takes longer goes on by itself, and who asks may ask again."""
        if self.server is not None:
            from regulars.platform.embedded import StillStarting

            with suppress(StillStarting):
                await asyncio.to_thread(self.server.ensure, BRINGING_BACK_SECONDS)


@contextmanager
def located(settings: Settings, meanwhile: Callable[[], object] | None = None) -> Iterator[Place]:
    """Give the database of a deployment, started if it is the embedded one, with `meanwhile` called beside that.

    Raises EmbeddedError.
    """
    if settings.database_url is not None:
        if meanwhile is not None:
            meanwhile()
        yield Place(settings.database_url, settings.database_direct_url or settings.database_url)
        return
    from regulars.platform.embedded import acquire

    with ThreadPoolExecutor(1) as other:
        starting: Future[EmbeddedServer] = other.submit(acquire, settings.home)
        if meanwhile is not None:
            meanwhile()
        server = starting.result()
    with server:
        yield Place(server.url, server.url, server)


@asynccontextmanager
async def opened(settings: Settings, place: Place, *, traced_as: str | None = None) -> AsyncIterator["Services"]:
    """Open what the rooms need, and close it after what was asked for is done.

    What a long-lived process does is traced under its name, where traces are wanted. Raises SettingError.
    """
    from regulars.entrypoints.privacy import PARTS
    from regulars.members.api import apply_journal, claim_vault
    from regulars.platform.db.database import Database
    from regulars.platform.services import Services
    from regulars.platform.traces.starting import traced
    from regulars.platform.vault.local import LocalVault

    database = Database(
        place.url,
        pool_size=settings.pool_size,
        prepared_statements=settings.prepared_statements,
        lock_timeout_ms=settings.lock_timeout_ms,
    )
    vault = LocalVault(settings.home / "vault")
    try:
        async with database:
            services = Services(settings, database, vault, place.bring_back)
            async with database.transaction() as tx:
                await claim_vault(tx, vault)
            await apply_journal(database, vault, PARTS)
            with traced(settings, database, traced_as):
                try:
                    yield services
                finally:
                    await services.drain(LANES_SECONDS)
    finally:
        vault.close()


def backup_plan(settings: Settings) -> "Plan | None":
    """Return where and how often the embedded server is backed up; None where it is not."""
    from regulars.platform.backups.contracts import Plan

    if settings.backup_folder is None:
        return None
    return Plan(folder=settings.backup_folder, hours=settings.backup_hours, days=settings.backup_days)


@dataclass(frozen=True, slots=True)
class Web:
    """What the rooms offer to the web process: routes with their documentation, and hot twins of a few."""

    routes: Sequence[Any]
    hot: "Sequence[HotRoute]"
    kit: "Kit | None" = None


def offered_to_programs(services: "Services") -> Web:
    """Return every route of the API, without pages."""
    from regulars.commerce.routes import routes as commerce_routes
    from regulars.engagement.routes import routes as engagement_routes
    from regulars.entrypoints.expanding import give_along
    from regulars.entrypoints.exporting import PEOPLE, export_kinds
    from regulars.entrypoints.importing import import_kinds, job_scopes
    from regulars.entrypoints.merging import PARTS as MERGING
    from regulars.entrypoints.privacy import PARTS
    from regulars.loyalty.routes import routes as loyalty_routes
    from regulars.members.routes import routes as members_routes
    from regulars.platform.bulk.routes import job_routes
    from regulars.platform.event_feed.routes import feed_routes
    from regulars.platform.exports.routes import export_routes
    from regulars.platform.http.oauth import oauth_routes
    from regulars.platform.imports.routes import import_routes
    from regulars.platform.webhooks.routes import webhook_routes

    loyalty, commerce = loyalty_routes(services), commerce_routes(services)
    imported, exported = import_kinds(services.settings), export_kinds()
    routes = [
        *members_routes(services, PARTS, MERGING),
        *loyalty.routes,
        *commerce.routes,
        *engagement_routes(services),
        *feed_routes(services),
        *job_routes(services, job_scopes(imported, exported)),
        *import_routes(services, imported),
        *export_routes(services, exported, PEOPLE),
        *oauth_routes(services),
        *webhook_routes(services),
    ]
    give_along(services, routes)
    return Web(routes=routes, hot=[*loyalty.hot, *commerce.hot])


def web(services: "Services", demo: "Demo | None" = None) -> Web:
    """Return every route of every room, and what the pages stand on; `demo` where a demo is served."""
    from regulars.entrypoints.exporting import PEOPLE, export_kinds
    from regulars.entrypoints.importing import import_kinds
    from regulars.entrypoints.privacy import PARTS
    from regulars.entrypoints.sessions import SignedIn
    from regulars.platform.exports.contracts import Exported
    from regulars.web.kit.kit import Kit
    from regulars.web.routes import pages

    declare_tasks()
    programs = offered_to_programs(services)
    kit = Kit(
        services,
        SignedIn(services),
        demo=demo,
        privacy=PARTS,
        imports=import_kinds(services.settings),
        exports=Exported(export_kinds(), PEOPLE),
    )
    return Web(routes=[*programs.routes, pages(kit)], hot=programs.hot, kit=kit)


def declare_tasks() -> None:
    """Let every room declare its background tasks and reports: the worker runs them, pages tell of them."""
    from regulars.platform.verification.books import declare_books

    for module in TASK_MODULES:
        import_module(module)
    # What is quick the health page shows at any time; events under way are no fault of the books.
    declare_books(lambda known_head: [check for check in checks(known_head) if not check.quick])


def checks(known_head: "Head | None" = None) -> "list[Check]":
    """Return every check of every room, in the order in which `regulars verify` runs them.

    The audit chain must extend the known head, if one is given.
    """
    from regulars.commerce.api import checks as commerce_checks
    from regulars.loyalty.api import checks as loyalty_checks
    from regulars.members.api import checks as members_checks
    from regulars.platform.verification.platform_checks import platform_checks

    return [*members_checks(), *loyalty_checks(), *commerce_checks(), *platform_checks(known_head)]


def roll_ups() -> "list[RollUp]":
    """Return every roll-up of every room."""
    from regulars.commerce.api import SALES
    from regulars.loyalty.api import BOOKS
    from regulars.members.api import sign_ups_rolled_up

    return [sign_ups_rolled_up(), BOOKS, SALES]
