"""What can go wrong with the embedded PostgreSQL."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be had; the text says what happened and what to do."""


class StillStarting(EmbeddedError):
    """Somebody is at it, and it did not serve within the caller's patience: a recovery after a crash takes its time."""
