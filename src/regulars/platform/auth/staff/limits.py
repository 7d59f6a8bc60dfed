"""How often may be tried what, and how long lasts what: every figure of signing in, on one page."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from regulars.platform.auth.throttle.rules import Policy
from regulars.platform.settings import Settings

# An account: five at will, then half a minute, doubling to a quarter of an hour, so that nobody locks its owner out for
# a day. A place (one address; one shop may sit behind it): more at will, and longer waits.
PASSWORD: Final = Policy(bucket="staff password", free=5, base_seconds=30, cap_seconds=900, forget_seconds=86_400)
CODE: Final = Policy(bucket="staff code", free=5, base_seconds=30, cap_seconds=900, forget_seconds=86_400)
PLACE: Final = Policy(bucket="staff place", free=20, base_seconds=30, cap_seconds=3_600, forget_seconds=21_600)

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
