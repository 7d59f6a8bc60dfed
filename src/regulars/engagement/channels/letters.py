"""Letters: the figures of a fact put into words. Pure; every sentence has its Chinese in locale/zh/engagement.po."""

from typing import Final

from msgspec import Struct

from regulars.engagement.channels.wording import Wording
from regulars.engagement.contracts import (
    CodeFacts,
    ConfirmConsentFacts,
    ConfirmFacts,
    ExpiringFacts,
    Facts,
    Letter,
    PointsReceivedFacts,
    PointsSentFacts,
    PointsTakenBackFacts,
    ReceiptFacts,
    ReturnFacts,
    Row,
    TierFacts,
    WebhookDisabledFacts,
)
from regulars.platform.texts import say

CONFIRM_PATH: Final = "/portal/confirm-address"
CONSENT_PATH: Final = "/portal/confirm-consent"


class Content(Struct, frozen=True, kw_only=True):
    """All that a message tells, as it is kept, sealed: the figures, and what dates and amounts are written by.

    `name` is what the member wants to be called; only where the address is known to be theirs.
    """

    facts: Facts
    time_zone: str
    country: str
    name: str | None = None


class Sender(Struct, frozen=True, kw_only=True):
    """In whose name letters are written, and where their buttons lead (None: no buttons)."""

    brand: str
    public_url: str | None = None


def letter_of(content: Content, language: str, sender: Sender) -> Letter:  # noqa: PLR0911 - one for each kind
    """Write the letter of a message in one of our languages."""
    words = Wording(language, content.country, content.time_zone)
    match content.facts:
        case CodeFacts() as code:
            return _code_to_be_erased(code, words, sender) if code.erases else _code(code, words, sender)
        case ReceiptFacts() as receipt:
            return _receipt(receipt, words, sender, content.name)
        case ReturnFacts() as returned:
            return _return(returned, words, sender)
        case TierFacts() as tier:
            return _tier(tier, words, sender, content.name)
        case ExpiringFacts() as expiring:
            return _expiring(expiring, words, sender)
        case ConfirmFacts() as confirm:
            return _confirm(confirm, words, sender)
        case ConfirmConsentFacts() as asked:
            return _confirm_consent(asked, words, sender)
        case PointsSentFacts() | PointsReceivedFacts() | PointsTakenBackFacts() as gift:
            return _gift(gift, words, sender)
        case WebhookDisabledFacts() as disabled:
            return _webhook_disabled(disabled, words, sender)


def short_text(content: Content, language: str, sender: Sender) -> str:
    """Write what a message says where there is room for a line only (SMS)."""
    if isinstance(content.facts, CodeFacts) and content.facts.erases:
        return say(
            "{code} is the code with which {brand} erases you: your points are lost, and it cannot be undone. Valid "
            "for {minutes} minutes. If you did not ask, tell it to nobody.",
            language,
            code=content.facts.code,
            brand=sender.brand,
            minutes=content.facts.valid_minutes,
        )
    if isinstance(content.facts, CodeFacts):
        return say(
            "{code} is your code for {brand}, valid for {minutes} minutes. Tell it to nobody.",
            language,
            code=content.facts.code,
            brand=sender.brand,
            minutes=content.facts.valid_minutes,
        )
    letter = letter_of(content, language, sender)
    return say("{brand}: {news}", language, brand=sender.brand, news=letter.subject)


def _code(facts: CodeFacts, words: Wording, sender: Sender) -> Letter:
    language = words.language
    return Letter(
        subject=say("{code} is your code for {brand}", language, code=facts.code, brand=sender.brand),
        preview=say("It is valid for {minutes} minutes.", language, minutes=facts.valid_minutes),
        heading=say("Your code", language),
        lead=(
            say(
                "Enter this code to sign in. It is valid for {minutes} minutes and works once.",
                language,
                minutes=facts.valid_minutes,
            ),
        ),
        code=facts.code,
        note=say("Nobody at {brand} will ever ask you for it. Tell it to nobody.", language, brand=sender.brand),
        why=say(
            "Somebody asked for a code with this address. If it was not you, there is nothing to do: "
            "without the code nobody gets in.",
            language,
        ),
    )


def _code_to_be_erased(facts: CodeFacts, words: Wording, sender: Sender) -> Letter:
    language = words.language
    return Letter(
        subject=say("{code} is your code to be erased at {brand}", language, code=facts.code, brand=sender.brand),
        preview=say("Being erased cannot be undone.", language),
        heading=say("Your code to be erased", language),
        lead=(
            say(
                "Somebody who is signed in with your membership wants it erased. Enter this code to have that done. "
                "It is valid for {minutes} minutes and works once.",
                language,
                minutes=facts.valid_minutes,
            ),
            say(
                "Your points and your tier are lost, and what is kept of you becomes unreadable for ever. Nobody can "
                "bring it back, we neither.",
                language,
            ),
        ),
        code=facts.code,
        note=say("Nobody at {brand} will ever ask you for it. Tell it to nobody.", language, brand=sender.brand),
        why=say(
            "If it was not you, tell it to nobody: without the code nothing is erased. Then look in your profile where "
            "you are signed in, and sign out of what you do not know.",
            language,
        ),
    )


def _receipt(facts: ReceiptFacts, words: Wording, sender: Sender, name: str | None) -> Letter:
    language = words.language
    earned = facts.points_earned - facts.debt_repaid
    total = words.money(facts.total_minor, facts.currency)
    rows = [Row(label=say("Total", language), value=total)]
    if facts.points_used:
        rows.append(Row(label=say("Paid with points", language), value=words.points(facts.points_used)))
    if facts.points_earned:
        rows.append(
            Row(label=say("Points earned", language), value=f"+{words.number(facts.points_earned)}", strong=True)
        )
    if facts.debt_repaid:
        rows.append(Row(label=say("Of these, repaid what was owed", language), value=words.number(facts.debt_repaid)))
    if earned > 0 and facts.available_at is not None and facts.available_at > facts.recorded_at:
        rows.append(Row(label=say("Can be spent from", language), value=words.day(facts.available_at)))
    if earned > 0 and facts.expires_at is not None:
        rows.append(Row(label=say("Valid until", language), value=words.last_day(facts.expires_at)))
    if facts.points_earned:
        points = words.points(facts.points_earned)
        subject = say("Thank you – {points} for your purchase at {brand}", language, points=points, brand=sender.brand)
    else:
        subject = say("Thank you for your purchase at {brand}", language, brand=sender.brand)
    heading = say("Thank you, {name}", language, name=name) if name else say("Thank you", language)
    return Letter(
        subject=subject,
        preview=say("Order {order_id}, {total}", language, order_id=facts.order_id, total=total),
        heading=heading,
        lead=(_bought(facts, words),),
        rows=tuple(rows),
        button=_button(say("See your points", language), "/portal/points", sender),
        why=_why_service(language, sender),
    )


def _bought(facts: ReceiptFacts, words: Wording) -> str:
    at, order_id = words.moment(facts.occurred_at), facts.order_id
    if facts.channel == "online" or facts.store_name is None:
        return say("We received your order {order_id} on {at}.", words.language, order_id=order_id, at=at)
    return say(
        "You bought at {store} on {at}. The number of your order is {order_id}.",
        words.language,
        store=facts.store_name,
        at=at,
        order_id=order_id,
    )


def _return(facts: ReturnFacts, words: Wording, sender: Sender) -> Letter:
    language = words.language
    value = words.money(facts.returned_minor, facts.currency)
    rows = [Row(label=say("Value returned", language), value=value, strong=facts.money_back_minor is None)]
    if facts.money_back_minor is not None:
        money = words.money(facts.money_back_minor, facts.currency)
        rows.append(Row(label=say("Money given back to you", language), value=money, strong=True))
    if facts.points_given_back:
        rows.append(
            Row(label=say("Points given back to you", language), value=f"+{words.number(facts.points_given_back)}")
        )
    if facts.points_clawed_back:
        rows.append(Row(label=say("Points taken back", language), value=f"−{words.number(facts.points_clawed_back)}"))
    if facts.to_debt:
        rows.append(Row(label=say("Of these, still owed", language), value=words.number(facts.to_debt)))
    at = words.moment(facts.occurred_at)
    if facts.store_name is None:
        lead = say("We took back goods of your order {order_id} on {at}.", language, order_id=facts.order_id, at=at)
    else:
        lead = say(
            "{store} took back goods of your order {order_id} on {at}.",
            language,
            store=facts.store_name,
            order_id=facts.order_id,
            at=at,
        )
    note = None
    if facts.to_debt:
        note = say("What is owed is repaid by the next points that you earn. You need not do anything.", language)
    return Letter(
        subject=say("Your return to {brand} is settled", language, brand=sender.brand),
        preview=say("Order {order_id}, {total}", language, order_id=facts.order_id, total=value),
        heading=say("Your return is settled", language),
        lead=(lead,),
        rows=tuple(rows),
        note=note,
        button=_button(say("See your points", language), "/portal/points", sender),
        why=_why_service(language, sender),
    )


def _tier(facts: TierFacts, words: Wording, sender: Sender, name: str | None) -> Letter:
    language = words.language
    tier = words.tier(facts.tier)
    rows = [
        Row(label=say("Your tier", language), value=tier, strong=True),
        Row(label=say("Before", language), value=words.tier(facts.from_tier)),
    ]
    if facts.multiplier > 1:
        rows.append(Row(label=say("Points for each purchase", language), value=f"× {words.number(facts.multiplier)}"))
    lead = (
        say("{name}, you have reached {tier}. Thank you for coming back.", language, name=name, tier=tier)
        if name
        else say("You have reached {tier}. Thank you for coming back.", language, tier=tier)
    )
    return Letter(
        subject=say("Welcome to {tier}", language, tier=tier),
        preview=lead,
        heading=say("Welcome to {tier}", language, tier=tier),
        lead=(lead,),
        rows=tuple(rows),
        button=_button(say("See what it gives you", language), "/portal/tier", sender),
        why=_why_service(language, sender),
    )


def _expiring(facts: ExpiringFacts, words: Wording, sender: Sender) -> Letter:
    language = words.language
    points, until = words.points(facts.points), words.last_day(facts.expires_at)
    return Letter(
        subject=say("Use your {points} by {day}", language, points=points, day=until),
        preview=say("After that they are gone. You can pay with them online and in our shops.", language),
        heading=say("Do not let them go", language),
        lead=(say("Some of your points can be used until {day}, and not after.", language, day=until),),
        rows=(
            Row(label=say("Points", language), value=words.number(facts.points), strong=True),
            Row(label=say("Last day", language), value=until),
        ),
        note=say("Points that expire first are always used first.", language),
        button=_button(say("See your points", language), "/portal/points", sender),
        why=say(
            "You get this because you are a member of {brand} and have points that expire.",
            language,
            brand=sender.brand,
        ),
    )


def _gift(
    facts: PointsSentFacts | PointsReceivedFacts | PointsTakenBackFacts, words: Wording, sender: Sender
) -> Letter:
    if isinstance(facts, PointsSentFacts):
        return _points_sent(facts, words, sender)
    if isinstance(facts, PointsReceivedFacts):
        return _points_received(facts, words, sender)
    return _points_taken_back(facts, words, sender)


def _points_sent(facts: PointsSentFacts, words: Wording, sender: Sender) -> Letter:
    language, points = words.language, words.points(facts.points)
    return Letter(
        subject=say("You gave {points} to another member", language, points=points),
        preview=say("If it was not you, tell us at once.", language),
        heading=say("Your points are sent", language),
        lead=(say("You gave {points} to another member on {at}.", language, points=points, at=words.moment(facts.at)),),
        rows=(Row(label=say("Points given", language), value=f"−{words.number(facts.points)}", strong=True),),
        note=say(
            "If it was not you, tell our staff: they can take it back. Then look in your profile where you are signed "
            "in, and sign out of what you do not know.",
            language,
        ),
        button=_button(say("See your points", language), "/portal/points", sender),
        why=_why_service(language, sender),
    )


def _points_received(facts: PointsReceivedFacts, words: Wording, sender: Sender) -> Letter:
    language, points = words.language, words.points(facts.points)
    return Letter(
        subject=say("Another member gave you {points}", language, points=points),
        preview=say("You can spend them at once.", language),
        heading=say("You were given points", language),
        lead=(say("Another member gave you {points} on {at}.", language, points=points, at=words.moment(facts.at)),),
        rows=(Row(label=say("Points", language), value=f"+{words.number(facts.points)}", strong=True),),
        note=say("They run out on the day on which they would have run out for who gave them.", language),
        button=_button(say("See your points", language), "/portal/points", sender),
        why=_why_service(language, sender),
    )


def _points_taken_back(facts: PointsTakenBackFacts, words: Wording, sender: Sender) -> Letter:
    language, points, at = words.language, words.points(facts.points), words.moment(facts.at)
    if facts.had_given:
        subject = say("{points} that you gave came back", language, points=points)
        lead = say("On {at} our staff took back what you had given to another member.", language, at=at)
    else:
        subject = say("{points} that you were given were taken back", language, points=points)
        lead = say("On {at} our staff took back what another member had given you.", language, at=at)
    sign = "+" if facts.had_given else "−"
    rows = [Row(label=say("Points", language), value=f"{sign}{words.number(facts.points)}", strong=True)]
    if facts.owed:
        rows.append(Row(label=say("Of these, still owed", language), value=words.number(facts.owed)))
    if facts.expired:
        rows.append(Row(label=say("Had run out before", language), value=words.number(facts.expired)))
    note = None
    if facts.owed:
        note = say("What is owed is repaid by the next points that you earn. You need not do anything.", language)
    return Letter(
        subject=subject,
        preview=lead,
        heading=say("A gift was taken back", language),
        lead=(lead,),
        rows=tuple(rows),
        note=note,
        button=_button(say("See your points", language), "/portal/points", sender),
        why=_why_service(language, sender),
    )


def _confirm(facts: ConfirmFacts, words: Wording, sender: Sender) -> Letter:
    language = words.language
    return Letter(
        subject=say("Is this your address? Confirm it for {brand}", language, brand=sender.brand),
        preview=say("Then receipts and news of your points come here.", language),
        heading=say("Confirm your address", language),
        lead=(
            say("Somebody gave this address when becoming a member of {brand}.", language, brand=sender.brand),
            say("If that was you, confirm it: then your receipts and news of your points come here.", language)
            if sender.public_url
            else say("If that was you, sign in with it once: then receipts and news of points come here.", language),
        ),
        note=say("Until then you find them in the inbox of your membership.", language),
        button=_button(say("Confirm this address", language), f"{CONFIRM_PATH}/{facts.token}", sender),
        why=say("If it was not you, there is nothing to do: we will not write to this address again.", language),
    )


def _confirm_consent(facts: ConfirmConsentFacts, words: Wording, sender: Sender) -> Letter:
    language = words.language
    return Letter(
        subject=say("Please confirm that {brand} may write to you", language, brand=sender.brand),
        preview=say("It counts only once you have confirmed it.", language),
        heading=say("Please confirm", language),
        lead=(
            say("Somebody agreed to this with your address at {brand}:", language, brand=sender.brand),
            say("“{wording}”", language, wording=facts.wording),
            say("If that was you, confirm it. Until then your address is not used for it.", language),
        ),
        note=say("The link is good for 7 days. A newer letter replaces it.", language),
        button=_button(say("Go on to confirm", language), f"{CONSENT_PATH}/{facts.token}", sender),
        why=say("If it was not you, there is nothing to do: without your confirmation nothing is sent.", language),
    )


def _webhook_disabled(facts: WebhookDisabledFacts, words: Wording, sender: Sender) -> Letter:
    language = words.language
    why = (
        say("Its receiver answered that it wants no more (410 Gone).", language)
        if facts.wants_no_more
        else say("Nothing has got through to it for five days.", language)
    )
    rows = [Row(label=say("Disabled", language), value=words.moment(facts.at), strong=True)]
    if facts.failing_since is not None:
        rows.insert(0, Row(label=say("Failing since", language), value=words.moment(facts.failing_since)))
    return Letter(
        subject=say("{brand}: a webhook was disabled", language, brand=sender.brand),
        preview=why,
        heading=say("A webhook was disabled", language),
        lead=(say("No events are delivered any more to {name}.", language, name=facts.name), why),
        rows=tuple(rows),
        note=say(
            "Mend the receiver, then enable the webhook. What waited goes on then; what happened meanwhile the events "
            "feed tells.",
            language,
        ),
        button=_button(say("Look at the webhook", language), f"/console/webhooks/{facts.webhook_id}", sender),
        why=say("You get this because you may manage webhooks at {brand}.", language, brand=sender.brand),
    )


def _button(label: str, path: str, sender: Sender) -> tuple[str, str] | None:
    return None if sender.public_url is None else (label, sender.public_url + path)


def _why_service(language: str, sender: Sender) -> str:
    return say("You get this because you are a member of {brand}.", language, brand=sender.brand)
