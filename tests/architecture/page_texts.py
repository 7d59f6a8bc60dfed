"""Every text of the pages: what templates say, and what the web rooms mark or say in Python."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from tests.architecture.source import ROOT, Source, sources

WEB = ROOT / "src" / "regulars" / "web"
CATALOGUES = ROOT / "src" / "regulars" / "locale" / "zh"
_IN_TEMPLATES = {"_": 0, "plural": 1}  # which argument is looked up; English alone has the singular of `plural`
_IN_PYTHON = {"mark", "say"}


def texts_of_template(source: str) -> Iterator[str]:
    """Yield the texts of a template's source. Raises ValueError for one that is not written there in full."""
    for call in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in _IN_TEMPLATES:
            told = call.args[_IN_TEMPLATES[call.node.name]]
            if isinstance(told, nodes.Const):
                yield str(told.value)
            elif isinstance(told, nodes.CondExpr):
                yield from (str(one.value) for one in (told.expr1, told.expr2) if isinstance(one, nodes.Const))


def texts_of_python(source: Source) -> Iterator[str]:
    """Yield the texts that Python marks or says, and the sentences of its refusals."""
    if not source.says(*_IN_PYTHON, "message"):
        return
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id in _IN_PYTHON and call.args:
            yield from [str(call.args[0].value)] if isinstance(call.args[0], ast.Constant) else []
    for declared in source.nodes(ast.ClassDef):
        yield from _message(declared)


def _message(declared: ast.ClassDef) -> Iterator[str]:
    for statement in declared.body:
        if isinstance(statement, ast.Assign) and [getattr(one, "id", "") for one in statement.targets] == ["message"]:
            yield str(ast.literal_eval(statement.value))


@cache
def page_texts() -> frozenset[str]:
    """Return every text of the pages."""
    said = {text for path in _templates() for text in texts_of_template(path.read_text(encoding="utf-8"))}
    return frozenset(said).union(*(texts_of_python(source) for source in sources("src/regulars/web")))


def catalogues() -> list[dict[str, str]]:
    """Return what each catalogue of the pages holds: web.po is the kit's, web_console.po the console's, and so on."""
    found = []
    for path in sorted(CATALOGUES.glob("web*.po")):
        with path.open("rb") as stream:
            found.append({str(one.id): str(one.string) for one in read_po(stream, locale="zh") if one.id})
    return found


def translated() -> dict[str, str]:
    """Return what all of them hold."""
    return {english: chinese for catalogue in catalogues() for english, chinese in catalogue.items()}


def _templates() -> Iterator[Path]:
    return WEB.glob("*/templates/**/*.html")
