"""What a member gave to others and got: given by staff as the member wishes, tried out before, and taken back."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import new_id, parse_public_id, public_id
from regulars.platform.places import read_place_of_two, write_place
from regulars.web.console.account import who
from regulars.web.console.households import NOBODY
from regulars.web.console.member import read_person
from regulars.web.console.words import member_id_in, member_link
from regulars.web.kit.cells import Badge, Cell, Link
from regulars.web.kit.forms import ALREADY, Form, blank_form, read_form, sent_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind

TRANSFERS: Final = "/console/members/{member_id:str}/transfers"
TRANSFER: Final = f"{TRANSFERS}/{{transfer_id:str}}"
READ: Final = "members:read"
SEE: Final = "points:read"
WRITE: Final = "points:write"
APPROVE: Final = "points:approve"
PREFIX: Final = "ptr"
SIDES: Final = {"given": Badge(mark("Gave"), "warning"), "received": Badge(mark("Got"), "success")}
_MANY: Final = 50
_TAKE_BACK: Final = mark("Take back…")
_IN_THE_PORTAL: Final = mark("given in the portal")  # what the portal writes down as the reason

AnyRequest = Request[Any, Any, Any]


class Giving(msgspec.Struct):
    """Who gets how many points, and why; `act` is whether it is only tried out, `seen` what was before, if it was."""

    member: Annotated[str, Meta(min_length=3, max_length=320)]
    amount: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    reason: Annotated[str, Meta(min_length=3, max_length=200)]
    key: Annotated[str, Meta(min_length=8, max_length=64)]
    act: Literal["look", "give"] = "look"
    seen: Annotated[str, Meta(max_length=64)] = ""


class TakingBack(msgspec.Struct):
    """Why a transfer is taken back."""

    reason: Annotated[str, Meta(min_length=3, max_length=200)]


def transfer_pages(kit: Kit) -> Pages:
    """Return the pages of transfers between members."""
    configuration = loyalty.Configuration()
    return Pages(ViewerKind.STAFF, [*_giving(kit, configuration), *_taking_back(kit, configuration)])


async def _show(
    kit: Kit,
    request: AnyRequest,
    public: str,
    form: Form[Any],
    *,
    looked: loyalty.Transferred | None = None,
    seen: str = "",
    status: int = 200,
) -> Response[bytes]:
    page, member_id = kit.page(request), member_id_in(public)
    async with kit.services.database.transaction() as tx:
        person = await read_person(kit, tx, public)
        found = await loyalty.list_transfers(
            tx, member_id, before=read_place_of_two(request.query_params.get("after")), limit=_MANY + 1
        )
        policy = await loyalty.policy_in_force(tx, loyalty.Configuration())
    return kit.render(
        request,
        "console/transfers.html",
        page=page,
        status=status,
        person=person,
        form=form,
        looked=looked,
        looked_to=None if looked is None else member_link(looked.to_id),
        seen=seen,
        is_allowed=policy is not None and policy.transfers is not None,
        may_give=page.viewer.may(WRITE),
        transfers=[_row(one, person.public, page.language, back=page.viewer.may(APPROVE)) for one in found[:_MANY]],
        more=write_place(*found[_MANY - 1].place) if len(found) > _MANY else None,
    )


def _seen(to_id: UUID, amount: int) -> str:
    """Return what was tried out: given is only that, whatever is typed over it meanwhile."""
    return f"{to_id.hex}:{amount}"


def _row(one: loyalty.TransferSeen, public: str, language: str, *, back: bool) -> list[Cell]:
    path = f"/console/members/{public}/transfers/{public_id(PREFIX, one.transfer_id)}"
    taken = in_language(mark("Reversed"), language) if one.reversed_at is not None else None
    can = back and one.side == "given" and one.reversed_at is None
    return [
        SIDES[one.side],
        member_link(one.other_id),
        one.amount,
        one.recorded_at,
        (in_language(one.reason, language) if one.reason == _IN_THE_PORTAL else one.reason) or None,
        Link(in_language(_TAKE_BACK, language), path) if can else taken,
    ]


def _giving(kit: Kit, configuration: loyalty.Configuration) -> list[ControllerRouterHandler]:
    @get(TRANSFERS, guards=[kit.guards.staff(READ, SEE)])
    async def transfers(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        return await _show(kit, request, member_id, blank_form(kit.page(request).language, key=new_id().hex))

    @post(TRANSFERS, guards=[kit.guards.staff(READ, SEE, WRITE)])
    async def give(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        """Try it out, or carry it out: the key in the form names it, so that sending it twice gives once.

        Somebody else or another amount than was tried out is tried out again first.
        """
        form, actor = read_form(request, Giving, kit.page(request).language), who(request).actor
        if form.value is None:
            return await _show(kit, request, member_id, form, status=422)
        wish, giver = form.value, member_id_in(member_id)
        async with kit.services.database.transaction() as tx:
            found = await members.find_by_any(tx, kit.services.vault, wish.member)
        if len(found) != 1:
            problems = {**form.problems, "member": in_language(NOBODY, form.language)}
            return await _show(kit, request, member_id, Form(form.language, form.values, problems), status=422)
        seen = _seen(found[0], wish.amount)
        is_look = wish.act == "look" or wish.seen not in {"", seen}
        path, sent = f"/console/members/{member_id}/transfers", sent_form(request, actor)
        command = loyalty.TransferPoints(
            member_id=giver,
            to_id=found[0],
            amount=wish.amount,
            reference=f"console:{wish.key}",
            actor=actor,
            reason=wish.reason,
        )
        try:
            async with kit.services.database.transaction(actor=actor, by_keys=True) as tx:
                if (led_to := await sent.led_to(tx)) is not None:
                    return kit.see(led_to, Notice(ALREADY, "info"))
                done = await _carried(tx, configuration, command, dry_run=is_look)
                if not is_look:
                    await sent.leads_to(tx, path)
                    tx.audit(AuditEntry(actor=actor, action="transfer_points", subject=member_id, reason=wish.reason))
        except NotFound:
            raise
        except DomainError as refusal:
            return await _show(kit, request, member_id, form.refused(refusal), status=refusal.status)
        if is_look:
            return await _show(kit, request, member_id, form, looked=done, seen=seen)
        return kit.see(path, Notice(mark("The points are given.")))

    return [transfers, give]


async def _carried(
    tx: Transaction, configuration: loyalty.Configuration, command: loyalty.TransferPoints, *, dry_run: bool
) -> loyalty.Transferred:
    (done,) = await loyalty.transfer_points(tx, configuration, [command], dry_run=dry_run)
    if isinstance(done, DomainError):
        raise done
    return done


def _taking_back(kit: Kit, configuration: loyalty.Configuration) -> list[ControllerRouterHandler]:
    async def show(request: AnyRequest, ids: tuple[str, str], form: Form[Any], *, status: int = 200) -> Response[bytes]:
        wish = _wish(ids, actor=who(request).actor, reason="looked at", dry_run=True)
        looked, problem = None, ""
        async with kit.services.database.transaction() as tx:
            person = await read_person(kit, tx, ids[0])
            try:
                looked = await loyalty.reverse_transfer(tx, configuration, wish)
            except NotFound:
                raise
            except DomainError as refusal:
                problem = form.refused(refusal).trouble
        return kit.render(
            request,
            "console/transfer_back.html",
            status=status,
            person=person,
            form=form,
            looked=looked,
            problem=problem,
            to=None if looked is None else member_link(looked.to_id),
            path=f"/console/members/{person.public}/transfers/{ids[1]}",
        )

    @get(TRANSFER, guards=[kit.guards.staff(READ, SEE, APPROVE)])
    async def look(request: AnyRequest, member_id: FromPath[str], transfer_id: FromPath[str]) -> Response[bytes]:
        return await show(request, (member_id, transfer_id), blank_form(kit.page(request).language))

    @post(TRANSFER, guards=[kit.guards.staff(READ, SEE, APPROVE)])
    async def take(request: AnyRequest, member_id: FromPath[str], transfer_id: FromPath[str]) -> Response[bytes]:
        form, ids = read_form(request, TakingBack, kit.page(request).language), (member_id, transfer_id)
        if form.value is None:
            return await show(request, ids, form, status=422)
        actor, reason = who(request).actor, form.value.reason
        try:
            async with kit.services.database.transaction(actor=actor) as tx:
                await loyalty.reverse_transfer(tx, configuration, _wish(ids, actor=actor, reason=reason, dry_run=False))
                tx.audit(AuditEntry(actor=actor, action="reverse_transfer", subject=member_id, reason=reason))
        except NotFound:
            raise
        except DomainError as refusal:
            return await show(request, ids, form.refused(refusal), status=refusal.status)
        return kit.see(f"/console/members/{member_id}/transfers", Notice(mark("The transfer is taken back.")))

    return [look, take]


def _wish(ids: tuple[str, str], *, actor: str, reason: str, dry_run: bool) -> loyalty.ReverseTransfer:
    return loyalty.ReverseTransfer(
        member_id=member_id_in(ids[0]), transfer_id=_id_in(ids[1]), actor=actor, reason=reason, dry_run=dry_run
    )


def _id_in(public: str) -> UUID:
    found = parse_public_id(PREFIX, public)
    if found is None:
        raise NotFound
    return found
