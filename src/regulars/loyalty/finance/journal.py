"""A month's bookings as text: CSV, and the double-entry format of beancount. Pure."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from babel.numbers import get_currency_precision

from regulars.loyalty.finance.contracts import Held
from regulars.loyalty.finance.months import name_of, next_month
from regulars.loyalty.merging.naming import reference_told
from regulars.loyalty.public_ids import transfer_id
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.ids import public_id

# What stands against the member's side, by the programme's account; one that is not here is named by its number.
_NAMED: Final = {
    1: ("Expenses", "Issued"),
    2: ("Income", "Redeemed"),
    3: ("Income", "Expired"),
    4: ("Expenses", "Adjusted"),
    6: ("Equity", "Moved"),
    7: ("Equity", "Extended"),
}
_LONGEST_COMMODITY: Final = 24
_WORDS_OF_BEANCOUNT: Final = frozenset({"TRUE", "FALSE", "NULL"})
_FORMULA: Final = ("=", "+", "-", "@")
_UNSEEN: Final = frozenset("CZ")


class Line(NamedTuple):
    """Bookings that stand together: of a day in one account, kind and direction, or a single transfer.

    `units` and `debt_change` are signed from the member's side. The last six are of a single transfer.
    """

    day: date
    market: str
    wallet: str
    account: int
    kind: str
    transfers: int
    units: int
    debt_change: int
    member_id: UUID | None = None
    seq: int = 0
    order_id: str | None = None
    reference: str = ""
    effective_at: datetime | None = None
    recorded_at: datetime | None = None


class Page(NamedTuple):
    """A wallet in a market over the month: what was there before, and what must be there after (None: still open)."""

    market: str
    currency: str
    wallet: str
    wallet_id: int
    opening: Held
    closing: Held | None
    value_minor: int | None


def account_name(market: str, wallet: str, account: int) -> str:
    """Return the name of the programme's account, as beancount takes it."""
    root, name = _NAMED.get(account, ("Equity", f"Account-{account}"))
    return f"{root}:{market}:{_part(wallet)}:{name}"


def commodity(wallet: str, wallet_id: int) -> str:
    """Return what beancount calls a wallet's units; each wallet has another."""
    name = wallet.upper()
    if not 1 < len(name) <= _LONGEST_COMMODITY or name.endswith("_") or name in _WORDS_OF_BEANCOUNT:
        return f"WALLET-{wallet_id}"
    return name


def _part(wallet: str) -> str:
    return wallet[0].upper() + wallet[1:].replace("_", "-")


# --- CSV ----------------------------------------------------------------------------------------------------------

_COLUMNS: Final = (
    "date",
    "market",
    "wallet",
    "kind",
    "account",
    "account_name",
    "transfers",
    "units",
    "debt_change",
    "outstanding_change",
    "value_minor",
    "currency",
)
_OF_TRANSFERS: Final = ("transfer_id", "member_id", "order_id", "reference", "effective_at", "recorded_at")


@dataclass(slots=True)
class CsvJournal:
    """Writes lines as CSV, RFC 4180, UTF-8; texts never as formulas."""

    pages: Sequence[Page]
    by_transfer: bool

    def head(self) -> str:
        """Return the first line."""
        return _row([*_COLUMNS, *(_OF_TRANSFERS if self.by_transfer else ())])

    def lines(self, found: Iterable[Line]) -> Iterator[str]:
        """Give a line for each."""
        pages = {(page.market, page.wallet): page for page in self.pages}
        for line in found:
            page, outstanding = pages[line.market, line.wallet], line.units + line.debt_change
            value = None if page.value_minor is None else outstanding * page.value_minor
            cells: list[object] = [line.day, line.market, line.wallet, line.kind, line.account]
            cells += [account_name(line.market, line.wallet, line.account), line.transfers, line.units]
            cells += [line.debt_change, outstanding, value, page.currency if value is not None else None]
            yield _row([*cells, *(_of_transfer(line) if self.by_transfer else ())])

    def tail(self) -> str:
        """Return what ends the file: nothing."""
        return ""


def _of_transfer(line: Line) -> list[object]:
    if line.member_id is None or line.effective_at is None or line.recorded_at is None:
        return []
    return [
        transfer_id(line.member_id, line.seq),
        public_id(MEMBER_PREFIX, line.member_id),
        _no_formula(line.order_id or ""),
        _no_formula(reference_told(line.reference)),
        line.effective_at.isoformat(),
        line.recorded_at.isoformat(),
    ]


def _row(cells: Sequence[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _no_formula(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    for sign in unicodedata.normalize("NFKC", text):
        if unicodedata.category(sign)[0] not in _UNSEEN:
            return f"'{text}" if sign in _FORMULA else text
    return text


# --- beancount ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class BeancountJournal:
    """Writes lines as beancount transactions: opening balances, each booking, and assertions of what must be left.

    What members may still spend is a liability, what they owe an asset; issued against expenses, used and expired
    against income.
    """

    month: date
    pages: Sequence[Page]
    accounts: Iterable[tuple[str, str, int]]
    _left: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _written: int = 0

    def head(self) -> str:
        """Return what the file begins with: commodities, accounts, opening balances."""
        first = self.month.isoformat()
        units = {page.wallet: commodity(page.wallet, page.wallet_id) for page in self.pages}
        lines = [f'option "title" "Regulars {name_of(self.month)}"', ""]
        lines += [f"{first} commodity {name}" for name in sorted(units.values())]
        for page in self.pages:
            for name in (_liability(page), _owed(page), _before(page)):
                lines.append(f"{first} open {name} {units[page.wallet]}")
        for market, wallet, account in sorted(set(self.accounts)):
            lines.append(f"{first} open {account_name(market, wallet, account)} {units[wallet]}")
        for page in self.pages:
            self._left[page.market, page.wallet] = [page.opening.outstanding, page.opening.debt]
            lines += ["", f'{first} * "opening" "What was there before the month"']
            lines += _postings(page, page.opening.outstanding, page.opening.debt, _before(page))
        return "\n".join(lines) + "\n"

    def lines(self, found: Iterable[Line]) -> Iterator[str]:
        """Give a transaction for each line."""
        pages: Mapping[tuple[str, str], Page] = {(page.market, page.wallet): page for page in self.pages}
        for line in found:
            page, outstanding = pages[line.market, line.wallet], line.units + line.debt_change
            left = self._left[line.market, line.wallet]
            left[0] += outstanding
            left[1] += line.debt_change
            self._written += 1
            told = reference_told(line.reference) if line.member_id is not None else f"{line.transfers} transfers"
            text = [f'\n{line.day.isoformat()} * "{_quoted(line.kind)}" "{_quoted(told)}"']
            if line.member_id is not None and line.recorded_at is not None:
                text.append(f'  transfer: "{transfer_id(line.member_id, line.seq)}"')
                text.append(f'  member: "{public_id(MEMBER_PREFIX, line.member_id)}"')
                if line.order_id is not None:
                    text.append(f'  order: "{_quoted(line.order_id)}"')
                text.append(f'  recorded: "{line.recorded_at.isoformat()}"')
            against = account_name(line.market, line.wallet, line.account)
            yield "\n".join([*text, *_postings(page, outstanding, line.debt_change, against)]) + "\n"

    def tail(self) -> str:
        """Return what must be left at the month's end, what a unit is worth then, and how many there are."""
        after, lines = next_month(self.month).isoformat(), [""]
        for page in self.pages:
            name, left = commodity(page.wallet, page.wallet_id), self._left[page.market, page.wallet]
            outstanding, debt = left if page.closing is None else (page.closing.outstanding, page.closing.debt)
            lines.append(f"{after} balance {_liability(page)} {-outstanding} {name}")
            lines.append(f"{after} balance {_owed(page)} {debt} {name}")
            if page.value_minor is not None:
                value = Decimal(page.value_minor).scaleb(-get_currency_precision(page.currency))
                lines.append(f"{after} price {name} {value:f} {page.currency}")
        lines.append(f"; {self._written} transactions")
        return "\n".join(lines) + "\n"


def _liability(page: Page) -> str:
    return f"Liabilities:{page.market}:{_part(page.wallet)}"


def _owed(page: Page) -> str:
    return f"Assets:{page.market}:{_part(page.wallet)}:Owed"


def _before(page: Page) -> str:
    return f"Equity:{page.market}:{_part(page.wallet)}:Before"


def _postings(page: Page, outstanding: int, debt: int, against: str) -> list[str]:
    """Return the sides of a transaction: the liability grows by a minus, as beancount counts."""
    name = commodity(page.wallet, page.wallet_id)
    sides = [(_liability(page), -outstanding), (_owed(page), debt), (against, outstanding - debt)]
    return [f"  {account}  {amount} {name}" for account, amount in sides if amount or account == against]


def _quoted(text: str) -> str:
    """Escape a text for beancount, on one line."""
    plain = "".join([sign if unicodedata.category(sign)[0] != "C" else " " for sign in text])
    return plain.replace("\\", "\\\\").replace('"', '\\"')
