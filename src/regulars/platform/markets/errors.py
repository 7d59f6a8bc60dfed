"""Refusals about markets."""

from regulars.platform.errors import Conflict, InvalidInput


class UnknownMarket(InvalidInput):
    """The programme has no market of that code."""

    code = "unknown_market"
    status = 422
    message = "The programme has no market {market}. Use the code of one of its markets."


class MarketDiffers(Conflict):
    """A market of that code exists, with another country, currency, time zone, language or privacy regime."""

    code = "market_differs"
    status = 409
    message = (
        "The market {market} is already defined differently, and books stand on it. Define a market with another code."
    )


class MarketImpossible(InvalidInput):
    """A part of a market's definition does not exist."""

    code = "market_impossible"
    status = 422
    message = (
        "A market needs a code (1 to 16 capitals, digits or hyphens), an ISO 3166 country of two capitals, an ISO 4217 "
        "currency, an IANA time zone and a language tag; {field} is none. Correct it."
    )
