"""Where a list goes on: cursors of requests that name a place in the order of time."""

from datetime import datetime
from typing import Final
from uuid import UUID

from regulars.platform.http.errors import WrongForm
from regulars.platform.places import read_place

_EXAMPLE: Final = "1767225600000000_" + 32 * "0"


def place_in(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Read the place behind which to go on; None for the beginning. Raises WrongForm (422) for what is no place.

    To begin again instead would let a caller who goes from page to page go round for ever.
    """
    found = read_place(cursor)
    if cursor is not None and found is None:
        raise WrongForm(pointer="/query/cursor", field="cursor", example=_EXAMPLE)
    return found
