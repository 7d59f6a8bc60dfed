"""The codes of the audit log that the source writes: the texts that are given to what makes an entry."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from tests.architecture.source import Source, sources

_MAKERS: Final = re.compile(r"AuditEntry|\w*[lL]ane|lane_of|_?note|_?audit|_entry|_carried|_changed|carry_out|Lane")
_CODE: Final = re.compile(r"[a-z]+(_[a-z]+)+|replay|adjust")


def actions_in(source: Source) -> Iterator[str]:
    """Return every text that looks like a code and is given to something that makes an entry."""
    for node in source.nodes(ast.Call):
        if _MAKERS.fullmatch(_name(node.func)):
            given = [*node.args, *[one.value for one in node.keywords if one.arg == "action"]]
            for one in given:
                yield from (text for text in _texts(one) if _CODE.fullmatch(text))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _texts(given: ast.expr) -> list[str]:
    ends = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
    return [one.value for one in ends if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def written_actions() -> set[str]:
    """Return every code that the source writes as it is."""
    return {action for source in sources("src") for action in actions_in(source)}
