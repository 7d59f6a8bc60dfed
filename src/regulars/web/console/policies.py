"""Policies: versions with their states, drafts that are worked on; one version, with what it changed."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import public_id
from regulars.platform.places import read_place, write_place
from regulars.web.console.account import who
from regulars.web.console.actors import names_of
from regulars.web.console.policy_drafts import draft_handlers
from regulars.web.console.policy_previews import preview_handlers
from regulars.web.kit.cells import Badge, Link, Tone
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind

POLICIES: Final = "/console/policies"
READ: Final = "programme:read"
WRITE: Final = "policies:write"
APPROVE: Final = "policies:approve"
MOST_VERSIONS: Final = 50
MOST_DRAFTS: Final = 50
STATES: Final[dict[str, tuple[str, Tone]]] = {
    "draft": (mark("Draft"), "neutral"),
    "proposed": (mark("Waits for a second person"), "warning"),
    "scheduled": (mark("Scheduled"), "info"),
    "active": (mark("In force"), "success"),
    "retired": (mark("Retired"), "neutral"),
    "withdrawn": (mark("Withdrawn"), "neutral"),
    "abandoned": (mark("Given up"), "neutral"),
}

AnyRequest = Request[Any, Any, Any]


class NewDraft(msgspec.Struct):
    """What a draft is called, and which version it begins from."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    version: int | None = None


class Withdrawal(msgspec.Struct):
    """Why a version shall not come."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]


def state_badge(state: str) -> Badge:
    """Return a state as a badge."""
    return Badge(*STATES[state])


def policy_pages(kit: Kit) -> Pages:
    """Return the pages of policies."""
    entry = Entry(POLICIES, mark("Policies"), icon="versions", permission=READ)
    handlers = [*_list(kit), *_version(kit), *draft_handlers(kit), *preview_handlers(kit)]
    return Pages(ViewerKind.STAFF, handlers, navigation=[Group(mark("Set-up"), (entry,))])


def _list(kit: Kit) -> list[Any]:
    async def show(request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        page = kit.page(request)
        ended = request.query_params.get("ended") == "1"
        async with kit.services.database.transaction() as tx:
            versions = (await loyalty.read_versions(tx))[::-1]
            place = read_place(request.query_params.get("after"))
            drafts = await loyalty.list_drafts(tx, ended=ended, after=place, limit=MOST_DRAFTS + 1)
        last = drafts[MOST_DRAFTS - 1] if len(drafts) > MOST_DRAFTS else None
        shown = [one for one in versions if ended or one.state != "withdrawn"]
        return kit.render(
            request,
            "console/policies.html",
            page=page,
            status=status,
            form=form,
            versions=[
                (Link(one.name or f"v{one.version}", f"{POLICIES}/versions/{one.version}"), one, state_badge(one.state))
                for one in shown[:MOST_VERSIONS]
            ],
            drafts=[
                (
                    Link(one.name, f"{POLICIES}/drafts/{public_id(loyalty.DRAFT_PREFIX, one.draft_id)}"),
                    one,
                    state_badge(one.state),
                )
                for one in drafts[:MOST_DRAFTS]
            ],
            choices=[(one.version, f"{one.version}") for one in versions],
            ended=ended,
            more="" if last is None else write_place(last.created_at, last.draft_id),
            may_write=page.viewer.may(WRITE),
        )

    @get(POLICIES, guards=[kit.guards.staff(READ)])
    async def policies(request: AnyRequest) -> Response[bytes]:
        return await show(request, blank_form(kit.page(request).language))

    @post(POLICIES, guards=[kit.guards.staff(READ, WRITE)])
    async def begin(request: AnyRequest) -> Response[bytes]:
        form = read_form(request, NewDraft, kit.page(request).language)
        if form.value is None:
            return await show(request, form, 422)
        actor, database = who(request).actor, kit.services.database
        sent = sent_form(request, actor)
        command = loyalty.CreateDraft(name=form.value.name, actor=actor, from_version=form.value.version)
        try:
            async with database.transaction(actor=actor) as tx:
                if (led_to := await sent.led_to(tx)) is not None:
                    return kit.see(led_to, Notice(ALREADY, "info"))
                draft = await loyalty.work_on_policy(tx, database.clock, command)
                path = f"{POLICIES}/drafts/{public_id(loyalty.DRAFT_PREFIX, draft.draft_id)}"
                await sent.leads_to(tx, path)
        except DomainError as error:
            return await show(request, form.refused(error), error.status)
        said = Notice(mark("The draft is begun. It decides nothing until it is scheduled and its time comes."))
        return kit.see(path, said)

    return [policies, begin]


def _version(kit: Kit) -> list[Any]:
    async def show(request: AnyRequest, number: int, form: Form[Any], status: int = 200) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            versions = await loyalty.read_versions(tx)
            one = next((each for each in versions if each.version == number), None)
            if one is None:
                raise NotFound
            before = [each for each in versions if each.version < number and each.state != "withdrawn"]
            changed = await loyalty.difference(tx, before[-1].version, number, page.language) if before else []
            sheet = await loyalty.policy_sheet(tx, one.policy(), page.language)
            names = await names_of(tx, [one.scheduled_by, one.approved_by, one.withdrawn_by], page.language)
        return kit.render(
            request,
            "console/policy_version.html",
            page=page,
            status=status,
            one=one,
            names=names,
            badge=state_badge(one.state),
            before=before[-1].version if before else None,
            changed=changed,
            sheet=sheet,
            form=form,
            may_write=page.viewer.may(WRITE),
        )

    @get(f"{POLICIES}/versions/{{version:int}}", guards=[kit.guards.staff(READ)])
    async def version_page(request: AnyRequest, version: FromPath[int]) -> Response[bytes]:
        return await show(request, version, blank_form(kit.page(request).language))

    @post(f"{POLICIES}/versions/{{version:int}}/withdraw", guards=[kit.guards.staff(READ, WRITE)])
    async def withdraw(request: AnyRequest, version: FromPath[int]) -> Response[bytes]:
        form = read_form(request, Withdrawal, kit.page(request).language)
        if form.value is None:
            return await show(request, version, form, 422)
        actor, database = who(request).actor, kit.services.database
        command = loyalty.WithdrawVersion(version=version, actor=actor, reason=form.value.reason)
        try:
            async with database.transaction(actor=actor) as tx:
                await loyalty.withdraw_policy(tx, database.clock, command)
        except NotFound:
            raise
        except DomainError as error:
            return await show(request, version, form.refused(error), error.status)
        return kit.see(POLICIES, Notice(mark("The version is withdrawn: it will not come.")))

    return [version_page, withdraw]
