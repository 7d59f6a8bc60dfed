"""The audit log: who did what to whom, and why; one entry with its seal; the check of the chain."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.audit import service
from regulars.platform.audit.checking import ChainChecked, check_chain, checked_by, checks_of_chain
from regulars.platform.audit.contracts import EntriesWanted, Entry, Head, Sealed
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.reports import service as reports
from regulars.platform.reports.contracts import Report
from regulars.platform.reports.tasks import compute_report
from regulars.platform.verification.books import proven_head
from regulars.web.console.account import who
from regulars.web.console.actors import names_of_staff
from regulars.web.console.audit_codes import ACTIONS
from regulars.web.console.audit_words import Words, names_in
from regulars.web.console.reports import cancel_path
from regulars.web.console.words import days_of
from regulars.web.kit.cells import Badge, Cell, Code, Link
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Days, Listing, One, Slice, Wanted
from regulars.web.kit.navigation import Entry as Way
from regulars.web.kit.navigation import Group
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

HOME: Final = "/console/audit"
CHAIN: Final = f"{HOME}/chain"
READ: Final = "audit:read"
WORDS: Final = mark("who did what, history, trail, log of changes")
_CHECKS: Final = 10
_DIGITS: Final = 18
_DAY: Final = timedelta(days=1)
_UNSEALED: Final = Badge(mark("Not sealed yet"), "warning")
_SEALED: Final = Badge(mark("Sealed"), "success")

AnyRequest = Request[Any, Any, Any]


class Known(msgspec.Struct):
    """A head that somebody wrote down earlier."""

    head: Annotated[str, Meta(max_length=100)] = ""


def audit_pages(kit: Kit) -> Pages:
    """Return the pages of the audit log."""
    entry = Way(HOME, mark("Audit log"), icon="list-check", permission=READ, words=WORDS)
    return Pages(
        ViewerKind.STAFF, [_log(kit), *_chain(kit), _one(kit)], navigation=[Group(mark("Operations"), (entry,))]
    )


# --- the list -------------------------------------------------------------------------------------------------------


def _log(kit: Kit) -> ControllerRouterHandler:
    @get(HOME, guards=[kit.guards.staff(READ)])
    async def log(request: AnyRequest) -> Response[Any]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            staff = await names_of_staff(tx)
        words = Words(page.language, staff)

        async def fetch(wanted: Wanted) -> Slice:
            async with wanted.reading() as tx:
                asked = await _asked(tx, wanted, page.formats.first_moment)
                found = await service.entries(tx, asked, wanted.limit)
                words.names = {**words.names, **await names_in(tx, found.entries, page.language)}
            return Slice(found.entries, after=None if found.before is None else str(found.before))

        return await kit.listing(request, "console/audit.html", listing_in(words, staff), fetch)

    return log


async def _asked(tx: Transaction, wanted: Wanted, first_moment: Any) -> EntriesWanted:  # noqa: ANN401 - of a day
    given = {name: text.strip().replace("\x00", "") for name, text in wanted.filters.items()}
    first, last = days_of(wanted.filters, "at")
    return EntriesWanted(
        actor=given.get("who") or given.get("actor") or None,
        action=given.get("action") or None,
        subjects=await _ids(tx, given["subject"]) if given.get("subject") else None,
        request_id=given.get("request") or None,
        first=None if first is None else first_moment(first),
        until=None if last is None else first_moment(last + _DAY),
        before=_number(wanted.after),
    )


async def _ids(tx: Transaction, subject: str) -> Sequence[str]:
    """Return every id that means the same: a member who was merged has several."""
    member_id = parse_public_id(MEMBER_PREFIX, subject)
    if member_id is None:
        return [subject]
    return [public_id(MEMBER_PREFIX, one) for one in await members.ids_of(tx, member_id)] or [subject]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None


def listing_in(words: Words, staff: dict[str, str]) -> Listing:
    """Return the log as a list."""
    actions = sorted([(code, in_language(label, words.language)) for code, label in ACTIONS.items()], key=_by_label)
    return Listing(
        name="audit-log",
        columns=(
            Column("at", mark("When"), lambda one: one.written_at),
            Column("who", mark("Who"), words.actor),
            Column("what", mark("What"), lambda one: Link(words.action(one), f"{HOME}/{one.entry_id}")),
            Column("whom", mark("To whom, to what"), words.subject),
            Column("why", mark("Why"), lambda one: one.reason or None, wraps=True),
            Column("seal", mark("Seal"), lambda one: None if one.is_sealed else _UNSEALED),
            Column("number", mark("Number"), lambda one: one.entry_id, minor=True, shown=False),
            Column("actor", mark("Actor"), lambda one: Code(one.actor), minor=True, shown=False),
            Column("action", mark("Code"), lambda one: Code(one.action), minor=True, shown=False),
            Column("subject", mark("Subject"), lambda one: Code(one.subject), minor=True, shown=False),
            Column("detail", mark("Details"), lambda one: one.detail or None, minor=True, shown=False),
            Column("request", mark("Request"), lambda one: one.request_id or None, minor=True, shown=False),
        ),
        filters=(
            Choice("who", mark("Who"), tuple(sorted(staff.items(), key=_by_label))),
            Choice("action", mark("What"), tuple(actions)),
            One("subject", mark("To whom, to what"), type="text"),
            Days("at", mark("When")),
            One("actor", mark("Actor"), type="text", rare=True),
            One("request", mark("Request"), type="text", rare=True),
        ),
        export=READ,
        empty=mark("Nothing was done yet. Whatever somebody does stands here, with who it was and why."),
    )


def _by_label(pair: tuple[str, str]) -> str:
    return pair[1].casefold()


# --- one entry ------------------------------------------------------------------------------------------------------


def _one(kit: Kit) -> ControllerRouterHandler:
    @get(f"{HOME}/{{entry_id:str}}", guards=[kit.guards.staff(READ)])
    async def entry(request: AnyRequest, entry_id: FromPath[str]) -> Response[bytes]:
        page, number = kit.page(request), _number(entry_id)
        if number is None:
            raise NotFound
        async with kit.services.database.transaction() as tx:
            found, seal = await service.read_entry(tx, number)
            staff = await names_of_staff(tx)
            words = Words(page.language, staff | await names_in(tx, [found], page.language))
        return kit.render(
            request,
            "console/audit_entry.html",
            entry=found,
            title=words.action(found),
            facts=_facts(found, words),
            detail=words.detail(found),
            seal=seal,
            sealed=_sealed(seal, page.language) if seal else [],
            home=HOME,
            chain=CHAIN,
        )

    return entry


def _facts(one: Entry, words: Words) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("When"), one.written_at),
        (mark("Who"), words.actor(one)),
        (mark("To whom, to what"), words.subject(one)),
        (mark("Why"), one.reason or None),
        (mark("Number"), Code(str(one.entry_id))),
        (mark("Code"), Code(one.action)),
        (mark("Actor"), Code(one.actor)),
        (mark("Subject"), Code(one.subject)),
        (mark("Request"), Code(one.request_id) if one.request_id else None),
        (mark("Seal"), _SEALED if one.is_sealed else _UNSEALED),
    ]
    return [(in_language(label, words.language), value) for label, value in told]


def _sealed(seal: Sealed, language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("Seal"), Code(str(seal.seal_no))),
        (mark("Closed"), seal.sealed_at),
        (mark("Entries in it"), seal.entries),
        (mark("Hash of this entry, as it was sealed"), Code(seal.digest)),
        (mark("Hash of the seal before"), Code(seal.previous_hash)),
        (mark("Hash of the seal"), Code(seal.hash)),
    ]
    return [(in_language(label, language), value) for label, value in told]


# --- the chain ------------------------------------------------------------------------------------------------------


def _chain(kit: Kit) -> list[ControllerRouterHandler]:
    database = kit.services.database

    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        page = kit.page(request)
        async with database.transaction() as tx:
            standing = await service.sealing(tx)
            checks = await checks_of_chain(tx, _CHECKS)
            staff = await names_of_staff(tx)
        waiting = checks[0] if checks and checks[0].state != "done" else None
        done = next((one for one in checks if one.state == "done"), None)
        return kit.render(
            request,
            "console/audit_chain.html",
            status=status,
            form=form,
            waiting=waiting,
            stop=cancel_path(waiting) if waiting and waiting.asked_by == who(request).actor else "",
            standing=standing,
            head=standing.head,
            found=checked_by(done) if done else None,
            facts=_told(done, checked_by(done), staff, page.language) if done else [],
            earlier=[_line(one, staff) for one in checks if one.state == "done"][1:],
            home=HOME,
            path=CHAIN,
        )

    @get(CHAIN, guards=[kit.guards.staff(READ)])
    async def chain(request: AnyRequest) -> Response[bytes]:
        return await show(request, blank_form(kit.page(request).language))

    @post(CHAIN, guards=[kit.guards.staff(READ)])
    async def check(request: AnyRequest) -> Response[bytes]:
        language = kit.page(request).language
        form, actor = read_form(request, Known, language), who(request).actor
        given = form.value.head.strip() if form.value else ""
        if form.value is None or (given and Head.parse(given) is None):
            said = in_language(mark("That is no head: a number, a colon, 64 hexadecimal digits."), language)
            wrong: Form[Any] = Form(language, form.values, {"head": said})
            return await show(request, wrong, 422)
        async with database.transaction(actor=actor) as tx:
            head = str(Head.parse(given)) if given else await proven_head(tx)
            await reports.ask(tx, compute_report, check_chain, {"head": head}, by=actor)
        return kit.see(CHAIN)

    return [chain, check]


def _told(done: Report, found: ChainChecked, staff: dict[str, str], language: str) -> list[tuple[str, Cell]]:
    told: list[tuple[str, Cell]] = [
        (mark("Checked"), done.ended_at),
        (mark("By"), staff.get(done.asked_by, done.asked_by)),
        (mark("Seals"), found.seals),
        (mark("Entries"), found.entries),
        (mark("Proven until"), _until(found)),
        (mark("Head"), Code(found.head)),
        (mark("It extends the head before"), _extends(found)),
    ]
    return [(in_language(label, language), value) for label, value in told]


def _until(found: ChainChecked) -> datetime | None:
    return found.is_until if found.is_intact else None


def _extends(found: ChainChecked) -> Cell:
    if found.extends_known_head is None:
        return None
    return Code(found.known_head) if found.extends_known_head else Badge(mark("No"), "error")


def _line(one: Report, staff: dict[str, str]) -> list[Cell]:
    found = checked_by(one)
    badge = Badge(mark("Unbroken"), "success") if found.is_intact else Badge(mark("Broken"), "error")
    return [one.ended_at, staff.get(one.asked_by, one.asked_by), found.entries, badge]
