"""Verbs of policies and wallets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from msgspec import structs

from regulars.loyalty.policy import rules, store
from regulars.loyalty.policy.contracts import Policy, WalletRule
from regulars.loyalty.policy.errors import (
    NoActivePolicy,
    PolicyInvalid,
    UnknownWallet,
    WalletDiffers,
    WalletImpossible,
)
from regulars.platform.db.transaction import Rows, Statement, Transaction


@dataclass(frozen=True, slots=True)
class Wallet:
    """A kind of balance: qualifying wallets count for tiers, spendable ones have lots and pay."""

    wallet_id: int
    code: str
    qualifying: bool
    spendable: bool


@dataclass(slots=True)
class Configuration:
    """Policies, wallets and closed months as this process knows them; every batch asks whether that is the latest."""

    policies: list[Policy] = field(default_factory=list)
    wallets: dict[str, Wallet] = field(default_factory=dict)
    wallet_codes: dict[int, str] = field(default_factory=dict)
    window_changes: list[datetime] = field(default_factory=list)
    review_changes: list[Policy] = field(default_factory=list)
    longest_window_days: int = 0
    closed_month: date | None = None
    known: tuple[int, int, date | None] = (-1, -1, None)

    question: Statement = store.LATEST_VERSION

    async def follow(self, tx: Transaction, answer: Rows) -> None:
        """Take over what is new, given the rows that `question` returned in this transaction."""
        latest = (answer[0][0], answer[0][1], answer[0][2])
        if latest == self.known:
            return
        closed = latest[2]
        if closed is not None and (self.closed_month is None or closed > self.closed_month):
            self.closed_month = closed  # never back: of two batches under way one may have asked before the other
        self.policies = await store.read_policies(tx)
        self.wallets = {row[1]: Wallet(*row) for row in await store.read_wallets(tx)}
        self.wallet_codes = {wallet.wallet_id: wallet.code for wallet in self.wallets.values()}
        self.window_changes = [
            later.active_from
            for earlier, later in pairwise(self.policies)
            if later.active_from is not None and later.tier.window_days != earlier.tier.window_days
        ]
        self.review_changes = [
            later for earlier, later in pairwise(self.policies) if later.tier.review != earlier.tier.review
        ]
        self.longest_window_days = max([policy.tier.window_days for policy in self.policies], default=0)
        self.known = latest

    def review_version(self, at: datetime) -> int:
        """Return the latest version in force at an instant that reviews tiers otherwise than the one before; else 0."""
        return max([one.version for one in self.review_changes if one.active_from and one.active_from <= at], default=0)

    def open_from(self, time_zone: str) -> datetime | None:
        """Return the instant from which books of a time zone are open: the end of the last closed month; None: ever."""
        closed = self.closed_month
        return None if closed is None else rules.month_start(closed.year, closed.month, time_zone)

    def window_changes_within(self, after: datetime, until: datetime) -> bool:
        """Say whether a policy with a window of another length comes into force in `(after, until]`."""
        return any(after < change <= until for change in self.window_changes)

    def policy_at(self, at: datetime) -> Policy:
        """Return the policy in force at an instant."""
        policies = self.policies
        if policies and policies[-1].active_from is not None and policies[-1].active_from <= at:
            return policies[-1]
        policy = rules.active_at(policies, at)
        if policy is None:
            raise NoActivePolicy(at=at.isoformat())
        return policy

    def wallet_of(self, wallet_id: int) -> Wallet:
        """Return a wallet by its number."""
        return self.wallets[self.wallet_codes[wallet_id]]

    def policy_of_version(self, version: int) -> Policy:
        """Return a version by its number (from 1, without gaps)."""
        return self.policies[version - 1]

    def wallet(self, code: str) -> Wallet:
        """Return the wallet with this code."""
        try:
            return self.wallets[code]
        except KeyError:
            raise UnknownWallet(pointer="/wallet", wallet=code, wallets=", ".join(self.wallets)) from None


async def activate_policy(tx: Transaction, policy: Policy, active_from: datetime) -> Policy:
    """Append `policy` as the next version, in force from `active_from`; the same latest document is not repeated."""
    await store.lock_policies(tx)
    existing = await store.read_policies(tx)
    latest = existing[-1] if existing else None
    problem = rules.problems_of(policy) or rules.problem_of_wallets(policy, await list_wallets(tx))
    if problem is None and latest is not None:
        problem = rules.problem_of_succession(latest, policy)
    if problem is not None:
        raise PolicyInvalid(problem=problem)
    if latest is not None and structs.replace(policy, version=latest.version, active_from=active_from) == latest:
        return latest
    if latest is not None and latest.active_from is not None and active_from <= latest.active_from:
        raise PolicyInvalid(problem="a further version must begin after the latest one")
    if latest is not None and await store.decided_after(tx, active_from):
        raise PolicyInvalid(problem="the books have already decided by the policy before, after that instant")
    version = 1 if latest is None else latest.version + 1
    appended = structs.replace(policy, version=version, active_from=active_from)
    store.insert_policy(tx, appended, tx.now)
    return appended


async def list_policies(tx: Transaction) -> list[Policy]:
    """Return every version, the oldest first."""
    return await store.read_policies(tx)


def version_in_force(versions: list[Policy], at: datetime) -> int | None:
    """Return the number of the version that decides at an instant; None before the first."""
    found = rules.active_at(versions, at)
    return None if found is None else found.version


async def policy_in_force(tx: Transaction, configuration: Configuration) -> Policy | None:
    """Return the policy that decides now; None before the first. `configuration` takes over what is new."""
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    return rules.active_at(configuration.policies, tx.now)


async def list_wallets(tx: Transaction) -> list[WalletRule]:
    """Return every wallet, in the order in which they were defined."""
    return [
        WalletRule(code=code, qualifying=qualifying, spendable=spendable)
        for _, code, qualifying, spendable in await store.read_wallets(tx)
    ]


async def define_wallets(tx: Transaction, wallets: Sequence[WalletRule]) -> list[WalletRule]:
    """Define wallets, and return those that are new; defining one again in the same way changes nothing.

    Raises WalletDiffers for one that exists with another meaning, WalletImpossible for one that cannot be.
    """
    await store.lock_wallets(tx)
    rows = await store.read_wallets(tx)
    highest = max([row[0] for row in rows], default=0)
    known = {row[1]: WalletRule(code=row[1], qualifying=row[2], spendable=row[3]) for row in rows}
    defined: list[WalletRule] = []
    for wallet in wallets:
        if known.get(wallet.code, wallet) != wallet:
            raise WalletDiffers(wallet=wallet.code)
        if (problem := rules.problem_of_wallet(wallet, known.values())) is not None:
            raise WalletImpossible(wallet=wallet.code, problem=problem)
        if wallet.code not in known:
            known[wallet.code] = wallet
            defined.append(wallet)
            wallet_id = highest + len(defined)
            store.upsert_wallet(tx, wallet_id, wallet.code, qualifying=wallet.qualifying, spendable=wallet.spendable)
    return defined


def define_standard_wallets(tx: Transaction) -> None:
    """Define `points` (spendable) and `growth` (qualifying) in a fresh database."""
    store.upsert_wallet(tx, 1, "points", qualifying=False, spendable=True)
    store.upsert_wallet(tx, 2, "growth", qualifying=True, spendable=False)
