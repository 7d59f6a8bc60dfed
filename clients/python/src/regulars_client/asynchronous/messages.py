"""Operations on messages, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator, Sequence

from msgspec import UNSET, UnsetType

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call, given, part
from regulars_client.models import MessageAnswer, MessagesAnswer, ReadAnswer


class AsyncMessages(Group):
    """Operations on messages."""

    async def list(self, member_id: str, *, cursor: str | None = None, limit: int | None = None) -> MessagesAnswer:
        """Read what a member was told.

        Return messages of every channel with what they say.

        The header `Regulars-Purpose` says why (5 to 200 characters); it is in the audit log, with who read whom.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/messages",
                MessagesAnswer,
                query={"cursor": cursor, "limit": limit},
            )
        )

    def iterate(self, member_id: str, *, limit: int | None = None) -> AsyncIterator[MessageAnswer]:
        """Go through all pages of `list`, row by row."""
        return walk_async(lambda cursor: self.list(member_id, limit=limit, cursor=cursor), lambda page: page.messages)

    async def mark_messages_read(
        self,
        member_id: str,
        *,
        message_ids: Sequence[str] | UnsetType = UNSET,
        up_to: str | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> ReadAnswer:
        """Mark messages of a member's inbox as read.

        Mark messages as read. What is read stays read; messages of others are left alone.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/messages/read",
                ReadAnswer,
                body=given({"message_ids": message_ids, "up_to": up_to}),
                takes_key=True,
                key=idempotency_key,
            )
        )
