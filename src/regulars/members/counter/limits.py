"""How often a device of a shop may look members up: every figure on one page."""

from typing import Final

from regulars.platform.auth.throttle.rules import Policy

# Forty that find nobody at will, then slower and slower down to forty an hour. Who is found counts a fifth; a card that
# was shown, a registration and a sale that followed count for nothing. So the busiest till is never slowed, while
# whoever tries numbers is, soon and for as long as they go on.
LOOKED_UP: Final = Policy(bucket="member looked up", free=40, base_seconds=15, cap_seconds=900, leak_seconds=90)
FOUND_WEIGHS: Final = 0.2
