"""V1, V2, V5: whatever happens to people, each is told of what is theirs alone, and every look at it is written down.

Random claims of values, names, consents, merges, their undoing, erasures, restores of backups that knew
nothing of one, looks, exports and sign-ins, beside a model (`owning.py`). Then everybody is looked at: who is found
by what, what each is called and agreed to; nothing tells of a stranger, or of who was erased.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import strategies as st

from regulars.entrypoints.privacy import PARTS
from regulars.members import api as members
from regulars.members.access.errors import AddressNotProved
from regulars.members.contracts import (
    AddIdentity,
    ChangeProfile,
    ConsentChannel,
    ConsentGiven,
    Decision,
    IdentityKind,
    IdentityValue,
    MemberOpened,
    ProfileChange,
    Purpose,
    RemoveIdentity,
)
from regulars.platform.audit.service import seal_all, verify_chain
from regulars.platform.auth.contracts import Browser
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from tests.entrypoints.owning import FIELDS, Joined, Person, World
from tests.entrypoints.test_merging import Door, door
from tests.entrypoints.test_parting import of, portal_of
from tests.examples import examples
from tests.members.entering import Portal
from tests.members.erasing import ask, texts_of_everything, where

pytestmark = pytest.mark.anyio
__all__ = ["door"]
PEOPLE: Final = 4
VALUES: Final = 6
WHATS: Final = (
    *("claim", "claim", *["drop"] * 3, "tell", "consent", *["merge"] * 5, *["undo"] * 6),
    *("erase", "erased before", "look", "look", "export", "export", "enter", "enter"),
)


class Step(NamedTuple):
    """Somebody (`who`) does something; what exactly, or with whom, `choice` says."""

    what: str
    who: int
    choice: int


def steps_of(chance: Random) -> list[Step]:
    """Return some steps by chance; most people have told something, and decided, before."""
    before = [(what, who) for who in range(PEOPLE) for what in ("tell", "consent", "enter") if chance.random() < 0.7]
    later = [(chance.choice(WHATS), chance.randrange(PEOPLE)) for _ in range(chance.randint(8, 18))]
    return [Step(what, who, chance.randrange(10**6)) for what, who in before + later]


class Life:
    """A few new people, in the product and in the model."""

    def __init__(self, door: Door, name: str) -> None:
        self.door, self.vault, self.database = door, door.services.vault, door.services.database
        self.name = name
        self.world = World.of(PEOPLE)
        self.ids: list[str] = []
        self.merges: list[tuple[Joined, str]] = []
        self.exports: list[tuple[Person, str]] = []
        self.sessions: list[tuple[str, str]] = []
        self.portal: Portal = portal_of(door)
        self.claimed_by: dict[str, Person] = {}  # who was meant when the value was given
        self.proved: set[str] = set()
        self.number = 0
        self.did: Counter[str] = Counter()

    def value(self, number: int) -> str:
        return f"v{number}x{self.name}@example.com" if number % 2 else f"{self.name}{number}00"

    def identity(self, value: str) -> IdentityValue:
        return IdentityValue(IdentityKind.EMAIL if "@" in value else IdentityKind.CARD, value)

    def secrets(self) -> set[str]:
        return set().union(*[one.told for one in self.world.people])

    async def go(self, found: list[Step]) -> None:
        for person in self.world.people:
            value = self.value(person.number)
            self.ids.append(await self.door.sign_up(**{"email" if "@" in value else "card": value}))
            assert self.world.claim(person, value)
            self.claimed_by[value] = person
        for step in found:
            self.number += 1
            done = await self._step(step)
            self.did[step.what if done else f"not {step.what}"] += 1
            if step.what in {"undo", "erase", "erased before"} and done:
                await self.look_at_everybody()
        await self.look_at_everybody()
        await self.look_at_looks()

    # --- what happens -------------------------------------------------------------------------------------------------

    async def _step(self, step: Step) -> bool:
        who = self.world.people[step.who]
        other = self.world.people[(step.who + 1 + step.choice % (PEOPLE - 1)) % PEOPLE]
        match step.what:
            case "merge":
                done = await self._merge(who, other)
            case "undo":
                done = await self._undo(step)
            case "erase" | "erased before":
                done = await self._erase(step, who)
            case "look":
                done = await self._look(step, who)
            case "export":
                done = await self._export(who)
            case "enter":
                done = await self._enter(step)
            case _:
                done = await self._told(step, who)
        return done

    async def _told(self, step: Step, who: Person) -> bool:
        """Carry out what a member is said to have said; it is refused where the model refuses it."""
        value = self.value(step.choice % VALUES)
        fresh = step.what == "claim" and self.world.holder(value) is None
        expected, carry_out = self._wish(step, who, of(self.ids[who.number]))
        if fresh and expected:
            self.claimed_by[value] = who.meant
            self.proved.discard(value)
        refused = None
        try:
            async with self.database.transaction() as tx:
                await carry_out(tx)
        except DomainError as refusal:
            refused = refusal
        assert (refused is None) is expected, (step, refused)
        return expected

    def _wish(
        self, step: Step, who: Person, member_id: UUID
    ) -> tuple[bool, Callable[[Transaction], Awaitable[object]]]:
        """Return whether the model takes it, and how the product is asked."""
        world, value = self.world, self.value(step.choice % VALUES)
        if step.what == "drop":
            return world.drop(who, value), lambda tx: self._drop(tx, member_id, value)
        if step.what == "claim":
            claim = AddIdentity(member_id=member_id, identity=self.identity(value))
            return world.claim(who, value), lambda tx: members.add_identity(tx, self.vault, claim)
        if step.what == "tell":
            text = f"name{self.number}of{self.name}"
            told = ProfileChange(display_name=text) if step.choice % 2 else ProfileChange(given_name=text)
            change = ChangeProfile(member_id=member_id, change=told)
            done = world.tell(who, FIELDS[0] if step.choice % 2 else FIELDS[1], text)
            return done, lambda tx: members.change_profile(tx, self.vault, change)
        decision = Decision.GIVEN if step.choice % 2 else Decision.WITHDRAWN
        wish = ConsentGiven(
            member_id=member_id,
            purpose=Purpose.MARKETING,
            channel=ConsentChannel.SMS,
            decision=decision,
            wording_version=f"w{self.number}",
            where="store",
            actor="test",
        )
        return world.decide(who, decision.value, f"w{self.number}"), lambda tx: _recorded(tx, wish)

    async def _drop(self, tx: Transaction, member_id: UUID, value: str) -> None:
        shown = await members.show_members(tx, self.vault, [await members.who_is(tx, member_id)], clear=True)
        known = {one.value: one.identity_id for _, found in shown for one in found}
        wish = RemoveIdentity(member_id=member_id, identity_id=known.get(value, UUID(int=self.number)))
        await members.remove_identity(tx, wish)

    async def _merge(self, survivor: Person, absorbed: Person) -> bool:
        made = self.world.merge(survivor, absorbed)
        body = {"absorb": self.ids[absorbed.number], "reason": "one person", "dry_run": False}
        path = f"/v1/members/{self.ids[survivor.number]}/merges"
        if made is None:
            assert await self._refused(path, body) in {409, 410, 422}
            return False
        answer = await self.door.call("POST", path, body)
        self.merges.append((made, answer["merge_id"]))
        return True

    async def _undo(self, step: Step) -> bool:
        if not self.merges:
            return False
        standing = [one for one in self.merges if one[0] in self.world.joined and step.choice % 4]
        made, merge_id = (standing or self.merges)[step.choice % len(standing or self.merges)]
        if step.choice % 3 == 0:  # decided anew by the one that both are
            await self._told(Step("consent", made.survivor.number, step.choice // 3), made.survivor)
        path = f"/v1/members/{self.ids[made.survivor.number]}/merges/{merge_id}/undo"
        if self.world.undo(made):
            await self.door.call("POST", path, {"reason": "two persons", "dry_run": False})
            return True
        assert await self._refused(path, {"reason": "two persons", "dry_run": False}) in {404, 409, 410}
        return False

    async def _refused(self, path: str, body: dict[str, Any]) -> int:
        headers = {"Idempotency-Key": f"{self.name}-{self.number}"}
        return (await self.door.client.post(path, json=body, headers=headers)).status_code

    async def _erase(self, step: Step, who: Person) -> bool:
        parts = [one for one in self.world.people if one.into is not None and step.choice % 3]
        who = (parts or [who])[step.choice % len(parts or [who])]  # mostly who is part of somebody
        if who.into is not None:  # what then tells of both, and lets in by what was the other's
            await self._export(who)
            for made in self.world.joined:
                if made.absorbed is who:
                    await self._enter_by([one.value for one in made.moved])
        member_id, family = of(self.ids[who.number]), len(self.world.family(who))
        if step.what == "erase" and self.world.erase(who):
            await ask(self.database, member_id, parts=PARTS)
            assert await members.carry_out_due(self.database, self.vault, PARTS, at=wall_now()) == family
        elif step.what == "erased before" and self.world.erased_before(who):
            await self.vault.destroy(member_id)
            assert await members.apply_journal(self.database, self.vault, PARTS) == 1
        else:
            return False
        return True

    async def _look(self, step: Step, who: Person) -> bool:
        path = f"/v1/members/{self.ids[who.number]}"
        masked = step.choice % 4 == 0
        answer = await self.door.client.get(path, headers={"Regulars-Purpose": ""} if masked else {})
        if who.meant.is_erased:
            assert answer.status_code == 410
            return False
        if masked:
            assert not any(secret in answer.text for secret in self.secrets())
            return False
        assert all(value in answer.text for value in self.world.values(who.meant))
        who.meant.looks.append(("read_personal_data", who))
        return True

    async def _export(self, who: Person) -> bool:
        path = f"/v1/members/{self.ids[who.number]}/exports"
        if who.meant.is_erased:
            assert await self._refused(path, {}) == 410
            return False
        asked = await self.door.call("POST", path, None, status=202)
        is_new = await members.gather_waiting(self.database, self.vault, PARTS) == 1
        assert is_new is not any(
            asked["export_id"] in one for _, one in self.exports
        )  # of many a day, the last is given
        read = f"{path}/{asked['export_id']}"
        text = (await self.door.client.get(read)).text
        assert not is_new or all(value in text for value in self.world.values(who.meant))
        who.meant.looks.append(("read_export", who))
        self.exports.append((who.meant, f"/v1/members/{self.ids[who.meant.number]}/exports/{asked['export_id']}"))
        return True

    async def _enter(self, step: Step) -> bool:
        return await self._enter_by([self.value(2 * (step.choice % 3) + 1)])

    async def _enter_by(self, values: list[str]) -> bool:
        """Sign in by the first of these to which a code can be sent, and which is somebody's."""
        value = next((one for one in values if "@" in one and self.world.holder(one) is not None), "")
        if not value:
            return False
        holder = self.world.enter(value)
        browser = Browser(address=f"2001:db8:{len(self.name):x}{self.number:x}::7", user_agent="a phone")
        if holder is not self.claimed_by[value] and value not in self.proved:  # a merge brought it, on nobody's proof
            sent = await self.portal.ask(self.identity(value), browser)
            refused = await self.portal.enter(sent.ticket, self.portal.phones.code, browser)
            assert isinstance(refused, DomainError)
            assert refused.code == "address_not_proved"
            return False
        self.proved.add(value)
        sent = await self.portal.ask(self.identity(value), browser)
        opened = await self.portal.enter(sent.ticket, self.portal.phones.code, browser)
        if holder is None:
            assert isinstance(opened, AddressNotProved)
            return False
        assert isinstance(opened, MemberOpened)
        assert opened.member_id == of(self.ids[holder.number])
        self.sessions.append((opened.token, value))
        return True

    # --- what must hold -----------------------------------------------------------------------------------------------

    async def look_at_everybody(self) -> None:
        """Everybody is found by, called and said to agree to what the model says, and told of nobody else."""
        world = self.world
        async with self.database.transaction() as tx:
            values = [self.value(number) for number in range(VALUES)]
            found = await members.resolve(tx, self.vault, [self.identity(one) for one in values])
            holders = [world.holder(one) for one in values]
            assert found == [None if one is None else of(self.ids[one.number]) for one in holders]
            for person, public in zip(world.people, self.ids, strict=True):
                assert await members.who_is(tx, of(public)) == of(self.ids[person.meant.number])
        keys = await self.vault.keys_of([of(one) for one in self.ids])
        assert keys.keys() == {of(self.ids[one.number]) for one in world.people if not one.is_erased}
        for person in world.people:
            if person.into is None and not person.is_erased:
                await self._look_at(person)
        await self._look_at_copies()

    async def _look_at(self, person: Person) -> None:
        member_id = of(self.ids[person.number])
        async with self.database.transaction() as tx:
            document = await members.gather_now(tx, self.vault, PARTS, member_id)
        async with self.database.transaction() as tx:
            ((_, shown),) = await members.show_members(tx, self.vault, [member_id], clear=True)
            profile = (await members.read_profiles(tx, self.vault, [member_id], clear=True)).get(member_id)
            in_force, _ = await members.consents(tx, member_id, as_of=tx.now)
        assert {one.value for one in shown} == self.world.values(person)
        assert {name: getattr(profile, name, None) for name in FIELDS} == person.profile
        said = None if person.consent is None else (person.consent.decision, person.consent.words)
        assert [(one.decision.value, one.wording_version) for one in in_force] == ([] if said is None else [said])
        strange = self.secrets() - self.world.told_by(person)
        text = msgspec.json.encode([document, shown, profile]).decode()
        assert [secret for secret in strange if secret in text] == []

    async def _look_at_copies(self) -> None:
        """Files that were gathered and sessions that were opened before tell and let in nobody else either."""
        for person, path in self.exports:
            answer = await self.door.client.get(path)
            if answer.status_code == 200:
                assert not person.meant.is_erased
                assert [one for one in self.secrets() - self.world.told_by(person) if one in answer.text] == []
                person.meant.looks.append(("read_export", person))
            else:
                assert answer.status_code in {404, 410}
        for token, value in self.sessions:
            viewer = await self.portal.recognise(token)
            if viewer is not None:
                (person,) = [one for one in self.world.people if of(self.ids[one.number]) == viewer.member_id]
                assert (person.into, person.is_erased) == (None, False)
                assert value in self.world.told_by(person)

    async def look_at_looks(self) -> None:
        """Every look is found at whose data was told, by whatever id, and nothing else is."""
        for person in self.world.people:
            told = await self.door.call("GET", f"/v1/personal-reads?member_id={self.ids[person.number]}&limit=200")
            family = self.world.family(person)
            expected = Counter(
                [(act, self.ids[whose.number], asked is whose) for whose in family for act, asked in whose.looks]
            )
            assert Counter(
                [(one["action"], one["subject"], "as mbr_" not in one["detail"]) for one in told["looks"]]
            ) == (expected)
            assert {one["purpose"] for one in told["looks"]} <= {"merging members"}


async def _recorded(tx: Transaction, wish: ConsentGiven) -> None:
    (outcome,) = await members.record_consents(tx, [wish])
    if isinstance(outcome, DomainError):
        raise outcome


async def test_each_is_told_of_what_is_theirs_alone(door: Door) -> None:
    did: Counter[str] = Counter()
    secrets: set[str] = set()
    for number, found in enumerate(examples(st.randoms(use_true_random=True).map(steps_of), 24)):
        life = Life(door, f"{7_000_000 + number * 1_111}")
        await life.go(found)
        did += life.did
        secrets |= life.secrets()
    assert where(await texts_of_everything(door.services.database), secrets) == []
    assert await door.problems() == {}
    await seal_all(door.services.database)
    async with door.services.database.transaction() as tx:
        assert (await verify_chain(tx)).is_intact
    assert all(did[what] > 1 for what in set(WHATS)), did  # it has been everywhere
    assert did["undo"] > 15, did
