"""The project's own Python files, parsed, and the names they import or mention."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar, cast

ROOT = Path(__file__).resolve().parents[2]
Node = TypeVar("Node", bound=ast.AST)


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

    @cached_property
    def _by_kind(self) -> dict[type[ast.AST], list[ast.AST]]:
        """Every node of the tree by its class, from one walk for all that look; in a class, parents come first."""
        found: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        nodes: list[ast.AST] = [self.tree]
        for node in nodes:
            found[type(node)].append(node)
            for part in vars(node).values():
                if isinstance(part, list):
                    nodes.extend([one for one in part if isinstance(one, ast.AST)])
                elif isinstance(part, ast.AST):
                    nodes.append(part)
        return found

    def nodes(self, kind: type[Node]) -> list[Node]:
        """Every node of this very class."""
        return cast("list[Node]", self._by_kind.get(kind, []))

    def says(self, *words: str) -> bool:
        """Whether one of the words stands in the text: where none does, no name is one, and nothing need be parsed."""
        return any(word in self.text for word in words)

    @cached_property
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
        for whole in self.nodes(ast.Import):
            for alias in whole.names:
                yield Import(alias.name, whole.lineno)
        for node in self.nodes(ast.ImportFrom):
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
        nodes: list[ast.Import | ast.ImportFrom] = [*self.nodes(ast.Import), *self.nodes(ast.ImportFrom)]
        for node in sorted(nodes, key=lambda one: one.lineno):
            base = f"{self._base(node)}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                name = alias.asname or (alias.name if base else alias.name.split(".")[0])
                aliases[name] = base + alias.name if base or alias.asname else name
        return aliases

    def mentions(self, *packages: str) -> Iterator[Import]:
        """Every dotted name that starts at a name imported from the packages, in full, whatever it was renamed to."""
        if any(name.split(".")[0] in packages for name in self._aliases.values()):
            for node in (*self.nodes(ast.Attribute), *self.nodes(ast.Name)):
                name = self.full_name(node)
                if name.split(".")[0] in packages:
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
        within = {id(statement.value) for statement in self.nodes(ast.Expr)}  # docstrings, and parts of f-strings
        for joined in self.nodes(ast.JoinedStr):
            within.update(map(id, joined.values))
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in joined.values)
            yield "".join(map(str, parts)), joined.lineno
        for node in self.nodes(ast.Constant):
            if isinstance(node.value, str | bytes) and id(node) not in within:
                text = node.value if isinstance(node.value, str) else node.value.decode("utf-8", "replace")
                yield text, node.lineno


def sources(*folders: str) -> Iterator[Source]:
    """Every Python file of the given folders of the checkout, one at a time; a folder that does not exist has none."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def report(findings: list[Finding]) -> str:
    """The findings as a list to click on."""
    return "\n" + "\n".join(str(finding) for finding in sorted(findings))
