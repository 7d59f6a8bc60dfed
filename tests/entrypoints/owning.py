"""Who is who, and whose is what, in plain Python: people who are merged and parted, who tell things and are erased.

It knows nothing of how the product keeps any of it. `None` where the product must refuse.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Self

FIELDS = ("display_name", "given_name")


@dataclass(eq=False)
class Claim:
    """A value by which somebody is found; another claim of the same value is another one."""

    value: str
    holder: "Person"
    is_proved: bool = False


@dataclass(eq=False)
class Said:
    """A decision about consent: in which words, when it takes effect, and when it was written down."""

    decision: str
    words: str
    effective: int
    recorded: int


@dataclass(eq=False)
class Person:
    """A membership; `into` is whose part it is, `told` what was ever told by it itself."""

    number: int
    into: "Person | None" = None
    is_erased: bool = False
    profile: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(FIELDS))
    consent: Said | None = None
    told: set[str] = field(default_factory=set)
    looks: list[tuple[str, "Person"]] = field(default_factory=list)

    @property
    def meant(self) -> "Person":
        return self if self.into is None else self.into.meant


@dataclass(eq=False)
class Joined:
    """A merge that stands: what it moved, what it filled, and which decision it put in the place of which."""

    survivor: Person
    absorbed: Person
    at: int
    moved: list[Claim] = field(default_factory=list)
    filled: dict[str, str] = field(default_factory=dict)
    brought: Said | None = None
    before: Said | None = None


@dataclass
class World:
    """Everybody. Time is counted in what happens."""

    people: list[Person]
    claims: list[Claim] = field(default_factory=list)
    joined: list[Joined] = field(default_factory=list)
    _time: "count[int]" = field(default_factory=lambda: count(1))

    def family(self, person: Person) -> list[Person]:
        """Return everybody who is meant by the same id as somebody."""
        return [one for one in self.people if one.meant is person.meant]

    def holder(self, value: str) -> Person | None:
        return next((one.holder for one in self.claims if one.value == value), None)

    def enter(self, value: str) -> Person | None:
        """Return who gets in by a code sent there, which proves it: nobody by what only a merge has brought."""
        (claim,) = [one for one in self.claims if one.value == value]
        if not claim.is_proved and any(claim in made.moved for made in self.joined):
            return None
        claim.is_proved = True
        return claim.holder

    def values(self, person: Person) -> set[str]:
        return {one.value for one in self.claims if one.holder is person}

    def told_by(self, person: Person) -> set[str]:
        """Return all that those who are somebody now ever told: nobody else's is told about them."""
        return set().union(*[one.told for one in self.family(person)])

    def claim(self, who: Person, value: str) -> bool:
        person, holder = who.meant, self.holder(value)
        if person.is_erased or holder not in {None, person}:
            return False
        if holder is None:
            self.claims.append(Claim(value, person))
        person.told.add(value)
        return True

    def drop(self, who: Person, value: str) -> bool:
        person = who.meant
        if self.holder(value) is not person or len(self.values(person)) == 1:
            return False
        self.claims = [one for one in self.claims if one.value != value]
        return True

    def tell(self, who: Person, name: str, text: str) -> bool:
        person = who.meant
        if not person.is_erased:
            person.profile[name] = text
            person.told.add(text)
        return not person.is_erased

    def decide(self, who: Person, decision: str, words: str) -> bool:
        person, now = who.meant, next(self._time)
        if not person.is_erased:
            person.consent = Said(decision, words, now, now)
        return not person.is_erased

    def merge(self, survivor: Person, absorbed: Person) -> Joined | None:
        one, other = survivor.meant, absorbed.meant
        if one is other or one.is_erased or other.is_erased:
            return None
        made = Joined(one, other, next(self._time))
        for claim in self.claims:
            if claim.holder is other:
                claim.holder = one
                made.moved.append(claim)
        for name in FIELDS:
            filler = other.profile[name]
            if one.profile[name] is None and filler is not None:
                one.profile[name] = made.filled[name] = filler
        own, their = one.consent, other.consent
        overrules = their is not None and (
            own is None or (own.decision != their.decision and their.effective > own.effective)
        )
        if their is not None and overrules:
            made.before = own
            made.brought = one.consent = Said(their.decision, their.words, their.effective, made.at)
        other.into = one
        self.joined.append(made)
        return made

    def undo(self, made: Joined) -> bool:
        one, other, now = made.survivor, made.absorbed, next(self._time)
        if made not in self.joined or one.is_erased or other.is_erased or one.into is not None:
            return False
        safer = one.consent
        if safer is not None and other.consent is not None:
            withdrawn_since = safer.decision == "withdrawn" and safer.recorded > made.at
            if withdrawn_since and other.consent.decision == "given":
                other.consent = Said("withdrawn", safer.words, safer.effective, now)
        self._give_consent_back(made, now)
        for claim in self.claims:
            if claim in made.moved and claim.holder is one:
                claim.holder = other
        self._clear(one, made.filled)
        self._part(made)
        return True

    def erase(self, who: Person) -> bool:
        """Erase somebody with all who are part of them."""
        person = who.meant
        if person.is_erased:
            return False
        for one in self.family(person):
            self._gone(one)
        return True

    def erased_before(self, who: Person) -> bool:
        """Have a database that knows nothing of it meet a journal in which this very membership was erased."""
        if who.is_erased:
            return False
        now = next(self._time)
        ways = {id(one): self._way_up(one) for one in self.joined if who in {one.absorbed, one.survivor}}
        own = [one for one in self.joined if one.absorbed is who]
        for part in [one for one in self.joined if one.survivor is who]:
            top = ways[id(part)][-1].survivor
            for claim in self.claims:
                if claim in part.moved and claim.holder is top and top is not who:
                    claim.holder = part.absorbed
            self._part(part)
        for part in own:
            way = ways[id(part)]
            top = way[-1].survivor
            self.claims = [one for one in self.claims if not (one in part.moved and one.holder is top)]
            for step in way:
                self._clear(step.survivor, part.filled)
            for above in way[1:]:
                above.filled = {name: text for name, text in above.filled.items() if part.filled.get(name) != text}
            if len(way) == 1:
                self._give_consent_back(part, now)
            self._part(part)
        self._gone(who)
        return True

    def _way_up(self, made: Joined) -> list[Joined]:
        way = [made]
        while above := [one for one in self.joined if one.absorbed is way[-1].survivor]:
            way += above
        return way

    def _part(self, made: Joined) -> None:
        made.absorbed.into = None
        self.joined.remove(made)

    @staticmethod
    def _clear(person: Person, filled: dict[str, str]) -> None:
        person.profile |= {name: None for name, text in filled.items() if person.profile[name] == text}

    @staticmethod
    def _give_consent_back(made: Joined, now: int) -> None:
        brought, before, one = made.brought, made.before, made.survivor
        if brought is None or one.consent is not brought:
            return
        if before is not None:
            one.consent = Said(before.decision, before.words, now, now)
        elif brought.decision == "given":
            one.consent = Said("withdrawn", brought.words, now, now)

    def _gone(self, person: Person) -> None:
        person.is_erased, person.consent, person.profile = True, None, dict.fromkeys(FIELDS)
        self.claims = [one for one in self.claims if one.holder is not person]

    @classmethod
    def of(cls, number: int) -> Self:
        return cls([Person(one) for one in range(number)])
