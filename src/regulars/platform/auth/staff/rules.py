"""Pure decisions about staff: which passwords will do, what an e-mail is, when a session has ended."""

import re
from datetime import datetime, timedelta
from typing import Final
from unicodedata import normalize

from regulars.platform.auth.staff.errors import (
    PasswordGuessable,
    PasswordTooLong,
    PasswordTooShort,
    RolesMissing,
    StaffEmailImpossible,
    StaffNameImpossible,
    StoresMissing,
)
from regulars.platform.auth.staff.permissions import BOUND_TO_STORES, Role
from regulars.platform.errors import DomainError

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200
LONGEST_NAME: Final = 100
_FEWEST_SIGNS: Final = 5  # different ones, and beyond what everybody knows of the account
_SHORTEST_WORD: Final = 3

STEP_SECONDS: Final = 30
STEPS_ASIDE: Final = 1  # a phone may be half a minute fast or slow


def password_as_kept(password: str) -> str:
    """Return the password in the one form that is hashed, however a keyboard composes its signs (NFKC)."""
    return normalize("NFKC", password)


def password_fault(password: str, *, email: str, name: str) -> DomainError | None:
    """Say why a password will not do, if so."""
    written = password_as_kept(password)
    if len(written) < SHORTEST_PASSWORD:
        return PasswordTooShort(pointer="/password", at_least=SHORTEST_PASSWORD)
    if len(written) > LONGEST_PASSWORD:
        return PasswordTooLong(pointer="/password", at_most=LONGEST_PASSWORD)
    folded = _letters(written)
    known = [_letters(word) for word in (email, email.partition("@")[0], name)]
    rests = [folded.replace(word, "") for word in known if len(word) >= _SHORTEST_WORD]
    if len(set(written)) < _FEWEST_SIGNS or any(len(rest) < _FEWEST_SIGNS for rest in rests):
        return PasswordGuessable(pointer="/password")
    return None


def email_in(text: str) -> str | DomainError:
    """Return the address in the one form in which it is kept and found: small letters."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - 28 ms that few processes need

    try:
        address = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        return StaffEmailImpossible(pointer="/email")
    return f"{address.local_part.lower()}@{address.ascii_domain.lower()}"


def email_sought(text: str) -> str:
    """Return the address under which an account is looked for, whatever was typed (no NUL, which no column takes)."""
    found = email_in(text[:320])
    return text.replace("\0", "").strip().lower()[:320] if isinstance(found, DomainError) else found


def name_fault(name: str) -> DomainError | None:
    """Say why this is no name, if so."""
    if 1 <= len(name.strip()) <= LONGEST_NAME and name.isprintable():
        return None
    return StaffNameImpossible(pointer="/name", at_most=LONGEST_NAME)


def roles_fault(roles: tuple[Role, ...], stores: tuple[str, ...] | None) -> DomainError | None:
    """Say what is wrong with roles and stores together, if anything. `stores` None means all."""
    if not roles:
        return RolesMissing(pointer="/roles")
    if (stores is None and set(roles) <= BOUND_TO_STORES) or stores == ():
        return StoresMissing(pointer="/stores")
    return None


def step_of(at: datetime) -> int:
    """Return the number of the 30 seconds in which an instant lies (RFC 6238)."""
    return int(at.timestamp()) // STEP_SECONDS


def still_open(*, last_seen_at: datetime, expires_at: datetime, now: datetime, idle: timedelta) -> bool:
    """Say whether a session is open: neither too old nor left alone for too long."""
    return now < expires_at and now - last_seen_at < idle


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.casefold())
