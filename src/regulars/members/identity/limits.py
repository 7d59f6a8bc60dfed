"""How often staff who are bound to shops may look for somebody by phone number, address or card."""

from typing import Final

from regulars.platform.auth.throttle.rules import Policy

# As at a counter, but in a field that searches while one types: some beginnings are looked for, too, and find nobody.
SEARCHED: Final = Policy(bucket="member searched", free=60, base_seconds=15, cap_seconds=900, leak_seconds=60)
FOUND_WEIGHS: Final = 0.2
