"""What holds until somebody says otherwise, and which values are nobody's. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from regulars.members.contracts import IdentityKind
from regulars.members.contracts.identity_rules import IdentityRules, KindRule
from regulars.members.identity_rules.errors import IdentityBlocked, IdentityLimitReached
from regulars.platform.errors import DomainError

NAMESPACED: Final = frozenset({IdentityKind.EXTERNAL, IdentityKind.OPENID})
PHONE_TAIL: Final = 9
_NO_IDS: Final = ("*:-", "*:none", "*:null", "*:nil", "*:undefined", "*:unknown", "*:n/a", "*:na", "*:test")

DEFAULT: Final = IdentityRules(
    version=0,
    kinds=(
        KindRule(kind=IdentityKind.EXTERNAL, limit=1, refuses_repeated=False, blocked=_NO_IDS),
        KindRule(kind=IdentityKind.OPENID, limit=1, refuses_repeated=False, blocked=_NO_IDS),
        KindRule(
            kind=IdentityKind.PHONE,
            limit=3,
            blocked=("*123456789", "+8612345678901", "+8613012345678", "+8618888888888"),
        ),
        KindRule(
            kind=IdentityKind.CARD,
            limit=20,
            blocked=("1234", "12345", "123456", "12345678", "NONE", "NULL", "TEST", "UNKNOWN", "NOCARD"),
        ),
        KindRule(
            kind=IdentityKind.EMAIL,
            limit=5,
            refuses_repeated=False,
            blocked=(
                "test@example.com",
                "test@test.*",
                "none@*",
                "null@*",
                "noemail@*",
                "no-email@*",
                "noreply@*",
                "no-reply@*",
                "unknown@*",
                "undefined@*",
                "na@*",
                "a@a.*",
                "abc@abc.*",
                "asdf@asdf.*",
                "123@123.*",
                "123456@qq.com",
                "xxx@xxx.*",
            ),
        ),
    ),
    together_at_most=3,
    automatic=True,
    automatic_after_minutes=10,
)


def is_nobodys(rule: KindRule, canonical: str) -> bool:
    """Say whether a value, as it is found by, is one that is typed when there is none."""
    value = canonical.casefold()
    if rule.refuses_repeated and len(set(_told_apart(rule.kind, value))) <= 1:
        return True
    return any(matches(pattern.casefold(), value) for pattern in rule.blocked)


def _told_apart(kind: IdentityKind, value: str) -> str:
    """Return the part of a value by which it differs from others of its kind."""
    if kind is IdentityKind.PHONE:
        return value[-PHONE_TAIL:]
    return value.partition(":")[2] if kind in NAMESPACED else value


def matches(pattern: str, value: str) -> bool:
    """Say whether a value is what a pattern says: `*` stands for any run of characters, all else for itself."""
    first, *others = pattern.split("*")
    if not others:
        return value == pattern
    *middle, last = others
    if not value.startswith(first):
        return False
    at = len(first)
    for part in middle:
        found = value.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(value) - len(last) >= at and value.endswith(last)


def slot_of(kind: IdentityKind, written: str) -> tuple[IdentityKind, str]:
    """Return within what a value counts towards its limit: the kind, of ids of other systems each namespace."""
    return kind, written.partition(":")[0] if kind in NAMESPACED else ""


def over_limit(rules: IdentityRules, held: Iterable[tuple[IdentityKind, str]]) -> list[tuple[IdentityKind, int, int]]:
    """Return of which kinds somebody who holds these (kind, as written or masked) has too many: how many, the limit."""
    counted = Counter([slot_of(kind, written) for kind, written in held])
    return [
        (kind, count, rules.of(kind).limit)
        for (kind, _), count in sorted(counted.items())
        if count > rules.of(kind).limit
    ]


def problem_of(
    rules: IdentityRules, held: Sequence[tuple[IdentityKind, str]], canonical: str, pointer: str
) -> DomainError | None:
    """Say what the rules have against the last of these values (kind, as written), which is found by `canonical`."""
    kind, written = held[-1]
    if is_nobodys(rules.of(kind), canonical):
        return IdentityBlocked(pointer=pointer, identity=kind.value)
    slot, limit = slot_of(kind, written), rules.of(kind).limit
    if sum([slot_of(*one) == slot for one in held]) > limit:
        return IdentityLimitReached(pointer=pointer, identity=kind.value, limit=limit)
    return None
