"""What a value looks like once written in one way, and what of it may be shown."""

import re
from typing import NamedTuple

from regulars.members.contracts import IdentityKind
from regulars.members.identity.errors import (
    CardImpossible,
    EmailImpossible,
    ExternalIdImpossible,
    PhoneImpossible,
    PhoneWithoutCountry,
)
from regulars.platform.errors import DomainError

MAX_IDENTITIES = 20

_CARD = re.compile(r"[A-Za-z0-9]{4,64}")
_NAMESPACE = re.compile(r"[a-z][a-z0-9_.-]{0,31}")
_LONGEST = 200
_HIDDEN = "****"


class Normalised(NamedTuple):
    """`canonical` is equal for values that mean the same; `written` is how the value is kept (phones as `+86 138…`)."""

    canonical: str
    written: str

    def __repr__(self) -> str:
        return "Normalised(…)"  # it may stand in a traceback that is logged


def normalise(kind: IdentityKind, value: str, country: str | None) -> Normalised | DomainError:
    """Write a value in the one way by which it is kept and found, or say what is wrong with it.

    `country` (ISO 3166, None if unknown) reads a phone number without a country code.
    """
    match kind:
        case IdentityKind.PHONE:
            return _phone(value, country)
        case IdentityKind.EMAIL:
            return _email(value)
        case IdentityKind.CARD:
            return _card(value)
        case IdentityKind.EXTERNAL | IdentityKind.OPENID:
            return _external(value)


def reveal(kind: IdentityKind, written: str) -> str:
    """The value as callers write it: a phone in E.164, everything else as kept."""
    return written.replace(" ", "") if kind is IdentityKind.PHONE else written


def mask(kind: IdentityKind, written: str) -> str:
    """The value as those see it who may not read personal data: enough to recognise, too little to use."""
    match kind:
        case IdentityKind.PHONE:
            code, _, national = written.partition(" ")
            return f"{code} {_middle_hidden(national)}"
        case IdentityKind.EMAIL:
            local, _, domain = written.rpartition("@")
            return f"{local[:1]}***@{domain}"
        case IdentityKind.CARD:
            return _HIDDEN + (written[-4:] if len(written) > 2 * len(_HIDDEN) else "")
        case IdentityKind.EXTERNAL | IdentityKind.OPENID:
            return f"{written.partition(':')[0]}:{_HIDDEN}"


def _middle_hidden(digits: str) -> str:
    if len(digits) >= 10:  # noqa: PLR2004 - a mobile number of most countries
        return digits[:3] + _HIDDEN + digits[-4:]
    return _HIDDEN + digits[-2:]


def _phone(value: str, country: str | None) -> Normalised | DomainError:
    import phonenumbers  # noqa: PLC0415 - 27 ms that a process without phone numbers need not pay

    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return PhoneImpossible(country=country) if country else PhoneWithoutCountry()
    if number.extension or not phonenumbers.is_valid_number(number):
        return PhoneImpossible(country=country or f"+{number.country_code}")
    code, national = number.country_code, phonenumbers.national_significant_number(number)
    return Normalised(f"+{code}{national}", f"+{code} {national}")


def _email(value: str) -> Normalised | DomainError:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - as phonenumbers, 28 ms

    try:
        address = validate_email(value.strip(), check_deliverability=False)
    except EmailNotValidError:
        return EmailImpossible()
    # Lowered, not case-folded: folding would make one of the different names "straße" and "strasse".
    return Normalised(f"{address.local_part.lower()}@{address.ascii_domain.lower()}", address.normalized)


def _card(value: str) -> Normalised | DomainError:
    number = re.sub(r"[\s-]", "", value)
    if not _CARD.fullmatch(number):
        return CardImpossible()
    return Normalised(number.upper(), number.upper())


def _external(value: str) -> Normalised | DomainError:
    namespace, _, name = value.partition(":")
    plain = name.isprintable() and name == name.strip() and 1 <= len(name) <= _LONGEST
    return Normalised(value, value) if _NAMESPACE.fullmatch(namespace) and plain else ExternalIdImpossible()
