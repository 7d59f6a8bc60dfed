"""Privacy of the whole programme: who looked at whom, what was agreed to, who was erased, what was taken along."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, get_args
from uuid import UUID

from litestar import Request, Response, get
from litestar.types import ControllerRouterHandler

from regulars.members import api as members
from regulars.members.contracts import (
    MEMBER_PREFIX,
    ConsentChannel,
    ConsentLogged,
    Decision,
    LogPlace,
    LogWanted,
    Purpose,
)
from regulars.members.contracts.privacy import Erasure, ErasureState, MemberExport
from regulars.platform.audit import service as audit
from regulars.platform.audit.contracts import Look
from regulars.platform.bulk.contracts import JOB_PREFIX
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.places import read_place, write_place
from regulars.web.console.actors import names_of_programs, names_of_staff
from regulars.web.console.job_words import job_path
from regulars.web.console.member_privacy import erasure_badge, export_badge, member_privacy_handlers, who
from regulars.web.console.member_words import CONSENT_CHANNELS, CONSENT_DECISIONS, PURPOSES
from regulars.web.console.words import channel_name, days_of, member_link
from regulars.web.kit.cells import Badge, Cell, Link, Quiet
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Days, Listing, One, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind, viewer_of

READ: Final = "privacy:read"
HOME: Final = "/console/privacy"
ACTIONS: Final = {
    "read_personal_data": mark("Revealed"),
    "read_messages": mark("Read messages"),
    "read_export": mark("Took an export"),
    "look_up_member": mark("Looked up at a till"),
    "search_member": mark("Searched for"),
}
STATES: Final[dict[ErasureState, str]] = {
    "waiting": mark("Waits"),
    "under_way": mark("Under way"),
    "withdrawn": mark("Withdrawn"),
    "carried_out": mark("Carried out"),
}
_DAY: Final = timedelta(days=1)
_DIGITS: Final = 17

AnyRequest = Request[Any, Any, Any]


def privacy_pages(kit: Kit) -> Pages:
    """Return the pages of privacy."""
    entry = Entry(HOME, mark("Privacy"), icon="shield-lock", permission=READ)
    handlers = [_looks(kit), _consents(kit), _erasures(kit), _exports(kit), *member_privacy_handlers(kit)]
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Member care"), (entry,))])


def tabs(language: str) -> list[tuple[str, str, None]]:
    """Return the ways between the pages."""
    named = (
        (mark("Who looked at whom"), HOME),
        (mark("Log of consents"), f"{HOME}/consents"),
        (mark("Erasures"), f"{HOME}/erasures"),
        (mark("Exports"), f"{HOME}/exports"),
    )
    return [(in_language(label, language), path, None) for label, path in named]


# --- who looked at whom -----------------------------------------------------------------------------------------------


def _looks(kit: Kit) -> ControllerRouterHandler:
    @get(HOME, guards=[kit.guards.staff(READ)])
    async def looks(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            names = await names_of_staff(tx)

        async def fetch(wanted: Wanted) -> Slice:
            given = wanted.filters
            first, until = _span(page.formats, wanted, "looked")
            member_id, is_anybody = _member(given.get("member"))
            if not is_anybody:
                return Slice([])
            async with wanted.reading() as tx:
                ids = None if member_id is None else await members.ids_of(tx, member_id)
                found = await audit.looks(
                    tx,
                    subjects=None if ids is None else [public_id(MEMBER_PREFIX, one) for one in ids],
                    actor=_plain(given.get("who") or given.get("actor")),
                    purpose=_plain(given.get("purpose")),
                    first=first,
                    until=until,
                    before=_number(wanted.after),
                    limit=wanted.limit + 1,
                )
                names.update(await names_of_programs(tx, [one.actor for one in found], page.language))
            after = str(found[wanted.limit - 1].entry_id) if len(found) > wanted.limit else None
            return Slice(found[: wanted.limit], after=after)

        listing = looks_listing(page.language, names, see_staff=viewer.may("staff:read"))
        return await kit.listing(request, "console/privacy_looks.html", listing, fetch, tabs=tabs(page.language))

    return looks


def looks_listing(language: str, names: dict[str, str], *, see_staff: bool) -> Listing:
    """Return the list of looks; `names` are those of staff by actor."""
    return Listing(
        name="looks",
        columns=(
            Column("at", mark("When"), lambda one: one.written_at),
            Column("who", mark("Who looked"), lambda one: who(one.actor, names, see_staff=see_staff)),
            Column("member", mark("At whom"), _subject),
            Column("how", mark("How"), lambda one: in_language(ACTIONS[one.action], language), minor=True),
            Column("purpose", mark("For what"), lambda one: _purpose(one) or None, wraps=True),
            Column("detail", mark("Details"), lambda one: one.detail or None, minor=True, shown=False),
            Column("request", mark("Request"), lambda one: one.request_id or None, minor=True, shown=False),
        ),
        filters=(
            Choice("who", mark("Who looked"), tuple(sorted(names.items(), key=lambda one: one[1].casefold()))),
            One("purpose", mark("For what"), type="text"),
            Days("looked", mark("When")),
            One("member", mark("Member id"), type="text"),
            One("actor", mark("Actor"), type="text", rare=True),
        ),
        export=READ,
        empty=mark("Nobody has looked at anybody's personal data yet. Each look is listed here, with its purpose."),
    )


def _purpose(one: Look) -> str:
    """Return what was given as a purpose; a till's reason is who of staff stood there."""
    return one.reason if one.action.startswith("read_") else ""


def _subject(one: Look) -> Cell:
    found = parse_public_id(MEMBER_PREFIX, one.subject)
    if found is not None:
        return member_link(found)
    refused = parse_public_id(JOB_PREFIX, one.subject)  # rows that an import refused: whose they are nobody knows
    return one.subject if refused is None else Link(one.subject, job_path(refused))


# --- consents ---------------------------------------------------------------------------------------------------------


def _consents(kit: Kit) -> ControllerRouterHandler:
    @get(f"{HOME}/consents", guards=[kit.guards.staff(READ)])
    async def consents(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            names = await names_of_staff(tx)

        async def fetch(wanted: Wanted) -> Slice:
            given = wanted.filters
            member_id, is_anybody = _member(given.get("member"))
            if not is_anybody:
                return Slice([])
            first, until = _span(page.formats, wanted, "recorded")
            place = read_place(wanted.after)
            asked = LogWanted(
                member_id=member_id,
                purpose=Purpose(given["purpose"]) if "purpose" in given else None,
                channel=ConsentChannel(given["channel"]) if "channel" in given else None,
                decision=Decision(given["decision"]) if "decision" in given else None,
                first=first,
                until=until,
                before=None if place is None else LogPlace(*place),
                limit=wanted.limit + 1,
            )
            async with wanted.reading() as tx:
                found = await members.consent_log(tx, asked)
                names.update(await names_of_programs(tx, [one.consent.actor for one in found], page.language))
            rows, more = found[: wanted.limit], len(found) > wanted.limit
            after = write_place(rows[-1].consent.recorded_at, rows[-1].consent.consent_id) if more else None
            return Slice(rows, after=after)

        listing = consents_listing(page.language, names, see_staff=viewer.may("staff:read"))
        return await kit.listing(request, "console/privacy_consents.html", listing, fetch, tabs=tabs(page.language))

    return consents


def consents_listing(language: str, names: dict[str, str], *, see_staff: bool) -> Listing:
    """Return the log of consents as a list."""

    def words(one: ConsentLogged) -> Cell:
        told = one.consent
        return Quiet(told.wording or told.wording_version, told.wording_version if told.wording else "")

    return Listing(
        name="consents",
        columns=(
            Column("at", mark("Recorded"), lambda one: one.consent.recorded_at),
            Column("member", mark("Member"), lambda one: member_link(one.member_id)),
            Column("purpose", mark("Purpose"), lambda one: in_language(PURPOSES[one.consent.purpose], language)),
            Column("way", mark("Way"), lambda one: in_language(CONSENT_CHANNELS[one.consent.channel], language)),
            Column("decision", mark("Decision"), lambda one: Badge(*CONSENT_DECISIONS[one.consent.decision])),
            Column("wording", mark("In these words"), words, wraps=True),
            Column("version", mark("Version"), lambda one: one.consent.wording_version, minor=True, shown=False),
            Column("effective", mark("Took effect"), lambda one: one.consent.effective_at, minor=True, shown=False),
            Column("where", mark("Where"), lambda one: channel_name(one.consent.where, language), minor=True),
            Column("store", mark("Store"), lambda one: one.consent.store_id, minor=True, shown=False),
            Column(
                "by", mark("Recorded by"), lambda one: who(one.consent.actor, names, see_staff=see_staff), minor=True
            ),
        ),
        filters=(
            Choice("purpose", mark("Purpose"), tuple((one.value, label) for one, label in PURPOSES.items())),
            Choice("channel", mark("Way"), tuple((one.value, label) for one, label in CONSENT_CHANNELS.items())),
            Choice(
                "decision", mark("Decision"), tuple((one.value, label) for one, (label, _) in CONSENT_DECISIONS.items())
            ),
            Days("recorded", mark("Recorded")),
            One("member", mark("Member id"), type="text"),
        ),
        export=READ,
        empty=mark(
            "Nobody has decided anything yet. Each decision of a member on consent is listed here, with its words."
        ),
    )


# --- erasures and exports ---------------------------------------------------------------------------------------------


def _erasures(kit: Kit) -> ControllerRouterHandler:
    @get(f"{HOME}/erasures", guards=[kit.guards.staff(READ)])
    async def erasures(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            names = await names_of_staff(tx)
        journal: dict[UUID, datetime] = {}

        async def fetch(wanted: Wanted) -> Slice:
            member_id, is_anybody = _member(wanted.filters.get("member"))
            if not is_anybody:
                return Slice([])
            state = next((one for one in get_args(ErasureState) if one == wanted.filters.get("state")), None)
            async with wanted.reading() as tx:
                found = await members.list_erasures(
                    tx, member_id=member_id, state=state, before=read_place(wanted.after), limit=wanted.limit + 1
                )
                names.update(await names_of_programs(tx, [one.asked_by for one in found], page.language))
            rows, more = found[: wanted.limit], len(found) > wanted.limit
            journal.update(await kit.services.vault.erased_among([one.member_id for one in rows]))
            return Slice(rows, after=write_place(rows[-1].asked_at, rows[-1].erasure_id) if more else None)

        listing = erasures_listing(names, journal, see_staff=viewer.may("staff:read"))
        return await kit.listing(request, "console/privacy_erasures.html", listing, fetch, tabs=tabs(page.language))

    return erasures


def erasures_listing(names: dict[str, str], journal: dict[UUID, datetime], *, see_staff: bool) -> Listing:
    """Return erasures as a list; `journal` is what the journal of erasures says, beside the vault."""

    def ended(one: Erasure) -> Cell:
        return one.ended_at if one.ended_at is not None else one.due_at

    return Listing(
        name="erasures",
        columns=(
            Column("asked", mark("Asked for"), lambda one: one.asked_at),
            Column("member", mark("Member"), lambda one: _tab_link(one.member_id)),
            Column("state", mark("State"), lambda one: erasure_badge(one.state)),
            Column("ends", mark("Due, or ended"), ended),
            Column("key", mark("Key destroyed, by the journal"), lambda one: journal.get(one.member_id)),
            Column("by", mark("Asked by"), lambda one: who(one.asked_by, names, see_staff=see_staff), minor=True),
            Column("reason", mark("Why"), lambda one: one.reason, wraps=True),
        ),
        filters=(
            Choice("state", mark("State"), tuple(STATES.items())),
            One("member", mark("Member id"), type="text"),
        ),
        export=READ,
        empty=mark("Nobody has asked to be erased. Members ask in the portal, staff on a member's page."),
    )


def _exports(kit: Kit) -> ControllerRouterHandler:
    @get(f"{HOME}/exports", guards=[kit.guards.staff(READ)])
    async def exports(request: AnyRequest) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            names = await names_of_staff(tx)

        async def fetch(wanted: Wanted) -> Slice:
            member_id, is_anybody = _member(wanted.filters.get("member"))
            if not is_anybody:
                return Slice([])
            async with wanted.reading() as tx:
                found = await members.list_all_exports(
                    tx, member_id=member_id, before=read_place(wanted.after), limit=wanted.limit + 1
                )
                names.update(await names_of_programs(tx, [one.asked_by for one in found], page.language))
            rows, more = found[: wanted.limit], len(found) > wanted.limit
            return Slice(rows, after=write_place(rows[-1].asked_at, rows[-1].export_id) if more else None)

        listing = exports_listing(names, see_staff=viewer.may("staff:read"))
        return await kit.listing(request, "console/privacy_exports.html", listing, fetch, tabs=tabs(page.language))

    return exports


def exports_listing(names: dict[str, str], *, see_staff: bool) -> Listing:
    """Return exports as a list."""

    def member(one: MemberExport) -> Cell:
        return _tab_link(one.member_id)

    return Listing(
        name="exports",
        columns=(
            Column("asked", mark("Asked for"), lambda one: one.asked_at),
            Column("member", mark("Member"), member),
            Column("state", mark("State"), export_badge),
            Column("ready", mark("Ready since"), lambda one: one.ready_at, minor=True),
            Column("until", mark("Kept until"), lambda one: one.expires_at),
            Column("by", mark("Asked by"), lambda one: who(one.asked_by, names, see_staff=see_staff), minor=True),
        ),
        filters=(One("member", mark("Member id"), type="text"),),
        export=READ,
        empty=mark("Nobody has asked for their data in the last seven days. After that exports are deleted."),
    )


def _tab_link(member_id: UUID) -> Link:
    found = member_link(member_id)
    return Link(found.text, f"{found.path}/privacy")


# --- addresses --------------------------------------------------------------------------------------------------------


def _span(formats: Formats, wanted: Wanted, name: str) -> tuple[datetime | None, datetime | None]:
    """Return the instants between which a filter of days lies."""
    first, last = days_of(wanted.filters, name)
    return (
        None if first is None else formats.first_moment(first),
        None if last is None else formats.first_moment(last + _DAY),
    )


def _member(text: str | None) -> tuple[UUID | None, bool]:
    """Read the filter of a member: whose it is (None: everybody), and whether it names anybody at all."""
    if text is None:
        return None, True
    found = parse_public_id(MEMBER_PREFIX, text.strip())
    return found, found is not None


def _plain(text: str | None) -> str | None:
    """Return a text without what no text of the database holds; None if nothing is left."""
    return (text or "").replace("\x00", "") or None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None


__all__: Sequence[str] = ("privacy_pages",)
