"""Policies in the hands of several people: whatever they do and whenever, nothing that decides is ever changed.

Random commands on one time line, each beside a model of the rules (`deciding.py`). After each: the versions and their
states are the model's, one alone is active, numbers have no gap, and whatever was once seen of a version stays. At the
end: every draft and revision, who acted, what was booked when versions came, and decisions by their version.
"""

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

import pytest
from hypothesis import strategies as st
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.contracts import OrderSettlement, ReturnSettlement
from regulars.loyalty.drafts.contracts import DraftCommand
from regulars.loyalty.policy.contracts import Policy, TierPolicy
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.vault.local import LocalVault
from tests.examples import examples
from tests.loyalty.deciding import Draft, Rules, Shopper, Terms, Version
from tests.loyalty.previewing import arrive, clock_at
from tests.loyalty.programme import EASY, NOON, START, TIERS, Programme, back, order

pytestmark = pytest.mark.anyio
PEOPLE: Final = ("staff:anna", "staff:bo", "staff:eve")
CODES: Final = tuple([rule.code for rule in TIERS])
WHATS: Final = (
    *("begin", "begin", "change", *["schedule"] * 5, *["answer"] * 6),
    *("abandon", "withdraw", "withdraw", "buy", "buy", "buy", "return", "arrive"),
)


class Step(NamedTuple):
    """Somebody does something, so many seconds after the step before; `choice` and `ahead` say to what and for when."""

    what: str
    who: int
    seconds: int
    choice: int
    ahead: int
    yes: bool


def steps_of(chance: Random) -> list[Step]:
    """Return some steps by chance."""
    return [
        Step(
            what=chance.choice(WHATS),
            who=chance.randrange(3),
            seconds=chance.choice([0, 1, 30, 60, 3_600, 3_600, 86_400]),
            choice=chance.randrange(10**6),
            ahead=chance.choice([59, 60, 7_200, 100_000, 100_000, 300_000]),
            yes=chance.random() < 0.7,
        )
        for _ in range(chance.randint(10, 22))
    ]


def policy_of(terms: Terms) -> Policy:
    """Return the policy that says this, and leaves all else as it is."""
    codes = [*CODES, *[f"more{number}" for number in range(terms.more)]]
    rules = zip(codes, terms.thresholds(), terms.multipliers(), strict=True)
    tiers = tuple([structs.replace(TIERS[0], code=code, threshold=at, multiplier=by) for code, at, by in rules])
    return structs.replace(
        EASY,
        tier=TierPolicy(tiers=tiers, window_days=3_650),
        earning=structs.replace(EASY.earning, minor_per_point=terms.minor),
        changes=api.ChangePolicy(second_person=terms.two),
    )


FIRST: Final = Terms(100, 0, two=True, more=0)


class Line:
    """One line of time, in the product and in the model."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self.database = programme.database
        self.now = NOON
        self.rules = Rules([Version(1, FIRST, START, NOON, "", "")], self.now)
        self.ids: list[UUID] = []
        self.said: dict[int, tuple[Any, ...]] = {}
        self.told: dict[int, str] = {}
        self.refused: Counter[str] = Counter()
        self.number = 0

    async def go(self, found: list[Step]) -> None:
        """Let all that happen to two new members, looking after each step."""
        self.number += 1
        self.members = await self.programme.members(2, f"m{self.number}")
        self.shoppers = [Shopper(self.rules, self.now) for _ in self.members]
        for step in found:
            self.now += timedelta(seconds=step.seconds)
            self.rules.now = self.now
            clock_at(self.database, self.now)
            await self._step(step)
            await self._look()
        await self._look_at_shoppers()

    # --- what they do -------------------------------------------------------------------------------------------------

    async def _step(self, step: Step) -> None:
        if step.what == "buy":
            await self._buy(step)
        elif step.what == "return":
            await self._return(step)
        elif step.what == "arrive":
            await arrive(self.database, self.now, at_once=10 + step.choice % 90)
        elif step.what == "withdraw":
            await self._withdraw(step)
        else:
            await self._draft(step)

    async def _draft(self, step: Step) -> None:
        who, rules = PEOPLE[step.who], self.rules
        if step.what == "begin" or not rules.drafts:
            await self._begin(step)
            return
        place = self._place(step)
        draft, draft_id = rules.drafts[place], self.ids[place]
        seen = draft.revision - (step.choice % 8 == 0)
        if step.what == "answer" and step.choice % 5 > 1:  # mostly somebody else
            who = next(one for one in (*PEOPLE[step.who :], *PEOPLE) if one not in draft.people)
        at = self.now + timedelta(seconds=step.ahead)
        if step.what == "change":
            terms = self._terms(step)
            command: DraftCommand = api.ChangeDraft(
                draft_id=draft_id, revision=seen, name="n", policy=policy_of(terms), actor=who
            )
            against = rules.change(who, draft, seen, terms)
        elif step.what == "abandon":
            command = api.AbandonDraft(draft_id=draft_id, actor=who)
            against = rules.abandon(who, draft)
        elif step.what == "schedule":
            compared = rules.latest().number if step.yes else None
            command = api.ScheduleDraft(draft_id=draft_id, revision=seen, active_from=at, actor=who, based_on=compared)
            against = rules.schedule(who, draft, seen, at, compared)
        else:
            at = draft.proposed_for if draft.proposed_for is not None and step.choice % 5 else at
            command = api.AnswerDraft(draft_id=draft_id, agree=step.yes, revision=seen, active_from=at, actor=who)
            against = rules.answer(who, draft, seen, at, agree=step.yes)
        await self._same(command, against)
        async with self.database.transaction() as tx:
            self._compare(await api.read_draft(tx, draft_id), draft)

    def _place(self, step: Step) -> int:
        """Return a draft of which that may well be done; now and then any of the last."""
        fits = {"answer": "proposed", "schedule": "draft", "change": "draft"}.get(step.what)
        places = [place for place, draft in enumerate(self.rules.drafts) if draft.state == fits and step.choice % 4]
        last = (places or list(range(len(self.rules.drafts))))[-3:]
        return last[step.choice % len(last)]

    async def _begin(self, step: Step) -> None:
        who, latest = PEOPLE[step.who], self.rules.latest()
        if step.yes:
            terms, based_on = self._terms(step), latest.number
            command = api.CreateDraft(name="n", actor=who, policy=policy_of(terms))
        else:
            origin = self.rules.versions[step.choice % len(self.rules.versions)]
            terms, based_on = origin.terms, origin.number
            command = api.CreateDraft(name="n", actor=who, from_version=origin.number)
        async with self.database.transaction() as tx:
            made = await api.work_on_policy(tx, self.database.clock, command)
        self.ids.append(made.draft_id)
        self._compare(made, self.rules.begin(who, terms, based_on))

    def _terms(self, step: Step) -> Terms:
        more = self.rules.latest().terms.more + (0, 0, 0, 0, 0, 0, 0, 1, 0, 0, -1)[step.choice % 11]
        return Terms(
            minor=(100, 50, 200, self.rules.latest().terms.minor)[step.choice % 4],
            ladder=step.choice // 4 % 3,
            two=step.choice // 12 % 3 > 0,
            more=min(16, max(0, more)),
        )

    async def _withdraw(self, step: Step) -> None:
        who, count = PEOPLE[step.who], len(self.rules.versions)
        number = count - (0, 0, 0, 0, 1, -1, count)[step.choice % 7]  # mostly the last; none is called 0, or the next
        against = self.rules.withdraw(who, number)
        command = api.WithdrawVersion(version=number, actor=who, reason="no")
        await self._same(command, against)

    async def _same(self, command: DraftCommand | api.WithdrawVersion, against: set[str]) -> None:
        """Carry a command out: it is refused if the model refuses it, by one of what the model has against it."""
        refused = ""
        try:
            async with self.database.transaction() as tx:
                if isinstance(command, api.WithdrawVersion):
                    await api.withdraw_policy(tx, self.database.clock, command)
                else:
                    await api.work_on_policy(tx, self.database.clock, command)
        except DomainError as refusal:
            refused = type(refusal).__name__
        self.refused[refused] += 1
        assert (refused in against) if against else refused == "", (command, refused, against)

    async def _buy(self, step: Step) -> None:
        place, name = step.choice % 2, f"o{self.number}-{len(self.shoppers[step.choice % 2].orders)}"
        total = (
            1_000 + step.choice % 150_000 if place else 3_000 + step.choice % 100
        )  # the first one stays without a tier
        bought = self.shoppers[place].buys(name, total, self.now)
        settled = await self.programme.one(order(self.members[place], name, self.now, total))
        assert isinstance(settled, OrderSettlement)
        assert (settled.policy_version, settled.points_earned) == (bought.version.number, bought.earned())

    async def _return(self, step: Step) -> None:
        shopper, member = self.shoppers[0], self.members[0]
        if not shopper.orders:
            return
        name = list(shopper.orders)[step.choice % len(shopper.orders)]
        bought, before = shopper.orders[name], shopper.orders[name].earned()
        bought.returned = min(bought.total, bought.returned + 1 + bought.total * (step.choice % 10) // 10)
        wish = back(member, name, self.now, bought.returned, f"r{bought.returned}")
        returned = await self.programme.one(wish)
        assert isinstance(returned, ReturnSettlement)
        assert returned.points_clawed_back == before - bought.earned(), (name, bought)  # by the version of the order
        assert returned.policy_version == self.rules.in_force(self.now).number

    # --- what must hold -----------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        async with self.database.transaction() as tx:
            found = await api.read_versions(tx)
        rules = self.rules
        assert [one.version for one in found] == list(range(1, len(rules.versions) + 1))
        assert [one.state for one in found].count("active") == 1
        assert [one.state for one in found] == [rules.state_of(one) for one in rules.versions]
        for one, version in zip(found, rules.versions, strict=True):
            said = (one.policy(), one.active_from, one.recorded_at, one.scheduled_by, one.approved_by)
            assert self.said.setdefault(one.version, said) == said
            assert said[1:] == (version.at, *said[2:3], version.by, version.approved_by)
            allowed = {"scheduled": "scheduled active retired withdrawn", "active": "active retired"}
            before = self.told.get(one.version, "scheduled")
            assert one.state in allowed.get(before, before).split()
            self.told[one.version] = one.state
            if one.version > 1:
                assert one.policy() == structs.replace(
                    policy_of(version.terms), version=one.version, active_from=version.at
                )
        instants = [one.at for one in rules.living()]
        assert instants == sorted(set(instants))

    def _compare(self, found: api.PolicyDraft, draft: Draft) -> None:
        assert (found.state, found.revision, found.changed_by, found.based_on, found.version) == (
            draft.state,
            draft.revision,
            draft.writer,
            draft.based_on,
            draft.version,
        )
        assert (found.proposed_for, found.proposed_by) == (draft.proposed_for, draft.proposed_by)
        assert found.policy == policy_of(draft.terms)

    async def _look_at_shoppers(self) -> None:
        """Tiers are the model's before the versions that came are booked, and after; decisions keep their versions."""
        for booked in (False, True):
            if booked:
                await arrive(self.database, self.now, at_once=1_000)
            async with self.database.transaction() as tx:
                for member, shopper in zip(self.members, self.shoppers, strict=True):
                    status = await api.tier_status(tx, self.programme.configuration, member, self.now)
                    assert status.rank == shopper.looked_at(self.now).tier, (booked, shopper)
        decided = await self.programme.rows(
            "SELECT order_id, policy_version FROM settlements WHERE member_id = ANY (%s) ORDER BY member_id, order_id",
            (self.members,),
        )
        expected = {
            (name, bought.version.number) for shopper in self.shoppers for name, bought in shopper.orders.items()
        }
        assert {tuple(row) for row in decided} == expected

    async def look_back(self) -> None:
        """Look at all that was said and done, and by whom."""
        rules, programme = self.rules, self.programme
        for draft_id, draft in zip(self.ids, rules.drafts, strict=True):
            async with self.database.transaction() as tx:
                revisions = await api.read_revisions(tx, draft_id)
            assert [(one.policy, one.changed_by) for one in reversed(revisions)] == [
                (policy_of(terms), by) for terms, by in draft.revisions
            ]
        acts = await programme.rows("SELECT actor, action FROM audit_entries ORDER BY entry_id")
        assert [tuple(row) for row in acts] == rules.acts
        for version in rules.versions[1:]:
            if rules.in_force(version.recorded_at).terms.two:
                assert len({version.by, version.approved_by, ""}) == 3
        came = {one.number for one in rules.living() if one.at <= self.now}
        assert {row[0] for row in await programme.rows("SELECT version FROM policy_arrivals")} == came
        events = Counter([row[0] for row in await programme.rows("SELECT type FROM outbox WHERE type LIKE 'Policy%%'")])
        assert events == Counter(
            PolicyScheduled=len(rules.versions) - 1,
            PolicyWithdrawn=len(rules.versions) - len(rules.living()),
            PolicyInForce=len(came),
        )
        assert await programme.problems() == {}


async def test_whatever_people_do_what_decides_is_never_changed(database: Database, vault: LocalVault) -> None:
    line = Line(await Programme.begin(database, vault, policy_of(FIRST)))
    for found in examples(st.randoms(use_true_random=True).map(steps_of), 36):
        await line.go(found)
    await line.look_back()
    states = Counter(line.told.values())
    assert states["retired"] > 3
    assert states["withdrawn"] > 0
    assert len(line.refused) > 10
