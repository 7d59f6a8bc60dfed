"""The roll of members: who there is, with tier and balance; and how each came to a tier."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from regulars.loyalty.contracts import RollEntry, TierChange
from regulars.loyalty.merging.naming import tier_changes_told
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.service import Configuration
from regulars.loyalty.roll import store
from regulars.loyalty.tiers.rules import code_of, held
from regulars.platform.db.transaction import Rows, Transaction


async def roll(
    tx: Transaction,
    configuration: Configuration,
    *,
    market: str | None = None,
    stores: Sequence[str] | None = None,
    tier: str | None = None,
    tier_on: date | None = None,
    first: date | None = None,
    last: date | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 25,
) -> list[RollEntry]:
    """Return members, the last to sign up first; see `loyalty.api`."""
    policy = await _policy(tx, configuration)
    rows = await store.read_page(
        tx,
        wallet=policy.spending_wallet,
        market=market,
        stores=stores,
        rank=None if tier is None else _rank(policy, tier),
        and_above=tier is not None and _stands_for_more(configuration, policy, tier),
        tier_on=tier_on,
        days=(first, last),
        before=after,
        limit=limit,
    )
    return _entries(policy, rows)


async def roll_of(tx: Transaction, configuration: Configuration, member_ids: Sequence[UUID]) -> list[RollEntry]:
    """Return the entries of members by their ids; unknown ids are left out."""
    policy = await _policy(tx, configuration)
    return _entries(policy, await store.read_named(tx, policy.spending_wallet, member_ids))


async def tier_history(
    tx: Transaction, configuration: Configuration, member_id: UUID, limit: int = 50
) -> list[TierChange]:
    """Return how a member came to each tier, the last first."""
    await _follow(tx, configuration)
    rows = await tier_changes_told(tx, member_id, await store.read_tier_changes(tx, member_id, limit))
    return [
        TierChange(
            tier=code_of(configuration.policy_of_version(version).tier, after),
            from_tier=code_of(configuration.policy_of_version(version).tier, before),
            cause=cause,
            reference=reference,
            metric=metric,
            policy_version=version,
            effective_at=effective_at,
            recorded_at=recorded_at,
        )
        for before, after, cause, reference, metric, version, effective_at, recorded_at in rows
    ]


async def _policy(tx: Transaction, configuration: Configuration) -> Policy:
    await _follow(tx, configuration)
    return configuration.policy_at(tx.now)


async def _follow(tx: Transaction, configuration: Configuration) -> None:
    await configuration.follow(tx, (await tx.read(configuration.question))[0])


def _rank(policy: Policy, tier: str) -> int:
    return [rule.code for rule in policy.tier.tiers].index(tier)


def _stands_for_more(configuration: Configuration, policy: Policy, tier: str) -> bool:
    """Return whether stored ranks above a tier's own show as it: of the highest, where a policy had more."""
    most = max([len(each.tier.tiers) for each in configuration.policies])
    return tier == policy.tier.tiers[-1].code and most > len(policy.tier.tiers)


def _entries(policy: Policy, rows: Rows) -> list[RollEntry]:
    return [
        RollEntry(
            member_id,
            market,
            channel,
            store_id,
            signed_up_at,
            code_of(policy.tier, rank),
            held(policy.tier, rank),
            balance,
            debt,
        )
        for member_id, market, channel, store_id, signed_up_at, rank, balance, debt in rows
    ]
