"""Accounts of staff: who there is, inviting, roles and stores, shutting out."""

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.commerce import api as commerce
from regulars.platform.auth.contracts import STAFF_PREFIX
from regulars.platform.auth.staff import service, sessions
from regulars.platform.auth.staff.contracts import (
    Account,
    Invitation,
    NewAccount,
    Status,
)
from regulars.platform.auth.staff.permissions import PERMISSIONS, ROLES, Role
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import parse_public_id
from regulars.web.console.account import who
from regulars.web.console.invitation import INVITATION
from regulars.web.console.roles import ROLE_HELP, ROLE_NAMES, roles_said
from regulars.web.kit.cells import Badge, Link, Tone
from regulars.web.kit.forms import Form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.listings import Column, Listing, Slice, Wanted
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

STAFF: Final = "/console/staff"

AnyRequest = Request[Any, Any, Any]

STATUS_NAMES: Final[dict[Status, tuple[str, Tone]]] = {
    Status.INVITED: (mark("Invited"), "info"),
    Status.ACTIVE: (mark("Active"), "success"),
    Status.DISABLED: (mark("Disabled"), "neutral"),
}
LANGUAGES: Final = (("en", "English"), ("zh", "中文"))


def _name(account: Account) -> Link:
    return Link(account.name, f"{STAFF}/{account.public_id}")


def _status(account: Account) -> Badge:
    label, tone = STATUS_NAMES[account.status]
    return Badge(label, tone)


def _listing(language: str) -> Listing:
    """Return the list of accounts, roles named in a language."""
    everywhere = in_language(mark("All stores"), language)
    return Listing(
        name="staff",
        columns=(
            Column("name", mark("Name"), _name),
            Column("email", mark("E-mail"), lambda account: account.email, minor=True),
            Column("roles", mark("Roles"), lambda account: roles_said(account.roles, language)),
            Column("stores", mark("Stores"), lambda account: ", ".join(account.stores or (everywhere,)), minor=True),
            Column("status", mark("Status"), _status),
            Column("signed_in", mark("Last signed in"), lambda account: account.signed_in_at, minor=True),
        ),
    )


class Access(msgspec.Struct):
    """What an account may do and see."""

    name: Annotated[str, Meta(max_length=100)]
    language: str = "en"
    roles: list[str] = []
    scope: str = "all"
    stores: list[str] = []


class Invited(msgspec.Struct):
    """Somebody who gets an account."""

    email: str
    name: Annotated[str, Meta(max_length=100)]
    language: str = "en"
    roles: list[str] = []
    scope: str = "all"
    stores: list[str] = []


def staff_pages(kit: Kit) -> Pages:
    """Return the pages of staff."""
    entry = Entry(STAFF, mark("Staff"), icon="users-group", permission="staff:read")
    handlers = [*_reading(kit), *_inviting(kit), *_access(kit), *_changing(kit)]
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Set-up"), (entry,))])


def _reading(kit: Kit) -> Sequence[ControllerRouterHandler]:
    @get(STAFF, guards=[kit.guards.staff("staff:read")])
    async def staff(request: AnyRequest) -> Response[Any]:
        async def fetch(wanted: Wanted) -> Slice:
            async with wanted.reading() as tx:
                accounts = await service.list_accounts(tx)
            return Slice(accounts[wanted.offset : wanted.offset + wanted.limit], total=len(accounts))

        return await kit.listing(request, "console/staff.html", _listing(kit.page(request).language), fetch)

    @get(f"{STAFF}/roles", guards=[kit.guards.staff("staff:read")])
    async def roles(request: AnyRequest) -> Response[bytes]:
        language = kit.page(request).language
        names = [in_language(ROLE_NAMES[role], language) for role in Role]
        table = [
            (in_language(says, language), [permission in ROLES[role] for role in Role])
            for permission, says in PERMISSIONS.items()
        ]
        return kit.render(request, "console/staff_roles.html", names=names, table=table)

    return [staff, roles]


def _inviting(kit: Kit) -> Sequence[ControllerRouterHandler]:
    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        return await _with_choices(kit, request, "console/staff_invite.html", form, status)

    @get(f"{STAFF}/invite", guards=[kit.guards.staff("staff:write")])
    async def invite(request: AnyRequest) -> Response[bytes]:
        return await show(request, _filled("en", scope="all", roles=[], stores=[]))

    @post(f"{STAFF}/invite", guards=[kit.guards.staff("staff:write")])
    async def send_invitation(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, Invited, kit.page(request).language)
        if form.value is None:
            return await show(request, form, 422)
        given = form.value
        wish = NewAccount(
            email=given.email,
            name=given.name,
            language=_language(given.language),
            roles=_roles(given.roles),
            stores=await _stores(kit, given.scope, given.stores),
        )
        try:
            async with kit.services.database.transaction(actor=who(request).actor) as tx:
                invitation = await service.invite(tx, wish)
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        return _link(kit, request, invitation)

    return [invite, send_invitation]


def _access(kit: Kit) -> Sequence[ControllerRouterHandler]:
    async def show(request: AnyRequest, staff_id: UUID, form: Form[Any] | None, status: int = 200) -> Response[bytes]:
        async with kit.services.database.transaction() as tx:
            account = await service.read_account(tx, staff_id)
            open_now = await sessions.list_sessions(tx, staff_id, kit.services.staff.terms)
        filled = form or _filled(
            account.language,
            name=account.name,
            roles=[role.value for role in account.roles],
            scope="all" if account.stores is None else "some",
            stores=list(account.stores or ()),
        )
        return await _with_choices(
            kit, request, "console/staff_account.html", filled, status, account=account, sessions=open_now
        )

    @get(f"{STAFF}/{{staff_id:str}}", guards=[kit.guards.staff("staff:read")])
    async def account(request: AnyRequest, staff_id: FromPath[str]) -> Response[bytes]:
        return await show(request, _staff_id(staff_id), None)

    @post(f"{STAFF}/{{staff_id:str}}", guards=[kit.guards.staff("staff:write")])
    async def change_access(request: AnyRequest, staff_id: FromPath[str]) -> Response[bytes]:
        found, form = _staff_id(staff_id), read_form(request, Access, kit.page(request).language)
        if form.value is None:
            return await show(request, found, form, 422)
        given, viewer = form.value, who(request)
        stores = await _stores(kit, given.scope, given.stores)
        try:
            async with kit.services.database.transaction(actor=viewer.actor) as tx:
                await service.change_access(
                    tx,
                    found,
                    by=viewer.staff_id,
                    name=given.name,
                    language=_language(given.language),
                    roles=_roles(given.roles),
                    stores=stores,
                )
        except NotFound:
            raise
        except DomainError as error:
            return await show(request, found, form.refused(error), error.status)
        return kit.see(f"{STAFF}/{staff_id}", Notice(mark("Saved. It holds from their next click on.")))

    return [account, change_access]


def _changing(kit: Kit) -> Sequence[ControllerRouterHandler]:
    def after(staff_id: str, said: str) -> Response[bytes]:
        return kit.see(f"{STAFF}/{staff_id}", Notice(said))

    @post(f"{STAFF}/{{staff_id:str}}/link", guards=[kit.guards.staff("staff:write")])
    async def renew_link(request: AnyRequest, staff_id: FromPath[str]) -> Response[bytes]:
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            invitation = await service.renew_link(tx, _staff_id(staff_id))
        return _link(kit, request, invitation)

    @post(f"{STAFF}/{{staff_id:str}}/disable", guards=[kit.guards.staff("staff:write")])
    async def disable(request: AnyRequest, staff_id: FromPath[str]) -> Response[bytes]:
        viewer = who(request)
        async with kit.services.database.transaction(actor=viewer.actor) as tx:
            await service.disable(tx, _staff_id(staff_id), by=viewer.staff_id)
        return after(staff_id, mark("The account is disabled; whoever used it is signed out."))

    @post(f"{STAFF}/{{staff_id:str}}/enable", guards=[kit.guards.staff("staff:write")])
    async def enable(request: AnyRequest, staff_id: FromPath[str]) -> Response[bytes]:
        async with kit.services.database.transaction(actor=who(request).actor) as tx:
            await service.enable(tx, _staff_id(staff_id))
        return after(staff_id, mark("The account may sign in again, as it could before."))

    @post(f"{STAFF}/{{staff_id:str}}/sign-out", guards=[kit.guards.staff("staff:write")])
    async def sign_out(request: AnyRequest, staff_id: FromPath[str]) -> Response[bytes]:
        viewer, found = who(request), _staff_id(staff_id)
        async with kit.services.database.transaction(actor=viewer.actor) as tx:
            await service.read_account(tx, found)
            await sessions.end_all_sessions(tx, found, actor=viewer.actor)
        return after(staff_id, mark("They are signed out everywhere."))

    return [renew_link, disable, enable, sign_out]


async def _with_choices(
    kit: Kit,
    request: AnyRequest,
    template: str,
    form: Form[Any],
    status: int,
    **values: Any,  # noqa: ANN401 - what the template shows
) -> Response[bytes]:
    language = kit.page(request).language
    async with kit.services.database.transaction() as tx:
        stores = await commerce.every_store(tx)
    roles = [
        (role.value, in_language(ROLE_NAMES[role], language), in_language(ROLE_HELP[role], language)) for role in Role
    ]
    states = {status.value: (in_language(label, language), tone) for status, (label, tone) in STATUS_NAMES.items()}
    return kit.render(
        request,
        template,
        status=status,
        form=form,
        roles=roles,
        roles_said=lambda given: roles_said(given, language),
        states=states,
        stores=stores,
        languages=LANGUAGES,
        **values,
    )


def _filled(speaks: str, **values: object) -> Form[Any]:
    """Return a form as it stands at first; the account's `language` is one of its fields."""
    return Form(values={"language": speaks, **values})


def _link(kit: Kit, request: AnyRequest, invitation: Invitation) -> Response[bytes]:
    """Show a one-time link, this once."""
    base = kit.services.settings.public_url or str(request.base_url).rstrip("/")
    link = f"{base}{INVITATION}/{invitation.token}"
    return kit.render(request, "console/staff_link.html", link=link, invitation=invitation)


def _staff_id(text: str) -> UUID:
    found = parse_public_id(STAFF_PREFIX, text)
    if found is None:
        raise NotFound
    return found


def _roles(given: Sequence[str]) -> tuple[Role, ...]:
    return tuple(role for role in Role if role.value in given)


async def _stores(kit: Kit, scope: str, given: Sequence[str]) -> tuple[str, ...] | None:
    """Return the stores chosen, of those that there are; None for all."""
    if scope == "all":
        return None
    async with kit.services.database.transaction() as tx:
        return tuple(shop.store_id for shop in await commerce.every_store(tx) if shop.store_id in given)


def _language(given: str) -> str:
    return given if given in dict(LANGUAGES) else "en"
