"""Operations on jobs, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator
from typing import Literal

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call, part
from regulars_client.models import JobAnswer, JobsPage


class AsyncJobs(Group):
    """Operations on jobs."""

    async def list(
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
        return await self._transport.call(
            Call("GET", "/v1/jobs", JobsPage, query={"kind": kind, "state": state, "cursor": cursor, "limit": limit})
        )

    def iterate(
        self,
        *,
        kind: str | None = None,
        state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[JobAnswer]:
        """Go through all pages of `list`, row by row."""
        return walk_async(
            lambda cursor: self.list(kind=kind, state=state, limit=limit, cursor=cursor), lambda page: page.jobs
        )

    async def get(self, job_id: str) -> JobAnswer:
        """See how far a job has come.

        Return a job that this key asked for; another's is answered as one that does not exist.
        """
        return await self._transport.call(Call("GET", f"/v1/jobs/{part(job_id)}", JobAnswer))

    async def cancel(self, job_id: str, *, idempotency_key: str | None = None) -> JobAnswer:
        """Stop a job.

        Stop a job that waits or runs; the step under way ends first. What it did stands.

        A key needs the scopes with which such a job is begun.
        """
        return await self._transport.call(
            Call("POST", f"/v1/jobs/{part(job_id)}/cancel", JobAnswer, takes_key=True, key=idempotency_key)
        )

    async def resume(self, job_id: str, *, idempotency_key: str | None = None) -> JobAnswer:
        """Let a job go on.

        Let a job that was cancelled or failed go on from where it stopped: nothing is done twice.

        A key needs the scopes with which such a job is begun.
        """
        return await self._transport.call(
            Call("POST", f"/v1/jobs/{part(job_id)}/resume", JobAnswer, takes_key=True, key=idempotency_key)
        )
