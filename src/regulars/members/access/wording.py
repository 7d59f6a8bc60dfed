"""What sign-up asks consent for, in which words. New words get a new version; what was given keeps its own."""

from typing import Final

from regulars.members.contracts import ConsentChannel, ConsentOffered, IdentityKind, Purpose

_BY_EMAIL: Final = ConsentOffered(
    purpose=Purpose.MARKETING,
    channel=ConsentChannel.EMAIL,
    wording_version="sign-up-email-2026-11",
    wording="Send me offers and news by e-mail. I can take this back at any time, with one click.",
)
_BY_SMS: Final = ConsentOffered(
    purpose=Purpose.MARKETING,
    channel=ConsentChannel.SMS,
    wording_version="sign-up-sms-2026-11",
    wording="Send me offers and news by text message. I can take this back at any time.",
)
_PROFILING: Final = ConsentOffered(
    purpose=Purpose.PROFILING,
    channel=ConsentChannel.ANY,
    wording_version="sign-up-profiling-2026-11",
    wording="Choose offers for me by what I buy. I can take this back at any time.",
)
OFFERED: Final = {IdentityKind.EMAIL: (_BY_EMAIL, _PROFILING), IdentityKind.PHONE: (_BY_SMS, _PROFILING)}
