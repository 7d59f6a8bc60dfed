"""Verbs of policies and wallets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from msgspec import structs

from regulars.domain_events.loyalty import PolicyScheduled, PolicyWithdrawn
from regulars.loyalty.policy import rules, store
from regulars.loyalty.policy.contracts import Appending, Policy, PolicyVersion, Turn, VersionState, WalletRule
from regulars.loyalty.policy.errors import (
    InstantBeforeLatest,
    InstantDecided,
    InstantInClosedMonth,
    InstantTooFar,
    InstantTooNear,
    NoActivePolicy,
    UnknownVersion,
    UnknownWallet,
    VersionInForce,
    VersionWithdrawn,
    WalletDiffers,
    WalletImpossible,
)
from regulars.platform.clock import Clock
from regulars.platform.db.transaction import Rows, Statement, Transaction

# A version begins so long after it is scheduled, and is withdrawn so long before it begins; what is left of that when
# its transaction is about to end must cover the commit, and clocks of machines that differ.
NOTICE: Final = timedelta(minutes=1)
LAST_NOTICE: Final = timedelta(seconds=20)
LONGEST_NOTICE: Final = timedelta(days=3_660)  # what lies near the end of time is no instant in every zone
NOBODY: Final = Appending()


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
    turns: list[Turn] = field(default_factory=list)
    came_at: datetime | None = None
    longest_window_days: int = 0
    closed_month: date | None = None
    arrived: int = 0
    known: tuple[int, int, date | None, int, int] = (-1, -1, None, -1, -1)
    families: dict[UUID, UUID] = field(default_factory=dict)

    question: Statement = store.LATEST_VERSION

    async def follow(self, tx: Transaction, answer: Rows) -> None:
        """Take over what is new, given the rows that `question` returned in this transaction."""
        latest = (answer[0][0], answer[0][1], answer[0][2], answer[0][3], answer[0][4])
        if latest == self.known:
            return
        closed = latest[2]
        if closed is not None and (self.closed_month is None or closed > self.closed_month):
            self.closed_month = closed  # never back: of two batches under way one may have asked before the other
        self.arrived = max(self.arrived, latest[4])
        policies, lifting = await store.read_policies(tx), await store.read_lifting(tx)
        self.wallets = {row[1]: Wallet(*row) for row in await store.read_wallets(tx)}
        self.wallet_codes = {wallet.wallet_id: wallet.code for wallet in self.wallets.values()}
        self.take_over(policies, lifting)
        self.known = latest

    def learn(self, merged: Mapping[UUID, UUID]) -> None:
        """Remember who was seen to be part of whom: who ever was stays of one family."""
        for member_id, into in merged.items():
            one, other = self.family_of(member_id), self.family_of(into)
            if one != other:
                self.families[one] = other

    def family_of(self, member_id: UUID) -> UUID:
        """Return one id for all who are, or were, part of each other, as far as this process has seen it."""
        while (further := self.families.get(member_id)) is not None:
            member_id = further
        return member_id

    def take_over(self, policies: list[Policy], lifting: frozenset[int]) -> None:
        """Decide by these versions; those of `lifting` lift, when they come, whoever then deserves more."""
        self.policies = policies
        self.window_changes = [
            later.active_from
            for earlier, later in pairwise(policies)
            if later.active_from is not None and later.tier.window_days != earlier.tier.window_days
        ]
        self.turns = rules.turns_of(policies, lifting)
        self.came_at = max([turn.at for turn in self.turns if turn.version <= self.arrived], default=None)
        self.longest_window_days = max([policy.tier.window_days for policy in policies], default=0)

    def turn_version(self, at: datetime) -> int:
        """Return the latest version in force at an instant that changed tiers or their reviews; 0 for none."""
        return max([turn.version for turn in self.turns if turn.at <= at], default=0)

    def open_from(self, time_zone: str) -> datetime | None:
        """Return the instant from which books of a time zone are open; None: ever.

        It is the end of the last closed month, or the instant of the last version for which members are gone through:
        who is booked now, however late, is decided by it.
        """
        closed = self.closed_month
        ended = None if closed is None else rules.month_start(closed.year, closed.month, time_zone)
        came = self.came_at
        return ended if came is None or (ended is not None and ended > came) else came

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
        """Return a version by its number; one that was withdrawn has decided nothing."""
        policies = self.policies
        if version <= len(policies) and policies[version - 1].version == version:
            return policies[version - 1]
        return next(policy for policy in policies if policy.version == version)

    def wallet(self, code: str) -> Wallet:
        """Return the wallet with this code."""
        try:
            return self.wallets[code]
        except KeyError:
            raise UnknownWallet(pointer="/wallet", wallet=code, wallets=", ".join(self.wallets)) from None


class Supposed(Configuration):
    """Policies as they are not: what was put in stays, whatever the database says."""

    async def follow(self, tx: Transaction, answer: Rows) -> None:
        """Take over nothing."""


async def supposed(tx: Transaction, policies: list[Policy], *, lifting: int | None = None) -> Configuration:
    """Return the configuration as if these were the versions; `lifting` is one that lifts as new ones do."""
    real = Configuration()
    await real.follow(tx, (await tx.read(real.question))[0])
    made = Supposed(wallets=real.wallets, wallet_codes=real.wallet_codes, closed_month=real.closed_month)
    made.arrived = real.arrived
    made.take_over(policies, await store.read_lifting(tx) | ({lifting} if lifting is not None else frozenset()))
    return made


async def activate_policy(tx: Transaction, policy: Policy, active_from: datetime, by: Appending = NOBODY) -> Policy:
    """Append `policy` as the next version, in force from `active_from`; the same latest document is not repeated.

    Only an instant that no book has decided after is taken; `schedule_version` is the way while books are written.
    """
    await store.lock_policies(tx)
    existing = await store.read_policies(tx)
    latest = existing[-1] if existing else None
    rules.check(policy, await list_wallets(tx))
    if latest is not None:
        rules.check_succession(latest, policy)
        if structs.replace(policy, version=latest.version, active_from=active_from) == latest:
            return latest
        if latest.active_from is not None and active_from <= latest.active_from:
            raise InstantBeforeLatest(
                pointer="/active_from", version=latest.version, active_from=latest.active_from.isoformat()
            )
        until = await store.closed_until(tx)
        if until is not None and active_from < until:
            raise InstantInClosedMonth(
                pointer="/active_from", active_from=active_from.isoformat(), until=until.isoformat()
            )
        if await store.decided_after(tx, active_from):
            raise InstantDecided(pointer="/active_from", active_from=active_from.isoformat())
    version = await store.highest_version(tx) + 1
    appended = structs.replace(policy, version=version, active_from=active_from)
    store.insert_policy(tx, appended, tx.now, by)
    if active_from > tx.now:
        tx.publish(PolicyScheduled(member_id=None, recorded_at=tx.now, version=version, active_from=active_from))
    return appended


async def schedule_version(
    tx: Transaction, clock: Clock, policy: Policy, active_from: datetime, by: Appending = NOBODY
) -> Policy:
    """Append `policy` as the next version while books are written: it must begin `NOTICE` from now at the earliest.

    A batch decides by the versions that are committed when it begins, at the instant at which it begins. So no book is
    decided by two versions as long as this is committed before `active_from`: the clock is looked at again after every
    lock was waited for. Raises InstantTooNear, InstantTooFar, and what `activate_policy` raises.
    """
    require_notice(active_from, tx.now, NOTICE)
    appended = await activate_policy(tx, policy, active_from, by)
    await tx.flush()
    require_notice(active_from, clock.now(), LAST_NOTICE)
    return appended


async def withdraw_version(tx: Transaction, clock: Clock, version: int, *, by: str, reason: str = "") -> PolicyVersion:
    """Take a version back whose instant is still to come; its number is not given again.

    Raises UnknownVersion (404), VersionWithdrawn, VersionInForce (409: it came, or comes within `NOTICE`).
    """
    await store.lock_policies(tx)
    found = await read_version(tx, version)
    if found.state == "withdrawn":
        raise VersionWithdrawn(version=version)
    at = found.active_from
    if at is None or at < tx.now + NOTICE:
        raise VersionInForce(version=version, active_from=at.isoformat() if at else "")
    remaining = [one for one in await store.read_policies(tx) if one.version != version]
    for earlier, later in pairwise(remaining):
        rules.check_succession(earlier, later)
    store.insert_withdrawal(tx, found, tx.now, by, reason)
    tx.publish(PolicyWithdrawn(member_id=None, recorded_at=tx.now, version=version))
    await tx.flush()
    if clock.now() + LAST_NOTICE > at:
        raise VersionInForce(version=version, active_from=at.isoformat())
    return await read_version(tx, version)


def require_notice(active_from: datetime, now: datetime, notice: timedelta) -> None:
    """Raise InstantTooNear where an instant is not so far ahead, InstantTooFar where it is more than ten years."""
    require_reach(active_from, now)
    if active_from < now + notice:
        raise InstantTooNear(
            pointer="/active_from",
            active_from=active_from.isoformat(timespec="seconds"),
            now=now.isoformat(timespec="seconds"),
            seconds=int(NOTICE.total_seconds()),
        )


def require_reach(active_from: datetime, now: datetime) -> None:
    """Raise InstantTooFar where an instant is more than ten years ahead."""
    if active_from > (latest := now + LONGEST_NOTICE):
        raise InstantTooFar(
            pointer="/active_from",
            active_from=active_from.isoformat(timespec="seconds"),
            latest=latest.isoformat(timespec="seconds"),
        )


async def read_versions(tx: Transaction) -> list[PolicyVersion]:
    """Return every version with its state at this instant, the oldest first; those that were withdrawn too."""
    rows = await store.read_versions(tx)
    living = [policy.active_from for policy, columns in rows if columns[5] is None and policy.active_from is not None]
    return [_with_state(policy, columns, living, tx.now) for policy, columns in rows]


async def read_version(tx: Transaction, version: int) -> PolicyVersion:
    """Return one version. Raises UnknownVersion (404)."""
    for found in await read_versions(tx):
        if found.version == version:
            return found
    raise UnknownVersion(version=version)


def _with_state(policy: Policy, columns: tuple[Any, ...], living: Sequence[datetime], now: datetime) -> PolicyVersion:
    recorded_at, name, by, approved_by, reason, withdrawn_at, withdrawn_by, because = columns
    since = policy.active_from or recorded_at
    until = min([at for at in living if at > since], default=None)
    state: VersionState = "retired"
    if withdrawn_at is not None:
        state, until = "withdrawn", None
    elif since > now:
        state = "scheduled"
    elif until is None or until > now:
        state = "active"
    return PolicyVersion(
        **{field: getattr(policy, field) for field in Policy.__struct_fields__},
        state=state,
        active_until=until,
        recorded_at=recorded_at,
        name=name,
        scheduled_by=by,
        approved_by=approved_by,
        reason=reason,
        withdrawn_at=withdrawn_at,
        withdrawn_by=withdrawn_by or "",
        withdrawn_because=because or "",
    )


async def lock_versions(tx: Transaction) -> None:
    """Let nobody else append or withdraw a version until this transaction ends: what is read then stays the last."""
    await store.lock_policies(tx)


async def highest_version(tx: Transaction) -> int:
    """Return the highest number that a version ever got, withdrawn ones too; 0 before the first."""
    return await store.highest_version(tx)


async def list_policies(tx: Transaction) -> list[Policy]:
    """Return every version, the oldest first."""
    return await store.read_policies(tx)


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
