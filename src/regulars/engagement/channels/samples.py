"""Sample values for previews: an invented member of an invented shop, in either language."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from regulars.engagement.channels.letters import Content
from regulars.engagement.contracts import (
    CodeFacts,
    ConfirmConsentFacts,
    ConfirmFacts,
    ExpiringFacts,
    Facts,
    MessageKind,
    PointsReceivedFacts,
    PointsSentFacts,
    PointsTakenBackFacts,
    ReceiptFacts,
    ReturnFacts,
    TierFacts,
    WebhookDisabledFacts,
)
from regulars.platform.texts import mark, say

_SAMPLE_LINK = "sample"
_WORDING: Final = mark("Send me offers and news by e-mail. I can take this back at any time, with one click.")
_BOUGHT = datetime(2026, 5, 1, 10, 24, tzinfo=UTC)


def sample(kind: MessageKind, language: str) -> Content:
    """Return what a message of a kind might tell."""
    return Content(
        facts=_facts(kind, say("Nanjing Road", language), say(_WORDING, language)),
        time_zone="Asia/Shanghai",
        country="CN",
        name=say("Fang", language),
    )


def _facts(kind: MessageKind, store: str, wording: str) -> Facts:  # noqa: PLR0911 - one for each kind
    match kind:
        case MessageKind.CODE:
            return CodeFacts(code="482913", valid_minutes=10)
        case MessageKind.RECEIPT:
            return ReceiptFacts(
                order_id="A-20260501-17",
                occurred_at=_BOUGHT,
                recorded_at=_BOUGHT,
                channel="store",
                store_name=store,
                total_minor=128_900,
                currency="CNY",
                points_used=500,
                points_earned=2_568,
                debt_repaid=0,
                available_at=datetime(2026, 5, 8, 10, 24, tzinfo=UTC),
                expires_at=datetime(2027, 5, 31, 16, tzinfo=UTC),
            )
        case MessageKind.RETURN_SETTLED:
            return ReturnFacts(
                order_id="A-20260501-17",
                occurred_at=datetime(2026, 5, 4, 3, 5, tzinfo=UTC),
                store_name=store,
                returned_minor=39_900,
                currency="CNY",
                points_given_back=155,
                points_clawed_back=796,
                to_debt=40,
                money_back_minor=39_745,
            )
        case MessageKind.TIER_UP:
            return TierFacts(tier="gold", from_tier="silver", multiplier=2)
        case MessageKind.EXPIRING_POINTS:
            return ExpiringFacts(points=1_280, expires_at=datetime(2026, 5, 31, 16, tzinfo=UTC))
        case MessageKind.CONFIRM_ADDRESS:
            return ConfirmFacts(token=_SAMPLE_LINK)
        case MessageKind.CONFIRM_CONSENT:
            return ConfirmConsentFacts(consent_id=UUID(int=0), wording=wording, token=_SAMPLE_LINK)
        case MessageKind.POINTS_SENT | MessageKind.POINTS_RECEIVED | MessageKind.POINTS_TAKEN_BACK:
            return _gift(kind)
        case MessageKind.WEBHOOK_DISABLED:
            return WebhookDisabledFacts(
                webhook_id=f"whe_{32 * '0'}",
                name=store,
                wants_no_more=False,
                at=_BOUGHT,
                failing_since=_BOUGHT - timedelta(days=5),
            )


def _gift(kind: MessageKind) -> Facts:
    if kind is MessageKind.POINTS_SENT:
        return PointsSentFacts(points=200, at=_BOUGHT)
    if kind is MessageKind.POINTS_RECEIVED:
        return PointsReceivedFacts(points=200, at=_BOUGHT)
    return PointsTakenBackFacts(had_given=False, points=200, owed=40, expired=0, at=_BOUGHT)
