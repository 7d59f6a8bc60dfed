"""What the client says of deliveries: ours, others', changed ones, old ones."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from regulars.platform.webhooks.contracts import Told
from regulars.platform.webhooks.signing import draw, shown, sign
from regulars.platform.webhooks.telling import body_of, message_id_of
from regulars_client import NotFromRegulars, UnexpectedAnswer, Webhooks, data_of
from regulars_client.models import EVENT_DATA, PublicEvent, TierLostData

NOW = 1_777_600_000.0
SECRET, OLDER, ANOTHER = draw(), draw(), draw()
TOLD = Told(
    UUID(int=7),
    "tier.lost",
    UUID(int=1),
    datetime(2026, 5, 1, tzinfo=UTC),
    '{"member_id":"mbr_00000000000000000000000000000001","tier":"silver","from_tier":"gold","cause":"review"}',
)
BODY = body_of(TOLD, "urn:test")


def headers(at: float = NOW, body: bytes = BODY, *secrets: bytes) -> dict[str, str]:
    message_id = message_id_of(TOLD)
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(int(at)),
        "Webhook-Signature": sign(list(secrets or (SECRET,)), message_id, int(at), body),
    }


def verifier(*secrets: bytes) -> Webhooks:
    return Webhooks(*[shown(secret) for secret in secrets or (SECRET,)], clock=lambda: NOW)


def test_a_delivery_of_ours_is_an_event() -> None:
    event = verifier().verify(headers(), BODY)

    assert (event.id, event.type, event.source) == (message_id_of(TOLD), "tier.lost", "urn:test")
    assert event.subject == "mbr_00000000000000000000000000000001"


@pytest.mark.parametrize("known", [(SECRET,), (OLDER,), (ANOTHER, OLDER), (SECRET, ANOTHER)])
def test_while_one_secret_follows_the_other_each_is_enough(known: tuple[bytes, ...]) -> None:
    assert verifier(*known).verify(headers(NOW, BODY, SECRET, OLDER), BODY).type == "tier.lost"


FORGED = {
    "by another secret": (headers(NOW, BODY, ANOTHER), BODY),
    "another body": (headers(), BODY + b" "),
    "another id": (headers() | {"Webhook-Id": "evt_1"}, BODY),
    "another time": (headers() | {"Webhook-Timestamp": str(int(NOW) + 1)}, BODY),
    "too old": (headers(NOW - 301), BODY),
    "from ahead": (headers(NOW + 301), BODY),
    "a time without an end": (headers() | {"Webhook-Timestamp": "1" * 5000}, BODY),
    "no time": (headers() | {"Webhook-Timestamp": "soon"}, BODY),
    "no headers": ({}, BODY),
    "another scheme": (headers() | {"Webhook-Signature": headers()["Webhook-Signature"].replace("v1,", "v2,")}, BODY),
    "beyond ASCII": (headers() | {"Webhook-Signature": "v1,\u00e9"}, BODY),
}


@pytest.mark.parametrize("forged", FORGED)
def test_others_are_not_taken(forged: str) -> None:
    told, body = FORGED[forged]
    with pytest.raises(NotFromRegulars):
        verifier().verify(told, body)


def test_what_is_signed_and_no_event_is_told_apart() -> None:
    with pytest.raises(UnexpectedAnswer):
        verifier().verify(headers(NOW, b"{}"), b"{}")


@pytest.mark.parametrize("secrets", [(), ("whsec_not base64",), ("",), ("whsec_",), (shown(SECRET), "whsec_c2hvcnQ=")])
def test_what_is_no_secret_is_told_at_once(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        Webhooks(*secrets)


def test_data_of_known_types_is_typed_and_of_later_ones_as_it_came() -> None:
    event = PublicEvent(
        id="evt_1", source="urn:test", type="tier.lost", time="2026-05-01T00:00:00Z",
        data={"member_id": "mbr_" + 31 * "0" + "1", "tier": "silver", "from_tier": "gold", "cause": "review"},
    )  # fmt: skip
    later = PublicEvent(id="evt_2", source="urn:test", type="moon.landed", time="2069-07-20T00:00:00Z", data={"a": 1})

    told = data_of(event)
    assert isinstance(told, TierLostData)
    assert (told.from_tier, told.tier) == ("gold", "silver")
    assert data_of(later) == {"a": 1}
    assert EVENT_DATA["tier.lost"] is TierLostData
