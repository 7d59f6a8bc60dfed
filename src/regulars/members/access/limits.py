"""How often codes are sent and tried, and how long members stay signed in: every figure on one page."""

from datetime import timedelta
from typing import Final

from regulars.platform.auth.throttle.rules import Policy

CODE_DIGITS: Final = 6
CODE_LASTS: Final = timedelta(minutes=10)
CODE_TRIES: Final = 5
SIGN_UP_LASTS: Final = timedelta(minutes=15)  # from the right code to the sent form

# To one address, asked for from one place: at once, after a minute, two, four, at most half an hour. From all places
# together: more, so that one place alone never uses it up and keeps the owner out. A browser in which the address was
# proved before is counted by itself: nobody else can keep it out. Neither of the last two is forgotten with a right
# code, so that nobody makes money by having codes sent to a number of their own.
SENT_TO_HERE: Final = Policy(
    bucket="code sent to, from here", free=1, base_seconds=60, cap_seconds=1_800, leak_seconds=1_800
)
SENT_TO: Final = Policy(bucket="code sent to", free=15, base_seconds=60, cap_seconds=1_800, leak_seconds=1_800)
SENT_TO_KNOWN: Final = Policy(
    bucket="code sent to, known browser", free=10, base_seconds=60, cap_seconds=1_800, leak_seconds=1_800
)
# From one place (a shop's or a whole carrier's network may be one): each right code takes itself back and one that
# nobody typed, so a place where most get in is never closed.
SENT_FROM: Final = Policy(
    bucket="code sent from", free=30, base_seconds=60, cap_seconds=3_600, leak_seconds=300, success_returns=1
)
# From its whole neighbourhood: who has a thousand places side by side gets no more than ten of them would.
SENT_AROUND: Final = Policy(
    bucket="code sent from around", free=300, base_seconds=60, cap_seconds=3_600, leak_seconds=30, success_returns=1
)
TRIED_FROM: Final = Policy(
    bucket="code tried from", free=30, base_seconds=60, cap_seconds=3_600, leak_seconds=300, success_returns=1
)
# A second tap on the button goes on where the first one led, in the same browser.
TAPPED_AGAIN_WITHIN: Final = timedelta(minutes=1)

VISIT_IDLE: Final = timedelta(hours=2)  # a device that is not remembered
VISIT_LASTS: Final = timedelta(hours=24)
REMEMBERED_LASTS: Final = timedelta(days=365)  # however often it is used
SEEN_EVERY: Final = timedelta(minutes=10)
PROOF_LASTS: Final = timedelta(minutes=15)  # what a session proved, for who takes everything along
