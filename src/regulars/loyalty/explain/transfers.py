"""Why a transfer is there, and what a lot is: from the row, its basis, its order's settlement and its policy version.

Each kind has a function here; `SPEAKERS` is the list. What is read was written when it was decided and never changes,
so that an explanation is the same for ever.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from msgspec import structs

from regulars.loyalty.contracts import TransferKind
from regulars.loyalty.errors import UnknownLot, UnknownTransfer
from regulars.loyalty.explain import store
from regulars.loyalty.explain.links import to_hold, to_lot, to_order, to_request, to_transfer
from regulars.loyalty.explain.sentences import LOTS, SENTENCES, TRANSFERS
from regulars.loyalty.ledger.basis import read_basis
from regulars.loyalty.merging.naming import reference_told
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.rules import month_start_after
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.public_ids import member_id_in, transfer_id
from regulars.loyalty.statement.rules import OpenLot, state_of
from regulars.loyalty.tiers.rules import code_of
from regulars.platform.db.transaction import Transaction
from regulars.platform.explaining.contracts import Explanation, Link, Reason

LOTS_NAMED: Final = 10


class Order(NamedTuple):
    """How the order of a transfer was settled."""

    total_minor: int
    points_used: int
    base: int
    multiplier: int
    tier: int
    policy_version: int


class Brought(NamedTuple):
    """The lot that a transfer brought."""

    amount: int
    earned_at: datetime
    available_at: datetime
    expires_at: datetime


class Taken(NamedTuple):
    """What a transfer took from lots: of how many, how much, and when the first of them runs out."""

    lots: int
    amount: int
    first_expires_at: datetime | None
    first_earned_at: datetime | None


class Return(NamedTuple):
    """What a return did, and what those before it had done to the order."""

    growth_before: int
    given_back_before: int
    own: list[tuple[str, bool, int]]

    def own_sum(self, kind: str, *, qualifying: bool = False) -> int:
        """Return what the return itself moved by a kind."""
        return sum([amount for name, counts, amount in self.own if name == kind and counts == qualifying])


class Decided(NamedTuple):
    """A transfer with everything it was decided by.

    `terms` is the policy of its order's settlement, if it has one, or under which its correction was asked for.
    """

    member_id: UUID
    seq: int
    wallet: str
    kind: TransferKind
    amount: int
    debt_change: int
    qualifying: bool
    reference: str
    order_id: str | None
    effective_at: datetime
    recorded_at: datetime
    policy: Policy
    terms: Policy
    basis: Mapping[str, str | int]
    time_zone: str
    lot: Brought | None
    order: Order | None
    taken: Taken
    lot_nos: list[int]
    around: Return | None = None

    @property
    def cause(self) -> str:
        """The beginning of the references of the return that a transfer belongs to."""
        return self.reference.rpartition(":")[0]

    @property
    def return_id(self) -> str:
        """The return that a transfer belongs to."""
        return self.cause.rpartition(":return:")[2]

    def first(self, rule: str, **more: str | int | datetime | None) -> Reason:
        """Return a rule with what every transfer has."""
        return Reason(
            rule,
            {
                "amount": abs(self.amount),
                "wallet": self.wallet,
                "reference": reference_told(self.reference),
                "order_id": self.order_id,
                **more,
            },
        )


Speaker = Callable[[Decided], Iterator[Reason]]


async def explain_transfer(tx: Transaction, configuration: Configuration, member_id: UUID, seq: int) -> Explanation:
    """Say why a transfer is there: what it moved, by which rule, from which values. The currency is not known here.

    Raises UnknownTransfer (404). At most three round trips. Source: ledger_transfers, settlements, lots, lot_uses.
    """
    found = await explain_transfers(tx, configuration, member_id, [seq])
    if seq not in found:
        raise UnknownTransfer
    return found[seq]


async def explain_transfers(
    tx: Transaction, configuration: Configuration, member_id: UUID, seqs: Sequence[int], *, followed: bool = False
) -> dict[int, Explanation]:
    """Say of several transfers of a member why they are there, in as many round trips as of one; by their numbers.

    `followed`: the policy in force was read by this configuration before, in this transaction.
    """
    decided = await _read(tx, configuration, member_id, seqs, followed=followed)
    return {seq: _explained(one) for seq, one in decided.items()}


async def explain_lot(tx: Transaction, configuration: Configuration, member_id: UUID, lot_no: int) -> Explanation:
    """Say what is left of a lot, until when, and why it is there: by the transfer that brought it.

    Raises UnknownLot (404). Source: as `explain_transfer`, and holds.
    """
    row = await store.lot(tx, member_id, lot_no)
    decided = None if row is None else (await _read(tx, configuration, member_id, [lot_no])).get(lot_no)
    if row is None or decided is None:
        raise UnknownLot
    wallet, amount, remaining, held, available_at, expires_at = row
    state = state_of(OpenLot(remaining, available_at, expires_at), tx.now, held)
    told = Reason(
        LOTS[state],
        {
            "wallet": wallet,
            "amount": amount,
            "remaining": remaining,
            "held": held,
            "available_at": available_at,
            "expires_at": expires_at,
        },
    )
    brought = _explained(decided)
    return structs.replace(
        brought,
        about="lot",
        reasons=(told, *brought.reasons),
        links=(to_transfer(member_id, lot_no), *[link for link in brought.links if link.kind != "lot"]),
    )


def _explained(decided: Decided) -> Explanation:
    return Explanation(
        about="transfer",
        id=transfer_id(decided.member_id, decided.seq),
        member_id=decided.member_id,
        policy_version=decided.terms.version,
        effective_at=decided.effective_at,
        recorded_at=decided.recorded_at,
        time_zone=decided.time_zone,
        reasons=tuple(SPEAKERS[decided.kind](decided)),
        near=tuple(_near(decided)),
        links=tuple(_links(decided)),
    )


async def _read(
    tx: Transaction, configuration: Configuration, member_id: UUID, seqs: Sequence[int], *, followed: bool = False
) -> dict[int, Decided]:
    question = None if followed else tx.ask(*configuration.question)
    rows, taken, lots = await store.transfers(tx, member_id, list(seqs), LOTS_NAMED)
    if question is not None:
        await configuration.follow(tx, await tx.answer(question))
    nothing = (0, 0, None, None)
    decided = {
        row[0]: _decided(configuration, member_id, row, Taken(*taken.get(row[0], nothing)), lots.get(row[0], []))
        for row in rows
    }
    returned = {
        one.cause: one.order_id for one in decided.values() if one.order_id is not None and ":return:" in one.reference
    }
    if returned:
        around = await store.around_returns(tx, member_id, returned)
        for seq, one in decided.items():
            if one.cause in around and one.cause in returned:
                decided[seq] = one._replace(around=Return(*around[one.cause]))
    return decided


def _decided(
    configuration: Configuration, member_id: UUID, row: tuple[Any, ...], taken: Taken, lot_nos: list[int]
) -> Decided:
    seq, wallet, kind, amount, debt_change, qualifying, reference, order_id, effective_at, recorded_at = row[:10]
    version, basis, time_zone = row[10:13]
    policy = configuration.policy_of_version(version)
    order = None if row[17] is None else Order(*row[17:23])
    decided_by = row[23] if order is None else order.policy_version
    return Decided(
        member_id,
        seq,
        wallet,
        kind,
        amount,
        debt_change,
        qualifying,
        reference,
        order_id,
        effective_at,
        recorded_at,
        policy,
        policy if decided_by is None else configuration.policy_of_version(decided_by),
        read_basis(basis),
        time_zone,
        None if row[13] is None else Brought(*row[13:17]),
        order,
        taken,
        lot_nos,
    )


# --- what each kind tells ---------------------------------------------------------------------------------------------


def _earned(it: Decided) -> Iterator[Reason]:
    yield it.first(TRANSFERS["earn"])
    if it.order is None:
        return
    order, terms = it.order, it.terms
    worth = order.points_used * terms.payment.point_value_minor
    yield Reason(
        "earning.base",
        {
            "total_minor": order.total_minor,
            "points_used": order.points_used,
            "points_value_minor": worth,
            "paid_minor": order.total_minor - worth,
            "minor_per_point": terms.earning.minor_per_point,
            "base": order.base,
        },
    )
    if it.qualifying:
        yield Reason("earning.growth", {"growth": it.amount})
        return
    yield Reason(
        "earning.multiplier",
        {"tier": code_of(terms.tier, order.tier), "multiplier": order.multiplier, "points": it.amount},
    )
    if it.debt_change:
        yield Reason("earning.debt", {"debt_repaid": -it.debt_change})
    if it.lot is not None:
        yield Reason(
            "earning.maturity",
            {
                "available_at": it.lot.available_at,
                "expires_at": it.lot.expires_at,
                "maturity_hours": terms.earning.maturity_hours,
                "expiry_months": terms.earning.expiry_months,
            },
        )


def _used(it: Decided) -> Iterator[Reason]:
    if it.order is not None:
        yield Reason(
            "payment.used",
            {"points_used": -it.amount, "points_value_minor": -it.amount * it.terms.payment.point_value_minor},
        )
        yield Reason(
            "payment.share",
            {
                "max_percent": it.terms.payment.max_percent,
                "total_minor": it.order.total_minor,
                "point_value_minor": it.terms.payment.point_value_minor,
                "share": _share(it.terms, it.order.total_minor),
            },
        )
        if "spendable" in it.basis:  # releases before this one did not write it down
            yield Reason("payment.limits", {"allowed": it.basis["allowed"], "spendable": it.basis["spendable"]})
    elif "purpose" in it.basis:
        yield it.first("posting.of_hold", purpose=it.basis["purpose"])
    else:
        yield it.first(TRANSFERS["redeem"], reason=_ended(it.basis.get("reason")))
    yield _lots(it)


def _given(it: Decided) -> Iterator[Reason]:
    yield it.first(TRANSFERS["accrue"], reason=_ended(it.basis.get("reason")))
    yield from _of_new_units(it)


def _corrected(it: Decided) -> Iterator[Reason]:
    rule = TRANSFERS["adjust"] if it.amount > 0 else "posting.corrected_down"
    yield it.first(rule, reason=_ended(it.basis.get("reason")) or it.reference, by=it.basis.get("by"))
    limit, by_day = it.terms.adjustments.approve_above, it.terms.adjustments.alone_per_day
    if "approved_by" in it.basis:
        yield Reason("posting.approved_by", {"approved_by": it.basis["approved_by"], "limit": limit})
    elif limit is not None:
        yield Reason("posting.within_limit", {"limit": limit})
    elif "today" not in it.basis:
        yield Reason("posting.needs_nobody", {})
    if "today" in it.basis:
        yield Reason("posting.within_day", {"corrected": it.basis["today"], "limit": by_day})
    if it.amount > 0:
        yield from _of_new_units(it)
    elif it.taken.lots:
        yield _lots(it)


def _of_new_units(it: Decided) -> Iterator[Reason]:
    if it.debt_change:
        yield Reason("earning.debt", {"debt_repaid": -it.debt_change})
    if it.lot is not None:
        yield Reason("posting.terms", {"available_at": it.lot.available_at, "expires_at": it.lot.expires_at})


def _lots(it: Decided) -> Reason:
    return Reason("posting.lots", {"lots": it.taken.lots, "first_expires_at": it.taken.first_expires_at})


def _given_back(it: Decided) -> Iterator[Reason]:
    yield it.first(TRANSFERS["give_back"], return_id=it.return_id)
    yield from _remains(it)
    if it.order is not None and it.around is not None:
        before = it.order.points_used - it.around.given_back_before
        yield Reason(
            "return.share",
            {"points_used": it.order.points_used, "points_before": before, "points_left": before - it.amount},
        )
    if it.lot is not None:
        yield Reason("return.new_lot", {"points": it.lot.amount, "days": it.policy.returns.give_back_days})


def _taken_back(it: Decided) -> Iterator[Reason]:
    yield it.first(TRANSFERS["claw_back"], return_id=it.return_id)
    yield from _remains(it)
    if it.qualifying:
        yield Reason("return.growth", {"growth": -it.amount})
        return
    if it.order is not None and it.around is not None:
        lost = it.around.own_sum("claw_back", qualifying=True)
        before = it.order.base - it.around.growth_before
        yield Reason(
            "return.base",
            {
                "base": before - lost,
                "base_before": before,
                "lost": lost,
                "multiplier": it.order.multiplier,
                "points": -it.amount,
            },
        )
    yield _lots(it)
    if "to_debt" in it.basis:
        yield Reason("return.owed", {"owed": it.basis["to_debt"]})
    yield Reason(f"return.{it.terms.returns.shortfall}", {})


def _forgiven(it: Decided) -> Iterator[Reason]:
    yield it.first(TRANSFERS["forgive"], return_id=it.return_id)
    yield from _remains(it)
    yield Reason(f"return.{it.terms.returns.shortfall}", {})


def _remains(it: Decided) -> Iterator[Reason]:
    """Say what remains of the order; releases before this one did not write it down with the transfer."""
    returned = it.basis.get("returned_minor")
    if it.order is not None and isinstance(returned, int):
        total = it.order.total_minor
        yield Reason("return.remains", {"total_minor": total, "kept_minor": total - returned})


def _expired(it: Decided) -> Iterator[Reason]:
    if "purpose" in it.basis:
        yield it.first("expiry.held", expired_at=it.effective_at, purpose=it.basis["purpose"])
    else:
        yield it.first(TRANSFERS["expire"], expired_at=it.effective_at)
    if it.taken.first_earned_at is not None:
        months = it.policy.earning.expiry_months
        usual = month_start_after(it.taken.first_earned_at, months, it.time_zone) == it.effective_at
        rule, more = ("expiry.terms", {"expiry_months": months}) if usual else ("expiry.there_since", {})
        yield Reason(rule, {"earned_at": it.taken.first_earned_at, **more})


def _moved(it: Decided) -> Iterator[Reason]:
    why = f"{TRANSFERS[it.kind]}.{it.basis.get('why')}"
    yield it.first(why if why in SENTENCES else TRANSFERS[it.kind], member=str(it.basis.get("member", "")))
    if it.debt_change:
        yield Reason("moved.debt", {"owed": abs(it.debt_change)})
    elif it.lot is not None or it.qualifying:
        yield Reason("moved.kept", {})
    if it.kind == "move_out" and it.taken.lots:
        yield _lots(it)
    if it.lot is not None:
        yield Reason("posting.terms", {"available_at": it.lot.available_at, "expires_at": it.lot.expires_at})


def _extended(it: Decided) -> Iterator[Reason]:
    rule = TRANSFERS["extend"] if it.amount > 0 else "expiry.extended_from"
    until = datetime.fromisoformat(str(it.basis["until"]))
    yield it.first(rule, until=until, reason=_ended(it.basis.get("reason")), by=it.basis.get("by"))
    if it.lot is not None:
        yield Reason("posting.terms", {"available_at": it.lot.available_at, "expires_at": it.lot.expires_at})


SPEAKERS: Final[dict[TransferKind, Speaker]] = {
    "accrue": _given,
    "earn": _earned,
    "redeem": _used,
    "give_back": _given_back,
    "claw_back": _taken_back,
    "forgive": _forgiven,
    "expire": _expired,
    "adjust": _corrected,
    "extend": _extended,
    "move_in": _moved,
    "move_out": _moved,
}


# --- near misses and links --------------------------------------------------------------------------------------------


def _near(it: Decided) -> Iterator[Reason]:
    """Say how little more would have made a difference."""
    if it.order is not None and it.kind == "earn":
        yield next_point(
            it.terms, it.order.total_minor, it.order.points_used, 1 if it.qualifying else it.order.multiplier
        )
    if it.order is not None and it.kind == "redeem":
        allowed = it.basis.get("allowed", _share(it.terms, it.order.total_minor))
        more = int(allowed) + it.amount
        if more > 0:
            yield Reason("payment.more", {"missing": more})
    limit = it.terms.adjustments.approve_above
    if it.kind == "adjust" and limit is not None and "approved_by" not in it.basis:
        yield Reason("posting.left_of_limit", {"left": limit - abs(it.amount) + 1})


def next_point(terms: Policy, total_minor: int, points_used: int, multiplier: int) -> Reason:
    """Return how much more paid in money would have given one more base point."""
    paid = total_minor - points_used * terms.payment.point_value_minor
    step = terms.earning.minor_per_point
    return Reason("earning.next_point", {"missing_minor": step - paid % step, "points": multiplier})


def _share(terms: Policy, total_minor: int) -> int:
    return total_minor * terms.payment.max_percent // 100 // terms.payment.point_value_minor


def _ended(text: str | int | None) -> str | None:
    """Return a reason that somebody gave, to stand before our own full stop."""
    return None if text is None else str(text).rstrip(".。 ")


def _links(it: Decided) -> Iterator[Link]:
    if it.order_id is not None:
        yield to_order(it.order_id)
    if it.lot is not None:
        yield to_lot(it.member_id, it.seq)
    named, _, rest = it.reference.partition(":")
    if named == "hold":
        yield to_hold(it.member_id, UUID(rest.partition(":")[0]))
    if named == "adjustment":
        yield to_request(it.member_id, UUID(rest))
    other, origin = it.basis.get("member"), it.basis.get("origin")
    if it.kind in {"move_in", "move_out"} and isinstance(other, str):
        yield Link("member", other, f"/v1/members/{other}")
        if it.lot is not None and isinstance(origin, int):
            yield to_lot(member_id_in(other), origin)
    for lot_no in it.lot_nos:
        yield to_lot(it.member_id, lot_no)
