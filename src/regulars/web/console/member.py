"""One member with everything: who it is, what is on the wallets, tier, orders, consents, messages, what happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from regulars.commerce import api as commerce
from regulars.commerce.contracts import OrderOutcome
from regulars.engagement import api as engagement
from regulars.engagement.contracts import MESSAGE_PREFIX, MessageRef
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import TierChange, TierStatus, WalletBalance
from regulars.members import api as members
from regulars.members.contracts import MEMBER_PREFIX, Consent, IdentityShown, Member, Profile
from regulars.members.contracts.households import HOUSEHOLD_PREFIX, HouseholdStay
from regulars.members.contracts.merging import PROPOSAL_PREFIX
from regulars.members.contracts.proposals import Proposal
from regulars.platform.audit.contracts import AuditEntry, asked_as
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import NotFound
from regulars.platform.ids import public_id
from regulars.platform.money import Money
from regulars.web.console.households import ROLES, household_path
from regulars.web.console.member_words import CONSENT_CHANNELS, CONSENT_DECISIONS, PURPOSES, happened, kind_name
from regulars.web.console.message_words import CHANNELS as WAYS
from regulars.web.console.message_words import KINDS
from regulars.web.console.message_words import state_badge as message_badge
from regulars.web.console.messages import actor_of
from regulars.web.console.revealing import PERSONAL, Looks, Purpose
from regulars.web.console.sight import LineSeen, lines_seen, scope_of, tier_reason_seen
from regulars.web.console.why import whys_of_member
from regulars.web.console.words import (
    IDENTITIES,
    channel_name,
    full_name,
    language_name,
    member_id_in,
    member_tabs,
    order_link,
    state_badge,
    tier_badge,
    wallet_name,
)
from regulars.web.kit.cells import Badge, Cell, Code, Link
from regulars.web.kit.forms import Form, blank_form, read_form
from regulars.web.kit.kit import Kit
from regulars.web.kit.listings import Choice, Column, Listing, Slice, Wanted
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.timeline import Happening
from regulars.web.kit.viewers import viewer_of

READ: Final = "members:read"
MEMBER: Final = "/console/members/{member_id:str}"
_FEW: Final = 6
_MANY: Final = 60

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Who a member is, masked or in the clear."""

    member: Member
    identities: list[IdentityShown]
    profile: Profile
    is_clear: bool

    @property
    def public(self) -> str:
        """The member's id as people see it."""
        return public_id(MEMBER_PREFIX, self.member.member_id)

    @property
    def name(self) -> str:
        """What the member is called."""
        told = self.profile
        full = full_name(told.given_name, told.family_name)
        return told.display_name or full or f"{MEMBER_PREFIX}_…{self.member.member_id.hex[-6:]}"


def member_handlers(kit: Kit, configuration: loyalty.Configuration) -> Sequence[ControllerRouterHandler]:
    """Return the pages of one member."""
    rules = commerce.Commerce(configuration)
    return [*_overview(kit, rules), _points(kit), _orders(kit, rules), _timeline(kit, rules), _why(kit, rules)]


# --- the overview, masked or in the clear -----------------------------------------------------------------------------


def _overview(kit: Kit, rules: commerce.Commerce) -> list[ControllerRouterHandler]:
    looks = Looks(kit, "/console/members")

    async def show(request: AnyRequest, public: str, form: Form[Any], *, status: int = 200) -> Response[bytes]:
        page, viewer, services = kit.page(request), viewer_of(request), kit.services
        look = looks.at(request, member_id_in(public))  # it was logged when it began
        async with services.database.transaction(actor=actor_of(viewer)) as tx:
            person = await _person(kit, tx, public, clear=look is not None)
            look = look if person.is_clear else None
            values = await _summary(kit, tx, rules, page, person)
        return kit.render(
            request,
            "console/member.html",
            page=page,
            status=status,
            form=form,
            may_reveal=viewer.may(PERSONAL) and look is None,
            look=look,
            **values,
        )

    @get(MEMBER, guards=[kit.guards.staff(READ)])
    async def member(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        return await show(request, member_id, blank_form(kit.page(request).language))

    @post(f"{MEMBER}/reveal", guards=[kit.guards.staff(READ, PERSONAL)])
    async def reveal(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        """Log one look, and let the page show it for some minutes: loading it again is the same look."""
        form, found = read_form(request, Purpose, kit.page(request).language), member_id_in(member_id)
        if form.value is None:
            return await show(request, member_id, form, status=422)
        purpose = form.value.purpose
        async with kit.services.database.transaction(actor=actor_of(viewer_of(request))) as tx:
            known = (await members.known_members(tx, [found])).get(found)
            if known is None:
                raise NotFound
            whom = public_id(MEMBER_PREFIX, known.stands_for)
            tx.audit(
                AuditEntry(
                    actor=tx.actor,
                    action="read_personal_data",
                    subject=whom,
                    reason=purpose,
                    detail=asked_as(member_id, whom),
                )
            )
        return kit.see(f"/console/members/{whom}", cookies=[looks.cookie(request, known.stands_for, purpose)])

    @post(f"{MEMBER}/hide", guards=[kit.guards.staff(READ, PERSONAL)])
    async def hide(member_id: FromPath[str]) -> Response[bytes]:
        return kit.see(
            f"/console/members/{public_id(MEMBER_PREFIX, member_id_in(member_id))}", cookies=[looks.hidden()]
        )

    return [member, reveal, hide]


async def _summary(kit: Kit, tx: Transaction, rules: commerce.Commerce, page: Page, person: Person) -> dict[str, Any]:
    """Read what the overview shows. Every block is one or two round trips, whatever the member's past."""
    member_id, language, viewer = person.member.member_id, page.language, page.viewer
    policy = await loyalty.policy_in_force(tx, rules.configuration)
    balances = await loyalty.balances(tx, member_id)
    tier = None if policy is None else await loyalty.tier_status(tx, rules.configuration, member_id, language=language)
    statement = await loyalty.statement_of_acts(
        tx, member_id, limit=_FEW, wallet=_spending(policy) if policy else None, language=language
    )
    orders: list[OrderOutcome] = []
    if viewer.may("orders:read"):
        orders, _ = await commerce.orders_of_member(tx, member_id, None, _FEW, stores=scope_of(viewer))
    staying = members.households.ask_stays_of(tx, member_id)
    proposed = members.proposals.open_of(tx, member_id)
    in_force, _ = await members.consents(tx, member_id, as_of=tx.now)
    at_home, twins = await staying(), await proposed()
    refused = {one.identity_id for one in await engagement.refused_addresses(tx, kit.services.vault, member_id)}
    messages: Sequence[MessageRef] = ()
    if viewer.may("messages:read"):
        messages = await engagement.list_refs_of_member(tx, member_id, limit=_FEW)
    return {
        "person": person,
        "tabs": member_tabs(person.public, language, merges=viewer.may("members:merge")),
        "wallets": [_wallet(one, language) for one in balances],
        "spending": next((one for one in balances if one.wallet == _spending(policy)), None),
        "tier": tier,
        "tier_badge": None if tier is None else tier_badge(tier.tier, tier.rank),
        "tier_facts": [] if tier is None else _tier_facts(tier, language),
        "next_tier": None if tier is None or tier.next_tier is None else loyalty.name_of_tier(tier.next_tier, language),
        "person_facts": _person_facts(person, language),
        "identities": [_identity(one, language, one.identity_id in refused) for one in person.identities],
        "tier_reason": "" if tier is None else await tier_reason_seen(tx, viewer, member_id, tier, page.formats),
        "statement": [
            _line_row(one, language) for one in await lines_seen(tx, viewer, member_id, statement.lines, language)
        ],
        "orders": [_order_row(one, language) for one in orders],
        "orders_seen": viewer.may("orders:read"),
        "household": next((one for one in at_home if one.until is None), None),
        "homes": [_home(one) for one in at_home[:_FEW]],
        "proposals": [_proposal_path(one) for one in twins] if viewer.may("members:merge") else [],
        "may_form": viewer.may("households:write"),
        "consents": [_consent(one, language) for one in in_force],
        "messages": [_message(one, language) for one in messages],
        "messages_seen": viewer.may("messages:read"),
    }


def _proposal_path(one: Proposal) -> str:
    return f"/console/proposals/{public_id(PROPOSAL_PREFIX, one.proposal_id)}"


def _spending(policy: loyalty.Policy | None) -> str:
    return "points" if policy is None else policy.spending_wallet


async def _person(kit: Kit, tx: Transaction, public: str, *, clear: bool) -> Person:
    """Read who it is. Raises NotFound."""
    member_id = member_id_in(public)
    told = members.ask_profiles(tx, kit.services.vault, [member_id], clear=clear)
    found = await members.show_members(tx, kit.services.vault, [member_id], clear=clear)
    if not found:
        raise NotFound
    profiles = await told()
    member, identities = found[0]
    if member.merged_into is not None:
        # Looked at is whom the look was logged at, and nobody else: not whom the id has come to mean since.
        return await _person(kit, tx, public_id(MEMBER_PREFIX, member.merged_into), clear=False)
    return Person(member, identities, profiles.get(member_id, Profile()), clear)


async def read_person(kit: Kit, tx: Transaction, public: str) -> Person:
    """Read who it is, masked. Raises NotFound."""
    return await _person(kit, tx, public, clear=False)


# --- what stands in the panels ----------------------------------------------------------------------------------------


def _person_facts(person: Person, language: str) -> list[tuple[str, Cell]]:
    member, told = person.member, person.profile
    born = told.birthday
    facts: list[tuple[str, Cell]] = [
        (mark("Name"), person.name if told.version else None),
        (mark("Signed up"), member.signed_up_at),
        (mark("Channel"), channel_name(member.channel, language)),
        (mark("Store"), member.store_id),
        (mark("Market"), member.market),
        (mark("Language"), language_name(member.language, language) if member.language else None),
        (mark("Birthday"), f"{born.year or '—'}-{born.month:02}-{born.day:02}" if born is not None else None),
        (mark("Member id"), Code(person.public)),
    ]
    return [(in_language(label, language), value) for label, value in facts if value is not None]


def _identity(one: IdentityShown, language: str, is_refused: bool) -> tuple[str, Cell, Cell]:  # noqa: FBT001 - a fact
    label = in_language(IDENTITIES[one.kind.value], language)
    proved = Badge(mark("Confirmed"), "success") if one.verified_at else Badge(mark("Not confirmed"))
    if is_refused:
        proved = Badge(mark("No such address: nothing is sent there"), "error")
    return label, one.value or in_language(mark("No longer readable"), language), proved


def _wallet(one: WalletBalance, language: str) -> dict[str, Any]:
    return {"name": wallet_name(one.wallet, language), "balance": one}


def _tier_facts(tier: TierStatus, language: str) -> list[tuple[str, Cell]]:
    facts: list[tuple[str, Cell]] = [
        (mark("Since"), tier.since),
        (mark("Growth in the window"), tier.metric),
        (mark("Next review"), tier.review_at),
        (mark("After it, if nothing more is bought"), _badge_text(tier.projected_tier, language)),
        (mark("Policy version"), tier.policy_version),
    ]
    return [(in_language(label, language), value) for label, value in facts if value is not None]


def _badge_text(code: str | None, language: str) -> str | None:
    return None if code is None else loyalty.name_of_tier(code, language)


def _line_row(line: LineSeen, language: str) -> dict[str, Any]:
    return {
        "amount": line.amount,
        "reason": line.reason,
        "kind": kind_name(line.kind, language),
        "at": line.effective_at,
        "path": f"/console/orders/{line.order_id}" if line.order_id else "",
    }


def _order_row(one: OrderOutcome, language: str) -> list[Cell]:
    return [
        order_link(one.order_id),
        state_badge(one.state, one.returned_minor, one.total_minor),
        channel_name(one.channel, language),
        one.occurred_at,
        Money(one.total_minor, one.currency),
    ]


def _consent(one: Consent, language: str) -> list[Cell]:
    return [
        in_language(PURPOSES[one.purpose], language),
        in_language(CONSENT_CHANNELS[one.channel], language),
        Badge(*CONSENT_DECISIONS[one.decision]),
        one.effective_at,
    ]


def _home(one: HouseholdStay) -> list[Cell]:
    named = f"{HOUSEHOLD_PREFIX}_…{one.household_id.hex[-6:]}"
    role = Badge(mark("Moved out")) if one.role is None else ROLES[one.role]
    return [Link(named, household_path(one.household_id)), role, one.since, one.until]


def _message(one: MessageRef, language: str) -> list[Cell]:
    path = f"/console/messages/{public_id(MESSAGE_PREFIX, one.message_id)}"
    return [
        Link(in_language(KINDS[one.kind], language), path),
        in_language(WAYS[one.channel], language),
        message_badge(one.state),
        one.occurred_at,
    ]


# --- the statement ----------------------------------------------------------------------------------------------------


def statement_listing(language: str, wallets: Sequence[str], *, bound: bool) -> Listing:
    """Return the statement as a list; who is bound to shops gets no balances after lines that are not theirs to see."""
    balance = (Column("balance", mark("Balance after"), lambda line: line.balance, minor=True),)
    return Listing(
        name="statement",
        columns=(
            Column("at", mark("Happened"), lambda line: line.effective_at),
            Column("kind", mark("Kind"), lambda line: kind_name(line.kind, language), minor=True),
            Column("wallet", mark("Wallet"), lambda line: wallet_name(line.wallet, language), minor=True),
            Column("amount", mark("Change"), lambda line: line.amount),
            *(() if bound else balance),
            Column("debt", mark("Debt change"), lambda line: line.debt_change or None, minor=True, shown=False),
            Column("reason", mark("Why"), lambda line: line.reason, wraps=True),
            Column(
                "order", mark("Order"), lambda line: order_link(line.order_id) if line.order_id else None, minor=True
            ),
            Column("parts", mark("Parts"), lambda line: line.part_count, minor=True, shown=False),
            Column("recorded", mark("Recorded"), lambda line: line.recorded_at, minor=True, shown=False),
            Column("version", mark("Policy version"), lambda line: line.policy_version, minor=True, shown=False),
        ),
        filters=(Choice("wallet", mark("Wallet"), tuple((code, wallet_name(code, "en")) for code in wallets)),),
        empty=mark("Nothing has been booked yet. The first order, or points given by hand, begin the statement."),
    )


def _points(kit: Kit) -> ControllerRouterHandler:
    @get(f"{MEMBER}/points", guards=[kit.guards.staff(READ)])
    async def points(request: AnyRequest, member_id: FromPath[str]) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            person = await _person(kit, tx, member_id, clear=False)
            wallets = [wallet.code for wallet in await loyalty.list_wallets(tx)]

        async def fetch(wanted: Wanted) -> Slice:
            before = int(wanted.after) if wanted.after and wanted.after.isdecimal() and len(wanted.after) < 18 else None  # noqa: PLR2004 - fits bigint
            lines: list[LineSeen] = []
            while len(lines) < wanted.limit:  # the ledger gives at most 200 at once, a file wants 1,000
                async with wanted.reading() as tx:
                    found = await loyalty.statement_of_acts(
                        tx,
                        person.member.member_id,
                        before=before,
                        limit=min(wanted.limit - len(lines), 200),
                        wallet=wanted.filters.get("wallet"),
                        language=page.language,
                    )
                    lines += await lines_seen(tx, viewer, person.member.member_id, found.lines, page.language)
                before = found.next_before
                if before is None:
                    return Slice(lines)
            return Slice(lines, after=str(before))

        listing = statement_listing(page.language, wallets, bound=viewer.stores is not None)
        tabs = member_tabs(person.public, page.language, merges=page.viewer.may("members:merge"))
        return await kit.listing(request, "console/member_list.html", listing, fetch, person=person, tabs=tabs)

    return points


# --- orders -----------------------------------------------------------------------------------------------------------


def _orders(kit: Kit, rules: commerce.Commerce) -> ControllerRouterHandler:
    @get(f"{MEMBER}/orders", guards=[kit.guards.staff(READ, "orders:read")])
    async def orders(request: AnyRequest, member_id: FromPath[str]) -> Response[Any]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            person = await _person(kit, tx, member_id, clear=False)

        async def fetch(wanted: Wanted) -> Slice:
            async with wanted.reading() as tx:
                await commerce.follow_policies(tx, rules)
                found, after = await commerce.orders_of_member(
                    tx, person.member.member_id, wanted.after, wanted.limit, stores=scope_of(viewer)
                )
            return Slice(found, after=after)

        listing = Listing(
            name="member-orders",
            columns=(
                Column("order", mark("Order"), lambda one: order_link(one.order_id)),
                Column("state", mark("State"), _state),
                Column("at", mark("Happened"), lambda one: one.occurred_at, minor=True),
                Column("channel", mark("Channel"), lambda one: channel_name(one.channel, page.language), minor=True),
                Column("store", mark("Store"), lambda one: one.store_id, minor=True),
                Column("total", mark("Total"), lambda one: Money(one.total_minor, one.currency)),
                Column("returned", mark("Came back"), _returned, minor=True),
                Column("earned", mark("Points earned"), lambda one: _earned(one, rules)),
            ),
            empty=mark("No orders yet. They appear here as soon as a shop sends the first one."),
        )
        tabs = member_tabs(person.public, page.language, merges=page.viewer.may("members:merge"))
        return await kit.listing(request, "console/member_list.html", listing, fetch, person=person, tabs=tabs)

    return orders


def _returned(one: OrderOutcome) -> Cell:
    return Money(one.returned_minor, one.currency) if one.returned_minor else None


def _state(one: OrderOutcome) -> Cell:
    return state_badge(one.state, one.returned_minor, one.total_minor)


def _earned(one: OrderOutcome, rules: commerce.Commerce) -> Cell:
    """Return what an order still counts as earned, after what came back of it."""
    if one.settlement is None:
        return None
    policy = rules.configuration.policy_of_version(one.settlement.policy_version)
    return loyalty.still_counts(policy, one.settlement, one.total_minor, one.returned_minor).points


# --- the timeline -----------------------------------------------------------------------------------------------------


def _timeline(kit: Kit, rules: commerce.Commerce) -> ControllerRouterHandler:
    @get(f"{MEMBER}/timeline", guards=[kit.guards.staff(READ)])
    async def timeline(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            person = await _person(kit, tx, member_id, clear=False)
            entries = await _happenings(tx, rules, page, person)
        tabs = member_tabs(person.public, page.language, merges=page.viewer.may("members:merge"))
        return kit.render(request, "console/member_timeline.html", page=page, person=person, tabs=tabs, entries=entries)

    return timeline


def _why(kit: Kit, rules: commerce.Commerce) -> ControllerRouterHandler:
    @get(f"{MEMBER}/why", guards=[kit.guards.staff(READ)])
    async def why(request: AnyRequest, member_id: FromPath[str]) -> Response[bytes]:
        page, viewer = kit.page(request), viewer_of(request)
        async with kit.services.database.transaction() as tx:
            person = await _person(kit, tx, member_id, clear=False)
            told = await whys_of_member(tx, viewer, rules.configuration, person.member.member_id, page)
            hidden = ""
            if told["tier"] is None and await loyalty.policy_in_force(tx, rules.configuration) is not None:
                status = await loyalty.tier_status(
                    tx, rules.configuration, person.member.member_id, language=page.language
                )
                hidden = await tier_reason_seen(tx, viewer, person.member.member_id, status, page.formats)
        tabs = member_tabs(person.public, page.language, merges=page.viewer.may("members:merge"))
        return kit.render(
            request, "console/member_why.html", page=page, person=person, tabs=tabs, tier_hidden=hidden, **told
        )

    return why


async def _happenings(tx: Transaction, rules: commerce.Commerce, page: Page, person: Person) -> list[Happening]:
    """Return the latest of everything, newest first."""
    member_id, language, viewer = person.member.member_id, page.language, page.viewer
    orders: list[OrderOutcome] = []
    if viewer.may("orders:read"):
        orders, _ = await commerce.orders_of_member(tx, member_id, None, _MANY, stores=scope_of(viewer))
    booked = (await loyalty.statement_of_acts(tx, member_id, limit=2 * _MANY, language=language)).lines
    lines = await lines_seen(tx, viewer, member_id, booked, language)
    tiers: list[TierChange] = await loyalty.tier_history(tx, rules.configuration, member_id)
    _, consents = await members.consents(tx, member_id, as_of=tx.now)
    messages: Sequence[MessageRef] = ()
    if viewer.may("messages:read"):
        messages = await engagement.list_refs_of_member(tx, member_id, limit=_MANY)
    found = happened(page, person.member, orders=orders, lines=lines, tiers=tiers, consents=consents, messages=messages)
    return found[:_MANY]
