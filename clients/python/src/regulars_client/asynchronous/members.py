"""Operations on members, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Sequence

from regulars_client.asynchronous.members_1 import AsyncMembersPart1
from regulars_client.calls import Call, given
from regulars_client.models import BatchedConsent, ConsentBatchAnswer


class AsyncMembers(AsyncMembersPart1):
    """Operations on members."""

    async def record_consents(
        self, *, consents: Sequence[BatchedConsent], idempotency_key: str | None = None
    ) -> ConsentBatchAnswer:
        """Record what many members decided on consent.

        Append up to 1,000 decisions in one transaction, row by row: a refused row leaves the others as they are.

        Each is what `recordConsent` would make of it: where double opt-in is asked for, a letter asks for
        confirmation.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/consents/batch",
                ConsentBatchAnswer,
                body=given({"consents": consents}),
                takes_key=True,
                key=idempotency_key,
            )
        )
