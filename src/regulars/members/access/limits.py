"""How often codes are sent and tried, and how long members stay signed in: every figure on one page."""

from datetime import timedelta
from typing import Final

from regulars.platform.auth.throttle.rules import Policy

CODE_DIGITS: Final = 6
CODE_LASTS: Final = timedelta(minutes=10)
CODE_TRIES: Final = 5
SIGN_UP_LASTS: Final = timedelta(minutes=15)  # from the right code to the sent form

# To one address: at once, after a minute, two, four, at most half an hour: some fifty codes a day, with five tries each
# of a million. From one place (a shop's network may be one): more, and each right code takes itself back.
SENT_TO: Final = Policy(bucket="code sent to", free=1, base_seconds=60, cap_seconds=1_800, forget_seconds=86_400)
SENT_FROM: Final = Policy(bucket="code sent from", free=30, base_seconds=60, cap_seconds=3_600, forget_seconds=21_600)
TRIED_FROM: Final = Policy(bucket="code tried from", free=30, base_seconds=60, cap_seconds=3_600, forget_seconds=21_600)

VISIT_IDLE: Final = timedelta(hours=2)  # a device that is not remembered
VISIT_LASTS: Final = timedelta(hours=24)
REMEMBERED_LASTS: Final = timedelta(days=365)  # however often it is used
SEEN_EVERY: Final = timedelta(minutes=10)
