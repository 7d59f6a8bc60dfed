"""What went wrong in the database, told apart by what helps."""

from psycopg import Error, OperationalError, errors

PASSING = (errors.DeadlockDetected, errors.LockNotAvailable, errors.SerializationFailure, errors.QueryCanceled)


def may_pass(error: BaseException) -> bool:
    """True if the same work may well succeed when done again: somebody else was in the way."""
    return isinstance(error, PASSING)


def is_connection_lost(error: BaseException) -> bool:
    """True if nothing more can be done in this transaction, because its connection is gone."""
    return isinstance(error, OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(("57P", "08")))


def describe(error: BaseException) -> str:
    """Name a failure without any data of people: its kind, and the constraint where the database refused."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    constraint = error.diag.constraint_name if isinstance(error, Error) else None
    return f"{kind} ({constraint})" if constraint else kind
