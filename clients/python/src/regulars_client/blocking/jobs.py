"""Operations on jobs, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator
from typing import Literal

from regulars_client.blocking.transport import Group, walk
from regulars_client.calls import Call, part
from regulars_client.models import JobAnswer, JobsPage


class Jobs(Group):
    """Operations on jobs."""

    def list(
        self,
        *,
        kind: str | None = None,
        state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> JobsPage:
        """List jobs.

        Return the jobs that this key asked for, the last first; with the scope `admin` everybody's.
        """
        return self._transport.call(
            Call("GET", "/v1/jobs", JobsPage, query={"kind": kind, "state": state, "cursor": cursor, "limit": limit})
        )

    def iterate(
        self,
        *,
        kind: str | None = None,
        state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None,
        limit: int | None = None,
    ) -> Iterator[JobAnswer]:
        """Go through all pages of `list`, row by row."""
        return walk(
            lambda cursor: self.list(kind=kind, state=state, limit=limit, cursor=cursor), lambda page: page.jobs
        )

    def get(self, job_id: str) -> JobAnswer:
        """See how far a job has come.

        Return a job that this key asked for; another's is answered as one that does not exist.
        """
        return self._transport.call(Call("GET", f"/v1/jobs/{part(job_id)}", JobAnswer))

    def cancel(self, job_id: str, *, idempotency_key: str | None = None) -> JobAnswer:
        """Stop a job.

        Stop a job that waits or runs; the step under way ends first. What it did stands.

        A key needs the scopes with which such a job is begun.
        """
        return self._transport.call(
            Call("POST", f"/v1/jobs/{part(job_id)}/cancel", JobAnswer, takes_key=True, key=idempotency_key)
        )

    def resume(self, job_id: str, *, idempotency_key: str | None = None) -> JobAnswer:
        """Let a job go on.

        Let a job that was cancelled or failed go on from where it stopped: nothing is done twice.

        A key needs the scopes with which such a job is begun.
        """
        return self._transport.call(
            Call("POST", f"/v1/jobs/{part(job_id)}/resume", JobAnswer, takes_key=True, key=idempotency_key)
        )
