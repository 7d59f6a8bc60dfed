"""Settling orders and returns on a book: pay, earn, rise; give back, claw back, fall."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from regulars.loyalty.contracts import OrderSettlement, PointsOffer, ReturnSettlement, SettleOrder, SettleReturn
from regulars.loyalty.errors import AlreadySettled, NotSettled, PointsNotUsable
from regulars.loyalty.ledger import rules
from regulars.loyalty.ledger.basis import basis
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.entries import FORGIVEN, ISSUED, REDEEMED, Lot, Settlement, pick
from regulars.loyalty.policy.contracts import Policy, TierRule
from regulars.loyalty.policy.rules import month_start_after
from regulars.loyalty.policy.service import Configuration, Wallet
from regulars.loyalty.tiers.rules import code_of, held, tier_of


@dataclass(slots=True)
class Case:
    """One order or return being settled: the book it is settled in, at which instant, under which policy.

    `returned_minor` is all that has come back of the order, a return being settled included.
    """

    book: Book
    configuration: Configuration
    now: datetime
    policy: Policy
    effective_at: datetime
    returned_minor: int = 0

    @classmethod
    def open(cls, book: Book, configuration: Configuration, at: datetime) -> "Case":
        """Begin at an instant; what time has decided until then is decided first."""
        now = book.begin(at)
        return cls(book, configuration, now, configuration.policy_at(now), now)

    @property
    def spending(self) -> Wallet:
        """The wallet that pays and is earned."""
        return self.configuration.wallet(self.policy.spending_wallet)

    @property
    def qualifying(self) -> Wallet:
        """The wallet that decides the tier."""
        return self.configuration.wallet(self.policy.tier.qualifying_wallet)

    @property
    def tier(self) -> str:
        """The code of the tier held."""
        return code_of(self.policy.tier, self.book.tier)


@dataclass(slots=True)
class Earned:
    """What an order's earning posted: its transfer, the lot that debt left, and the debt repaid."""

    seq: int | None = None
    lot: Lot | None = None
    repaid: int = 0


def settle_order(book: Book, configuration: Configuration, command: SettleOrder, at: datetime) -> OrderSettlement:
    """Settle a paid order once. Points are checked before anything is posted; refuses what the policy forbids."""
    if command.order_id in book.settlements:
        raise AlreadySettled(order_id=command.order_id)
    case = Case.open(book, configuration, at)
    policy = case.policy
    effective_at = min(command.effective_at, case.now)
    rank = held(policy.tier, book.tier)
    rule = policy.tier.tiers[rank]
    points_used, redeem_seq, offer = _pay_with_points(case, command)
    base = rules.base_of(policy, command.total_minor, points_used)
    earned = _earn_points(case, command, base, rule, effective_at)
    if base:
        _earn_growth(case, command, base, effective_at)
    settlement = Settlement(
        order_id=command.order_id,
        total_minor=command.total_minor,
        points_used=points_used,
        base=base,
        multiplier=rule.multiplier,
        tier=rank,
        policy_version=policy.version,
        redeem_seq=redeem_seq,
        earn_seq=earned.seq,
        effective_at=effective_at,
        recorded_at=case.now,
        returned_minor=0,
        points_used_now=points_used,
        base_now=base,
    )
    book.settlements[command.order_id] = settlement
    book.journal.settlements[book.member_id, command.order_id] = settlement
    book.journal.new_settlements.add((book.member_id, command.order_id))
    book.changed = True
    return OrderSettlement(
        points_used=points_used,
        points_earned=base * rule.multiplier,
        multiplier=rule.multiplier,
        base=base,
        growth_earned=base,
        debt_repaid=earned.repaid,
        available_at=earned.lot.available_at if earned.lot else None,
        expires_at=earned.lot.expires_at if earned.lot else None,
        tier_before=rule.code,
        tier_after=case.tier,
        policy_version=policy.version,
        offer=offer,
    )


def _pay_with_points(case: Case, command: SettleOrder) -> tuple[int, int | None, PointsOffer | None]:
    """Return how many points paid, by which transfer, and how many might have; refuses more than the policy allows."""
    if not command.points and not command.points_at_most:
        return 0, None, None
    book, policy, wallet = case.book, case.policy, case.spending
    lots = book.spendable_lots(wallet.wallet_id, case.now)
    spendable = sum(lot.free for lot in lots)
    allowance = rules.points_allowed(policy, command.total_minor, spendable, book.wallet(wallet.wallet_id).debt)
    if command.points > allowance.allowed:
        raise PointsNotUsable(
            pointer="/payments",
            asked=command.points,
            allowed=allowance.allowed,
            spendable=allowance.spendable,
            minimum=allowance.minimum,
            debt=allowance.debt,
            over=command.points - allowance.allowed,
            total_minor=command.total_minor,
            max_percent=policy.payment.max_percent,
            point_value_minor=policy.payment.point_value_minor,
            policy_version=policy.version,
        )
    asked = command.points or command.points_at_most or 0
    offer = PointsOffer(asked=asked, allowed=allowance.allowed, spendable=allowance.spendable, debt=allowance.debt)
    points = command.points or min(allowance.allowed, command.points_at_most or 0)
    if not points:
        return 0, None, offer
    seq = book.post(
        wallet,
        "redeem",
        points,
        into=False,
        counter=REDEEMED,
        reference=f"order:{command.order_id}:redeem",
        now=case.now,
        effective_at=case.now,
        policy=policy,
        basis=basis(
            total_minor=command.total_minor,
            value_minor=points * policy.payment.point_value_minor,
            allowed=allowance.allowed,
            spendable=allowance.spendable,
        ),
        order_id=command.order_id,
    )
    takes, _ = pick(lots, points)
    book.uses[seq] = book.take(seq, takes)
    return points, seq, offer


def _earn_points(case: Case, command: SettleOrder, base: int, rule: TierRule, effective_at: datetime) -> Earned:
    """Post the earned points; debt is repaid first and the lot gets what is left."""
    amount = base * rule.multiplier
    if not amount:
        return Earned()
    book, policy, wallet = case.book, case.policy, case.spending
    repaid = min(book.wallet(wallet.wallet_id).debt, amount)
    seq = book.post(
        wallet,
        "earn",
        amount,
        into=True,
        counter=ISSUED,
        reference=f"order:{command.order_id}:earn",
        now=case.now,
        effective_at=effective_at,
        policy=policy,
        basis=f'{{"base":{base},"multiplier":{rule.multiplier},"tier":"{rule.code}"}}',
        order_id=command.order_id,
        debt_change=-repaid,
    )
    if amount == repaid:
        return Earned(seq, None, repaid)
    lot = book.open_lot(
        seq,
        wallet.wallet_id,
        amount - repaid,
        earned_at=effective_at,
        available_at=effective_at + timedelta(hours=policy.earning.maturity_hours),
        expires_at=month_start_after(effective_at, policy.earning.expiry_months, command.time_zone),
        order_id=command.order_id,
    )
    return Earned(seq, lot, repaid)


def _earn_growth(case: Case, command: SettleOrder, base: int, effective_at: datetime) -> None:
    """Post the growth at the order's own time, and rise at once if it suffices."""
    case.book.post(
        case.qualifying,
        "earn",
        base,
        into=True,
        counter=ISSUED,
        reference=f"order:{command.order_id}:growth",
        now=case.now,
        effective_at=effective_at,
        policy=case.policy,
        basis="",
        order_id=command.order_id,
    )
    case.book.rise(case.policy, "order", f"order:{command.order_id}", case.now)


def settle_return(
    book: Book,
    configuration: Configuration,
    command: SettleReturn,
    at: datetime,
    bring: Callable[[Settlement, Policy, int], None] | None = None,
) -> ReturnSettlement:
    """Settle what remains of an order: give points back, claw points back, take its growth away, fall in tier.

    `bring(settlement, terms, base lost)` is asked, once points are given back, to fetch what will be taken from books
    into which these were merged.
    """
    settlement = book.settlements.get(command.order_id)
    if settlement is None:
        raise NotSettled(order_id=command.order_id)
    case = Case.open(book, configuration, at)
    case.returned_minor = command.returned_minor
    terms = configuration.policy_of_version(settlement.policy_version)
    remains = what_remains(settlement, terms, command)
    give_back = settlement.points_used_now - remains.points_used
    base_lost = settlement.base_now - remains.base
    before = case.tier
    cause = f"order:{settlement.order_id}:return:{command.return_id}"
    if command.effective_at is not None and command.effective_at < case.now:
        case.effective_at = max(command.effective_at, settlement.effective_at)
    if give_back:
        _give_back(case, settlement, cause, give_back)
    if bring is not None and base_lost:
        bring(settlement, terms, base_lost)
    clawed = base_lost * settlement.multiplier
    lacking = _claw_back(case, terms, settlement, cause, clawed) if clawed else 0
    forgiven = lacking if terms.returns.shortfall != "to_debt" else 0
    if base_lost:
        _take_growth_away(case, settlement, cause, base_lost)
    settlement.returned_minor = command.returned_minor
    settlement.points_used_now = remains.points_used
    settlement.base_now = remains.base
    book.journal.settlements[book.member_id, command.order_id] = settlement
    book.changed = True
    return ReturnSettlement(
        points_given_back=give_back,
        points_clawed_back=clawed - forgiven,
        growth_reversed=base_lost,
        to_debt=lacking - forgiven,
        tier_before=before,
        tier_after=case.tier,
        policy_version=case.policy.version,
        forgiven=forgiven,
    )


def what_remains(settlement: Settlement, terms: Policy, command: SettleReturn) -> rules.Remains:
    """Return what is left of an order's payment and earning, by the policy of the order (`terms`)."""
    return rules.settle_remains(terms, settlement.total_minor, settlement.points_used, command.returned_minor)


def _give_back(case: Case, settlement: Settlement, cause: str, points: int) -> None:
    """Return points to the lots they came from, the latest taken first; a new lot stands in for expired ones."""
    redeem_seq = settlement.redeem_seq
    if redeem_seq is None:
        raise AssertionError(f"order {settlement.order_id} used points that no transfer took")
    book, wallet = case.book, case.spending
    seq = book.post(
        wallet,
        "give_back",
        points,
        into=True,
        counter=REDEEMED,
        reference=f"{cause}:give_back",
        now=case.now,
        effective_at=case.effective_at,
        policy=case.policy,
        basis=basis(returned_minor=case.returned_minor),
        order_id=settlement.order_id,
    )
    homeless = 0
    number = 0
    for use in reversed(book.uses[redeem_seq]):
        part = min(points, use.amount - use.given_back)
        if part <= 0:
            continue
        points -= part
        lot = book.lots[use.lot_no]
        use.given_back += part
        alive = case.now < lot.expires_at
        if alive:
            lot.remaining += part
        else:
            homeless += part
        book.journal.lot_uses.append((book.member_id, seq, number, lot.lot_no, -part if alive else 0, part, redeem_seq))
        number += 1
    if homeless:
        book.open_lot(
            seq,
            wallet.wallet_id,
            homeless,
            earned_at=case.now,
            available_at=case.now,
            expires_at=case.now + timedelta(days=case.policy.returns.give_back_days),
            order_id=settlement.order_id,
        )


def _claw_back(case: Case, terms: Policy, settlement: Settlement, cause: str, points: int) -> int:
    """Take earned points back, and return what could not be taken: debt, or forgiven, as the order's policy says.

    They come from the order's own lot, mature or not, then from spendable lots; where only pending ones are taken, from
    the own lot alone, while it is not available.
    """
    book, wallet = case.book, case.spending
    takes, lacking = pick(sources_of_claw_back(book, settlement, terms, wallet, case.now), points)
    forgiven = lacking if terms.returns.shortfall != "to_debt" else 0
    seq = book.post(
        wallet,
        "claw_back",
        points,
        into=False,
        counter=ISSUED,
        reference=f"{cause}:claw_back",
        now=case.now,
        effective_at=case.effective_at,
        policy=case.policy,
        basis=basis(
            multiplier=settlement.multiplier,
            to_debt=lacking - forgiven or None,
            forgiven=forgiven or None,
            returned_minor=case.returned_minor,
        ),
        order_id=settlement.order_id,
        debt_change=lacking,
    )
    book.take(seq, takes)
    if forgiven:
        _forgive(case, settlement, cause, forgiven)
    return lacking


def sources_of_claw_back(book: Book, settlement: Settlement, terms: Policy, wallet: Wallet, now: datetime) -> list[Lot]:
    """Return the lots that a claw-back takes from, in order: what the order itself brought, then what is spendable."""
    own = lots_of_order(book, settlement, wallet, now)
    if terms.returns.shortfall == "only_pending":
        return [lot for lot in own if lot.available_at > now]
    numbers = {lot.lot_no for lot in own}
    return own + [lot for lot in book.spendable_lots(wallet.wallet_id, now) if lot.lot_no not in numbers]


def lots_of_order(book: Book, settlement: Settlement, wallet: Wallet, now: datetime) -> list[Lot]:
    """Return the lots of what an order earned, in the order in which they are spent, but for those that ran out."""
    found = [
        lot
        for lot in book.lots.values()
        if is_of_order(lot, settlement) and lot.wallet_id == wallet.wallet_id and now < lot.expires_at
    ]
    found.sort(key=Lot.spending_order)
    return found


def is_of_order(lot: Lot, settlement: Settlement) -> bool:
    """Return whether an order earned a lot, through whose books it came by merges ever.

    What moves keeps its order and the instant at which it was earned. What an order gave back names it, too, but came
    later.
    """
    return lot.order_id == settlement.order_id and lot.earned_at == settlement.effective_at


def _forgive(case: Case, settlement: Settlement, cause: str, points: int) -> None:
    """Let the member keep what a claw-back could not take: the debt that it left is repaid by the programme."""
    case.book.post(
        case.spending,
        "forgive",
        points,
        into=True,
        counter=FORGIVEN,
        reference=f"{cause}:forgive",
        now=case.now,
        effective_at=case.effective_at,
        policy=case.policy,
        basis="",
        order_id=settlement.order_id,
        debt_change=-points,
    )


def _take_growth_away(case: Case, settlement: Settlement, cause: str, growth: int) -> None:
    """Lower the order's growth entry at its own time; fall when the window's growth crosses a threshold by it."""
    book, tiers = case.book, case.policy.tier
    tier_before = tier_of(tiers, book.growth_at(case.now))
    book.post(
        case.qualifying,
        "claw_back",
        growth,
        into=False,
        counter=ISSUED,
        reference=f"{cause}:growth",
        now=case.now,
        effective_at=settlement.effective_at,
        policy=case.policy,
        basis=basis(returned_minor=case.returned_minor),
        order_id=settlement.order_id,
    )
    book.fall(tier_before, "return", cause, case.now)
