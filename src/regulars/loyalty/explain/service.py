"""Why balances, tiers, holds and corrections are as they are, now and as of any instant."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from regulars.loyalty.adjustments.service import adjustment_request
from regulars.loyalty.contracts import TierChange, TierStatus, WalletBalance
from regulars.loyalty.explain import store
from regulars.loyalty.explain.links import of_member, to_lot, to_order, to_request, to_transfer
from regulars.loyalty.explain.sentences import HOLDS, REQUESTS, TIERS
from regulars.loyalty.holds.service import hold
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.errors import UnknownWallet
from regulars.loyalty.policy.rules import active_at
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.statement.reasons import is_undoing
from regulars.loyalty.statement.service import balances, tier_status
from regulars.platform.db.transaction import Transaction
from regulars.platform.explaining.contracts import Explanation, Link, Reason
from regulars.platform.ids import public_id

PARTS_TOLD: Final = 12
_NOWHERE: Final = "UTC"
_EVER: Final = datetime.max.replace(tzinfo=UTC)  # the books may be a moment ahead of this process


async def explain_balance(
    tx: Transaction, configuration: Configuration, member_id: UUID, wallet: str, as_of: datetime | None = None
) -> Explanation:
    """Say what a wallet's balance is made of, now or as of a past instant (UTC), in its units.

    By what came in and went out, and what of it can be spent, is on the way, held, owed. Raises UnknownMember (404),
    UnknownWallet (422). Source: as `balances`; ledger_transfers.
    """
    return (await explain_balances(tx, configuration, member_id, [wallet], as_of))[0]


async def explain_balances(
    tx: Transaction,
    configuration: Configuration,
    member_id: UUID,
    wallets: Sequence[str] | None = None,
    as_of: datetime | None = None,
    *,
    known: Sequence[WalletBalance] | None = None,
) -> list[Explanation]:
    """Say of several wallets (None: of all) what `explain_balance` says of one, in two round trips.

    `known` are the balances, where they and the policy in force (by this configuration) were read before, in this
    transaction. Raises as `explain_balance`.
    """
    at = as_of or tx.now
    found = {one.wallet: one for one in (await balances(tx, member_id, as_of) if known is None else known)}
    asked = list(found) if wallets is None else wallets
    for wallet in asked:
        if wallet not in found:
            raise UnknownWallet(pointer="/wallet", wallet=wallet, wallets=", ".join(found))
    question = tx.ask(*configuration.question) if known is None else None
    zone, moved = await store.moved(tx, member_id, asked, as_of or _EVER)
    if question is not None:
        await configuration.follow(tx, await tx.answer(question))
    policy = active_at(configuration.policies, at)
    return [
        _balance_explained(
            configuration,
            member_id,
            found[wallet],
            policy,
            at=at,
            zone=zone or _NOWHERE,
            moved=[(kind, transfers, amount) for of, kind, transfers, amount in moved if of == wallet],
        )
        for wallet in asked
    ]


def _balance_explained(
    configuration: Configuration,
    member_id: UUID,
    told: WalletBalance,
    policy: Policy | None,
    *,
    at: datetime,
    zone: str,
    moved: Sequence[tuple[str, int, int]],
) -> Explanation:
    wallet = told.wallet
    reasons = [
        _balance(told)
        if configuration.wallet(wallet).spendable
        else Reason("balance.qualifying", {"wallet": wallet, "balance": told.balance})
    ]
    reasons += [
        Reason("balance.moved", {"amount": amount, "wallet": wallet, "kind": kind, "transfers": transfers})
        for kind, transfers, amount in moved
    ]
    reasons += [
        Reason("balance.pending", {"amount": part.amount, "available_at": part.at})
        for part in told.pending_parts[:PARTS_TOLD]
    ]
    if told.next_expiry is not None:
        soonest = told.next_expiry
        reasons.append(Reason("balance.next_expiry", {"amount": soonest.amount, "expires_at": soonest.at}))
    return Explanation(
        about="balance",
        id=wallet,
        member_id=member_id,
        policy_version=None if policy is None else policy.version,
        effective_at=at,
        recorded_at=at,
        time_zone=zone,
        reasons=tuple(reasons),
        near=tuple(_unlocks(told, policy)),
        links=(
            Link("statement", wallet, f"{of_member(member_id)}/statement?wallet={wallet}"),
            Link("lots", wallet, f"{of_member(member_id)}/lots"),
        ),
    )


def _balance(told: WalletBalance) -> Reason:
    return Reason(
        "balance.sum",
        {
            "wallet": told.wallet,
            "balance": told.balance,
            "available": told.available,
            "held": told.held,
            "pending": told.pending,
            "expired": told.expired,
            "debt": told.debt,
        },
    )


def _unlocks(told: WalletBalance, policy: Policy | None) -> Iterator[Reason]:
    """Say how far a wallet is from paying for orders."""
    if policy is None or told.wallet != policy.spending_wallet:
        return
    minimum = policy.payment.min_spendable
    if told.debt:
        yield Reason("payment.debt", {"debt": told.debt, "spendable": told.available})
    elif told.available < minimum:
        missing = minimum - told.available
        yield Reason("payment.minimum", {"spendable": told.available, "minimum": minimum, "missing": missing})


# --- tiers ------------------------------------------------------------------------------------------------------------


async def explain_tier(
    tx: Transaction,
    configuration: Configuration,
    member_id: UUID,
    as_of: datetime | None = None,
    *,
    known: TierStatus | None = None,
) -> Explanation:
    """Say why a member holds a tier, now or as of a past instant (UTC), and how far the next one is.

    The metric and the threshold that decided are those of the change itself. `known` is the status, where it was read
    before. Raises UnknownMember (404), NoActivePolicy (409). Source: as `tier_status`.
    """
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    zone = await _time_zone(tx, member_id)
    status = known or await tier_status(tx, configuration, member_id, as_of)
    change = status.why
    terms = configuration.policy_of_version(status.policy_version if change is None else change.policy_version)
    return Explanation(
        about="tier",
        id=status.tier,
        member_id=member_id,
        policy_version=terms.version,
        effective_at=status.since,
        recorded_at=None if change is None else change.recorded_at,
        time_zone=zone,
        reasons=tuple(_tier(status, terms)),
        near=tuple(_next(status, configuration)),
        links=tuple(_of_change(member_id, change)),
    )


def _tier(status: TierStatus, terms: Policy) -> Iterator[Reason]:
    change = status.why
    if change is None:
        yield Reason("tier.first", {"tier": status.tier})
    else:
        yield tier_changed(change, terms)
        if change.from_tier != change.tier:
            rule = {"order": "tier.reached", "return": "tier.lost"}.get(change.cause, "tier.reviewed")
            yield Reason(rule, {"from_tier": change.from_tier, "tier": change.tier})
    yield Reason("tier.standing", {"tier": status.tier, "metric": status.metric, "window_days": status.window_days})
    if status.review_at is not None and not status.in_grace:
        yield Reason("tier.review", {"review_at": status.review_at, "projected_tier": status.projected_tier})


def tier_changed(change: TierChange, terms: Policy) -> Reason:
    """Return why a tier changed; `terms` is the policy that decided."""
    thresholds = {rule.code: rule.threshold for rule in terms.tier.tiers}
    return Reason(
        "tier.by_undo" if is_undoing(change) else TIERS[change.cause],
        {
            "tier": change.tier,
            "metric": change.metric,
            "threshold": thresholds[change.tier],
            "window_days": terms.tier.window_days,
            "effective_at": change.effective_at,
            "reference": change.reference,
            "order_id": change.order_id,
            "return_id": change.reference.rpartition(":return:")[2] if change.cause == "return" else None,
        },
    )


def _next(status: TierStatus, configuration: Configuration) -> Iterator[Reason]:
    policy = configuration.policy_of_version(status.policy_version).tier
    if status.in_grace and status.review_at is not None:
        missing = max(policy.tiers[status.rank].threshold - status.metric, 0)
        yield Reason("tier.grace", {"review_at": status.review_at, "missing": missing})
    if status.next_tier is None:
        yield Reason("tier.top", {"tier": status.tier})
    else:
        yield Reason(
            "tier.next",
            {"next_tier": status.next_tier, "missing": status.missing, "window_days": status.window_days},
        )


def _of_change(member_id: UUID, change: TierChange | None) -> Iterator[Link]:
    if change is not None and change.order_id is not None:
        yield to_order(change.order_id)
    yield Link("balance", "growth", f"{of_member(member_id)}/wallets/growth/explain")


# --- holds and corrections --------------------------------------------------------------------------------------------


async def explain_hold(tx: Transaction, configuration: Configuration, member_id: UUID, hold_id: UUID) -> Explanation:
    """Say why units are held, or how their hold ended. Raises UnknownHold (404). Source: as `hold`."""
    found = await hold(tx, member_id, hold_id)
    policy = await _policy(tx, configuration, found.placed_at)
    reasons = [
        Reason(
            HOLDS[found.state],
            {
                "wallet": found.wallet,
                "amount": found.amount,
                "posted": found.posted,
                "purpose": found.purpose,
                "deadline_at": found.deadline,
                "ended_at": found.ended_at,
                "reason": found.reason.rstrip(".。 ") or None,
            },
        ),
        Reason("hold.placed", {"placed_at": found.placed_at, "lots": len(found.lots)}),
    ]
    if found.released:
        reasons.append(Reason("hold.released", {"released": found.released}))
    links = [to_lot(member_id, part.lot_no) for part in found.lots[:PARTS_TOLD]]
    if found.transfer_no is not None:
        links.insert(0, to_transfer(member_id, found.transfer_no))
    return Explanation(
        about="hold",
        id=public_id("hld", hold_id),
        member_id=member_id,
        policy_version=None if policy is None else policy.version,
        effective_at=found.ended_at or found.placed_at,
        recorded_at=found.placed_at,
        time_zone=await _time_zone(tx, member_id),
        reasons=tuple(reasons),
        links=tuple(links),
    )


async def explain_request(
    tx: Transaction, configuration: Configuration, member_id: UUID, request_id: UUID
) -> Explanation:
    """Say why a correction waits, or who answered it and how; by the limit of the policy when it was asked for.

    Raises UnknownRequest (404). Source: adjustment_requests, adjustment_answers.
    """
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    found = await adjustment_request(tx, member_id, request_id)
    terms = configuration.policy_of_version(found.policy_version).adjustments
    reasons = [
        Reason(
            REQUESTS[found.state],
            {
                "wallet": found.wallet,
                "amount": found.amount,
                "reason": found.reason.rstrip(".。 "),
                "asked_by": found.asked_by,
                "answered_by": found.answered_by,
                "expires_at": found.expires_at,
            },
        ),
    ]
    if terms.approve_above is not None or terms.alone_per_day is None:
        reasons.append(Reason("correction.limit", {"limit": terms.approve_above, "answer_days": terms.answer_days}))
    if terms.alone_per_day is not None:
        reasons.append(Reason("correction.day", {"limit": terms.alone_per_day, "answer_days": terms.answer_days}))
    if found.note:
        reasons.append(Reason("correction.note", {"note": found.note.rstrip(".。 ")}))
    links = [] if found.transfer_no is None else [to_transfer(member_id, found.transfer_no)]
    near = []
    if terms.approve_above is not None and abs(found.amount) > terms.approve_above:
        near.append(Reason("correction.over", {"over": abs(found.amount) - terms.approve_above}))
    return Explanation(
        about="adjustment_request",
        id=to_request(member_id, request_id).id,
        member_id=member_id,
        policy_version=found.policy_version,
        effective_at=found.answered_at or found.asked_at,
        recorded_at=found.answered_at or found.asked_at,
        time_zone=await _time_zone(tx, member_id),
        reasons=tuple(reasons),
        near=tuple(near),
        links=tuple(links),
    )


async def _policy(tx: Transaction, configuration: Configuration, at: datetime) -> Policy | None:
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    return active_at(configuration.policies, at)


async def _time_zone(tx: Transaction, member_id: UUID) -> str:
    """Return the time zone of a member's books; without books there is nothing to be told in one."""
    return await store.time_zone(tx, member_id) or _NOWHERE
