"""Refusal of those who try too often."""

from regulars.platform.errors import DomainError


class TooManyAttempts(DomainError):
    """An account, an address or a place tried too often; it says nothing of whether there is such an account."""

    code = "too_many_attempts"
    status = 429
    message = "Too many attempts. Wait {retry_after_seconds} seconds and try again."
