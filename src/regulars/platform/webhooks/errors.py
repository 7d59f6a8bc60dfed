"""Refusals of webhooks."""

from regulars.platform.errors import Conflict, InvalidInput


class WebhookUrlImpossible(InvalidInput):
    """What should be the address of an endpoint is none, or names a user."""

    code = "webhook_url_impossible"
    status = 422
    message = (
        "Webhooks cannot be sent to this address. Give one such as https://shop.example/hooks, without a password."
    )


class WebhookUrlNotAllowed(InvalidInput):
    """The address leads to a private place, or is not encrypted, and no setting allows that."""

    code = "webhook_url_not_allowed"
    status = 422
    message = (
        "Webhooks are sent to public addresses by https alone, and {host} leads elsewhere. Give a public address, or "
        "let the operator name the network in REGULARS_WEBHOOK_NETWORKS."
    )


class WebhookHostUnknown(InvalidInput):
    """Nobody knows the host of an endpoint."""

    code = "webhook_host_unknown"
    status = 422
    message = "No address is known for {host}. Check the name, and try again once it is known."


class UnknownWebhookType(InvalidInput):
    """A type of event that there is none of."""

    code = "unknown_webhook_type"
    status = 422
    message = "There is no event called {type}. See the list of webhooks in the API reference."


class TooManyWebhooks(Conflict):
    """There are as many endpoints as a programme may have."""

    code = "too_many_webhooks"
    status = 409
    message = "There are {limit} webhooks already, and no more are possible. Delete one that nobody needs."


class WebhookDisabled(Conflict):
    """Something was to be sent to an endpoint that is disabled."""

    code = "webhook_disabled"
    status = 409
    message = "This webhook is disabled. Enable it first, then send again."


class SecretRotationUnderWay(Conflict):
    """The secret of an endpoint was changed for another, and the one before still signs."""

    code = "secret_rotation_under_way"
    status = 409
    message = (
        "Two secrets of this webhook are good until {until}. Rotate it again after that; or without an overlap: then "
        "both end at once."
    )


class TooManyToReplay(Conflict):
    """A range holds more deliveries than are replayed at a time."""

    code = "too_many_to_replay"
    status = 409
    message = "This range holds more than {limit} deliveries. Replay a shorter one first, then the rest."


class DeliveryUnderWay(Conflict):
    """A delivery that waits to be sent needs no replay."""

    code = "delivery_under_way"
    status = 409
    message = "This delivery is still being tried: it needs no replay."


class DeliveryCursorUnreadable(InvalidInput):
    """The cursor is not one that a list of deliveries gave."""

    code = "delivery_cursor_unreadable"
    status = 422
    message = "This is not a cursor of this list. Use the one that the page before gave, or none."
