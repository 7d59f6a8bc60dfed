"""The words in which consent is asked for, each with its version. New words get a new version; what was given keeps
its own, so a version never changes and none is taken away from here while somebody may have agreed to it.
"""

from typing import Final

from regulars.members.contracts import ConsentChannel, ConsentOffered, Purpose
from regulars.platform.texts import LANGUAGES, mark

MARKETING_BY_EMAIL: Final = ConsentOffered(
    purpose=Purpose.MARKETING,
    channel=ConsentChannel.EMAIL,
    wording_version="sign-up-email-2026-11",
    wording=mark("Send me offers and news by e-mail. I can take this back at any time, with one click."),
)
MARKETING_BY_SMS: Final = ConsentOffered(
    purpose=Purpose.MARKETING,
    channel=ConsentChannel.SMS,
    wording_version="sign-up-sms-2026-11",
    wording=mark("Send me offers and news by text message. I can take this back at any time."),
)
PROFILING: Final = ConsentOffered(
    purpose=Purpose.PROFILING,
    channel=ConsentChannel.ANY,
    wording_version="sign-up-profiling-2026-11",
    wording=mark("Choose offers for me by what I buy. I can take this back at any time."),
)
SERVICE_BY_EMAIL: Final = ConsentOffered(
    purpose=Purpose.SERVICE,
    channel=ConsentChannel.EMAIL,
    wording_version="profile-service-email-2026-11",
    wording=mark("Tell me by e-mail about my membership, for example when points are about to run out."),
)
RESEARCH_BY_EMAIL: Final = ConsentOffered(
    purpose=Purpose.RESEARCH,
    channel=ConsentChannel.EMAIL,
    wording_version="profile-research-email-2026-11",
    wording=mark("Ask me by e-mail now and then what I think. I can take this back at any time."),
)
EVERY: Final = (SERVICE_BY_EMAIL, MARKETING_BY_EMAIL, MARKETING_BY_SMS, PROFILING, RESEARCH_BY_EMAIL)
WORDINGS: Final = {offered.wording_version: offered.wording for offered in EVERY}


def language_shown(tag: str) -> str:
    """Return in which of our languages somebody was shown the words whose own is `tag` (BCP 47)."""
    primary = tag.partition("-")[0].lower()
    return primary if primary in LANGUAGES else "en"
