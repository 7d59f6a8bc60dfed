"""An export as a page to read: one file without scripts, addresses or pictures, for a browser or a printer."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Final

from regulars.members.contracts.privacy import Document, Parts, Section
from regulars.members.privacy.own import OWN
from regulars.members.privacy.style import ON_A_PHONE, STYLE
from regulars.members.privacy.words import COLUMNS, FOR_MACHINES
from regulars.platform.db.transaction import JsonValue, Transaction
from regulars.platform.formats import Formats, formats_of
from regulars.platform.markets.service import list_markets
from regulars.platform.money import Money
from regulars.platform.texts import mark, say

TITLE: Final = mark("Everything we know of you")
MADE: Final = mark(
    "Made at {made_at}, of {as_of} by the programme's clock. Times are those of {zone}. Long numbers are shortened; "
    "whole, and with what only our machines need, all of it is in the JSON file."
)
CONTENTS: Final = mark("What is in it")
NOTHING: Final = mark("Nothing is kept about: {what}.")
ENTRIES: Final = mark("{count} entries")
YES, NO = mark("Yes"), mark("No")
NOWHERE: Final = "UTC"
NOTHINGS: Final[tuple[JsonValue, ...]] = (None, "", [], {})
_THOUSAND: Final = 1_000
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
# Ids: with their prefix as the API has them, or bare; a transfer's has its number behind that of its member.
_ID: Final = re.compile(
    r"\b(?P<prefix>[a-z]{2,3}_)?(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{6}|[0-9a-f]{26}(?:[0-9a-f]{12})?)"
    r"(?P<end>[0-9a-f]{6})\b"
)
_UNGROUPED: Final = frozenset({"base_seq", "line_id", "lot_no", "policy_version", "year"})
_TERM: Final = re.compile(r"(?:_seq|^seq)$")


async def formats_for(tx: Transaction, document: Document, language: str) -> Formats:
    """Return how figures and instants are written for a member: in a language, and the time of the member's market."""
    markets = {one.code: one.time_zone for one in await list_markets(tx)}
    told = next(iter(document.sections.get("members", [])), {})
    return formats_of(language, markets.get(str(told.get("market")), NOWHERE))


def export_page(document: Document, parts: Parts, formats: Formats) -> str:
    """Return everything about a member as one page to read, written by `formats`. Raises nothing."""
    every = (OWN, *parts)
    titles = {name: title for part in every for name, title in part.sections.items()}
    codes = {column: named for part in every for column, named in part.codes.items()}
    named = {column: call for part in every for column, call in part.named.items()}
    return _Page(document, titles, codes, named, formats).written()


@dataclass(slots=True)
class _Page:
    """The page of one document: what there is, table by table, and what there is not, in a sentence."""

    document: Document
    titles: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]
    named: Mapping[str, Callable[[str, str], str]]
    formats: Formats
    currencies: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.currencies = {
            str(one["order_id"]): str(one["currency"])
            for one in self.document.sections.get("orders", [])
            if one.get("order_id") and one.get("currency")
        }

    def written(self) -> str:
        """Write it."""
        language, formats = self.formats.language, self.formats
        found = {name: self.document.sections.get(name, []) for name in self.titles}
        there = {name: rows for name, rows in found.items() if rows}
        made = {"made_at": self.document.made_at, "as_of": self.document.as_of}
        lead = self._said(MADE, zone=str(formats.zone), **{name: formats.moment(at) for name, at in made.items()})
        labels = "".join([self._labels(name, rows) for name, rows in there.items()])
        return "".join(
            [
                f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">',
                '<meta name="viewport" content="width=device-width,initial-scale=1">',
                '<meta name="color-scheme" content="light dark">',
                f"<title>{self._said(TITLE)}</title><style>{STYLE}{ON_A_PHONE}{{{labels}}}</style></head><body><main>",
                f"<h1>{self._said(TITLE)}</h1><p class=lead>{lead}</p>",
                self._contents(there),
                *[self._section(name, rows) for name, rows in there.items()],
                self._missing([title for name, title in self.titles.items() if name not in there]),
                "</main></body></html>",
            ]
        )

    def _said(self, sentence: str, **values: object) -> str:
        return escape(say(sentence, self.formats.language, **values))

    def _contents(self, there: Mapping[str, Section]) -> str:
        entries = [
            f'<li><a href="#{name}">{self._said(self.titles[name])}</a> <span>{len(rows):,}</span></li>'
            for name, rows in there.items()
        ]
        title = f'<h2 id="contents">{self._said(CONTENTS)}</h2>'
        return f'<nav aria-labelledby="contents">{title}<ol>{"".join(entries)}</ol></nav>'

    def _missing(self, titles: Sequence[str]) -> str:
        if not titles:
            return ""
        apart = "；" if self.formats.language == "zh" else "; "
        return f"<p class=missing>{self._said(NOTHING, what=apart.join([self._plain(one) for one in titles]))}</p>"

    def _plain(self, title: str) -> str:
        return say(title, self.formats.language)

    # --- one table ---

    def _section(self, name: str, rows: Section) -> str:
        columns = _columns(rows)
        title = self._said(self.titles[name])
        count = "" if len(rows) == 1 else f" <span>{self._said(ENTRIES, count=f'{len(rows):,}')}</span>"
        body = self._facts(name, columns, rows[0]) if len(rows) == 1 else self._table(name, columns, rows, title)
        return f'<section id="{name}"><h2>{title}{count}</h2>{body}</section>'

    def _facts(self, table: str, columns: Sequence[str], row: Mapping[str, JsonValue]) -> str:
        told = [f"<div><dt>{self._label(one)}</dt><dd>{self._cell(table, one, row)}</dd></div>" for one in columns]
        return f"<dl>{''.join(told)}</dl>"

    def _table(self, table: str, columns: Sequence[str], rows: Section, title: str) -> str:
        numbers = {one for one in columns if all(_is_number(row.get(one)) for row in rows)}
        begins = ["<td class=n>" if one in numbers else "<td>" for one in columns]
        head = "".join(
            [f'<th scope="col"{" class=n" if one in numbers else ""}>{self._label(one)}</th>' for one in columns]
        )
        body = "".join(
            [
                "<tr>"
                + "".join([begin + self._cell(table, one, row) for begin, one in zip(begins, columns, strict=True)])
                for row in rows
            ]
        )
        return (
            f'<div class=scroll tabindex=0 role=region aria-label="{title}"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def _labels(self, name: str, rows: Section) -> str:
        """Return the style by which cells of a table have their labels on a phone, where rows are cards."""
        if len(rows) == 1:
            return ""
        said = [
            (place, say(COLUMNS.get(one, one), self.formats.language)) for place, one in enumerate(_columns(rows), 1)
        ]
        plain = [(place, re.sub(r'[\\"<>\n]', " ", text)) for place, text in said]
        return "".join([f'#{name} td:nth-child({place})::before{{content:"{text}"}}' for place, text in plain])

    def _label(self, column: str) -> str:
        return self._said(COLUMNS[column]) if column in COLUMNS else escape(column.replace("_", " "))

    # --- one value ---

    def _cell(self, table: str, column: str, row: Mapping[str, JsonValue]) -> str:
        value = row.get(column)
        named = self.codes.get(f"{table}.{column}", self.codes.get(column))
        if named is not None and isinstance(value, str) and value in named:
            return self._said(named[value])
        if column in self.named and isinstance(value, str) and value:
            return escape(self.named[column](value, self.formats.language))
        if column.endswith("_minor") and isinstance(value, int):
            return escape(self._money(value, row))
        return self._value(column, value)

    def _money(self, minor: int, row: Mapping[str, JsonValue]) -> str:
        currency = row.get("currency") or self.currencies.get(str(row.get("order_id")))
        return f"{minor:,}" if currency is None else self.formats.money(Money(minor, str(currency)))

    def _value(self, name: str, value: JsonValue) -> str:
        said = ""
        match value:
            case bool():
                said = self._said(YES if value else NO)
            case int() | float():
                said = self._number(name, value)
            case dict():
                said = self._list(value)
            case list():
                said = "<ul>" + "".join([f"<li>{self._value(name, part)}</li>" for part in value]) + "</ul>"
            case str() if value:
                said = self._text(name, value)
        return said

    def _list(self, told: Mapping[str, JsonValue]) -> str:
        items = [
            f"<li><b>{self._label(name)}</b> {self._cell('', name, told)}</li>"
            for name, part in told.items()
            if part not in NOTHINGS
        ]
        return f"<ul>{''.join(items)}</ul>"

    def _number(self, name: str, value: float) -> str:
        if name.endswith("_milli"):
            return self.formats.number(Decimal(str(value)) / _THOUSAND)
        if name in _UNGROUPED or _TERM.search(name) or not isinstance(value, int):
            return str(value)
        return f"{value:,}"

    def _text(self, name: str, value: str) -> str:
        if value[0] in "{[":
            try:
                return self._value(name, json.loads(value))
            except ValueError:
                pass
        if _INSTANT.fullmatch(value):
            return f"<time>{self.formats.moment(datetime.fromisoformat(value))}</time>"
        if _DAY.fullmatch(value):
            return self.formats.day(date.fromisoformat(value))
        return escape(_shortened(value))


def _shortened(text: str) -> str:
    """Return a text in which ids are told as pages tell them: what they are of, and their end."""
    return _ID.sub(lambda found: f"{found['prefix'] or ''}…{found['end']}", text)


def _columns(rows: Section) -> list[str]:
    """Return the columns in which something stands that people read: those that say when and what first."""
    found = dict.fromkeys([name for row in rows for name, value in row.items() if value not in NOTHINGS])
    return sorted([name for name in found if name not in FOR_MACHINES], key=_first)


def _first(column: str) -> int:
    return _ORDER.get(column, len(_ORDER))


_ORDER: Final = {
    name: place
    for place, name in enumerate(
        (
            "effective_at", "occurred_at", "asked_at", "placed_at", "made_at", "added_at", "earned_at", "kind",
            "decision", "purpose", "channel", "state", "status", "side", "how", "answer", "cause", "wallet", "value",
            "name", "sku", "amount", "quantity_milli", "amount_minor", "total_minor", "balance",
            "balance_after", "remaining",
        )
    )
}  # fmt: skip


def _is_number(value: JsonValue) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
