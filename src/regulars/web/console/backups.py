"""Backups: what there is, until when the database can be had back, how, and one more at the press of a button."""

import asyncio
import shlex
from datetime import UTC, datetime
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.types import ControllerRouterHandler

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.backups import standing
from regulars.platform.backups.contracts import Archiving, BackupFailed, Copying, Plan
from regulars.platform.backups.standing import Kept, Standing, Tried, ask_for_base, look_at_backups, standing_of
from regulars.platform.health.contracts import Bytes
from regulars.platform.settings import Settings
from regulars.web.console.account import who
from regulars.web.kit.cells import Badge, Cell, Code, Quiet
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

BACKUPS: Final = "/console/backups"
READ, WRITE = "backups:read", "backups:write"
_SOON_BYTES: Final = 16 * 2**20  # a segment: what is under way

AnyRequest = Request[Any, Any, Any]


def backup_pages(kit: Kit) -> Pages:
    """Return the page of backups."""
    entry = Entry(BACKUPS, mark("Backups"), icon="database-export", permission=READ)
    return Pages(ViewerKind.STAFF, [_page(kit), _take(kit)], navigation=[Group(mark("Operations"), (entry,))])


def plan_of(settings: Settings) -> Plan | None:
    """Return how the embedded database is backed up; None where it is not, or is somebody else's work."""
    if settings.backup_folder is None or settings.database_url is not None:
        return None
    return Plan(folder=settings.backup_folder, hours=settings.backup_hours, days=settings.backup_days)


def _page(kit: Kit) -> ControllerRouterHandler:
    settings = kit.services.settings

    @get(BACKUPS, guards=[kit.guards.staff(READ)])
    async def backups(request: AnyRequest) -> Response[bytes]:
        page, plan = kit.page(request), plan_of(settings)
        looked = await asyncio.to_thread(look_at_backups, settings, plan)
        found, copying, archiving = None, None, None
        if plan is not None:
            found = await asyncio.to_thread(_standing, plan, settings)
            async with kit.services.database.transaction() as tx:
                copying = await standing.copying(tx)
        elif settings.database_url is not None:
            async with kit.services.database.transaction() as tx:
                archiving = await standing.archiving(tx)
        return kit.render(
            request,
            "console/backups.html",
            state=looked.state,
            said=looked.said.in_language(page.language),
            remedy=looked.remedy.in_language(page.language) if looked.remedy else "",
            own_server=settings.database_url is not None,
            archiving=_archiving(archiving, page.language) if archiving else [],
            plan=plan,
            found=found,
            facts=_facts(plan, found, copying, page.language) if plan and found else [],
            rows=[_row(one, page.formats) for one in found.kept] if found else [],
            commands=commands(settings, found),
        )

    return backups


def _standing(plan: Plan, settings: Settings) -> Standing | None:
    try:
        return standing_of(plan, settings.home)
    except BackupFailed:  # the look says it
        return None


def _take(kit: Kit) -> ControllerRouterHandler:
    settings = kit.services.settings

    @post(BACKUPS, guards=[kit.guards.staff(READ, WRITE)])
    async def take(request: AnyRequest) -> Response[bytes]:
        plan = plan_of(settings)
        if plan is None:
            return kit.see(BACKUPS)
        try:
            await asyncio.to_thread(ask_for_base, plan, settings.home)
        except (BackupFailed, OSError) as error:
            return kit.see(BACKUPS, Notice(mark("It could not be asked for: {why}"), "error", {"why": str(error)}))
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            entry = AuditEntry(actor=tx.actor, action="ask_for_backup", subject="backups", request_id=tx.request_id)
            tx.audit(entry)
        return kit.see(BACKUPS, Notice(mark("The worker copies the database now; this page says when it is done.")))

    return take


def _facts(plan: Plan, found: Standing, copying: Copying | None, language: str) -> list[tuple[str, Cell]]:
    newest, oldest = found.newest, next((one for one in reversed(found.kept) if not one.is_damaged), None)
    told: list[tuple[str, Cell]] = [
        (mark("Can be restored from"), oldest.base.ended_at if oldest else None),
        (mark("Until"), newest.listed.until if newest else None),
        (mark("The log is copied"), _copied(copying, language)),
        (mark("A copy is taken"), in_language(mark("every {hours} hours"), language).format(hours=plan.hours)),
        (mark("Kept for"), in_language(mark("{days} days"), language).format(days=plan.days)),
        (mark("Size of all copies"), str(Bytes(sum([one.base.size_bytes for one in found.kept])))),
        (mark("Folder"), Code(str(plan.folder))),
    ]
    return [(in_language(label, language), value) for label, value in told]


def _copied(copying: Copying | None, language: str) -> Cell:
    if copying is None:
        return Badge(mark("Not yet"), "warning")
    if copying.status == "lost":
        return Badge(mark("It has a gap"), "error")
    if not copying.is_active:
        behind = in_language(mark("{size} wait for a worker"), language)
        return Quiet(in_language(mark("Not now"), language), behind.format(size=Bytes(copying.bytes_behind)))
    return Badge(mark("In step"), "success") if copying.bytes_behind < _SOON_BYTES else Badge(mark("Behind"), "warning")


def _row(one: Kept, formats: Formats) -> list[Cell]:
    return [
        Quiet(formats.moment(one.base.ended_at), one.base.name),
        Badge(mark("Log with a gap"), "error") if one.listed.gap else one.listed.until,
        str(Bytes(one.base.size_bytes)),
        _tried(one.checked, mark("Whole"), mark("Damaged"), formats),
        _tried(one.restored, mark("Restored"), mark("Failed"), formats),
        one.base.release,
    ]


def _tried(tried: Tried | None, well: str, ill: str, formats: Formats) -> Cell:
    if tried is None:
        return None
    if tried.problem:
        return Badge(ill, "error")
    return Quiet(in_language(well, formats.language), formats.moment(tried.at))


def commands(settings: Settings, found: Standing | None) -> str:
    """Return what is typed to have the database of the last instant back, in a home of its own."""
    folder, home = str(settings.backup_folder or ""), f"{settings.home}-restored"
    newest = found.newest if found else None
    at = newest.listed.until if newest else None
    to = f" --to {_instant(at)}" if at else ""
    asked = f"REGULARS_BACKUP_FOLDER={shlex.quote(folder)}"
    return "\n".join(
        [
            f"{asked} regulars restore{to} --home {shlex.quote(home)} --keys /mnt/keys",
            f"REGULARS_HOME={shlex.quote(home)} regulars verify",
            f"REGULARS_HOME={shlex.quote(home)} regulars serve",
        ]
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _archiving(found: Archiving, language: str) -> list[tuple[str, Cell]]:
    is_on = found.mode != "off"
    told: list[tuple[str, Cell]] = [
        (mark("The server archives its log"), Badge(mark("Yes"), "success") if is_on else Badge(mark("No"), "warning")),
        (mark("Last archived"), found.last_at),
        (mark("Failures"), found.failures),
        (mark("Last failure"), found.last_failed_at),
    ]
    return [(in_language(label, language), value) for label, value in told]
