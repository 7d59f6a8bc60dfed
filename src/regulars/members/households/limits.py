"""How long what is said of households may be, and how much is listed at once."""

from typing import Final

LONGEST_NAME: Final = 80
STAYS_AT_MOST: Final = 200
