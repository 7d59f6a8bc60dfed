"""What a market is."""

from enum import StrEnum

from msgspec import Struct

from regulars.platform.money import Currency


class PrivacyRegime(StrEnum):
    """The law on personal data under which a market's members stand."""

    PIPL = "pipl"
    GDPR = "gdpr"
    CCPA = "ccpa"
    OTHER = "other"


class Market(Struct, frozen=True, kw_only=True):
    """A market of the programme. It is defined once and never edited: books and business dates stand on it.

    `code` is the programme's own (e.g. `CN`), `country` ISO 3166-1 alpha-2 (numbers are parsed as local to it),
    `currency` ISO 4217, `time_zone` an IANA name, `language` a BCP 47 tag.
    """

    code: str
    country: str
    currency: Currency
    time_zone: str
    language: str
    privacy_regime: PrivacyRegime
