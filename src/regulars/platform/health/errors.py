"""Why a process is not ready."""

from regulars.platform.errors import TemporarilyUnavailable


class DatabaseSilent(TemporarilyUnavailable):
    """The database does not answer."""

    code = "database_silent"
    message = "The database does not answer. Check that it runs; `regulars doctor` tells more."


class ShuttingDown(TemporarilyUnavailable):
    """The process was told to end: it answers what it was asked, and should be asked nothing more."""

    code = "shutting_down"
    message = "This process is shutting down. Ask another one, or this address again in a moment."


class NotMigrated(TemporarilyUnavailable):
    """The database has another schema than this release needs."""

    code = "not_migrated"
    message = "The database has the schema {found}, and this release needs {needed}. Run `regulars migrate`."
