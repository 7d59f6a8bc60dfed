"""Webhooks as they arrive: whether Regulars sent them, and what they tell (Standard Webhooks)."""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from regulars_client.clock import wall_seconds
from regulars_client.errors import NotFromRegulars, UnexpectedAnswer
from regulars_client.models import PublicEvent

_SECRET: Final = "whsec_"  # noqa: S105 # how secrets begin
_SCHEME: Final = "v1,"
_MOST_SIGNATURES: Final = 20
_LEAST_BYTES: Final = 24  # of a secret, by Standard Webhooks
_LONGEST_TIME: Final = 20  # characters


class Webhooks:
    """Verifies what arrives at one endpoint, by its secret; by both of them while one follows the other.

    `tolerance_seconds` is how old a delivery may be, or ahead of this machine's clock: an old one that somebody kept
    is not taken. Raises ValueError for what is no secret.
    """

    def __init__(
        self, *secrets: str, tolerance_seconds: float = 300.0, clock: Callable[[], float] = wall_seconds
    ) -> None:
        if not secrets:
            raise ValueError("name the endpoint's secret: whsec_…")
        self._keys = [_key(secret) for secret in secrets]
        self._tolerance, self._clock = tolerance_seconds, clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> PublicEvent:
        """Return the event of a delivery. `body` are the bytes as they came, before anybody parsed them.

        The same event may come again: `id` tells. Raises NotFromRegulars, answer that with 401; UnexpectedAnswer if it
        is signed by Regulars and no event.
        """
        said = {name.lower(): value for name, value in headers.items()}
        message_id, timestamp = said.get("webhook-id", ""), said.get("webhook-timestamp", "")
        is_time = timestamp.isdecimal() and len(timestamp) <= _LONGEST_TIME
        if not is_time or abs(self._clock() - int(timestamp)) > self._tolerance:
            raise NotFromRegulars("The delivery has no time, or one that is too long ago or ahead.")
        signed = f"{message_id}.{timestamp}.".encode() + body
        expected = [_SCHEME + b64encode(hmac.digest(key, signed, "sha256")).decode() for key in self._keys]
        given = said.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
        # Every pair is compared, and each in constant time: nothing tells how far a guess was right.
        matches = [hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in given]
        if not any(matches):
            raise NotFromRegulars("The delivery is signed by none of the endpoint's secrets.")
        try:
            return msgspec.json.decode(body, type=PublicEvent)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnexpectedAnswer(f"The delivery is no event: {error}", status=0, content=body) from error


def _key(secret: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_SECRET), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < _LEAST_BYTES:  # with an empty one, of a variable that is not set, anybody could sign
        raise ValueError("that is no secret of an endpoint: whsec_… and base64")
    return key
