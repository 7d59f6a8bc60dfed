"""What the pages of a member say: consents, kinds of bookings, and the lines of the timeline."""

from collections.abc import Sequence
from typing import Final

from regulars.commerce.contracts import OrderOutcome
from regulars.engagement.contracts import MESSAGE_PREFIX, MessageRef
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import TierChange
from regulars.members.contracts import Consent, ConsentChannel, Decision, Member, Purpose
from regulars.platform.ids import public_id
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.console.message_words import CHANNELS as WAYS
from regulars.web.console.message_words import KINDS
from regulars.web.console.sight import LineSeen
from regulars.web.console.words import STATES, channel_name, wallet_name
from regulars.web.kit.cells import Tone
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark
from regulars.web.kit.timeline import Happening

PURPOSES: Final[dict[Purpose, str]] = {
    Purpose.SERVICE: mark("Service notices"),
    Purpose.MARKETING: mark("Marketing"),
    Purpose.RESEARCH: mark("Research"),
    Purpose.PROFILING: mark("Profiling"),
    Purpose.SHARING: mark("Sharing with partners"),
}
CONSENT_DECISIONS: Final[dict[Decision, tuple[str, Tone]]] = {
    Decision.GIVEN: (mark("Given"), "success"),
    Decision.WITHDRAWN: (mark("Withdrawn"), "warning"),
    Decision.REQUESTED: (mark("To be confirmed"), "info"),
    Decision.LAPSED: (mark("Lapsed"), "warning"),
}
CONSENT_CHANNELS: Final[dict[ConsentChannel, str]] = {
    ConsentChannel.EMAIL: mark("E-mail"),
    ConsentChannel.SMS: mark("Text message"),
    ConsentChannel.PUSH: mark("Push message"),
    ConsentChannel.WECHAT: mark("WeChat"),
    ConsentChannel.PHONE: mark("By telephone"),
    ConsentChannel.POST: mark("Letter"),
    ConsentChannel.ANY: mark("Any way"),
}
BOOKINGS: Final[dict[str, tuple[str, Tone]]] = {
    "earn": (mark("Earned"), "success"),
    "redeem": (mark("Paid with"), "info"),
    "expire": (mark("Expired"), "warning"),
    "claw_back": (mark("Taken back"), "warning"),
    "forgive": (mark("Forgiven"), "success"),
    "give_back": (mark("Given back"), "success"),
    "adjust": (mark("Corrected"), "neutral"),
    "accrue": (mark("Granted"), "success"),
    "extend": (mark("Extended"), "info"),
    "move_in": (mark("Moved here"), "info"),
    "move_out": (mark("Moved away"), "info"),
}


def kind_name(kind: str, language: str) -> str:
    """Return what a kind of booking is called."""
    return in_language(BOOKINGS.get(kind, (kind, "neutral"))[0], language)


def happened(
    page: Page,
    member: Member,
    *,
    orders: Sequence[OrderOutcome],
    lines: Sequence[LineSeen],
    tiers: Sequence[TierChange],
    consents: Sequence[Consent],
    messages: Sequence[MessageRef],
) -> list[Happening]:
    """Return everything as one timeline, newest first. Growth is left out: it shows in the tiers."""
    language = page.language
    entries = [
        Happening(
            member.signed_up_at, say("Signed up", language), channel_name(member.channel, language), "", "primary"
        ),
        *[_order(page, one) for one in orders],
        *[_line(one, language) for one in lines if one.wallet != "growth"],
        *[_tier(one, language) for one in tiers],
        *[_consent(one, language) for one in consents],
        *[_message(one, language) for one in messages],
    ]
    return sorted(entries, key=lambda one: str(one.at), reverse=True)


def _order(page: Page, one: OrderOutcome) -> Happening:
    label, tone = STATES[one.state]
    text = " · ".join(
        [
            page.formats.money(Money(one.total_minor, one.currency)),
            in_language(label, page.language),
            channel_name(one.channel, page.language),
            *([one.store_id] if one.store_id else []),
        ]
    )
    title = say("Order {order_id}", page.language, order_id=one.order_id)
    return Happening(one.occurred_at, title, text, f"/console/orders/{one.order_id}", tone)


def _line(one: LineSeen, language: str) -> Happening:
    label, tone = BOOKINGS.get(one.kind, (one.kind, "neutral"))
    title = in_language(label, language)
    if one.amount is not None:
        title += f": {one.amount:+,} {wallet_name(one.wallet, language)}"
    return Happening(one.effective_at, title, one.reason, "", tone)


def _tier(one: TierChange, language: str) -> Happening:
    title = say(
        "Tier {before} → {after}",
        language,
        before=loyalty.name_of_tier(one.from_tier, language),
        after=loyalty.name_of_tier(one.tier, language),
    )
    return Happening(one.effective_at, title, say("Growth {metric}", language, metric=f"{one.metric:,}"), "", "primary")


def _consent(one: Consent, language: str) -> Happening:
    titles = {
        Decision.GIVEN: mark("Consent given"),
        Decision.WITHDRAWN: mark("Consent withdrawn"),
        Decision.REQUESTED: mark("Consent to be confirmed"),
        Decision.LAPSED: mark("Consent lapsed: the address was changed"),
    }
    title = in_language(titles[one.decision], language)
    text = f"{in_language(PURPOSES[one.purpose], language)} · {in_language(CONSENT_CHANNELS[one.channel], language)}"
    return Happening(one.effective_at, title, text, "", CONSENT_DECISIONS[one.decision][1])


def _message(one: MessageRef, language: str) -> Happening:
    title = say("Told: {what}", language, what=in_language(KINDS[one.kind], language))
    path = f"/console/messages/{public_id(MESSAGE_PREFIX, one.message_id)}"
    return Happening(one.occurred_at, title, in_language(WAYS[one.channel], language), path, "info")
