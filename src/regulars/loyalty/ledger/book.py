"""A member's ledger in memory: what a batch decides on, and the journal of what it decided.

Every verb first checks, then posts, so that a refusal leaves nothing. Deciding one command after the other on the
book is what makes a batch of N the same as N singles; `store.py` loads books and writes journals set-based.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from regulars.loyalty.contracts import TierCause, TransferKind
from regulars.loyalty.ledger.basis import basis
from regulars.loyalty.ledger.entries import (
    ACCOUNTS_PER_WALLET,
    EXPIRED,
    Ended,
    Hold,
    HoldEnd,
    Journal,
    Lot,
    LotUse,
    Settlement,
    Take,
    WalletState,
)
from regulars.loyalty.policy.contracts import AnniversaryReview, Policy, Turn
from regulars.loyalty.policy.service import Wallet
from regulars.loyalty.tiers import rules as tiers
from regulars.members.contracts.refusals import MemberGone

Role = Literal["survivor", "absorbed"]
Step = Literal["joined", "parted"]


class TierStanding(NamedTuple):
    """A tier as a book holds it: since when, when it is looked at again, and up to which version."""

    tier: int
    since: datetime | None
    review_at: datetime | None
    in_grace: bool
    policy_seen: int


class Rulebook(Protocol):
    """The policies as a book asks for them."""

    turns: list[Turn]

    def policy_at(self, at: datetime) -> Policy:
        """Return the policy in force at an instant."""
        ...

    def open_from(self, time_zone: str) -> datetime | None:
        """Return the instant before which nothing is recorded any more; None: there is none."""
        ...

    def wallet_of(self, wallet_id: int) -> Wallet:
        """Return a wallet by its number."""
        ...


@dataclass(slots=True)
class Book:
    """One member's ledger. `closed_at` is set where the member was erased: nothing new comes in.

    `merged_into` names the member into whose books, by the merge `merged_by`, everything went: what comes is posted
    there, returns of older orders pass through, and the tier rests until the merge is undone. `has_forwards` says that
    something was posted so: it is found by `ledger_forwards`, now and later.

    `ageing` is a heap of what leaves the window while the batch is decided. Only where the length of the window
    changes meanwhile are all `entries` of the longest one there, and the metric is summed up anew at each instant.
    """

    member_id: UUID
    time_zone: str
    rulebook: Rulebook
    journal: Journal
    next_seq: int = 1
    last_recorded_at: datetime | None = None
    tier: int = 0
    tier_since: datetime | None = None
    review_at: datetime | None = None
    in_grace: bool = False
    window_sum: int = 0
    window_at: datetime | None = None
    window_oldest_at: datetime | None = None
    window_days: int = 0
    policy_seen: int = 0
    hold_until: datetime | None = None
    closed_at: datetime | None = None
    merged_into: UUID | None = None
    merged_by: UUID | None = None
    has_forwards: bool = False
    wallets: dict[int, WalletState] = field(default_factory=dict)
    lots: dict[int, Lot] = field(default_factory=dict)
    settlements: dict[str, Settlement] = field(default_factory=dict)
    uses: dict[int, list[LotUse]] = field(default_factory=dict)
    ageing: list[tuple[datetime, int]] = field(default_factory=list)
    entries: list[tuple[datetime, int]] | None = None
    measured_at: datetime | None = None
    stored_lots: dict[int, int] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    changed: bool = False

    def require_open(self) -> "Book":
        """Return it, open for new facts. Raises MemberGone: returns of what was bought before still settle."""
        if self.closed_at is not None:
            raise MemberGone(pointer="/member_id")
        return self

    # --- time -------------------------------------------------------------------------------------------------------

    def begin(self, at: datetime) -> datetime:
        """Return the instant at which a command is recorded: never before what is in the book, nor in a closed month.

        Reviews that time has brought on by then are applied first, each at its own instant; so is a policy that
        changes tiers or their reviews. Holds whose deadline has come end after them, and are recorded now: they move
        units, and what was told of an instant that is over stays true.
        """
        now = at if self.last_recorded_at is None or at >= self.last_recorded_at else self.last_recorded_at
        open_from = self.rulebook.open_from(self.time_zone)
        if open_from is not None and now < open_from:
            now = open_from
        for turn in self.rulebook.turns if self.merged_into is None else ():
            if turn.version > self.policy_seen and turn.at <= now:
                self._turn(turn)
        while self.review_at is not None and self.review_at <= now and self.merged_into is None:
            self._review(self.review_at)
        if self.holds:
            self._time_out(now)
        return now

    def awaits(self, at: datetime) -> bool:
        """Return whether time has decided of the tier by `at` what is not in the book yet, while nothing later is."""
        if self.merged_into is not None or (self.last_recorded_at is not None and self.last_recorded_at > at):
            return False
        if self.review_at is not None and self.review_at <= at:
            return True
        return any(turn.version > self.policy_seen and turn.at <= at for turn in self.rulebook.turns)

    def growth_at(self, at: datetime) -> int:
        """Return the qualifying metric in the window `(at - window, at]`; `at` never goes back."""
        if self.entries is not None:
            return self._measured(max(at, self.window_at or at))
        if self.window_at is None or at > self.window_at:
            edge = at - timedelta(days=self.window_days)
            ageing = self.ageing
            if self.window_oldest_at is not None and self.window_oldest_at <= edge:
                while ageing and ageing[0][0] <= edge:
                    self.window_sum -= heappop(ageing)[1]
                self.window_oldest_at = edge  # all that is left in the window is younger; how much, nobody asked
            self.window_at = at
            self.changed = True
        return self.window_sum

    def _measured(self, at: datetime) -> int:
        """Return the metric summed up from every entry, in the window that the policy of that instant prescribes."""
        self.window_days = self.rulebook.policy_at(at).tier.window_days
        edge = at - timedelta(days=self.window_days)
        self.window_sum = sum([change for effective_at, change in self.entries or () if edge < effective_at <= at])
        self.window_oldest_at = edge
        self.window_at = self.measured_at = at
        self.changed = True
        return self.window_sum

    def grow(self, now: datetime, effective_at: datetime, change: int) -> None:
        """Count a change of the qualifying metric, in the window of its own time."""
        if self.entries is not None:
            self.entries.append((effective_at, change))
            if self.measured_at != now or self.window_oldest_at is None:
                self._measured(now)
            elif self.window_oldest_at < effective_at <= now:
                self.window_sum += change
            return
        self.growth_at(now)
        if effective_at > now - timedelta(days=self.window_days):
            self.window_sum += change
            heappush(self.ageing, (effective_at, change))
            if self.window_oldest_at is None or effective_at < self.window_oldest_at:
                self.window_oldest_at = effective_at

    # --- tiers ------------------------------------------------------------------------------------------------------

    def _turn(self, turn: Turn) -> None:
        """Let a policy come into force: who deserves more by it rises at its instant; nobody falls before a review."""
        while self.review_at is not None and self.review_at < turn.at:
            self._review(self.review_at)
        self.policy_seen = turn.version
        self.changed = self.changed or self.tier > 0
        if turn.lifts and self.window_at is not None:
            deserved = tiers.tier_of(turn.policy.tier, self.growth_at(turn.at))
            if deserved > self.tier:
                self.change_tier(deserved, "policy", f"policy:{turn.version}", turn.at, turn.at)
                return
        if turn.reviews:
            self._reschedule(turn.policy, turn.at)

    def _reschedule(self, policy: Policy, at: datetime) -> None:
        """Let a policy that comes into force decide when this member is reviewed next."""
        self.policy_seen = policy.version
        self.in_grace = False
        since = self.tier_since or at
        self.review_at = tiers.first_review_from(policy.tier, self.tier, since, at, self.time_zone)
        self.changed = self.changed or self.tier > 0

    def _review(self, at: datetime) -> None:
        policy = self.rulebook.policy_at(at).tier
        metric = self.growth_at(at)
        deserved = tiers.tier_of(policy, metric)
        review = policy.review
        if isinstance(review, AnniversaryReview):
            if deserved < self.tier and not self.in_grace and review.grace_days:
                self.in_grace = True
                self.review_at = at + timedelta(days=review.grace_days)
                self.changed = True
                return
            deserved = min(deserved, self.tier)
        if deserved != self.tier:
            self.change_tier(deserved, "review", f"review:{at.isoformat()}", at, at)
        else:
            self.in_grace = False
            self.review_at = tiers.next_review(policy, self.tier, at, self.time_zone)
            self.changed = True

    def change_tier(self, rank: int, cause: TierCause, reference: str, effective_at: datetime, now: datetime) -> None:
        """Move to another tier and schedule its review."""
        policy = self.rulebook.policy_at(now)
        seq = self._next(now)
        self.journal.tier_changes.append(
            (
                self.member_id,
                seq,
                self.tier,
                rank,
                cause,
                reference,
                self.window_sum,
                policy.version,
                effective_at,
                self.last_recorded_at,
            )
        )
        self.tier = rank
        self.tier_since = effective_at
        self.in_grace = False
        self.review_at = tiers.next_review(policy.tier, rank, effective_at, self.time_zone)

    def fall(self, before: int, cause: TierCause, reference: str, now: datetime) -> None:
        """Downgrade at once when the metric no longer deserves the tier that it did before (rank `before`)."""
        if self.merged_into is not None:
            return
        deserved = tiers.tier_of(self.rulebook.policy_at(now).tier, self.growth_at(now))
        if deserved < before and deserved < self.tier:
            self.change_tier(deserved, cause, reference, now, now)

    def rise(self, policy: Policy, cause: TierCause, reference: str, now: datetime) -> None:
        """Upgrade at once when the metric deserves it."""
        deserved = tiers.tier_of(policy.tier, self.growth_at(now))
        if deserved > self.tier:
            self.change_tier(deserved, cause, reference, now, now)

    def weigh(self, before: int, cause: TierCause, reference: str, now: datetime) -> None:
        """Rise or fall at once after units were moved in or out; the metric deserved the rank `before`."""
        policy = self.rulebook.policy_at(now)
        if self.merged_into is None and tiers.tier_of(policy.tier, self.growth_at(now)) > self.tier:
            self.rise(policy, cause, reference, now)
        else:
            self.fall(before, cause, reference, now)

    def resume(self, standing: TierStanding, reference: str, now: datetime) -> None:
        """Hold what a merge that is undone now had changed: the tier, since when, and when it is looked at again.

        It is written down also where the tier is the same and held since another day: by what was told until now, it
        came of the merge.
        """
        if (standing.tier, standing.since) != (self.tier, self.tier_since):
            self.growth_at(now)
            self.change_tier(standing.tier, "merge", reference, standing.since or now, now)
        self.tier_since, self.review_at, self.in_grace, self.policy_seen = standing[1:]
        self.changed = True

    def standing(self) -> TierStanding:
        """Return the tier as it is held."""
        return TierStanding(self.tier, self.tier_since, self.review_at, self.in_grace, self.policy_seen)

    # --- merges -----------------------------------------------------------------------------------------------------

    def join(self, role: Role, step: Step, merge_id: UUID, other: UUID, now: datetime) -> None:
        """Note that these books and another's became one, or two again; `role` is what this member is in that."""
        seq = self._next(now)
        self.journal.joinings.append((self.member_id, seq, merge_id, step, role, other, self.last_recorded_at))

    # --- wallets and lots -------------------------------------------------------------------------------------------

    def wallet(self, wallet_id: int) -> WalletState:
        """Return the state of a wallet, empty at first."""
        state = self.wallets.get(wallet_id)
        if state is None:
            state = self.wallets[wallet_id] = WalletState()
        return state

    def spendable_lots(self, wallet_id: int, now: datetime) -> list[Lot]:
        """Return the matured, unexpired lots with something free, in the order in which they are spent."""
        found = [
            lot
            for lot in self.lots.values()
            if lot.remaining > lot.held and lot.wallet_id == wallet_id and lot.available_at <= now < lot.expires_at
        ]
        found.sort(key=Lot.spending_order)
        return found

    def post(
        self,
        wallet: Wallet,
        kind: TransferKind,
        amount: int,
        *,
        into: bool,
        counter: int,
        reference: str,
        now: datetime,
        effective_at: datetime,
        policy: Policy,
        basis: str,
        order_id: str | None = None,
        debt_change: int = 0,
    ) -> int:
        """Append one double-entry row and move the balance; returns its `seq`. `amount` is above 0."""
        seq = self._next(now)
        member_account = wallet.wallet_id * ACCOUNTS_PER_WALLET
        programme_account = member_account + counter
        state = self.wallet(wallet.wallet_id)
        state.balance += amount if into else -amount
        state.debt += debt_change
        self.journal.transfers.append(
            (
                self.member_id,
                seq,
                wallet.wallet_id,
                kind,
                programme_account if into else member_account,
                member_account if into else programme_account,
                amount,
                state.balance,
                debt_change,
                wallet.qualifying,
                reference,
                order_id,
                effective_at,
                self.last_recorded_at,
                policy.version,
                basis,
            )
        )
        if wallet.qualifying:
            self.grow(now, effective_at, amount if into else -amount)
        return seq

    def open_lot(
        self,
        seq: int,
        wallet_id: int,
        amount: int,
        *,
        earned_at: datetime,
        available_at: datetime,
        expires_at: datetime,
        order_id: str | None,
    ) -> Lot:
        """Add the lot that the transfer `seq` brought; its number is the transfer's."""
        lot = Lot(seq, wallet_id, amount, amount, earned_at, available_at, expires_at, order_id)
        self.lots[seq] = lot
        return lot

    def take(self, seq: int, takes: Sequence[Take]) -> list[LotUse]:
        """Take units from lots for the transfer `seq`, and say so in append-only rows."""
        uses = []
        for number, (lot, amount) in enumerate(takes):
            lot.remaining -= amount
            self.journal.lot_uses.append((self.member_id, seq, number, lot.lot_no, amount, 0, None))
            uses.append(LotUse(lot.lot_no, amount))
        return uses

    # --- holds ------------------------------------------------------------------------------------------------------

    def keep(self, hold: Hold) -> None:
        """Let an open hold keep its parts of the lots."""
        self.holds[hold.hold_id] = hold
        for lot_no, amount in hold.parts:
            self.lots[lot_no].held += amount
        self._look_at_deadlines()

    def place_hold(self, hold: Hold, now: datetime, command_hash: bytes) -> None:
        """Number a new hold, and keep what it asks for."""
        hold.seq = self._next(now)
        hold.placed_at = now
        self.keep(hold)
        self.journal.holds.append((self.member_id, hold, command_hash))

    def release(self, hold: Hold) -> None:
        """Give free what a hold keeps: it is about to end."""
        del self.holds[hold.hold_id]
        for lot_no, amount in hold.parts:
            self.lots[lot_no].held -= amount
        self._look_at_deadlines()

    def end_hold(
        self,
        hold: Hold,
        how: Ended,
        at: datetime,
        *,
        left: Sequence[Take],
        effective_at: datetime | None = None,
        posted: int = 0,
        transfer_seq: int | None = None,
        reason: str = "",
    ) -> None:
        """Note how a released hold ended; what is `left` of lots that ran out meanwhile expires with it."""
        effective_at = effective_at or at
        late = [take for take in left if take.lot.expires_at <= effective_at]
        expired, expire_seq = sum([take.amount for take in late]), None
        if late:
            expire_seq = self.post(
                self.rulebook.wallet_of(hold.wallet_id),
                "expire",
                expired,
                into=False,
                counter=EXPIRED,
                reference=f"hold:{hold.hold_id.hex}:expire",
                now=at,
                effective_at=effective_at,
                policy=self.rulebook.policy_at(at),
                basis=basis(purpose=hold.purpose),
            )
            self.take(expire_seq, late)
        seq = self._next(at)
        self.journal.hold_ends.append(
            HoldEnd(
                self.member_id,
                hold,
                seq,
                how,
                posted,
                transfer_seq,
                expired,
                expire_seq,
                reason,
                effective_at,
                self.last_recorded_at or at,
            )
        )

    def _time_out(self, now: datetime) -> None:
        """End the holds whose deadline has come by now: effective at it, and recorded now."""
        for hold in sorted(self.holds.values(), key=lambda each: (each.deadline, each.seq)):
            if hold.deadline <= now:
                self.release(hold)
                left = [Take(self.lots[lot_no], amount) for lot_no, amount in hold.parts]
                self.end_hold(hold, "timed_out", now, left=left, effective_at=hold.deadline)

    def _look_at_deadlines(self) -> None:
        self.hold_until = min([hold.deadline for hold in self.holds.values()], default=None)

    def _next(self, now: datetime) -> int:
        if self.last_recorded_at is None or now > self.last_recorded_at:
            self.last_recorded_at = now
        seq = self.next_seq
        self.next_seq = seq + 1
        self.changed = True
        return seq
