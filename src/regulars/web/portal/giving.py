"""Points for somebody else: to whom and how many, one more look, sent once, and what came of it.

Who it goes to is looked for only once nothing else stands against it, and counted: nobody tries numbers for nothing.
"""

from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from regulars.loyalty import api as loyalty
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX
from regulars.members.contracts.recipients import SeekRecipient
from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.commit.once import Sent
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id, parse_public_id, public_id
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.notices import Notice
from regulars.web.kit.refusals import told
from regulars.web.kit.session_cookies import browser_of
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.viewers import ViewerKind, viewer_of
from regulars.web.portal.giving_words import NOT_ALLOWED, SPANS, refused
from regulars.web.portal.own import AnyRequest, acts_as, own_id
from regulars.web.portal.people import Housemate, hints_of, housemates
from regulars.web.portal.wishes import Wish, Wishes

GIVE: Final = "/portal/points/give"
REVIEW: Final = f"{GIVE}/review/{{wish:str}}"
DONE: Final = "/portal/points/given/{given_id:str}"
OTHER: Final = "other"
PREFIX: Final = "ptr"
CONFLICT: Final = 409
UNFIT: Final = 422
_REASON: Final = "given in the portal"
NAMELESS: Final = mark("Somebody without a name")
_SOMEBODY: Final = mark("Somebody else")
_CHOOSE: Final = mark("Choose who gets them.")
_TYPE: Final = mark("Type a phone number, an e-mail address or a card number.")
_OVER: Final = mark("That took too long. Look at your statement whether it was sent, then begin again.")


class Giving(msgspec.Struct):
    """Who gets how many points: a housemate by token, or somebody by what is typed."""

    amount: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    to: Annotated[str, Meta(max_length=40)] = OTHER
    who: Annotated[str, Meta(max_length=320)] = ""


class Desk:
    """What the pages of giving share."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.services = kit, kit.services
        self.configuration = loyalty.Configuration()
        self.wishes = Wishes(kit.services.vault.pepper)

    async def mates(self, tx: Transaction, member_id: UUID) -> list[Housemate]:
        """Return who lives with a member."""
        home = await members.households.home_of(tx, self.services.vault, member_id)
        return [] if home is None else await housemates(tx, self.services.vault, member_id, home)

    async def show(self, request: AnyRequest, form: Form[Any], status: int = 200) -> Response[bytes]:
        """Show the first page: to whom, and how many."""
        member_id, page = own_id(request), self.kit.page(request)
        async with self.services.database.transaction() as tx:
            standing = await loyalty.transfer_standing(tx, self.configuration, member_id)
            mates = [] if standing is None else await self.mates(tx, member_id)
        anyone = standing is not None and standing.policy.among == "anyone"
        nameless = in_language(NAMELESS, page.language)
        choices = [(one.token, one.hint or nameless, "") for one in mates]
        choices += [(OTHER, in_language(_SOMEBODY, page.language), "")] if anyone else []
        if len(choices) == 1 and not form.values.get("to"):  # nobody else can be meant
            form = replace(form, values={**form.values, "to": choices[0][0]})
        return self.kit.render(
            request,
            "portal/give.html",
            page=page,
            status=status,
            form=form,
            standing=standing,
            most=None if standing is None else _most(standing),
            mates=mates,
            anyone=anyone,
            choices=choices,
            OTHER=OTHER,
            spans={span: in_language(text, page.language) for span, text in SPANS.items()},
        )

    async def chosen(self, request: AnyRequest, given: Giving) -> Housemate | None:
        """Return the housemate who was chosen, as far as they still live with the member."""
        async with self.services.database.transaction() as tx:
            return next((one for one in await self.mates(tx, own_id(request)) if one.token == given.to), None)

    async def sought(self, request: AnyRequest, typed: str) -> UUID | DomainError | None:
        """Look for whom a member means; the try is counted."""
        wish = SeekRecipient(
            member_id=own_id(request),
            typed=typed,
            market=viewer_of(request).session.market,
            address=browser_of(self.kit, request, ViewerKind.MEMBER).address,
            actor=acts_as(request),
        )
        async with self.services.database.transaction(actor=acts_as(request)) as tx:
            return await members.recipients.seek(tx, self.services.vault, wish)

    async def carried(
        self, request: AnyRequest, to_id: UUID, amount: int, key: str, *, dry_run: bool
    ) -> loyalty.Transferred | DomainError:
        """Give the points, once for a key, or try it out; they are written down once, too."""
        sent = Sent(acts_as(request), key, to_id.bytes + amount.to_bytes(8))
        command = loyalty.TransferPoints(
            member_id=own_id(request),
            to_id=to_id,
            amount=amount,
            reference=f"portal:{key}",
            actor=acts_as(request),
            reason=_REASON,
        )
        async with self.services.database.transaction(actor=acts_as(request), by_keys=not dry_run) as tx:
            (done,) = await loyalty.transfer_points(tx, self.configuration, [command], dry_run=dry_run)
            if not isinstance(done, DomainError) and done.transfer_id is not None and await sent.led_to(tx) is None:
                await sent.leads_to(tx, DONE.replace("{given_id:str}", public_id(PREFIX, done.transfer_id)))
                tx.audit(
                    AuditEntry(
                        actor=acts_as(request),
                        action="transfer_points",
                        subject=public_id(MEMBER_PREFIX, own_id(request)),
                        reason=_REASON,
                        request_id=tx.request_id,
                        detail=public_id(PREFIX, done.transfer_id),
                    )
                )
        return done

    async def standing(self, request: AnyRequest, amount: int | None = None) -> loyalty.TransferStanding | None:
        """Return what the member may give, and what stands against an amount."""
        async with self.services.database.transaction() as tx:
            return await loyalty.transfer_standing(tx, self.configuration, own_id(request), amount)


def giving_pages(kit: Kit) -> Pages:
    """Return the pages on which members give points to each other."""
    desk = Desk(kit)
    return Pages(ViewerKind.MEMBER, [*_asking(kit, desk), *_reviewing(kit, desk), _done(kit)])


def _asking(kit: Kit, desk: Desk) -> list[ControllerRouterHandler]:
    @get(GIVE, guards=[kit.guards.member()])
    async def give(request: AnyRequest) -> Response[bytes]:
        wanted = {name: request.query_params.get(name, "")[:40] for name in ("to", "amount")}
        return await desk.show(request, blank_form(kit.page(request).language, **wanted))

    @post(GIVE, guards=[kit.guards.member()])
    async def choose(request: AnyRequest) -> Response[bytes]:
        """Try it out; nothing is written but that somebody was looked for."""
        language = kit.page(request).language
        form = read_form(request, Giving, language)
        if form.value is None:
            return await desk.show(request, form, 422)
        try:
            wish = await _decided(desk, request, form.value)
        except _Stopped as stopped:
            problems = {stopped.field: stopped.said}
            return await desk.show(request, Form(language, form.values, problems), stopped.status)
        return kit.see(REVIEW.replace("{wish:str}", desk.wishes.write(own_id(request), wish)))

    return [give, choose]


class _Stopped(Exception):
    def __init__(self, said: str, field: str, status: int = UNFIT) -> None:
        super().__init__(said)
        self.said, self.field, self.status = said, field, status


async def _decided(desk: Desk, request: AnyRequest, given: Giving) -> Wish:
    """Return what is to be reviewed. What the member may not give anybody is said before anybody is looked for."""
    page = desk.kit.page(request)
    standing = await desk.standing(request, given.amount)
    if standing is None:
        raise _Stopped(in_language(NOT_ALLOWED, page.language), "to", CONFLICT)
    if standing.refusal is not None:
        said = refused(standing.refusal, page.formats, standing, known=False)
        raise _Stopped(said, "amount", standing.refusal.status)
    mate = await desk.chosen(request, given)
    found = await _meant(desk, request, given, standing) if mate is None else mate.member_id
    # The same is asked of the books whether anybody was found or not, and the same is said.
    tried: object = await desk.carried(request, found or own_id(request), given.amount, new_id().hex, dry_run=True)
    if found is None:
        tried = members.recipients.NobodyToGiveTo()
    if isinstance(tried, DomainError):
        field = "amount" if _is_of_amount(tried) else "who" if mate is None else "to"
        raise _Stopped(refused(tried, page.formats, standing, known=mate is not None), field, _told_as(tried))
    assert found is not None, "nobody is refused above"  # noqa: S101 - tells the type checker
    return Wish(to_id=found, amount=given.amount, key=new_id().hex, typed="" if mate is not None else given.who)


async def _meant(desk: Desk, request: AnyRequest, given: Giving, standing: loyalty.TransferStanding) -> UUID | None:
    """Return whom the member means by what was typed."""
    language = desk.kit.page(request).language
    if given.to != OTHER or standing.policy.among == "household":
        raise _Stopped(in_language(_CHOOSE, language), "to")
    if not given.who:
        raise _Stopped(in_language(_TYPE, language), "who")
    found = await desk.sought(request, given.who)
    if isinstance(found, DomainError):
        raise _Stopped(told(found, language), "who", found.status)
    return found


def _reviewing(kit: Kit, desk: Desk) -> list[ControllerRouterHandler]:
    services = kit.services

    async def show(
        request: AnyRequest, sealed: str, wish: Wish, *, problem: str = "", status: int = 200
    ) -> Response[bytes]:
        page = kit.page(request)
        async with services.database.transaction() as tx:
            standing = await loyalty.transfer_standing(tx, desk.configuration, own_id(request))
            hints = await hints_of(tx, services.vault, [wish.to_id], numbers=wish.known)
        if standing is None:
            return kit.see(GIVE)
        return kit.render(
            request,
            "portal/give_review.html",
            page=page,
            status=status,
            standing=standing,
            wish=wish,
            sealed=sealed,
            hint=hints.get(wish.to_id, ""),
            problem=problem,
            spans={span: in_language(text, page.language) for span, text in SPANS.items()},
        )

    @get(REVIEW, guards=[kit.guards.member()])
    async def review(request: AnyRequest, wish: FromPath[str]) -> Response[bytes]:
        read = desk.wishes.read(own_id(request), wish)
        return kit.see(GIVE, Notice(_OVER, "warning")) if read is None else await show(request, wish, read)

    @post(REVIEW, guards=[kit.guards.member()])
    async def send(request: AnyRequest, wish: FromPath[str]) -> Response[bytes]:
        """Give the points; the page sent twice gives once."""
        page, read = kit.page(request), desk.wishes.read(own_id(request), wish)
        if read is None:
            return kit.see(GIVE, Notice(_OVER, "warning"))
        done = await desk.carried(request, read.to_id, read.amount, read.key, dry_run=False)
        if isinstance(done, DomainError):
            standing = await desk.standing(request)
            if standing is None:
                said = in_language(NOT_ALLOWED, page.language)
            else:
                said = refused(done, page.formats, standing, known=read.known)
            return await show(request, wish, read, problem=said, status=_told_as(done))
        assert done.transfer_id is not None, "it was written"  # noqa: S101 - tells the type checker
        return kit.see(DONE.replace("{given_id:str}", public_id(PREFIX, done.transfer_id)))

    return [review, send]


def _done(kit: Kit) -> ControllerRouterHandler:
    @get(DONE, guards=[kit.guards.member()])
    async def done(request: AnyRequest, given_id: FromPath[str]) -> Response[bytes]:
        found = parse_public_id(PREFIX, given_id)
        if found is None:
            return kit.see(GIVE)
        async with kit.services.database.transaction() as tx:
            transferred = await loyalty.read_transfer(tx, own_id(request), found)
            balances = await loyalty.balances(tx, own_id(request))
        left = next((one.available for one in balances if one.wallet == transferred.wallet), 0)
        return kit.render(request, "portal/give_done.html", transferred=transferred, left=left)

    return done


def _most(standing: loyalty.TransferStanding) -> int:
    """Return how many points can be given at once now."""
    if standing.debt:
        return 0
    found = min([standing.available, *[one.left for one in standing.room]])
    found = found if standing.policy.largest is None else min(found, standing.policy.largest)
    return found if found >= standing.policy.smallest else 0


def _is_of_amount(refusal: DomainError) -> bool:
    return refusal.pointer == "/amount"


def _told_as(refusal: DomainError) -> int:
    """Return the status of a page with a refusal: who is nobody and who cannot be given anything look the same."""
    return refusal.status if _is_of_amount(refusal) else UNFIT
