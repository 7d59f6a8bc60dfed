"""How often may be tried what, and how long lasts what: every figure of signing in, on one page."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from regulars.platform.auth.throttle.rules import Policy
from regulars.platform.settings import Settings

# An account from one place: five at will, then half a minute, doubling to a quarter of an hour. From all places
# together: more, so that one place alone never uses it up and keeps the owner out. A browser in which the account has
# signed in before is counted by itself: nobody else can keep it out.
PASSWORD_HERE: Final = Policy(bucket="staff password here", free=5, base_seconds=30, cap_seconds=900, leak_seconds=900)
PASSWORD_ANYWHERE: Final = Policy(bucket="staff password", free=25, base_seconds=30, cap_seconds=900, leak_seconds=600)
PASSWORD_KNOWN: Final = Policy(
    bucket="staff password, known browser", free=5, base_seconds=30, cap_seconds=900, leak_seconds=900
)
CODE: Final = Policy(bucket="staff code", free=5, base_seconds=30, cap_seconds=900, leak_seconds=900)
CODE_KNOWN: Final = Policy(
    bucket="staff code, known browser", free=5, base_seconds=30, cap_seconds=900, leak_seconds=900
)
# The password once more, in an open session: counted by the session, which nobody has who is not signed in.
CONFIRMED: Final = Policy(bucket="staff password again", free=5, base_seconds=30, cap_seconds=900, leak_seconds=900)
# A place (one address; a shop's or a whole carrier's network may sit behind it): each right sign-in takes itself back
# and one that failed, so a place where most get in is never closed.
PLACE: Final = Policy(
    bucket="staff place", free=20, base_seconds=30, cap_seconds=3_600, leak_seconds=300, success_returns=1
)

STEP_LASTS: Final = timedelta(minutes=5)  # from the password to the code
STEP_TRIES: Final = 5
LINK_LASTS: Final = timedelta(days=7)
LINK_TRIES: Final = 20
ENROLMENT_LASTS: Final = timedelta(minutes=15)
FLOW_LASTS: Final = timedelta(minutes=10)  # at the identity provider
SEEN_EVERY: Final = timedelta(minutes=1)  # how exactly it is known when a session was last used
RECOVERY_CODES: Final = 10
RECOVERY_CODE_LENGTH: Final = 10  # 50 bits


class Terms(Struct, frozen=True, kw_only=True):
    """How long a session lasts: left alone, and at most."""

    idle: timedelta
    longest: timedelta


def terms_of(settings: Settings) -> Terms:
    """Return what the settings say."""
    return Terms(
        idle=timedelta(minutes=settings.staff_idle_minutes), longest=timedelta(hours=settings.staff_session_hours)
    )
