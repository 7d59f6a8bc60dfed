"""What policies are, in plain Python: versions, drafts, who may do what, and what was decided by whom and when.

It knows nothing of the product but what its refusals are called.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

NOTICE = timedelta(minutes=1)
LADDERS = ((1_000, 2_500, 5_000), (300, 900, 2_000), (4_000, 6_000, 8_000))
MULTIPLIERS = (1, 1, 2, 3)


class Terms(NamedTuple):
    """What a policy says, as far as it matters here: `more` is how many tiers were put on top."""

    minor: int
    ladder: int
    two: bool
    more: int

    def thresholds(self) -> list[int]:
        floors = LADDERS[self.ladder]
        return [0, *floors, *[floors[-1] + 1_000 * (number + 1) for number in range(self.more)]]

    def multipliers(self) -> list[int]:
        return [*MULTIPLIERS, *[4 for _ in range(self.more)]]

    def deserved(self, growth: int) -> int:
        return max(rank for rank, floor in enumerate(self.thresholds()) if growth >= floor)


@dataclass
class Version:
    number: int
    terms: Terms
    at: datetime
    recorded_at: datetime
    by: str
    approved_by: str
    withdrawn: bool = False


@dataclass
class Draft:
    """A draft as everybody sees it; `revisions` is all that it said: terms, and who wrote them."""

    revisions: list[tuple[Terms, str]]
    based_on: int
    state: str = "draft"
    proposed_by: str = ""
    proposed_for: datetime | None = None
    version: int | None = None

    @property
    def terms(self) -> Terms:
        return self.revisions[-1][0]

    @property
    def writer(self) -> str:
        return self.revisions[-1][1]

    @property
    def revision(self) -> int:
        return len(self.revisions)

    @property
    def people(self) -> set[str]:
        return {self.proposed_by, self.writer}


@dataclass
class Rules:
    """Versions and drafts; each verb says by what it may be refused (any of these), or does it and says nothing."""

    versions: list[Version]
    now: datetime
    drafts: list[Draft] = field(default_factory=list)
    acts: list[tuple[str, str]] = field(default_factory=list)

    def living(self) -> list[Version]:
        return [one for one in self.versions if not one.withdrawn]

    def latest(self) -> Version:
        return self.living()[-1]

    def in_force(self, at: datetime) -> Version:
        return [one for one in self.living() if one.at <= at][-1]

    def state_of(self, version: Version) -> str:
        if version.withdrawn:
            return "withdrawn"
        if version.at > self.now:
            return "scheduled"
        return "active" if self.in_force(self.now) is version else "retired"

    def begin(self, who: str, terms: Terms, based_on: int) -> Draft:
        draft = Draft([(terms, who)], based_on)
        self.drafts.append(draft)
        self.acts.append((who, "create_policy_draft"))
        return draft

    def change(self, who: str, draft: Draft, seen: int, terms: Terms) -> set[str]:
        if against := self._not_open(draft, seen):
            return against
        if terms != draft.terms:
            draft.revisions.append((terms, who))
            self.acts.append((who, "change_policy_draft"))
        return set()

    def abandon(self, who: str, draft: Draft) -> set[str]:
        if draft.state not in {"draft", "proposed"}:
            return {"DraftNotOpen"}
        if draft.state == "proposed" and who not in draft.people:
            return {"DecidedByOthers"}
        self._over(draft, "abandoned")
        self.acts.append((who, "abandon_policy_draft"))
        return set()

    def schedule(self, who: str, draft: Draft, seen: int, at: datetime, compared: int | None) -> set[str]:
        """Make a draft the next version, or propose that where two are needed."""
        against = self._not_open(draft, seen)
        if draft.terms == self.latest().terms:
            against.add("PolicyUnchanged")
        against |= self._behind(draft.based_on if compared is None else compared)
        alone = not self.in_force(self.now).terms.two
        against |= self._misfits(draft.terms, at, appended=alone)
        if against:
            return against
        draft.based_on = draft.based_on if compared is None else compared
        if alone:
            self._append(draft, at, who, "")
            self.acts.append((who, "activate_policy"))
        else:
            draft.state, draft.proposed_by, draft.proposed_for = "proposed", who, at
            self.acts.append((who, "propose_policy"))
        return set()

    def answer(self, who: str, draft: Draft, seen: int, at: datetime, *, agree: bool) -> set[str]:
        """Agree to what is proposed, or give it back."""
        if draft.state != "proposed" or draft.proposed_for is None:
            return {"DraftNotProposed"}
        against = set() if (seen, at) == (draft.revision, draft.proposed_for) else {"ProposalChanged"}
        if agree:
            if who in draft.people:
                against.add("OwnProposal")
            against |= self._behind(draft.based_on) | self._misfits(draft.terms, draft.proposed_for, appended=True)
        if against:
            return against
        if agree:
            self._append(draft, draft.proposed_for, draft.proposed_by, who)
            self.acts.append((who, "activate_policy"))
        else:
            self.acts.append((who, "take_back_policy" if who == draft.proposed_by else "refuse_policy"))
            self._over(draft, "draft")
        return set()

    def withdraw(self, who: str, number: int) -> set[str]:
        """Take a version back."""
        if not 1 <= number <= len(self.versions):
            return {"UnknownVersion"}
        version = self.versions[number - 1]
        if version.withdrawn:
            return {"VersionWithdrawn"}
        against = {"VersionInForce"} if version.at < self.now + NOTICE else set()
        if version.at > self.now and self.in_force(self.now).terms.two and who not in {version.by, version.approved_by}:
            against.add("DecidedByOthers")
        if not against:
            version.withdrawn = True
            self.acts.append((who, "withdraw_policy"))
        return against

    def _append(self, draft: Draft, at: datetime, by: str, approved_by: str) -> None:
        self.versions.append(Version(len(self.versions) + 1, draft.terms, at, self.now, by, approved_by))
        self._over(draft, "scheduled")
        draft.version = len(self.versions)

    @staticmethod
    def _over(draft: Draft, state: str) -> None:
        draft.state, draft.proposed_by, draft.proposed_for = state, "", None

    @staticmethod
    def _not_open(draft: Draft, seen: int) -> set[str]:
        found = set() if draft.state == "draft" else {"DraftNotOpen"}
        return found if seen == draft.revision else found | {"DraftChanged"}

    def _behind(self, based_on: int) -> set[str]:
        if self.versions[based_on - 1].withdrawn:
            return {"DraftOfWithdrawn"}
        return {"DraftBehind"} if self.latest().number > based_on else set()

    def _misfits(self, terms: Terms, at: datetime, *, appended: bool) -> set[str]:
        found = {"InstantTooNear"} if at < self.now + NOTICE else set()
        if terms.more < self.latest().terms.more:
            found.add("TiersMustStay")
        if appended and at <= self.latest().at:
            found.add("InstantBeforeLatest")
        return found


@dataclass
class Bought:
    total: int
    version: Version
    multiplier: int
    returned: int = 0

    def earned(self) -> int:
        return (self.total - self.returned) // self.version.terms.minor * self.multiplier


@dataclass
class Shopper:
    """Somebody who buys, of whose tier nothing but versions and orders decide; nobody falls without reviews."""

    rules: Rules
    seen: datetime
    tier: int = 0
    growth: int = 0
    orders: dict[str, Bought] = field(default_factory=dict)

    def looked_at(self, now: datetime) -> "Shopper":
        """Return the shopper as of an instant: each version that came meanwhile lifts who deserves more by it."""
        tier = self.tier
        for version in self.rules.living():
            if self.seen < version.at <= now:
                tier = max(tier, version.terms.deserved(self.growth))
        return replace(self, tier=tier, seen=now)

    def buys(self, name: str, total: int, now: datetime) -> Bought:
        looked = self.looked_at(now)
        self.tier, self.seen = looked.tier, now
        version = self.rules.in_force(now)
        bought = Bought(total, version, version.terms.multipliers()[self.tier])
        self.orders[name] = bought
        self.growth += total // version.terms.minor
        self.tier = max(self.tier, version.terms.deserved(self.growth))
        return bought
