"""What was sent: every message with its state, those that need a person, and the templates in both languages."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.engagement import api as engagement
from regulars.engagement.contracts import (
    MESSAGE_PREFIX,
    Message,
    MessageChannel,
    MessageKind,
    MessageState,
)
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.texts import LANGUAGES
from regulars.web.console.mail_frame import framed
from regulars.web.console.message_words import CHANNELS, KINDS, STATES, state_badge
from regulars.web.kit.cells import Cell, Code, Link
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import Viewer, ViewerKind, viewer_of

HOME: Final = "/console/messages"
TEMPLATES: Final = f"{HOME}/templates"
READ, WRITE = "messages:read", "messages:write"
LANGUAGE_NAMES: Final = {"en": "English", "zh": "中文"}
AnyRequest = Request[Any, Any, Any]


class Reason(msgspec.Struct):
    """Why a person sends a message again, or gives it up."""

    reason: Annotated[str, Meta(min_length=3, max_length=200)]


def message_pages(kit: Kit) -> Pages:
    """Return the pages of messages."""
    entries = (
        Entry(HOME, mark("Messages"), icon="mail", permission=READ),
        Entry(TEMPLATES, mark("Message templates"), icon="template", permission=READ),
    )
    handlers = [_listing(kit), *_templates(kit), *_one(kit), *_acts(kit)]
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Engagement"), entries)])


# --- the list -------------------------------------------------------------------------------------------------------


def _what(language: str) -> Column:
    def cell(message: Message) -> Cell:
        name = in_language(KINDS[message.ref.kind], language)
        return Link(name, f"{HOME}/{public_id(MESSAGE_PREFIX, message.ref.message_id)}")

    return Column("kind", mark("Kind"), cell)


def listing_in(language: str) -> Listing:
    """Return the listing of messages for a viewer's language."""
    return Listing(
        name="messages",
        columns=(
            _what(language),
            Column("occurred", mark("Happened"), lambda one: one.ref.occurred_at),
            Column("member", mark("Recipient"), _recipient, minor=True),
            Column("state", mark("State"), lambda one: state_badge(one.ref.state)),
            Column(
                "channel", mark("Channel"), lambda one: in_language(CHANNELS[one.ref.channel], language), minor=True
            ),
            Column("address", mark("Address"), lambda one: one.address, minor=True),
            Column("language", mark("Language"), _language, minor=True, shown=False),
            Column("attempts", mark("Attempts"), lambda one: one.ref.attempts, minor=True),
            Column("answer", mark("Last answer"), lambda one: one.ref.answer, minor=True, shown=False),
        ),
        filters=(
            Choice("state", mark("State"), tuple((state.value, label) for state, label in STATES.items())),
            Choice("channel", mark("Channel"), tuple((way.value, label) for way, label in CHANNELS.items())),
            Choice("about", mark("Kind"), tuple((kind.value, label) for kind, label in KINDS.items())),
        ),
        sort="-occurred",
        empty=mark("Nothing has been sent yet. Messages appear here as members buy, return and rise."),
    )


def _language(message: Message) -> Cell:
    return LANGUAGE_NAMES.get(message.ref.language, message.ref.language)


def _recipient(message: Message) -> Cell:
    if message.ref.member_id is None:
        return None
    public = public_id(MEMBER_PREFIX, message.ref.member_id)
    return Link(f"{MEMBER_PREFIX}_…{public[-6:]}", f"/console/members/{public}")


def _listing(kit: Kit) -> ControllerRouterHandler:
    services = kit.services
    brand = engagement.brand_of(services.settings)

    async def fetch(wanted: Wanted) -> Slice:
        asked = wanted.filters
        async with wanted.reading() as tx:
            page = await engagement.list_messages(
                tx,
                services.vault,
                brand,
                channels=[MessageChannel(asked["channel"])] if "channel" in asked else engagement.EVERY_CHANNEL,
                states=[MessageState(asked["state"])] if "state" in asked else engagement.EVERY_STATE,
                kinds=[MessageKind(asked["about"])] if "about" in asked else engagement.EVERY_KIND,
                before=parse_public_id(MESSAGE_PREFIX, wanted.after) if wanted.after else None,
                limit=wanted.limit,
            )
        after = None if page.next_before is None else public_id(MESSAGE_PREFIX, page.next_before)
        return Slice(page.messages, after=after)

    @get(HOME, guards=[kit.guards.staff(READ)])
    async def messages(request: AnyRequest) -> Response[Any]:
        async with services.database.transaction() as tx:
            counts = await engagement.counts(tx)
        listing = listing_in(kit.page(request).language)
        ways = engagement.reachable(services.settings)
        return await kit.listing(request, "console/messages.html", listing, fetch, counts=counts, ways=ways)

    return messages


# --- one message ----------------------------------------------------------------------------------------------------


def _one(kit: Kit) -> list[ControllerRouterHandler]:
    services = kit.services
    brand = engagement.brand_of(services.settings)

    @get(f"{HOME}/{{message:str}}", guards=[kit.guards.staff(READ)])
    async def message(request: AnyRequest, message: FromPath[str]) -> Response[bytes]:
        return await _show(kit, request, message, blank_form(kit.page(request).language))

    @get(f"{HOME}/{{message:str}}/mail", guards=[kit.guards.staff(READ)])
    async def mail(message: FromPath[str]) -> Response[bytes]:
        async with services.database.transaction() as tx:
            _, form = await engagement.read_message(tx, services.vault, brand, message_id_in(message))
        if form is None or not form.html:
            raise NotFound
        return framed(form.html)

    return [message, mail]


async def _show(kit: Kit, request: AnyRequest, public: str, form: Form[Any], status: int = 200) -> Response[bytes]:
    services = kit.services
    brand = engagement.brand_of(services.settings)
    async with services.database.transaction() as tx:
        found, rendered = await engagement.read_message(tx, services.vault, brand, message_id_in(public))
    return kit.render(
        request,
        "console/message.html",
        status=status,
        message=found,
        rendered=rendered,
        public=public,
        form=form,
        kind=KINDS[found.ref.kind],
        facts=_facts(found, kit.page(request).language),
        can_act=found.ref.state is MessageState.PARKED and viewer_of(request).may(WRITE),
    )


def _facts(found: Message, language: str) -> list[tuple[str, Cell]]:
    ref = found.ref
    told: list[tuple[str, Cell]] = [
        (mark("State"), state_badge(ref.state)),
        (mark("Channel"), in_language(CHANNELS[ref.channel], language)),
        (mark("Recipient"), _recipient(found)),
        (mark("Address"), found.address),
        (mark("Language"), LANGUAGE_NAMES.get(ref.language, ref.language)),
        (mark("Happened"), ref.occurred_at),
        (mark("Written at"), ref.written_at),
        (mark("To be sent at"), ref.due_at),
        (mark("Handed over at"), ref.sent_at),
        (mark("Read at"), ref.read_at),
        (mark("Attempts"), ref.attempts),
        (mark("Last answer"), Code(ref.answer) if ref.answer else None),
    ]
    return [(in_language(label, language), value) for label, value in told if value is not None]


def _acts(kit: Kit) -> list[ControllerRouterHandler]:
    async def act(request: AnyRequest, public: str, done: Notice, *, again: bool) -> Response[bytes]:
        form = read_form(request, Reason, kit.page(request).language)
        if form.value is None:
            return await _show(kit, request, public, form, 422)
        services, actor = kit.services, actor_of(viewer_of(request))
        sent = sent_form(request, actor)
        try:
            async with services.database.transaction(actor=actor) as tx:
                if (led_to := await sent.led_to(tx)) is not None:
                    return kit.see(led_to, Notice(ALREADY, "info"))
                await sent.leads_to(tx, f"{HOME}/{public}")
                message_id, reason = message_id_in(public), form.value.reason
                if again:
                    await engagement.resend(tx, services.vault, message_id, reason=reason)
                else:
                    await engagement.cancel(tx, message_id, reason=reason)
        except NotFound:
            raise
        except DomainError as refusal:
            return await _show(kit, request, public, form.refused(refusal), refusal.status)
        return kit.see(f"{HOME}/{public}", done)

    @post(f"{HOME}/{{message:str}}/resend", guards=[kit.guards.staff(READ, WRITE)])
    async def resend(request: AnyRequest, message: FromPath[str]) -> Response[bytes]:
        return await act(request, message, Notice(mark("The message is sent again.")), again=True)

    @post(f"{HOME}/{{message:str}}/cancel", guards=[kit.guards.staff(READ, WRITE)])
    async def cancel(request: AnyRequest, message: FromPath[str]) -> Response[bytes]:
        return await act(request, message, Notice(mark("The message is given up.")), again=False)

    return [resend, cancel]


# --- templates ------------------------------------------------------------------------------------------------------


def _templates(kit: Kit) -> list[ControllerRouterHandler]:
    brand = engagement.brand_of(kit.services.settings)

    @get(TEMPLATES, guards=[kit.guards.staff(READ)])
    async def templates(request: AnyRequest) -> Response[bytes]:
        page = kit.page(request)
        kind = _kind_in(request.query_params.get("kind", MessageKind.RECEIPT.value))
        language = request.query_params.get("in", page.language)
        if language not in LANGUAGES:
            raise NotFound
        letter, mail, short = engagement.preview(kind, language, brand)
        kinds = [(one.value, label) for one, label in KINDS.items()]
        return kit.render(
            request,
            "console/message_templates.html",
            kind=kind.value,
            kinds=kinds,
            chosen=language,
            languages=tuple(LANGUAGE_NAMES.items()),
            letter=letter,
            mail=mail,
            short=short,
        )

    @get(f"{TEMPLATES}/{{kind:str}}/{{language:str}}", guards=[kit.guards.staff(READ)])
    async def template(kind: FromPath[str], language: FromPath[str]) -> Response[bytes]:
        if language not in LANGUAGES:
            raise NotFound
        return framed(engagement.preview(_kind_in(kind), language, brand)[1].html)

    return [templates, template]


def message_id_in(text: str) -> UUID:
    """Read the id of a message. Raises NotFound."""
    found = parse_public_id(MESSAGE_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def actor_of(viewer: Viewer) -> str:
    """Return as whom a staff member acts, for the audit log."""
    return getattr(viewer.session, "actor", None) or f"staff:{viewer.id}"


def _kind_in(text: str) -> MessageKind:
    try:
        return MessageKind(text)
    except ValueError:
        raise NotFound from None
