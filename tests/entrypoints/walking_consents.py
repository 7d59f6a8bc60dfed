"""The walk through the API, where somebody agrees to something and confirms it."""

from collections.abc import Awaitable, Callable
from typing import Any

from regulars.members.api import letter_to_confirm
from regulars.platform.ids import parse_public_id
from regulars.platform.services import Services

Ask = Callable[..., Awaitable[Any]]


async def walk_consents(services: Services, ask: Ask, member: str) -> None:
    """Agree to something, confirm it, and read what came of it; `member` is where the member is found."""
    consent = await ask(
        "recordConsent",
        "She agrees to offers by e-mail, in these words. It counts once she confirms it: a letter goes out.",
        "POST",
        f"{member}/consents",
        {
            "purpose": "marketing",
            "channel": "email",
            "decision": "given",
            "wording_version": "2026-04",
            "where": "store",
            "store_id": "nanjing-road",
            "language": "zh-CN",
            "wording": "请通过电子邮件给我发送优惠。",
        },
    )
    await _confirmed(services, ask, member, consent["consent_id"])
    await ask("listConsents", "What is in force, and how it came about.", "GET", f"{member}/consents")
    await ask(
        "listConsentHistory",
        "The same as a log, the latest first.",
        "GET",
        f"{member}/consents/history?purpose=marketing&limit=1",
    )


async def _confirmed(services: Services, ask: Ask, member: str, consent: str) -> None:
    """Let the letter be asked for again, and its link be followed."""
    async with services.database.transaction() as tx:
        tx.write("UPDATE consent_requests SET asked_at = asked_at - interval '2 minutes'")
    await ask(
        "sendConsentLetter",
        "Nothing came, she says: the letter goes out once more. Only its link is good then.",
        "POST",
        f"{member}/consents/{consent}/letters",
    )
    of_member, of_consent = [
        parse_public_id(one.partition("_")[0], one) for one in (member.rpartition("/")[2], consent)
    ]
    assert of_member is not None
    assert of_consent is not None
    async with services.database.transaction() as tx:
        letter = await letter_to_confirm(tx, of_member, of_consent)
    assert letter is not None
    await ask(
        "confirmConsent",
        "She presses the button to which the link leads, on a page of the shop's own: from now on it is consent.",
        "POST",
        "/v1/consent-confirmations",
        {"token": letter.token},
    )
