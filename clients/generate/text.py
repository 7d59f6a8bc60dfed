"""What generated modules have in common: their first lines, their docstrings, their imports."""

import re
from collections.abc import Iterable, Mapping
from textwrap import fill, indent
from typing import Final

WIDTH: Final = 120
MOST_LINES: Final = 500
WRITTEN: Final = "Written from the API's description: `make client` does it anew."
_IMPORTS: Final = {
    "collections.abc": ("AsyncIterator", "Iterator", "Sequence"),
    "datetime": ("date", "datetime"),
    "typing": ("Any", "Final", "Literal"),
    "msgspec": ("UNSET", "Struct", "UnsetType", "field"),
}


def docstring(text: str, within: int) -> str:
    """Return a text as a docstring that stands so many columns within, paragraphs kept, lines filled."""
    room = WIDTH - within
    plain = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    if not plain.endswith((".", "?", "!")) and "\n\n" not in plain:
        plain += "."
    first, *rest = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", plain)]
    if not rest and len(first) <= room - 6 and not first.endswith('"'):
        return indent(f'"""{first}"""', " " * within)
    # The formatter puts the quotes behind the last line.
    filled = [fill(f'"""{first}', room - 3), *(fill(paragraph, room - 3) for paragraph in rest)]
    return indent("\n\n".join(filled) + '\n"""', " " * within)


def module(told: str, body: str, *, own: Mapping[str, Iterable[str]] | None = None) -> str:
    """Return a module with what its body may need imported, of what everybody has and of its `own`.

    `own` maps modules to the names that they hold. What only a docstring mentions goes when the module is formatted.
    """
    lines = []
    for source, offered in {**_IMPORTS, **(own or {})}.items():
        if used := [name for name in offered if re.search(rf"\b{name}\b", body)]:
            lines.append(f"from {source} import {', '.join(sorted(used))}")
    return f'"""{told}\n\n{WRITTEN}\n"""\n\n' + "\n".join(lines) + f"\n\n\n{body.strip()}\n"
