"""Operations on privacy, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator
from typing import Literal

from regulars_client.asynchronous.transport import AsyncDownload, Group, walk_async
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    Document,
    ErasureAnswer,
    ErasureStandingAnswer,
    ExportAnswer,
    ExportsAnswer,
    LookAnswer,
    LooksAnswer,
)


class AsyncPrivacy(Group):
    """Operations on privacy."""

    async def get_erasure(self, member_id: str) -> ErasureStandingAnswer:
        """Read what erasing a member would mean, and whether it was asked for.

        Return how it stands, also of a member who is erased.
        """
        return await self._transport.call(Call("GET", f"/v1/members/{part(member_id)}/erasure", ErasureStandingAnswer))

    async def ask_erasure(self, member_id: str, *, reason: str, idempotency_key: str | None = None) -> ErasureAnswer:
        """Ask for a member to be erased.

        Have a member erased once the waiting time is over; asking again while it waits changes nothing.

        The member's key is destroyed: nothing personal can be read any more, in no copy of the database. Copies that
        were delivered before (files, messages, webhooks) cannot be called back. The books stay, under the number.

        `reason`: Why, for the audit log, which outlives the member: no names, numbers or addresses here.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/erasure",
                ErasureAnswer,
                body=given({"reason": reason}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def withdraw_erasure(self, member_id: str, *, idempotency_key: str | None = None) -> ErasureAnswer:
        """Withdraw an erasure that waits.

        Let a member stay; 409 `no_erasure_asked` if none waits, or its time has come.
        """
        return await self._transport.call(
            Call("DELETE", f"/v1/members/{part(member_id)}/erasure", ErasureAnswer, takes_key=True, key=idempotency_key)
        )

    async def list_exports(self, member_id: str) -> ExportsAnswer:
        """List the exports of a member.

        Return the exports that have not expired, ready or not.
        """
        return await self._transport.call(Call("GET", f"/v1/members/{part(member_id)}/exports", ExportsAnswer))

    async def ask_export(self, member_id: str, *, idempotency_key: str | None = None) -> ExportAnswer:
        """Have everything about a member gathered.

        Gather everything from every room, sealed under the member's key, for a week.
        """
        return await self._transport.call(
            Call("POST", f"/v1/members/{part(member_id)}/exports", ExportAnswer, takes_key=True, key=idempotency_key)
        )

    async def read_export(self, member_id: str, export_id: str) -> Document:
        """Read everything about a member.

        Return what was gathered, in the clear; the header `Regulars-Purpose` says why, for the audit log.

        409 `export_not_ready` while it is being gathered.
        """
        return await self._transport.call(
            Call("GET", f"/v1/members/{part(member_id)}/exports/{part(export_id)}", Document)
        )

    async def download_export(
        self, member_id: str, export_id: str, *, format_: Literal["json", "html"] | None = None
    ) -> AsyncDownload:
        """Read everything about a member.

        Return what was gathered, in the clear; the header `Regulars-Purpose` says why, for the audit log.

        409 `export_not_ready` while it is being gathered.
        """
        return await self._transport.download(
            Call("GET", f"/v1/members/{part(member_id)}/exports/{part(export_id)}", bytes, query={"format": format_})
        )

    async def list_personal_reads(
        self,
        *,
        member_id: str | None = None,
        actor: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> LooksAnswer:
        """List who looked at whose personal data.

        Return who looked at a member (`member_id`), at whom somebody looked (`actor`, as it stands here), or all.
        """
        return await self._transport.call(
            Call(
                "GET",
                "/v1/personal-reads",
                LooksAnswer,
                query={"member_id": member_id, "actor": actor, "cursor": cursor, "limit": limit},
            )
        )

    def iterate_personal_reads(
        self, *, member_id: str | None = None, actor: str | None = None, limit: int | None = None
    ) -> AsyncIterator[LookAnswer]:
        """Go through all pages of `list_personal_reads`, row by row."""
        return walk_async(
            lambda cursor: self.list_personal_reads(member_id=member_id, actor=actor, limit=limit, cursor=cursor),
            lambda page: page.looks,
        )
