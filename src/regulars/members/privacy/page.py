"""An export as a page to read: one file without scripts, addresses or pictures, for a browser or a printer."""

from collections.abc import Mapping
from html import escape
from typing import Final

from regulars.members.contracts.privacy import Document, Parts, Section
from regulars.members.privacy.own import OWN
from regulars.platform.db.transaction import JsonValue
from regulars.platform.texts import mark, say

TITLE: Final = mark("Everything we know of you")
MADE: Final = mark("Made at {made_at}. Each line is a row as we keep it; names of columns are those of the JSON file.")
NOTHING: Final = mark("Nothing.")

_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1c1917;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.5rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}
th,td{border-bottom:1px solid #d6d3d1;padding:.35rem .6rem;text-align:left;vertical-align:top;white-space:pre-wrap}
th{font-weight:600;color:#57534e}
@media (prefers-color-scheme:dark){body{color:#e7e5e4;background:#1c1917}th{color:#a8a29e}th,td{border-color:#44403c}}
"""


def export_page(document: Document, parts: Parts, language: str) -> str:
    """Return everything about a member as one page to read, in a language (en, zh). Raises nothing."""
    titles = {name: title for part in (OWN, *parts) for name, title in part.sections.items()}
    return render(document, titles, language)


def render(document: Document, titles: Mapping[str, str], language: str) -> str:
    """Return the page in a language; sections in the order of their titles."""
    parts = [
        f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{_said(TITLE, language)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{_said(TITLE, language)}</h1>",
        f"<p>{escape(say(MADE, language, made_at=document.made_at.isoformat(timespec='seconds')))}</p>",
    ]
    for name, title in titles.items():
        rows = document.sections.get(name, [])
        parts.append(f"<h2>{_said(title, language)}</h2>")
        parts.append(_table(rows) if rows else f"<p>{_said(NOTHING, language)}</p>")
    return "".join([*parts, "</main></body></html>"])


def _table(rows: Section) -> str:
    columns = list(dict.fromkeys([name for row in rows for name, value in row.items() if value is not None]))
    head = "".join([f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in columns])
    body = "".join(
        ["<tr>" + "".join([f"<td>{_cell(row.get(name))}</td>" for name in columns]) + "</tr>" for row in rows]
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: JsonValue) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return "<br>".join([f"{escape(name)}: {_cell(part)}" for name, part in value.items()])
    if isinstance(value, list):
        return "<br>".join([_cell(part) for part in value])
    return escape(str(value))


def _said(sentence: str, language: str) -> str:
    return escape(say(sentence, language))
