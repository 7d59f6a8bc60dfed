"""Refusals of key administration."""

from regulars.platform.errors import InvalidInput


class ScopeUnknown(InvalidInput):
    """A key was asked for with a scope that does not exist."""

    code = "scope_unknown"
    message = "There is no scope {scope}. Choose from: {scopes}."


class KeyWithoutScope(InvalidInput):
    """A key was asked for that may do nothing."""

    code = "key_without_scope"
    message = "A key without scopes may do nothing. Give it at least one scope."
