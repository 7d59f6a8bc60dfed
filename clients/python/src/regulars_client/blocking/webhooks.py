"""Operations on webhooks, for callers who wait for the answer.

Written from the API's description: `make client` does it anew.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from regulars_client.blocking.transport import Group, walk
from regulars_client.calls import Call, given, part
from regulars_client.models import (
    DeliveriesAnswer,
    DeliveryAnswer,
    DeliveryInFull,
    ReplayedAnswer,
    WebhookAnswer,
    WebhooksAnswer,
    WebhookWithSecret,
)


class Webhooks(Group):
    """Operations on webhooks."""

    def list(self) -> WebhooksAnswer:
        """List the webhooks.

        Return every webhook, the oldest first: 48 at most.
        """
        return self._transport.call(Call("GET", "/v1/webhooks", WebhooksAnswer))

    def create(
        self,
        *,
        url: str,
        types: Sequence[str] | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> WebhookWithSecret:
        """Have events delivered to an address.

        Make a webhook. What is recorded from now on is delivered, signed by the secret that is shown this once.

        The address must lead to the public internet by https, unless the operator allows a network.

        `url`: https; http where the operator allows the network. `types`: Names of events; none for all of them.
        """
        return self._transport.call(
            Call(
                "POST",
                "/v1/webhooks",
                WebhookWithSecret,
                body=given({"url": url, "types": types, "description": description}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def get(self, webhook_id: str) -> WebhookAnswer:
        """Read a webhook.

        Return a webhook, without its secret.
        """
        return self._transport.call(Call("GET", f"/v1/webhooks/{part(webhook_id)}", WebhookAnswer))

    def change(
        self,
        webhook_id: str,
        *,
        url: str | UnsetType = UNSET,
        types: Sequence[str] | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
        state: Literal["active", "disabled"] | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> WebhookAnswer:
        """Change, disable or enable a webhook.

        Change a webhook. What waits goes to the new address; while it is disabled nothing is written for it.

        `url`: https; http where the operator allows the network. `types`: Names of events; none for all of them.
        """
        return self._transport.call(
            Call(
                "PATCH",
                f"/v1/webhooks/{part(webhook_id)}",
                WebhookAnswer,
                body=given({"url": url, "types": types, "description": description, "state": state}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def delete(self, webhook_id: str, *, idempotency_key: str | None = None) -> WebhookAnswer:
        """Delete a webhook.

        Delete a webhook with its secrets and its log. What waits is not delivered any more.
        """
        return self._transport.call(
            Call("DELETE", f"/v1/webhooks/{part(webhook_id)}", WebhookAnswer, takes_key=True, key=idempotency_key)
        )

    def rotate_secret(
        self, webhook_id: str, *, overlap_hours: int | UnsetType = UNSET, idempotency_key: str | None = None
    ) -> WebhookWithSecret:
        """Change the secret of a webhook for another.

        Draw a new secret, shown this once. For `overlap_hours` deliveries are signed by both; 0 ends the old one.

        `overlap_hours`: For how long the secret before signs as well.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/webhooks/{part(webhook_id)}/rotate",
                WebhookWithSecret,
                body=given({"overlap_hours": overlap_hours}),
                takes_key=True,
                key=idempotency_key,
            )
        )

    def list_deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        type_: str | None = None,
        member_id: str | None = None,
        queued_from: datetime | None = None,
        queued_until: datetime | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> DeliveriesAnswer:
        """Read what was delivered, and what was not.

        Return deliveries of a webhook of the last 30 days: by state, type, member, or when they were queued.
        """
        return self._transport.call(
            Call(
                "GET",
                f"/v1/webhooks/{part(webhook_id)}/deliveries",
                DeliveriesAnswer,
                query={
                    "state": state,
                    "type": type_,
                    "member_id": member_id,
                    "queued_from": queued_from,
                    "queued_until": queued_until,
                    "cursor": cursor,
                    "limit": limit,
                },
            )
        )

    def iterate_deliveries(
        self,
        webhook_id: str,
        *,
        state: Literal["pending", "delivered", "failed"] | None = None,
        type_: str | None = None,
        member_id: str | None = None,
        queued_from: datetime | None = None,
        queued_until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[DeliveryAnswer]:
        """Go through all pages of `list_deliveries`, row by row."""
        return walk(
            lambda cursor: self.list_deliveries(
                webhook_id,
                state=state,
                type_=type_,
                member_id=member_id,
                queued_from=queued_from,
                queued_until=queued_until,
                limit=limit,
                cursor=cursor,
            ),
            lambda page: page.deliveries,
        )

    def get_delivery(self, webhook_id: str, delivery_id: str) -> DeliveryInFull:
        """Read a delivery with every attempt.

        Return a delivery: the event as it is sent, and each attempt with the beginning of the answer.
        """
        return self._transport.call(
            Call("GET", f"/v1/webhooks/{part(webhook_id)}/deliveries/{part(delivery_id)}", DeliveryInFull)
        )

    def test(self, webhook_id: str, *, idempotency_key: str | None = None) -> DeliveryAnswer:
        """Send a webhook an event that means nothing.

        Queue an event of type `webhook.ping`, signed and retried as all others are.
        """
        return self._transport.call(
            Call("POST", f"/v1/webhooks/{part(webhook_id)}/test", DeliveryAnswer, takes_key=True, key=idempotency_key)
        )

    def replay_delivery(
        self, webhook_id: str, delivery_id: str, *, idempotency_key: str | None = None
    ) -> DeliveryAnswer:
        """Send an event anew.

        Send an event anew that was delivered or given up, with the id it had: a receiver can tell.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/webhooks/{part(webhook_id)}/deliveries/{part(delivery_id)}/replay",
                DeliveryAnswer,
                takes_key=True,
                key=idempotency_key,
            )
        )

    def replay_deliveries(
        self,
        webhook_id: str,
        *,
        queued_from: datetime | UnsetType | None = UNSET,
        queued_until: datetime | UnsetType | None = UNSET,
        first_position: int | UnsetType | None = UNSET,
        last_position: int | UnsetType | None = UNSET,
        type_: str | UnsetType | None = UNSET,
        states: Sequence[Literal["delivered", "failed"]] | UnsetType = UNSET,
        dry_run: bool | UnsetType = UNSET,
        idempotency_key: str | None = None,
    ) -> ReplayedAnswer:
        """Send a range of events anew.

        Send anew what was given up (or delivered, too) in a stretch of time or of positions; 100,000 at a time.

        `dry_run`: Only tell how many there are.
        """
        return self._transport.call(
            Call(
                "POST",
                f"/v1/webhooks/{part(webhook_id)}/replay",
                ReplayedAnswer,
                body=given(
                    {
                        "queued_from": queued_from,
                        "queued_until": queued_until,
                        "first_position": first_position,
                        "last_position": last_position,
                        "type": type_,
                        "states": states,
                        "dry_run": dry_run,
                    }
                ),
                takes_key=True,
                key=idempotency_key,
            )
        )
