"""Operations on members, for callers on an event loop.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.asynchronous.transport import Group, walk_async
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    BatchedSignUp,
    BirthdayBody,
    ConfirmationAnswer,
    ConsentAnswer,
    ConsentHistoryAnswer,
    ConsentsAnswer,
    IdentityAnswer,
    IdentityBody,
    MemberAnswer,
    MemberAnswerShown,
    ProfileChangedAnswer,
    SignUpBatchAnswer,
)


class AsyncMembersPart1(Group):
    """Operations on members."""

    async def sign_up(
        self,
        *,
        market: str,
        identities: Sequence[IdentityBody],
        channel: str,
        store_id: str | UnsetType | None = UNSET,
        language: str | UnsetType | None = UNSET,
        signed_up_at: datetime | UnsetType | None = UNSET,
        idempotency_key: str | None = None,
    ) -> MemberAnswer:
        """Sign a member up.

        Make a member who can be found by the given identities.

        A value that already belongs to a member gives 409 `identity_taken`; whose it is, a lookup tells.

        `market`: A market of the programme. `channel`: Where: online, store, app, partner, . `store_id`: The shop,
        if it was in one. `language`: A language tag (BCP 47). `signed_up_at`: RFC 3339, with its time zone.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/members",
                MemberAnswer,
                body=given(
                    {
                        "market": market,
                        "identities": identities,
                        "channel": channel,
                        "store_id": store_id,
                        "language": language,
                        "signed_up_at": signed_up_at,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def get(
        self, member_id: str, *, expand: Sequence[Literal["wallets", "tier", "consents", "store"]] | None = None
    ) -> MemberAnswerShown:
        """Read a member.

        Return a member; personal data is masked.

        With the scope `members:personal` and the header `Regulars-Purpose`, which says why (5 to 200 characters,
        other letters than ASCII percent-encoded), it is in the clear, and the audit log keeps who read whom, and
        why.

        `expand`: What is to be given along, with commas between: `wallets` (ledger:read), `tier` (ledger:read),
        `consents` (members:read), `store` (orders:read). Each stands in its place as its own address answers it,
        null where there is none; a key needs the scope that it takes there.
        """
        return await self._transport.call(
            Call("GET", f"/v1/members/{part(member_id)}", MemberAnswerShown, query={"expand": expand})
        )

    async def look_up(
        self,
        *,
        kind: Literal["phone", "email", "card", "external", "openid"],
        value: str,
        market: str | UnsetType | None = UNSET,
        expand: Sequence[Literal["wallets", "tier", "consents", "store"]] | None = None,
    ) -> MemberAnswerShown:
        """Find a member by an identity.

        Return the member to whom a value points, as `getMember` does; 404 if it points to nobody.

        It changes nothing and takes no idempotency key; it is a POST so that no personal data stands in an address.

        `value`: A phone number (E.164, or as written in the market), an e-mail address, a card number, or
        namespace:id for ids of other systems and openids. `market`: A market of the programme. `expand`: What is to
        be given along, with commas between: `wallets` (ledger:read), `tier` (ledger:read), `consents`
        (members:read), `store` (orders:read). Each stands in its place as its own address answers it, null where
        there is none; a key needs the scope that it takes there.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/members/lookup",
                MemberAnswerShown,
                query={"expand": expand},
                body=given({"kind": kind, "value": value, "market": market}),
            )
        )

    async def add_identity(
        self,
        member_id: str,
        *,
        kind: Literal["phone", "email", "card", "external", "openid"],
        value: str,
        idempotency_key: str | None = None,
    ) -> IdentityAnswer:
        """Let a member be found by one more value.

        Add an identity; one that the member has already is answered as it is.

        `value`: A phone number (E.164, or as written in the market), an e-mail address, a card number, or
        namespace:id for ids of other systems and openids.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/identities",
                IdentityAnswer,
                body=given({"kind": kind, "value": value}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def remove_identity(
        self, member_id: str, identity_id: str, *, idempotency_key: str | None = None
    ) -> IdentityAnswer:
        """Let a member no longer be found by a value.

        Remove an identity; the last one stays (409 `last_identity`).
        """
        return await self._transport.call(
            Call(
                "DELETE",
                f"/v1/members/{part(member_id)}/identities/{part(identity_id)}",
                IdentityAnswer,
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def sign_up_members(
        self, *, members: Sequence[BatchedSignUp], idempotency_key: str | None = None
    ) -> SignUpBatchAnswer:
        """Sign many members up.

        Sign up to 1,000 members up in one transaction, row by row: a refused row leaves the others as they are.

        A row that was sent before, with the same reference and values, gives the member who came of it then.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/members/batch",
                SignUpBatchAnswer,
                body=given({"members": members}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def change_profile(
        self,
        member_id: str,
        *,
        display_name: str | UnsetType | None = UNSET,
        given_name: str | UnsetType | None = UNSET,
        family_name: str | UnsetType | None = UNSET,
        birthday: BirthdayBody | UnsetType | None = UNSET,
        language: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> ProfileChangedAnswer:
        """Change what a member told.

        Change a profile: a field left out stays, null clears it. No value is repeated in the answer.

        `language`: A language tag (BCP 47).
        """
        return await self._transport.call(
            Call(
                "PATCH",
                f"/v1/members/{part(member_id)}/profile",
                ProfileChangedAnswer,
                body=given(
                    {
                        "display_name": display_name,
                        "given_name": given_name,
                        "family_name": family_name,
                        "birthday": birthday,
                        "language": language,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def list_consents(self, member_id: str, *, as_of: datetime | None = None) -> ConsentsAnswer:
        """Read what a member consented to.

        Return the decisions in force and the history, now or as known at an earlier instant.
        """
        return await self._transport.call(
            Call("GET", f"/v1/members/{part(member_id)}/consents", ConsentsAnswer, query={"as_of": as_of})
        )

    async def record_consent(
        self,
        member_id: str,
        *,
        purpose: Literal["service", "marketing", "research", "profiling", "sharing"],
        channel: Literal["email", "sms", "push", "wechat", "phone", "post", "any"],
        decision: Literal["given", "withdrawn"],
        wording_version: str,
        where: str,
        store_id: str | UnsetType | None = UNSET,
        effective_at: datetime | UnsetType | None = UNSET,
        wording: str | UnsetType | None = UNSET,
        language: str | UnsetType | None = UNSET,
        confirmed_elsewhere: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> ConsentAnswer:
        """Record that a member gave or withdrew consent.

        Append a decision; nothing is ever edited, and the decision that took effect last is in force.

        Where double opt-in is asked for (`REGULARS_DOUBLE_OPT_IN`), a consent by e-mail is only requested by this,
        and a letter goes to the address; asking again in the same words while one waits gives that one.

        `wording_version`: Which text the member saw. `where`: The channel in which it was decided.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/consents",
                ConsentAnswer,
                body=given(
                    {
                        "purpose": purpose,
                        "channel": channel,
                        "decision": decision,
                        "wording_version": wording_version,
                        "where": where,
                        "store_id": store_id,
                        "effective_at": effective_at,
                        "wording": wording,
                        "language": language,
                        "confirmed_elsewhere": confirmed_elsewhere,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def list_consent_history(
        self,
        member_id: str,
        *,
        purpose: Literal["service", "marketing", "research", "profiling", "sharing"] | None = None,
        channel: Literal["email", "sms", "push", "wechat", "phone", "post", "any"] | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> ConsentHistoryAnswer:
        """Read everything that a member decided on consent.

        Return decisions page by page, of all purposes or one: who recorded each, where, and in which words.
        """
        return await self._transport.call(
            Call(
                "GET",
                f"/v1/members/{part(member_id)}/consents/history",
                ConsentHistoryAnswer,
                query={"purpose": purpose, "channel": channel, "cursor": cursor, "limit": limit},
            )
        )

    def iterate_consent_history(
        self,
        member_id: str,
        *,
        purpose: Literal["service", "marketing", "research", "profiling", "sharing"] | None = None,
        channel: Literal["email", "sms", "push", "wechat", "phone", "post", "any"] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[ConsentAnswer]:
        """Go through all pages of `list_consent_history`, row by row."""
        return walk_async(
            lambda cursor: self.list_consent_history(
                member_id, purpose=purpose, channel=channel, limit=limit, cursor=cursor
            ),
            lambda page: page.history,
        )

    async def send_consent_letter(
        self, member_id: str, consent_id: str, *, idempotency_key: str | None = None
    ) -> ConsentAnswer:
        """Send the letter that asks for confirmation once more.

        Have one more letter written for a request; its link replaces the one before.

        409 `consent_not_requested` where nothing waits any more, 429 within a minute of the letter before.
        """
        return await self._transport.call(
            Call(
                "POST",
                f"/v1/members/{part(member_id)}/consents/{part(consent_id)}/letters",
                ConsentAnswer,
                takes_key=True,
                key=idempotency_key,
            )
        )

    async def confirm_consent(self, *, token: str, idempotency_key: str | None = None) -> ConfirmationAnswer:
        """Confirm a consent by what a letter's link carries.

        Confirm as the page behind the link does, for a shop with pages of its own; again changes nothing.

        404 `consent_confirmation_over` for a link that is too old, replaced or used up. Never confirm on a GET: mail
        scanners follow links.
        """
        return await self._transport.call(
            Call(
                "POST",
                "/v1/consent-confirmations",
                ConfirmationAnswer,
                body=given({"token": token}),
                takes_key=True,
                key=idempotency_key,
            )
        )
