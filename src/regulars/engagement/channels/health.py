"""How the sending of messages stands, for whoever looks after a deployment."""

from typing import Final

from regulars.engagement.channels import service
from regulars.engagement.channels.budgets import budget_of, spent
from regulars.engagement.channels.reach import is_mail_set_up, is_sms_set_up
from regulars.engagement.channels.sending.couriers import problem_of_channels
from regulars.engagement.channels.sending.sms import tells_repeats_apart
from regulars.engagement.contracts import MessageChannel
from regulars.platform.db.transaction import Transaction
from regulars.platform.health.contracts import Fact, Looked, Sentence, State
from regulars.platform.health.looks import Look
from regulars.platform.settings import Settings
from regulars.platform.texts import mark

LATE_SECONDS: Final = 60.0
_NEARLY: Final = 0.8
_CODES_BY: Final = {MessageChannel.SMS: mark("Codes by SMS"), MessageChannel.EMAIL: mark("Codes by e-mail")}
_WAYS_SAID: Final = {  # by whether e-mail and SMS are set up
    (True, True): mark("e-mail and SMS set up"),
    (True, False): mark("e-mail set up, SMS not"),
    (False, True): mark("SMS set up, e-mail not"),
    (False, False): mark("neither e-mail nor SMS set up"),
}


async def look_at_messages(tx: Transaction) -> Looked:
    """Do messages leave the house, and in time?"""
    left = await service.counts(tx)
    recent = await service.recent(tx)
    said = Sentence(
        mark("{queued} messages to send, {parked} parked, {failed} given up"),
        {"queued": left.queued, "parked": left.parked, "failed": left.failed},
    )
    facts = (
        Fact(mark("Sent within 24 hours"), recent.sent),
        Fact(mark("To be sent"), left.queued),
        Fact(mark("Put off by the other side"), recent.put_off),
        Fact(mark("Parked"), left.parked),
        Fact(mark("Written within 24 hours and given up"), recent.failed),
        Fact(mark("Given up in all"), left.failed),
    )
    remedy = None
    if left.parked:
        remedy = Sentence(mark("See the parked messages in the console, mend the cause, then send them again."))
    elif left.oldest_due_seconds > LATE_SECONDS:
        remedy = Sentence(
            mark("The oldest message has waited for {seconds} s: start a worker (`regulars work`)."),
            {"seconds": round(left.oldest_due_seconds)},
        )
    state = State.WELL if remedy is None else State.TROUBLE
    return Looked(name="messages", state=state, said=said, remedy=remedy, facts=facts)


def look_at_codes(settings: Settings) -> Look:
    """Are there codes left to be sent, in this hour and in this day?"""
    budget = budget_of(settings)

    async def look(tx: Transaction) -> Looked:
        by_channel = {way: await spent(tx, way) for way in (MessageChannel.SMS, MessageChannel.EMAIL)}
        facts = tuple(
            Fact(
                label,
                Sentence(
                    mark("{hour} of {per_hour} in this hour, {day} of {per_day} in 24 hours"),
                    {
                        "hour": by_channel[way].this_hour,
                        "per_hour": budget.per_hour,
                        "day": by_channel[way].this_day,
                        "per_day": budget.per_day,
                    },
                ),
            )
            for way, label in _CODES_BY.items()
        )
        share = max(one.share_of(budget.of_anybody()) for one in by_channel.values())
        said = Sentence(mark("{share} % of the codes that may be sent to whoever asks"), {"share": round(100 * share)})
        if share < _NEARLY:
            return Looked(name="codes", state=State.WELL, said=said, facts=facts)
        remedy = Sentence(
            mark(
                "Codes run out: then nobody gets in by one but in a browser that is known; the last quarter is kept "
                "for those. See who asks for them; raise REGULARS_CODES_PER_HOUR and REGULARS_CODES_PER_DAY if it is "
                "your members."
            )
        )
        state = State.TROUBLE if share >= 1 else State.WARNING
        return Looked(name="codes", state=state, said=said, remedy=remedy, facts=facts)

    return look


def look_at_channels(settings: Settings) -> Looked:
    """Can messages leave the house? A deployment may do without; settings that contradict are wrong."""
    ways = {"email": is_mail_set_up(settings), "sms": is_sms_set_up(settings)}
    facts = tuple(
        Fact(label, Sentence(mark("set up") if ways[way] else mark("not set up")))
        for way, label in (("email", mark("E-mail")), ("sms", mark("SMS")))
    )
    said = Sentence(_WAYS_SAID[ways["email"], ways["sms"]])
    if settings.development and not all(ways.values()):
        said = Sentence(mark("in development mode the page /outbox shows what cannot be sent"))
    if problem := problem_of_channels(settings):
        remedy = Sentence(mark("{problem}. See docs/messages.md."), {"problem": problem})
        return Looked(name="channels", state=State.TROUBLE, said=said, remedy=remedy, facts=facts)
    if ways["email"] and settings.public_url is None and not settings.development:
        remedy = Sentence(
            mark(
                "Letters lead nowhere, so nobody can confirm a consent or an address, or stop notices with one click. "
                "Set REGULARS_PUBLIC_URL to the address under which members reach this deployment; see "
                "docs/messages.md."
            )
        )
        return Looked(name="channels", state=State.WARNING, said=said, remedy=remedy, facts=facts)
    if ways["sms"] and not tells_repeats_apart(settings):
        remedy = Sentence(
            mark(
                "The SMS gateway is not given {id}, so it cannot tell a repeated code from a new one: name it in "
                "REGULARS_SMS_BODY or REGULARS_SMS_HEADERS. See docs/messages.md."
            ),
            {"id": "{id}"},
        )
        return Looked(name="channels", state=State.WARNING, said=said, remedy=remedy, facts=facts)
    if settings.development or any(ways.values()):
        return Looked(name="channels", state=State.WELL, said=said, facts=facts)
    remedy = Sentence(
        mark(
            "Nobody can sign in by a code, and members are told in their inbox only. "
            "Set REGULARS_SMTP_HOST and REGULARS_MAIL_SENDER, or REGULARS_SMS_URL; see docs/messages.md."
        )
    )
    return Looked(name="channels", state=State.WARNING, said=said, remedy=remedy, facts=facts)
