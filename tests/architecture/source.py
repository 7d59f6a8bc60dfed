"""The project's own Python files, parsed, and the names they import or mention."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Finding(NamedTuple):
    """One breach of a habit: where it is and what to do instead."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Import(NamedTuple):
    """One imported name in full: `from regulars.members import api` gives `regulars.members.api`."""

    name: str
    line: int


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the checkout, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders and the file name without `.py`."""
        return PurePosixPath(self.path).with_suffix("").parts

    @property
    def stem(self) -> str:
        """The file name without `.py`."""
        return self.parts[-1]

    @property
    def module(self) -> str:
        """The dotted name under which the file is imported."""
        parts = self.parts[1:] if self.parts[0] == "src" else self.parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """`loyalty` for everything in src/regulars/loyalty; empty outside the application and at its root."""
        within = self.parts[2:] if self.parts[:2] == ("src", "regulars") else ()
        return within[0] if len(within) > 1 else ""

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every imported name, those under `if TYPE_CHECKING` and inside functions included."""
        return tuple(self._imports())

    def _imports(self) -> Iterator[Import]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, node.lineno)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                for alias in node.names:
                    yield Import(base if alias.name == "*" else f"{base}.{alias.name}", node.lineno)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.module.split(".")
        if self.stem != "__init__":
            package = package[:-1]
        package = package[: len(package) - (node.level - 1)]
        return ".".join([*package, node.module] if node.module else package)

    @cached_property
    def _aliases(self) -> dict[str, str]:
        """What each imported name stands for in this file."""
        aliases: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.split(".")[0]
                    aliases[name] = alias.name if alias.asname else name
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                aliases.update({alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names})
        return aliases

    def mentions(self) -> Iterator[Import]:
        """Every dotted name that starts at an imported name, in full, whatever it was renamed to."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute | ast.Name) and (name := self.full_name(node)):
                yield Import(name, node.lineno)

    def full_name(self, node: ast.expr) -> str:
        """What a dotted expression stands for; empty if it does not start at an imported name."""
        trail: list[str] = []
        while isinstance(node, ast.Attribute):
            trail.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._aliases:
            return ""
        return ".".join([self._aliases[node.id], *reversed(trail)])

    def texts(self) -> Iterator[tuple[str, int]]:
        """Every string that is not a docstring, with its line; of an f-string, `{}` for what stands in braces."""
        seen: set[int] = set()
        for node in ast.walk(self.tree):  # parents come first
            if id(node) in seen:
                continue
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                seen.add(id(node.value))
            elif isinstance(node, ast.JoinedStr):
                seen.update(map(id, node.values))
                parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
                yield "".join(map(str, parts)), node.lineno
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value, node.lineno
            elif isinstance(node, ast.Constant) and isinstance(node.value, bytes):
                yield node.value.decode("utf-8", "replace"), node.lineno


def sources(*folders: str) -> list[Source]:
    """Every Python file of the given folders of the checkout; a folder that does not exist has none."""
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


def report(findings: list[Finding]) -> str:
    """The findings as a list to click on."""
    return "\n" + "\n".join(str(finding) for finding in sorted(findings))
