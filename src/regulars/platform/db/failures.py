"""What went wrong in the database, told apart by what helps."""

from psycopg import Error, OperationalError, errors

PASSING = (errors.DeadlockDetected, errors.LockNotAvailable, errors.SerializationFailure, errors.QueryCanceled)


def may_pass(error: BaseException) -> bool:
    """True if the same work may well succeed when done again: somebody else was in the way."""
    return isinstance(error, PASSING)


def is_connection_lost(error: BaseException) -> bool:
    """True if nothing more can be done in this transaction, because its connection is gone."""
    return isinstance(error, OperationalError) and (error.sqlstate is None or error.sqlstate.startswith(("57P", "08")))


def is_out_of_room(error: BaseException) -> bool:
    """True if the database's disk is full: whatever was asked for was in order, and waits for room."""
    return isinstance(error, errors.DiskFull)


def is_nobodys_fault(error: BaseException) -> bool:
    """True if the server could not go on: no event, job or request is to blame, and none may be given up for it."""
    return is_connection_lost(error) or is_out_of_room(error)


def describe(error: BaseException) -> str:
    """Name a failure without any data of people: its kind, and the constraint where the database refused."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    constraint = error.diag.constraint_name if isinstance(error, Error) else None
    return f"{kind} ({constraint})" if constraint else kind
