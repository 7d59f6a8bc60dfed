"""Refusals of key administration."""

from regulars.platform.errors import Conflict, DomainError, InvalidInput


class ScopeUnknown(InvalidInput):
    """A key was asked for with a scope that does not exist."""

    code = "scope_unknown"
    message = "There is no scope {scope}. Choose from: {scopes}."


class KeyWithoutScope(InvalidInput):
    """A key was asked for that may do nothing."""

    code = "key_without_scope"
    message = "A key without scopes may do nothing. Give it at least one scope."


class NetworkUnknown(InvalidInput):
    """What a key is to be bound to is no address and no network."""

    code = "network_unknown"
    message = "Not an address and not a network: {network}. Write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32."


class VersionNotSpoken(InvalidInput):
    """A key is to be pinned to a version of the API that this release does not speak."""

    code = "version_not_spoken"
    message = "This release does not speak version {version} of the API. Pin the key to one of these: {versions}."


class RotationUnderWay(Conflict):
    """A key was rotated, and its secret of before is still good."""

    code = "rotation_under_way"
    message = (
        "This key was rotated, and the secret before is good until {until}. Rotate it again after that, or end the "
        "overlap first: then that secret is refused at once."
    )


class KeyEnded(Conflict):
    """A key that is revoked or has expired is to be changed."""

    code = "key_ended"
    message = "This key is revoked or has expired. Make a new one."


class AddressNotAllowed(DomainError):
    """A key is used from an address that it is not meant for."""

    code = "address_not_allowed"
    status = 403
    message = "This API key may not be used from {address}. Ask from one of its networks, or let them be changed."


class RateLimited(DomainError):
    """A key asks more often than it may."""

    code = "rate_limited"
    status = 429
    message = (
        "This API key sends more than {requests_per_second} requests a second. Wait {retry_after_seconds} s and send "
        "the request again with the same key."
    )


class MayBeOnePerson(Conflict):
    """Two persons are asked for, and of one of them nobody knows who it is."""

    code = "may_be_one_person"
    message = (
        "One of the two works at the command line, the other does not: they may be one person. "
        "Let somebody answer where it was asked for."
    )
