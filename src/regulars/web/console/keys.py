"""API keys in the console: the list, a new one, one with what may be done with it; a token is shown once."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from regulars.platform.auth import service
from regulars.platform.auth.contracts import KEY_PREFIX, SCOPES, ApiKey, KeyChange, KeysWanted
from regulars.platform.clock import wall_now
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id, public_id
from regulars.platform.texts import say
from regulars.web.console.account import who
from regulars.web.console.actors import names_of_staff
from regulars.web.console.member_privacy import who as named
from regulars.web.kit.cells import Badge, Cell, Code, Link
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

KEYS: Final = "/console/keys"
NEW: Final = f"{KEYS}/new"
ONE: Final = f"{KEYS}/{{key_id:str}}"
READ, WRITE = "keys:read", "keys:write"
WORDS: Final = mark("token, access, integration")
REVOKE: Final = "REVOKE"  # what is typed to confirm, in every language
_FEW_SCOPES: Final = 3

AnyRequest = Request[Any, Any, Any]
Networks = Annotated[str, Meta(max_length=2000)]
Often = Annotated[int, Meta(ge=0, le=1_000_000)] | None
Why = Annotated[str, Meta(max_length=500)]


class NewKey(msgspec.Struct):
    """A key to be made; it may be used from `networks` (none: from anywhere), one to a line."""

    label: Annotated[str, Meta(min_length=1, max_length=100)]
    scopes: list[str] = []
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None
    networks: Networks = ""
    requests_per_second: Often = None


class Terms(msgspec.Struct):
    """What a key is called, where it may be used and how often (no number: as the deployment says), what it speaks."""

    label: Annotated[str, Meta(min_length=1, max_length=100)]
    networks: Networks = ""
    requests_per_second: Often = None
    api_version: Annotated[str, Meta(max_length=20)] | None = None
    reason: Why = ""


class Rotation(msgspec.Struct):
    """For how many hours both tokens are good, and why another one is drawn."""

    overlap_hours: Annotated[int, Meta(ge=0, le=24 * 90)] = 24
    reason: Why = ""


class Revoking(msgspec.Struct):
    """The word that confirms it, and why."""

    confirmation: Annotated[str, Meta(max_length=40)]
    reason: Why = ""


def key_pages(kit: Kit) -> Pages:
    """Return the pages of API keys."""
    handlers = [*_all(kit), *_one(kit), *_secrets(kit), _revoke(kit)]
    entry = Entry(KEYS, mark("API keys"), icon="key", permission=READ, words=WORDS)
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Developers"), (entry,))])


def key_id_in(text: str) -> UUID:
    """Read the id of a key. Raises NotFound."""
    found = parse_public_id(KEY_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def _described(scopes: Iterable[str], language: str) -> list[tuple[str, str]]:
    return [(scope, in_language(SCOPES[scope], language) if scope in SCOPES else "") for scope in scopes]


def _path(key: ApiKey) -> str:
    return f"{KEYS}/{public_id(KEY_PREFIX, key.key_id)}"


def state_of(key: ApiKey) -> Badge:
    """Return how a key stands."""
    now = wall_now()
    if key.revoked_at is not None:
        return Badge(mark("Revoked"), "neutral")
    if not service.is_good(key, now):
        return Badge(mark("Expired"), "warning")
    both = key.previous_until is not None and key.previous_until > now
    return Badge(mark("Two tokens"), "info") if both else Badge(mark("Good"), "success")


def _scopes(key: ApiKey) -> str:
    more = len(key.scopes) - _FEW_SCOPES
    return " ".join(key.scopes[:_FEW_SCOPES]) + (f" +{more}" if more > 0 else "")


def _listing(names: dict[str, str], *, see_staff: bool) -> Listing:
    return Listing(
        name="keys",
        columns=(
            Column("label", mark("Key"), lambda key: Link(key.label or public_id(KEY_PREFIX, key.key_id), _path(key))),
            Column("state", mark("State"), state_of),
            Column("scopes", mark("Scopes"), _scopes, minor=True),
            Column("owner", mark("Whose"), lambda key: named(key.owner, names, see_staff=see_staff), minor=True),
            Column("used", mark("Last used"), lambda key: key.last_used_on, minor=True),
            Column("expires", mark("Expires"), lambda key: key.expires_at, minor=True),
            Column("made", mark("Made"), lambda key: key.created_at, minor=True),
        ),
        filters=(Choice("state", mark("State"), (("good", mark("Good")), ("ended", mark("Ended")))),),
        search=mark("What it is for"),
        empty=mark("There are no API keys yet."),
    )


async def _fetch(wanted: Wanted) -> Slice:
    state = wanted.filters.get("state")
    before = None if wanted.after is None else parse_public_id(KEY_PREFIX, wanted.after)
    good = None if state is None else state == "good"
    async with wanted.reading() as tx:
        rows = await service.page_of_keys(tx, KeysWanted(wanted.limit + 1, before, good, wanted.search))
    more = len(rows) > wanted.limit
    after = public_id(KEY_PREFIX, rows[wanted.limit - 1].key_id) if more else None
    return Slice(rows[: wanted.limit], after=after)


def _all(kit: Kit) -> list[Any]:
    @get(KEYS, guards=[kit.guards.staff(READ)])
    async def keys(request: AnyRequest) -> Response[Any]:
        viewer = who(request)
        async with kit.services.database.transaction() as tx:
            names = await names_of_staff(tx)
        listing = _listing(names, see_staff=viewer.may("staff:read"))
        return await kit.listing(request, "console/keys.html", listing, _fetch, may_make=viewer.may(WRITE), new=NEW)

    def blank(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        return kit.render(
            request,
            "console/key_new.html",
            status=status,
            form=form,
            scopes=_described(SCOPES, kit.page(request).language),
        )

    @get(NEW, guards=[kit.guards.staff(READ, WRITE)])
    async def new(request: AnyRequest) -> Response[bytes]:
        return blank(request, blank_form(kit.page(request).language))

    @post(KEYS, guards=[kit.guards.staff(READ, WRITE)])
    async def make(request: AnyRequest) -> Response[bytes]:
        form, viewer = read_form(request, NewKey, kit.page(request).language), who(request)
        if form.value is None:
            return blank(request, form, 422)
        wish, sent = form.value, sent_form(request, viewer.actor)
        try:
            async with kit.services.database.transaction(actor=viewer.actor) as tx:
                if (led := await sent.led_to(tx)) is not None:
                    return kit.see(led, Notice(ALREADY))
                key, token = await service.create_key(
                    tx,
                    label=wish.label,
                    scopes=wish.scopes,
                    expires_at=None if wish.days is None else wall_now() + timedelta(days=wish.days),
                    staff_id=viewer.staff_id,
                    networks=wish.networks.split(),
                    requests_per_second=wish.requests_per_second,
                    versions=kit.services.versions,
                )
                await sent.leads_to(tx, _path(key))
        except DomainError as error:
            return blank(request, form.refused(error), error.status)
        return _show_token(kit, request, key, token)

    return [keys, new, make]


def _show_token(kit: Kit, request: AnyRequest, key: ApiKey, token: str) -> Response[bytes]:
    """Show a token, this once."""
    return kit.render(request, "console/key_token.html", key=key, token=token, path=_path(key))


async def _show_one(
    kit: Kit,
    request: AnyRequest,
    public: str,
    *,
    terms: Form[Any] | None = None,
    rotate: Form[Any] | None = None,
    revoke: Form[Any] | None = None,
    status: int = 200,
) -> Response[bytes]:
    page, key_id = kit.page(request), key_id_in(public)
    async with kit.services.database.transaction() as tx:
        key = await service.key_of(tx, key_id)
        names = await names_of_staff(tx)
    now, language = wall_now(), page.language
    limit = "" if key.requests_per_second is None else str(key.requests_per_second)
    kept = {"label": key.label, "networks": "\n".join(key.networks), "requests_per_second": limit}
    return kit.render(
        request,
        "console/key.html",
        status=status,
        page=page,
        key=key,
        path=_path(key),
        facts=_facts(key, names, language, see_staff=page.viewer.may("staff:read")),
        scopes=_described(key.scopes, language),
        may_act=page.viewer.may(WRITE) and service.is_good(key, now),
        has_two=key.previous_until is not None and key.previous_until > now,
        terms=terms or blank_form(language, **kept, api_version=key.api_version),
        versions=[(name, name) for name in sorted({*kit.services.versions.names, key.api_version}, reverse=True)],
        rotate=rotate or blank_form(language, overlap_hours=24),
        revoke=revoke or blank_form(language),
        word=REVOKE,
    )


def _facts(key: ApiKey, names: dict[str, str], language: str, *, see_staff: bool) -> list[tuple[str, Cell]]:
    anywhere, usual, never = mark("Anywhere"), mark("As often as the deployment allows"), mark("Never")
    often = in_language(usual, language)
    if key.requests_per_second is not None:
        limited = mark("{count} requests a second") if key.requests_per_second else mark("As often as it likes")
        often = say(limited, language, count=key.requests_per_second)
    told: list[tuple[str, Cell]] = [
        (mark("State"), state_of(key)),
        (mark("Whose"), named(key.owner, names, see_staff=see_staff) or None),
        (mark("From where"), Code(", ".join(key.networks)) if key.networks else in_language(anywhere, language)),
        (mark("How often"), often),
        (mark("Version of the API"), Code(key.api_version)),
        (mark("Last used"), key.last_used_on or in_language(never, language)),
        (mark("Expires"), key.expires_at or in_language(never, language)),
        (mark("Revoked on"), key.revoked_at),
        (mark("Rotated"), key.rotated_at),
        (mark("Two tokens until"), key.previous_until),
        (mark("Made"), key.created_at),
        (mark("Id"), Code(public_id(KEY_PREFIX, key.key_id))),
    ]
    return [(in_language(label, language), value) for label, value in told]


def _one(kit: Kit) -> list[Any]:
    @get(ONE, guards=[kit.guards.staff(READ)])
    async def key(request: AnyRequest, key_id: FromPath[str]) -> Response[bytes]:
        return await _show_one(kit, request, key_id)

    @post(f"{ONE}/terms", guards=[kit.guards.staff(READ, WRITE)])
    async def change(request: AnyRequest, key_id: FromPath[str]) -> Response[bytes]:
        form = read_form(request, Terms, kit.page(request).language)
        if form.value is None:
            return await _show_one(kit, request, key_id, terms=form, status=422)
        wish = form.value
        wanted = KeyChange(
            label=wish.label,
            networks=wish.networks.split(),
            requests_per_second=wish.requests_per_second,
            api_version=wish.api_version,
        )
        try:
            async with _acting(kit, request) as tx:
                await service.change_key(
                    tx, key_id_in(key_id), wanted, reason=wish.reason, versions=kit.services.versions
                )
        except DomainError as error:
            return await _show_one(kit, request, key_id, terms=form.refused(error), status=error.status)
        return kit.see(f"{KEYS}/{key_id}", Notice(mark("The key is changed; within a second it holds everywhere.")))

    return [key, change]


def _acting(kit: Kit, request: AnyRequest) -> Any:  # noqa: ANN401 - a transaction's context
    return kit.services.database.transaction(actor=who(request).actor)


def _secrets(kit: Kit) -> list[Any]:
    @post(f"{ONE}/rotate", guards=[kit.guards.staff(READ, WRITE)])
    async def rotate(request: AnyRequest, key_id: FromPath[str]) -> Response[bytes]:
        form = read_form(request, Rotation, kit.page(request).language)
        if form.value is None:
            return await _show_one(kit, request, key_id, rotate=form, status=422)
        wish, sent = form.value, sent_form(request, who(request).actor)
        try:
            async with _acting(kit, request) as tx:
                if (led := await sent.led_to(tx)) is not None:
                    return kit.see(led, Notice(ALREADY))
                key, token = await service.rotate_key(
                    tx, key_id_in(key_id), overlap=timedelta(hours=wish.overlap_hours), reason=wish.reason
                )
                await sent.leads_to(tx, _path(key))
        except DomainError as error:
            return await _show_one(kit, request, key_id, rotate=form.refused(error), status=error.status)
        return _show_token(kit, request, key, token)

    @post(f"{ONE}/end-overlap", guards=[kit.guards.staff(READ, WRITE)])
    async def end_overlap(request: AnyRequest, key_id: FromPath[str]) -> Response[bytes]:
        async with _acting(kit, request) as tx:
            await service.end_overlap(tx, key_id_in(key_id))
        return kit.see(f"{KEYS}/{key_id}", Notice(mark("The token of before is refused from now on.")))

    return [rotate, end_overlap]


def _revoke(kit: Kit) -> Any:  # noqa: ANN401 - a route handler
    @post(f"{ONE}/revoke", guards=[kit.guards.staff(READ, WRITE)])
    async def revoke(request: AnyRequest, key_id: FromPath[str]) -> Response[bytes]:
        language = kit.page(request).language
        form = read_form(request, Revoking, language)
        if form.value is None or form.value.confirmation != REVOKE:
            said = say("Type {word}, in capitals.", language, word=REVOKE)
            unconfirmed: Form[Any] = Form(language, form.values, {"confirmation": said})
            return await _show_one(kit, request, key_id, revoke=unconfirmed, status=422)
        async with _acting(kit, request) as tx:
            await service.revoke_key(tx, key_id_in(key_id), reason=form.value.reason)
        return kit.see(f"{KEYS}/{key_id}", Notice(mark("The key is revoked: within a second it opens nothing.")))

    return revoke
