"""Of `client.jobs`.

Written from the API's description: `make client` does it anew.
"""

from msgspec import Struct

from regulars_client.models.shared import JobAnswer


class JobsPage(Struct, frozen=True, kw_only=True):
    """The answer of `client.jobs.list`: list jobs."""

    jobs: list[JobAnswer]
    has_more: bool
    next_cursor: str | None
