"""Refusals at the counter."""

from regulars.platform.errors import NotFound


class NobodyFound(NotFound):
    """What was typed or scanned is no member's."""

    code = "nobody_found"
    message = "Nobody was found by this. Check it, or register a new member."
