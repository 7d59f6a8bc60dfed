"""An order as it is typed: lines read from a till's fields, and carried from page to page. Pure."""

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

import msgspec
from babel.numbers import get_currency_precision
from msgspec import Meta

from regulars.commerce.contracts import Line
from regulars.platform.money import Money
from regulars.web.kit.errors import FormUnreadable
from regulars.web.kit.forms import Form
from regulars.web.kit.texts import in_language, mark

MOST_LINES: Final = 100
UNNAMED: Final = "-"
_MILLI_PLACES: Final = 3
_MILLI: Final = 10**_MILLI_PLACES
_LONGEST_NAME: Final = 128
_AMOUNT = re.compile(r"(\d{1,9})(?:[.,](\d{0,4}))?")
_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")
_QUANTITY = re.compile(r"(\d{1,6})(?:[.,](\d{1,3}))?")
_CARRIED = re.compile(r"(\d{1,13})\|(\d{1,9})\|(.{1,128})")
_STEPS: Final = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
_STEPS_SHOWN: Final = 3

AMOUNT_WRONG: Final = mark("Please write an amount, as in 12.50.")
QUANTITY_WRONG: Final = mark("Please write a quantity, as in 2 or 0.535.")
NO_LINES: Final = mark("Please write what is bought first.")
TOO_MANY_LINES: Final = mark("An order has {limit} lines at most here.")


class TillForm(msgspec.Struct):
    """What the till sends: who, the order's sealed id, the lines so far, the line being typed, who was scanned."""

    member: str = ""
    order: str = ""
    line: list[str] = []
    amount: Annotated[str, Meta(max_length=20)] = ""
    quantity: Annotated[str, Meta(max_length=20)] = ""
    name: Annotated[str, Meta(max_length=_LONGEST_NAME)] = ""
    remove: int | None = None
    points: Annotated[int, Meta(ge=0, le=10**12)] = 0
    code: Annotated[str, Meta(max_length=320)] = ""


class DraftLine(NamedTuple):
    """A line: what the whole of it costs, in minor units, and its quantity in thousandths."""

    amount_minor: int
    quantity_milli: int
    name: str

    @property
    def carried(self) -> str:
        """The line as a hidden field holds it."""
        return f"{self.amount_minor}|{self.quantity_milli}|{self.name}"

    @property
    def quantity(self) -> Decimal:
        """How much."""
        return shown_quantity(self.quantity_milli)


def shown_quantity(milli: int) -> Decimal:
    """Return thousandths as a decimal without trailing zeros."""
    whole, rest = divmod(milli, _MILLI)
    return Decimal(whole) if not rest else Decimal(milli) / _MILLI


def carried_lines(form: TillForm) -> list[DraftLine]:
    """Read the lines so far. Raises FormUnreadable for what no page of ours wrote."""
    lines = []
    for text in form.line[: MOST_LINES + 1]:
        found = _CARRIED.fullmatch(text)
        if found is None:
            raise FormUnreadable
        lines.append(DraftLine(int(found[1]), int(found[2]), found[3]))
    return lines


def typed_line(form: Form[TillForm], currency: str) -> tuple[DraftLine | None, dict[str, str]]:
    """Read the line that is being typed: None if nothing is; and what is wrong with its fields."""
    given = form.value or TillForm()
    if not given.amount and not given.name and given.quantity in {"", "1"}:
        return None, {}
    problems = {}
    amount = read_amount(given.amount, currency)
    if amount is None:
        problems["amount"] = in_language(AMOUNT_WRONG, form.language)
    quantity = read_milli(given.quantity or "1")
    if not quantity:
        problems["quantity"] = in_language(QUANTITY_WRONG, form.language)
    if amount is None or not quantity:
        return None, problems
    name = "".join(sign for sign in given.name if sign.isprintable()).strip()
    return DraftLine(amount, quantity, name or UNNAMED), {}


def read_amount(text: str, currency: str) -> int | None:
    """Return an amount in minor units; None for what is none in this currency.

    A comma before three digits parts thousands for one and a fraction for another: nobody is charged on a guess.
    """
    places, written = get_currency_precision(currency), _plain(text)
    found = _AMOUNT.fullmatch(written)
    if found is None or len(found[2] or "") > places or _THOUSANDS.fullmatch(written):
        return None
    return int(found[1] + (found[2] or "").ljust(places, "0"))


def read_milli(text: str) -> int | None:
    """Return a quantity in thousandths; None for what is none. Zero is a quantity of nothing."""
    found = _QUANTITY.fullmatch(_plain(text))
    return None if found is None else int(found[1] + (found[2] or "").ljust(_MILLI_PLACES, "0"))


def as_order_lines(lines: list[DraftLine]) -> tuple[Line, ...]:
    """Return the lines as commerce takes them, numbered from 1."""
    return tuple(
        Line(str(number), line.name, line.quantity_milli, line.amount_minor) for number, line in enumerate(lines, 1)
    )


def total_of(lines: list[DraftLine], currency: str) -> Money:
    """Return what the lines cost together."""
    return Money(sum(line.amount_minor for line in lines), currency)


def steps_up_to(most: int) -> list[int]:
    """Return how many points may be offered: none, up to three round numbers, and the most that may be used."""
    if most <= 0:
        return [0]
    return [0, *[step for step in _STEPS if step < most][-_STEPS_SHOWN:], most]


def _plain(text: str) -> str:
    """Digits as Chinese keyboards write them become plain ones."""
    return unicodedata.normalize("NFKC", text).replace("。", ".").strip()
