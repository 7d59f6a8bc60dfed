"""Refusals of key administration."""

from regulars.platform.errors import Conflict, InvalidInput


class ScopeUnknown(InvalidInput):
    """A key was asked for with a scope that does not exist."""

    code = "scope_unknown"
    message = "There is no scope {scope}. Choose from: {scopes}."


class KeyWithoutScope(InvalidInput):
    """A key was asked for that may do nothing."""

    code = "key_without_scope"
    message = "A key without scopes may do nothing. Give it at least one scope."


class MayBeOnePerson(Conflict):
    """Two persons are asked for, and of one of them nobody knows who it is."""

    code = "may_be_one_person"
    message = (
        "One of the two works at the command line, the other does not: they may be one person. "
        "Let somebody answer where it was asked for."
    )
