"""Verbs of the rules about identities."""

from typing import Final

import msgspec

from regulars.members.contracts import IdentityKind
from regulars.members.contracts.identity_rules import ChangeIdentityRules, IdentityRules
from regulars.members.identity_rules import store
from regulars.members.identity_rules.errors import IdentityKindsIncomplete, IdentityRulesStale
from regulars.members.identity_rules.rules import DEFAULT
from regulars.platform.clock import wall_now
from regulars.platform.db.transaction import Transaction

VERSIONS_AT_MOST: Final = 100

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(IdentityRules).decode


async def rules_in_force(tx: Transaction) -> IdentityRules:
    """Return the rules about identities that are in force. Raises nothing. Source: identity_rules."""
    found = await store.in_force(tx)
    return DEFAULT if found is None else _decode(found)


async def list_rules(tx: Transaction) -> list[IdentityRules]:
    """Return every version, the one in force first; the last is version 0, which stands in the code."""
    return [*[_decode(one) for one in await store.versions(tx, VERSIONS_AT_MOST)], DEFAULT]


async def change_rules(tx: Transaction, wish: ChangeIdentityRules) -> IdentityRules:
    """Let a new version be in force from now on; what members hold already stays.

    Raises IdentityRulesStale (409) if it was made on another version than the one in force, IdentityKindsIncomplete
    (422). Source: identity_rules.
    """
    if sorted(rule.kind for rule in wish.kinds) != sorted(IdentityKind):
        raise IdentityKindsIncomplete(pointer="/kinds", kinds=", ".join(rule.kind for rule in DEFAULT.kinds))
    now = await rules_in_force(tx)
    if now.version != wish.based_on:
        raise IdentityRulesStale(pointer="/based_on", version=now.version, based_on=wish.based_on)
    fresh = IdentityRules(
        version=now.version + 1,
        kinds=wish.kinds,
        together_at_most=wish.together_at_most,
        automatic=wish.automatic,
        automatic_after_minutes=wish.automatic_after_minutes,
        actor=wish.actor,
        reason=wish.reason,
        recorded_at=tx.now,
    )
    if not await store.insert(tx, fresh.version, _encode(fresh).decode(), tx.now, wall_now()):
        raise IdentityRulesStale(pointer="/based_on", version=fresh.version, based_on=wish.based_on)
    return fresh
