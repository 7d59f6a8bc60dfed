"""How often a device of a shop may look members up: every figure on one page."""

from typing import Final

from regulars.platform.auth.throttle.rules import Policy

# Forty at will, then slower; a card that was shown and a sale that followed take themselves back, so that a busy till
# is not slowed, while whoever tries numbers is.
LOOKED_UP: Final = Policy(bucket="member looked up", free=40, base_seconds=15, cap_seconds=900, forget_seconds=1_800)
