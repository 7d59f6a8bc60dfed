"""Money: whole minor units of one currency, never a float."""

from typing import Annotated

from msgspec import Meta, Struct

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code, e.g. CNY.")]
AmountMinor = Annotated[
    int,
    Meta(ge=-(10**15), le=10**15, description="Whole minor units of the currency (cents, fen)."),
]


class Money(Struct, frozen=True):
    """An amount in the currency's minor units, e.g. 1999 CNY for 19.99 yuan."""

    amount_minor: AmountMinor
    currency: Currency
