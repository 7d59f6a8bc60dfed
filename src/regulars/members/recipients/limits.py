"""How often members may look for somebody to give to: every figure on one page."""

from typing import Final

from regulars.platform.auth.throttle.rules import Policy

# Ten at will, then slower and slower down to two an hour. Who is found counts like who is not: that somebody is a
# member is what a list of numbers would be tried for, and nobody gives to ten people a day.
SOUGHT: Final = Policy(bucket="recipient sought", free=10, base_seconds=60, cap_seconds=3_600, leak_seconds=1_800)
# From one place and its neighbourhood, for who has many accounts. A carrier's network may be one place.
SOUGHT_FROM: Final = Policy(
    bucket="recipient sought from", free=60, base_seconds=60, cap_seconds=3_600, leak_seconds=300
)
SOUGHT_AROUND: Final = Policy(
    bucket="recipient sought from around", free=600, base_seconds=60, cap_seconds=3_600, leak_seconds=30
)
