"""Tables that can be exported, in words: what they are called, what their columns say, and who of staff may have them.

Whatever becomes a kind of exports has an entry here; one that has none is not offered on the pages.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from regulars.platform.exports.contracts import Column, Form
from regulars.web.kit.texts import in_language, mark

# What staff need for rows that a key needs a scope for.
NEEDED: Final[dict[str, str]] = {
    "members:read": "members:read",
    "orders:read": "orders:read",
    "ledger:read": "points:read",
    "policies:read": "programme:read",
    "finance:read": "finance:read",
    "events:read": "webhooks:read",
    "audit:read": "audit:read",
}
TABLES: Final[dict[str, str]] = {
    "members": mark("Members"),
    "identities": mark("Identities"),
    "consents": mark("Consents"),
    "households": mark("Households"),
    "merges": mark("Merges"),
    "orders": mark("Orders"),
    "order_lines": mark("Order lines"),
    "payments": mark("Payments"),
    "returns": mark("Returns"),
    "guest_orders": mark("Orders of guests"),
    "stores": mark("Stores"),
    "balances": mark("Balances"),
    "tiers": mark("Tiers"),
    "tier_changes": mark("Changes of tiers"),
    "transfers": mark("Movements of points"),
    "accruals": mark("Points granted directly"),
    "lots": mark("Lots"),
    "lot_uses": mark("Uses of lots"),
    "holds": mark("Holds"),
    "adjustments": mark("Corrections"),
    "gifts": mark("Gifts of points"),
    "month_figures": mark("Figures of months"),
    "policies": mark("Policies"),
    "events": mark("Events"),
    "audit": mark("Audit log"),
}
# How the tables are offered: what they are about, and with which of them that begins.
GROUPS: Final = (
    (mark("Members"), "members"),
    (mark("Orders and stores"), "orders"),
    (mark("Points and tiers"), "balances"),
    (mark("Programme and records"), "month_figures"),
)
FORMS: Final[dict[Form, str]] = {
    "text": mark("Text"),
    "whole": mark("Whole number"),
    "decimal": mark("Number with decimals"),
    "flag": mark("true or false"),
    "date": mark("Date"),
    "instant": mark("Time (UTC)"),
    "json": mark("JSON"),
}
_CODE: Final = re.compile(r"`([^`]+)`")


class Told(NamedTuple):
    """A column as a page tells it: its name, what it says, and its form."""

    name: str
    about: Markup
    form: str


def told(name: str, column: Column, language: str) -> Told:
    """Return a column in words; what stands in a file literally looks so."""
    about = _CODE.sub(r'<code class="font-mono text-2xs">\1</code>', str(escape(in_language(column.about, language))))
    return Told(name, Markup(about), in_language(FORMS[column.form], language))  # noqa: S704 - escaped above


def plain(sentence: str, language: str) -> str:
    """Return what a table is about without the marks around what stands in a file literally."""
    return _CODE.sub(r"\1", in_language(sentence, language))


def grouped(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return tables as they are offered: each group's heading, and those of it that are among the names."""
    begins = {first: heading for heading, first in GROUPS}
    groups: list[tuple[str, list[str]]] = []
    for name in TABLES:
        if name in begins:
            groups.append((begins[name], []))
        if name in names:
            groups[-1][1].append(name)
    return [(heading, found) for heading, found in groups if found]
