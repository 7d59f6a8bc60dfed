"""Settling orders and returns on a book: pay, earn, rise; give back, claw back, fall."""

from datetime import datetime, timedelta

from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement, SettleOrder, SettleReturn
from regulars.loyalty.errors import AlreadySettled, NotSettled, PointsNotUsable
from regulars.loyalty.ledger import rules
from regulars.loyalty.ledger.basis import basis
from regulars.loyalty.ledger.book import ISSUED, REDEEMED, Book, Lot, LotUse, Settlement, pick
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.rules import month_start_after
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.tiers.rules import code_of, held, tier_of


def settle_order(book: Book, configuration: Configuration, command: SettleOrder, at: datetime) -> OrderSettlement:
    """Settle a paid order once. Points are checked before anything is posted; refuses what the policy forbids."""
    if command.order_id in book.settlements:
        raise AlreadySettled(order_id=command.order_id)
    now = book.begin(at)
    policy = configuration.policy_at(now)
    effective_at = min(command.effective_at, now)
    rank = held(policy.tier, book.tier)
    rule = policy.tier.tiers[rank]
    points_used, redeem_seq = _pay_with_points(book, configuration, policy, command, now)
    base = rules.base_of(policy, command.total_minor, points_used)
    earned = base * rule.multiplier
    lot, repaid, earn_seq = _earn_points(book, configuration, policy, command, earned, base, rank, now, effective_at)
    if base:
        book.post(
            configuration.wallet(policy.tier.qualifying_wallet),
            "earn",
            base,
            into=True,
            counter=ISSUED,
            reference=f"order:{command.order_id}:growth",
            now=now,
            effective_at=effective_at,
            policy=policy,
            basis="",
            order_id=command.order_id,
        )
        book.rise(policy, "order", f"order:{command.order_id}", now)
    settlement = Settlement(
        order_id=command.order_id,
        total_minor=command.total_minor,
        points_used=points_used,
        base=base,
        multiplier=rule.multiplier,
        tier=rank,
        policy_version=policy.version,
        redeem_seq=redeem_seq,
        earn_seq=earn_seq,
        effective_at=effective_at,
        recorded_at=now,
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
        points_earned=earned,
        multiplier=rule.multiplier,
        base=base,
        growth_earned=base,
        debt_repaid=repaid,
        available_at=lot.available_at if lot else None,
        expires_at=lot.expires_at if lot else None,
        tier_before=rule.code,
        tier_after=code_of(policy.tier, book.tier),
        policy_version=policy.version,
    )


def _pay_with_points(
    book: Book, configuration: Configuration, policy: Policy, command: SettleOrder, now: datetime
) -> tuple[int, int | None]:
    if not command.points and not command.points_at_most:
        return 0, None
    wallet = configuration.wallet(policy.spending_wallet)
    lots = book.spendable_lots(wallet.wallet_id, now)
    spendable = sum(lot.remaining for lot in lots)
    allowance = rules.points_allowed(policy, command.total_minor, spendable, book.wallet(wallet.wallet_id).debt)
    if command.points > allowance.allowed:
        raise PointsNotUsable(
            pointer="/payments",
            asked=command.points,
            allowed=allowance.allowed,
            spendable=allowance.spendable,
            minimum=allowance.minimum,
            debt=allowance.debt,
        )
    points = command.points or min(allowance.allowed, command.points_at_most or 0)
    if not points:
        return 0, None
    seq = book.post(
        wallet,
        "redeem",
        points,
        into=False,
        counter=REDEEMED,
        reference=f"order:{command.order_id}:redeem",
        now=now,
        effective_at=now,
        policy=policy,
        basis=basis(total_minor=command.total_minor, value_minor=points * policy.payment.point_value_minor),
        order_id=command.order_id,
    )
    takes, _ = pick(lots, points)
    book.uses[seq] = book.take(seq, takes)
    return points, seq


def _earn_points(  # noqa: PLR0913, PLR0917 - everything an earning depends on
    book: Book,
    configuration: Configuration,
    policy: Policy,
    command: SettleOrder,
    earned: int,
    base: int,
    rank: int,
    now: datetime,
    effective_at: datetime,
) -> tuple[Lot | None, int, int | None]:
    """Post the earned points; debt is repaid first and the lot gets what is left."""
    if not earned:
        return None, 0, None
    wallet = configuration.wallet(policy.spending_wallet)
    rule = policy.tier.tiers[rank]
    repaid = min(book.wallet(wallet.wallet_id).debt, earned)
    seq = book.post(
        wallet,
        "earn",
        earned,
        into=True,
        counter=ISSUED,
        reference=f"order:{command.order_id}:earn",
        now=now,
        effective_at=effective_at,
        policy=policy,
        basis=f'{{"base":{base},"multiplier":{rule.multiplier},"tier":"{rule.code}"}}',
        order_id=command.order_id,
        debt_change=-repaid,
    )
    if earned == repaid:
        return None, repaid, seq
    lot = book.open_lot(
        seq,
        wallet.wallet_id,
        earned - repaid,
        earned_at=effective_at,
        available_at=effective_at + timedelta(hours=policy.earning.maturity_hours),
        expires_at=month_start_after(effective_at, policy.earning.expiry_months, command.time_zone),
        order_id=command.order_id,
    )
    return lot, repaid, seq


def settle_return(book: Book, configuration: Configuration, command: SettleReturn, at: datetime) -> ReturnSettlement:
    """Settle what remains of an order: give points back, claw points back, take its growth away, fall in tier."""
    settlement = book.settlements.get(command.order_id)
    if settlement is None:
        raise NotSettled(order_id=command.order_id)
    now = book.begin(at)
    policy = configuration.policy_at(now)
    terms = configuration.policy_of_version(settlement.policy_version)
    remains = rules.settle_remains(
        terms, settlement.total_minor, settlement.points_used, command.returned_minor
    )
    give_back = settlement.points_used_now - remains.points_used
    base_lost = settlement.base_now - remains.base
    before = code_of(policy.tier, book.tier)
    if give_back:
        _give_back(book, configuration, policy, settlement, command, give_back, now)
    clawed = base_lost * settlement.multiplier
    to_debt = _claw_back(book, configuration, policy, settlement, command, clawed, now) if clawed else 0
    if base_lost:
        _take_growth_away(book, configuration, policy, settlement, command, base_lost, now)
    settlement.returned_minor = command.returned_minor
    settlement.points_used_now = remains.points_used
    settlement.base_now = remains.base
    book.journal.settlements[book.member_id, command.order_id] = settlement
    book.changed = True
    return ReturnSettlement(
        points_given_back=give_back,
        points_clawed_back=clawed,
        growth_reversed=base_lost,
        to_debt=to_debt,
        tier_before=before,
        tier_after=code_of(policy.tier, book.tier),
        policy_version=policy.version,
    )


def _give_back(  # noqa: PLR0913, PLR0917 - everything a give-back depends on
    book: Book,
    configuration: Configuration,
    policy: Policy,
    settlement: Settlement,
    command: SettleReturn,
    points: int,
    now: datetime,
) -> None:
    """Return points to the lots they came from, the latest taken first; a new lot stands in for expired ones."""
    redeem_seq = settlement.redeem_seq
    if redeem_seq is None:
        message = f"order {settlement.order_id} used points that no transfer took"
        raise AssertionError(message)
    wallet = configuration.wallet(policy.spending_wallet)
    seq = book.post(
        wallet,
        "give_back",
        points,
        into=True,
        counter=REDEEMED,
        reference=f"order:{settlement.order_id}:return:{command.return_id}:give_back",
        now=now,
        effective_at=now,
        policy=policy,
        basis="",
        order_id=settlement.order_id,
    )
    homeless = 0
    number = 0
    for use in reversed(book.uses[redeem_seq]):
        part = min(points, use.amount - use.given_back)
        if part <= 0:
            continue
        points -= part
        homeless += _return_to_lot(book, use, part, seq, number, redeem_seq, now)
        number += 1
    if homeless:
        book.open_lot(
            seq,
            wallet.wallet_id,
            homeless,
            earned_at=now,
            available_at=now,
            expires_at=now + timedelta(days=policy.returns.give_back_days),
            order_id=settlement.order_id,
        )


def _return_to_lot(  # noqa: PLR0913, PLR0917 - one row of lot uses
    book: Book, use: LotUse, part: int, seq: int, number: int, redeem_seq: int, now: datetime
) -> int:
    """Give `part` back to the lot it came from; returns what has no home because the lot expired."""
    lot = book.lots[use.lot_no]
    use.given_back += part
    alive = now < lot.expires_at
    if alive:
        lot.remaining += part
    book.journal.lot_uses.append(
        (book.member_id, seq, number, lot.lot_no, -part if alive else 0, part, redeem_seq)
    )
    return 0 if alive else part


def _claw_back(  # noqa: PLR0913, PLR0917 - everything a claw-back depends on
    book: Book,
    configuration: Configuration,
    policy: Policy,
    settlement: Settlement,
    command: SettleReturn,
    points: int,
    now: datetime,
) -> int:
    """Take earned points back: from the order's own lot, mature or not, then from spendable lots; the rest is debt."""
    wallet = configuration.wallet(policy.spending_wallet)
    own = book.lots.get(settlement.earn_seq) if settlement.earn_seq is not None else None
    sources = [own] if own is not None and now < own.expires_at else []
    sources += [lot for lot in book.spendable_lots(wallet.wallet_id, now) if lot is not own]
    takes, lacking = pick(sources, points)
    seq = book.post(
        wallet,
        "claw_back",
        points,
        into=False,
        counter=ISSUED,
        reference=f"order:{settlement.order_id}:return:{command.return_id}:claw_back",
        now=now,
        effective_at=now,
        policy=policy,
        basis=basis(multiplier=settlement.multiplier, to_debt=lacking or None),
        order_id=settlement.order_id,
        debt_change=lacking,
    )
    book.take(seq, takes)
    return lacking


def _take_growth_away(  # noqa: PLR0913, PLR0917 - everything the fall depends on
    book: Book,
    configuration: Configuration,
    policy: Policy,
    settlement: Settlement,
    command: SettleReturn,
    growth: int,
    now: datetime,
) -> None:
    """Lower the order's growth entry at its own time; fall when the window's growth crosses a threshold by it."""
    tier_before = tier_of(policy.tier, book.growth_at(now))
    book.post(
        configuration.wallet(policy.tier.qualifying_wallet),
        "claw_back",
        growth,
        into=False,
        counter=ISSUED,
        reference=f"order:{settlement.order_id}:return:{command.return_id}:growth",
        now=now,
        effective_at=settlement.effective_at,
        policy=policy,
        basis="",
        order_id=settlement.order_id,
    )
    tier_after = tier_of(policy.tier, book.growth_at(now))
    if tier_after < tier_before and tier_after < book.tier:
        book.change_tier(
            tier_after, "return", f"order:{settlement.order_id}:return:{command.return_id}", now, now
        )
