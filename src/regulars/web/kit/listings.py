"""Listings: a page declares columns and filters once and gets search, sorting, paging, column choice and CSV.

    MEMBERS = Listing(
        name="members",
        columns=(
            Column("name", mark("Name"), lambda row: Link(row.name, f"/members/{row.public_id}"), sortable=True),
            Column("points", mark("Points"), lambda row: row.points, sortable=True),
            Column("joined", mark("Joined"), lambda row: row.joined_at, sortable=True),
        ),
        filters=(Choice("tier", mark("Tier"), (("gold", mark("Gold")), ("silver", mark("Silver")))),),
        sort="-joined",
    )

Everything a viewer chooses stands in the address, so that a view can be kept and passed on. What an address says that
the listing does not know is passed over.
"""

import csv
import io
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from litestar.datastructures import MultiDict
from markupsafe import Markup, escape

from regulars.platform.db.transaction import Transaction
from regulars.web.kit.cells import Cell, csv_cell, is_figure, render_cell
from regulars.web.kit.formats import Formats
from regulars.web.kit.shapes import Shape
from regulars.web.kit.texts import in_language, mark

logger = logging.getLogger(__name__)

CSV_MOST_ROWS: Final = 1_000_000  # what the usual spreadsheets open
_CSV_SLICE: Final = 1_000
_PAGE_ROWS: Final = 25
_MANY_COLUMNS: Final = 6
_BESIDE: Final = 2  # what of a row fits beside each other on a phone, above a sentence
_MOST_PAGES: Final = 10_000
_LONGEST_SEARCH: Final = 100
_BYTE_ORDER_MARK: Final = "\ufeff"  # without it, spreadsheets read Chinese as Latin


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `label` is a marked text; `value` gives a row's cell.

    A `minor` one is left out on a phone, a `wide` one wherever there is not all the room of a desk; one that `wraps`
    holds sentences, all others stay on one line.
    """

    name: str
    label: str
    value: Callable[[Any], Cell]
    sortable: bool = False
    shown: bool = True
    minor: bool = False
    wide: bool = False
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter with a few values: pairs of value and marked text. A `rare` one is shown only where it is in use.

    `unset` says what is listed while none is chosen, where that is not everything.
    """

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    rare: bool = False
    unset: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """What it is called in the address."""
        return (self.name,)

    def read(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what an address says that makes sense."""
        value = given.get(self.name, "")
        return {self.name: value} if value in {option for option, _ in self.options} else {}


@dataclass(frozen=True, slots=True)
class Among(Choice):
    """A filter whose options are known when the rows are read: a list that `fetch` fills. It takes any text."""

    def read(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what an address says."""
        value = given.get(self.name, "")[:_LONGEST_SEARCH]
        return {self.name: value} if value else {}


@dataclass(frozen=True, slots=True)
class Days:
    """A filter for a span of days, both included: `joined_from` and `joined_to` for the name `joined`."""

    name: str
    label: str
    rare: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """What it is called in the address."""
        return (f"{self.name}_from", f"{self.name}_to")

    def read(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what an address says that makes sense."""
        return {name: given[name] for name in self.parameters if _is_day(given.get(name, ""))}


@dataclass(frozen=True, slots=True)
class One:
    """A filter for one day, or (`type` "text") for one text as it is."""

    name: str
    label: str
    type: str = "date"
    rare: bool = False
    options: tuple[tuple[str, str], ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """What it is called in the address."""
        return (self.name,)

    def read(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return what an address says that makes sense."""
        value = given.get(self.name, "")[:_LONGEST_SEARCH]
        makes_sense = _is_day(value) if self.type == "date" else bool(value)
        return {self.name: value} if makes_sense else {}


Reading = Callable[[], AbstractAsyncContextManager[Transaction]]


def _nothing_to_read() -> AbstractAsyncContextManager[Transaction]:
    raise RuntimeError("who shows this listing gave it no database to read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a viewer wants to see of a listing.

    `reading` opens what its rows are read in: a transaction for a page; for a file, however many slices it takes, one
    and the same, which reads of one instant.
    """

    search: str
    filters: Mapping[str, str]
    sort: str
    descending: bool
    after: str | None
    page: int
    limit: int
    columns: tuple[Column, ...]
    reading: Reading = field(default=_nothing_to_read, repr=False, compare=False)

    @property
    def offset(self) -> int:
        """How many rows stand before this page, for listings that are paged by number."""
        return (self.page - 1) * self.limit


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows. `after` continues (a cursor); `total` is how many there are, where that is cheap to know.

    `refused` says, in the viewer's language, why there are none although there may be some.
    """

    rows: Sequence[Any]
    after: str | None = None
    total: int | None = None
    refused: str = ""


Fetch = Callable[[Wanted], Awaitable[Slice]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list as a page declares it.

    `search` is the marked label of the search field; without it there is none. `sort` names the column by which rows
    are ordered at first, with a minus for descending. `export` is the permission that the CSV file needs.
    """

    name: str
    columns: tuple[Column, ...]
    filters: tuple[Choice | Days | One, ...] = ()
    search: str | None = None
    sort: str = ""
    rows: int = _PAGE_ROWS
    export: str | None = "exports:write"
    empty: str = mark("Nothing here yet.")

    def wanted(self, query: MultiDict[str]) -> Wanted:
        """Read an address."""
        given = {name: query.getall(name)[-1] for name in query}
        sort = given.get("sort", self.sort)
        if sort.removeprefix("-") not in {column.name for column in self.columns if column.sortable}:
            sort = self.sort
        chosen = set(query.getall("columns", []))
        columns = tuple(column for column in self.columns if (column.name in chosen if chosen else column.shown))
        page = given.get("page", "1")
        return Wanted(
            search=given.get("q", "").strip()[:_LONGEST_SEARCH] if self.search else "",
            filters={name: value for one in self.filters for name, value in one.read(given).items()},
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            after=given.get("after") or None,
            page=min(int(page), _MOST_PAGES) if page.isascii() and page.isdecimal() and int(page) else 1,
            limit=self.rows,
            columns=columns or self.columns,
        )


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A listing on its page, as the macro `ui.listing` draws it."""

    listing: Listing
    wanted: Wanted
    slice: Slice
    path: str
    may_export: bool

    @property
    def filters(self) -> list[Choice | Days | One]:
        """The filters to show: those that are not rare, and those in use."""
        used = self.wanted.filters.keys()
        return [one for one in self.listing.filters if not one.rare or used & set(one.parameters)]

    @property
    def is_narrowed(self) -> bool:
        """Whether a search or a filter leaves rows out."""
        return bool(self.wanted.search or self.wanted.filters)

    @property
    def first(self) -> int:
        """The number of the first row shown."""
        return self.wanted.offset + 1

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return self.wanted.offset + len(self.slice.rows)

    def options(self, filter: Choice, language: str) -> Markup:  # noqa: A002 - what templates call it
        """Return the options of a filter, the chosen one marked."""
        return _options(tuple(filter.options), self.wanted.filters.get(filter.name, ""), language)

    def parameters(self, *leave_out: str) -> list[tuple[str, str]]:
        """Return what the address says, but for some of it; what is as declared stays unsaid."""
        wanted, listing = self.wanted, self.listing
        said = [("q", wanted.search), *wanted.filters.items()]
        if (order := ("-" if wanted.descending else "") + wanted.sort) != listing.sort:
            said.append(("sort", order))
        if wanted.columns != tuple(column for column in listing.columns if column.shown):
            said += [("columns", column.name) for column in wanted.columns]
        return [(name, value) for name, value in said if value and name not in leave_out]

    def url(self, **changes: object) -> str:
        """Return the address of this view with some of it changed; a change starts at the first page."""
        said = self.parameters(*changes) + [(name, str(value)) for name, value in changes.items() if value]
        return f"{self.path}?{urlencode(said)}" if said else self.path

    @property
    def here(self) -> str:
        """The address of this view as it is, without what a form sends empty."""
        page = self.wanted.page if self.wanted.page > 1 else ""
        return self.url(after=self.wanted.after or "", page=page)

    def sort_url(self, column: Column) -> str:
        """Return the address that sorts by a column; by the same one again, the other way round."""
        wanted = self.wanted
        descending = not wanted.descending if wanted.sort == column.name else self._is_figure(column)
        return self.url(sort=f"-{column.name}" if descending else column.name)

    def next_url(self) -> str | None:
        """Return the address of the rows after these."""
        if self.slice.after is not None:
            return self.url(after=self.slice.after)
        total = self.slice.total
        return self.url(page=self.wanted.page + 1) if total is not None and self.last < total else None

    def previous_url(self) -> str | None:
        """Return the address of the rows before these: of a cursor, the first ones."""
        if self.wanted.after is not None:
            return self.url()
        return self.url(page=self.wanted.page - 1) if self.wanted.page > 1 else None

    @property
    def stacked(self) -> bool:
        """Whether each row is a small card on a phone: a column of sentences has no room there."""
        return any(column.wraps for column in self.wanted.columns)

    @property
    def where_wide(self) -> str:
        """The class that leaves minor columns out where there is no room: with many columns on a tablet, too.

        A column of sentences is folded as narrow as it must be: beside it one more has room.
        """
        return "max-lg:hidden" if len(self.wanted.columns) > _MANY_COLUMNS + self.stacked else "max-md:hidden"

    def left_out(self, column: Column) -> str:
        """Return the class that leaves a column out where there is no room for it, "" for one that is always there."""
        if column.wide:
            return "max-xl:hidden"
        return self.where_wide if column.minor else ""

    @property
    def _labelled(self) -> bool:
        """Whether a phone shows a row cell below cell, each behind its label.

        One with a thing, a figure and a sentence needs none: they stand beside and below each other.
        """
        plain = [column for column in self.wanted.columns if not self.left_out(column) and not column.wraps]
        return self.stacked and len(plain) > _BESIDE

    def body(self, formats: Formats) -> Markup:
        """Return the rows of the table. A template takes three times as long for its hundreds of cells."""
        begins = [self._cell_begins(place, formats.language) for place in range(len(self.wanted.columns))]
        ends = "</div></td>" if self._labelled else "</td>"
        narrow = "" if not self.stacked else " stacked-labelled" if self._labelled else " stacked"
        row_begins = f'        <tr class="hover:bg-base-200/70{narrow}">'
        drawn = []
        for cells in self._cells:
            drawn.append(row_begins)
            for (begin, bare), value in zip(begins, cells, strict=True):
                cell = render_cell(value, formats)
                drawn += (
                    bare if value is None or value == "" else begin,
                    cell if type(cell) is Markup else escape(cell),
                    ends,
                )
            drawn.append("</tr>\n")
        return Markup("".join(drawn))  # noqa: S704 - our own tags, and escaped cells between them

    def _cell_begins(self, place: int, language: str) -> tuple[str, str]:
        """Return how a cell of a column begins, and how one does in which nothing stands: a phone leaves that out."""
        column = self.wanted.columns[place]
        classes = ["wraps min-w-56" if column.wraps else "whitespace-nowrap", self.aligned(column)]
        if where := self.left_out(column):
            classes.append(where)
        if not self._labelled:
            begin = f'<td class="{" ".join([one for one in classes if one])}">'
            return begin, begin
        label = f' data-label="{escape(in_language(column.label, language))}"' if place else ""
        begin = f'<td{label} class="{" ".join([one for one in classes if one])}'
        return f'{begin}"><div>', f'{begin} max-md:hidden"><div>'

    def aligned(self, column: Column) -> str:
        """Return the class that puts digits under digits."""
        return "text-right figures" if self._is_figure(column) else ""

    def _is_figure(self, column: Column) -> bool:
        return column.name in self._figures

    @cached_property
    def _cells(self) -> list[list[Cell]]:
        """The cells of the rows, each asked for once."""
        values = [column.value for column in self.wanted.columns]
        return [[value(row) for value in values] for row in self.slice.rows]

    @cached_property
    def _figures(self) -> frozenset[str]:
        """The columns, by name, in which figures stand."""
        columns = zip(self.wanted.columns, zip(*self._cells, strict=True), strict=False)  # without rows there are none
        return frozenset(column.name for column, cells in columns if any(map(is_figure, cells)))


_OPTION: Final = Shape('<option value="{}">{}</option>')
_CHOSEN: Final = Shape('<option value="{}" selected>{}</option>')


@lru_cache(maxsize=256)
def _options(options: tuple[tuple[str, str], ...], chosen: str, language: str) -> Markup:
    """Draw the options of a filter; they are kept, since a chain has hundreds of shops."""
    shapes = [(_CHOSEN if value == chosen else _OPTION, value, text) for value, text in options]
    return Markup().join([shape(value, in_language(text, language)) for shape, value, text in shapes])


class Ending(StrEnum):
    """How a file ended."""

    COMPLETE = "complete"
    CUT = "cut"
    FAILED = "failed"
    LEFT = "left"


@dataclass(slots=True)
class CsvFile:
    """A view as a CSV file (RFC 4180, UTF-8). `rows` and `ending` tell, afterwards, what was written.

    It is read slice after slice, each beginning where the one before ended, all in one snapshot where `wanted` reads
    one: its rows belong together. A file that does not hold everything says so in its last line.
    """

    wanted: Wanted
    fetch: Fetch
    formats: Formats
    most_rows: int = CSV_MOST_ROWS
    rows: int = 0
    ending: Ending = Ending.LEFT

    async def lines(self) -> AsyncGenerator[str, None]:
        """Write it."""
        language = self.formats.language
        yield _BYTE_ORDER_MARK + _csv_line([in_language(column.label, language) for column in self.wanted.columns])
        try:
            async for row in self._rows():
                yield _csv_line([csv_cell(column.value(row), self.formats) for column in self.wanted.columns])
                self.rows += 1
        except Exception:
            logger.exception("a list could not be written to its end")
            self.ending = Ending.FAILED
        if self.ending in _LAST_WORDS:
            yield self.last_words()

    def last_words(self) -> str:
        """Return the line that says why a file ends before everything is in it."""
        said = in_language(_LAST_WORDS[self.ending], self.formats.language)
        return _csv_line([said.format(rows=self.formats.number(self.rows))])

    async def _rows(self) -> AsyncIterator[Any]:
        wanted, left = replace(self.wanted, limit=_CSV_SLICE, after=None, page=1), self.most_rows
        while True:
            found = await self.fetch(wanted)
            if found.refused:
                raise RuntimeError("the rows of a file were refused")
            for row in found.rows[:left]:
                yield row
            following = _following(wanted, found)
            if following is None and len(found.rows) <= left:
                self.ending = Ending.COMPLETE
                return
            left -= len(found.rows)
            if left <= 0 or following is None:
                self.ending = Ending.CUT
                return
            wanted = following


_LAST_WORDS: Final = {
    Ending.CUT: mark("This file ends here, after {rows} rows, but there are more. Narrow the list, and take it again."),
    Ending.FAILED: mark("This file is NOT complete: something went wrong after {rows} rows. Take it again."),
}


def _following(wanted: Wanted, found: Slice) -> Wanted | None:
    """Return what comes after these rows; None at the end."""
    if found.after is not None:
        return replace(wanted, after=found.after)
    if found.total is not None and found.rows and wanted.offset + len(found.rows) < found.total:
        return replace(wanted, page=wanted.page + 1)
    return None


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
