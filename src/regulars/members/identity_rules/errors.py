"""Refusals by the rules about identities. None of them repeats a value."""

from regulars.platform.errors import Conflict, InvalidInput


class IdentityBlocked(InvalidInput):
    """A value that is typed when there is none: it would make one person of all who have none."""

    code = "identity_blocked"
    status = 422
    message = (
        "This value ({identity}) is one that is typed when there is none, and stands for nobody. "
        "Give the person's own, or leave it out."
    )


class IdentityLimitReached(Conflict):
    """The member holds as many values of a kind as the rules allow."""

    code = "identity_limit_reached"
    status = 409
    message = (
        "A member may hold {limit} of this kind ({identity}), and this would be one more. "
        "Remove one that is no longer used first, or leave this one out."
    )


class IdentityRulesStale(Conflict):
    """Somebody changed the rules in between."""

    code = "identity_rules_stale"
    message = "The rules are at version {version}, and this change was made on version {based_on}. Read them again."


class IdentityKindsIncomplete(InvalidInput):
    """A version of the rules says of every kind what holds, once."""

    code = "identity_kinds_incomplete"
    message = "Name each of these once in “kinds”, the strongest first: {kinds}."
