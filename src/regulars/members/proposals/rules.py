"""What one request says of two members: pure decisions."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from msgspec.structs import replace

from regulars.members.contracts import IdentityKind, IdentityShown
from regulars.members.contracts.identity_rules import IdentityRules
from regulars.members.contracts.proposals import Evidence, Held, IdentityId, MemberId, Pair
from regulars.members.identity.rules import normalise
from regulars.members.identity_rules.rules import is_nobodys, over_limit
from regulars.platform.errors import DomainError


def pairs_of(rules: IdentityRules, named: Iterable[Held], wanted_by: MemberId | None) -> list[Pair]:
    """Return of which two members a request speaks: none, where it names too many, or by kinds that do not count.

    Of each member the value counts that speaks strongest. Where somebody was to be given a value, it speaks of them and
    of its owner.
    """
    strongest: dict[MemberId, Held] = {}
    for one in sorted(named, key=lambda one: (rules.rank(one.kind), one.identity_id)):
        if rules.of(one.kind).proposes:
            strongest.setdefault(one.member_id, one)
    if wanted_by is not None:
        found = [_wanted(wanted_by, owner, held) for owner, held in strongest.items() if owner != wanted_by]
    else:
        found = [
            Pair("named_together", first, other, strongest[first], strongest[other])
            for first, other in combinations(sorted(strongest), 2)
        ]
    members = {member for pair in found for member in (pair.first, pair.other)}
    return found if len(members) <= rules.together_at_most else []


def _wanted(wanted_by: MemberId, owner: MemberId, held: Held) -> Pair:
    if wanted_by < owner:
        return Pair("value_of_other", wanted_by, owner, None, held)
    return Pair("value_of_other", owner, wanted_by, held, None)


def still_speaks(rules: IdentityRules, seen: Iterable[Evidence], held: Mapping[IdentityId, str]) -> bool:
    """Say whether anything that was seen still names what the two have (`held`: values by identity), and counts now.

    A value may have been taken away since, and the rules in force may count its kind no more, or call it nobody's.
    """
    return any(_counts(rules, one, held) for one in seen)


def _counts(rules: IdentityRules, one: Evidence, held: Mapping[IdentityId, str]) -> bool:
    for kind, identity_id in ((one.kind, one.identity_id), (one.other_kind, one.other_identity_id)):
        if kind is None:
            continue
        rule, value = rules.of(kind), held.get(identity_id) if identity_id is not None else None
        found = None if value is None else normalise(kind, value, None)
        if found is None or isinstance(found, DomainError):
            return False
        if not rule.proposes or is_nobodys(rule, found.canonical):
            return False
    return True


def turned(seen: Iterable[Evidence]) -> list[Evidence]:
    """Return what was seen of two with the other one told first."""
    return [
        replace(
            one,
            kind=one.other_kind,
            identity_id=one.other_identity_id,
            other_kind=one.kind,
            other_identity_id=one.identity_id,
        )
        for one in seen
    ]


def too_many(rules: IdentityRules, both: Iterable[Sequence[IdentityShown]]) -> list[tuple[IdentityKind, int, int]]:
    """Return of which kinds the two would have too many as one: how many, and the limit."""
    return over_limit(rules, [(one.kind, one.value or "") for identities in both for one in identities])


def is_shared(rules: IdentityRules, rank: int, over: Iterable[tuple[IdentityKind, int, int]]) -> bool:
    """Say whether two persons share a value rather than being one.

    So it is where they would have too many of a kind that tells people apart more surely than what speaks for them.
    """
    return any(rules.rank(kind) < rank for kind, _, _ in over)


def stays(
    first: tuple[MemberId, bool, tuple[object, ...]], other: tuple[MemberId, bool, tuple[object, ...]]
) -> MemberId:
    """Return which of two stays (id, whether an account is held, since when): the account, else who was first."""
    if first[1] is not other[1]:
        return first[0] if first[1] else other[0]
    return min(first, other, key=lambda one: one[2])[0]
