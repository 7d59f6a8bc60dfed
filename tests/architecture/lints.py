"""The house's own mistakes, found in the syntax tree. Each lint takes a file and gives its findings."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator

from tests.architecture.source import Finding, Source

MAX_FUNCTION_LINES = 69
MAX_FILE_LINES = 500

Lint = Callable[[Source], Iterator[Finding]]


def sizes(source: Source) -> Iterator[Finding]:
    """Functions stay under 70 lines (decorators and docstring included), files within 500."""
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES:
        yield Finding(source.path, 1, f"{lines} lines; {MAX_FILE_LINES} are the most a file may have")
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef]
    functions = [*source.nodes(ast.FunctionDef), *source.nodes(ast.AsyncFunctionDef)]
    for node in functions:
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        length = (node.end_lineno or node.lineno) - first + 1
        if length > MAX_FUNCTION_LINES:
            yield Finding(source.path, node.lineno, f"{node.name} has {length} lines; stay under 70")


# --- SQL ------------------------------------------------------------------------------------------------------

SQL_FILES = {"store", "tables"}

# Commands at the start of a string (after comments), in capitals as we write them ...
_SHOUTED = re.compile(
    r"""\A(?:\s|--[^\n]*\n|/\*.*?\*/|\()*
    (?: SELECT\s | INSERT\s+INTO\s | UPDATE\s+(?:ONLY\s+)?[\w."{}]+\s | DELETE\s+FROM\s | MERGE\s+INTO\s
      | WITH\s+(?:RECURSIVE\s+)?[\w"]+\s*(?:\([^)]*\)\s*)?AS\s | VALUES\s*\( | TRUNCATE\s | COPY\s+[\w("{]
      | (?:CREATE|ALTER|DROP)\s+(?:UNIQUE\s+|OR\s+REPLACE\s+|TEMP(?:ORARY)?\s+|UNLOGGED\s+)*
        (?:TABLE|INDEX|FUNCTION|TYPE|SCHEMA|DATABASE|EXTENSION|TRIGGER|VIEW|ROLE|SEQUENCE)\b
      | LOCK\s+TABLE\s | SET\s+(?:LOCAL|SESSION|CONSTRAINTS)\s | LISTEN\s+\w | NOTIFY\s+\w
      | ANALYZE\b | VACUUM\b | SAVEPOINT\s | BEGIN\b | COMMIT\b | ROLLBACK\b | EXPLAIN\s )""",
    re.VERBOSE | re.DOTALL,
)
# ... and whole statements in small letters, narrow enough to leave English sentences alone.
_WHISPERED = re.compile(
    r"""\A\s*(?: select\s+(?:\*|[\w.]+(?:\s*,\s*[\w.]+)*|\w+\([^)]*\))\s+
                 from\s+[\w.]+\s*(?:where\b|order\b|limit\b|;|\Z)
      | insert\s+into\s+[\w."]+\s*(?:\(|values\b|select\b) | update\s+[\w."]+\s+set\s+[\w"]+\s*=
      | delete\s+from\s+[\w."]+\s*(?:where\b|;|\Z) )""",
    re.VERBOSE,
)
_EXECUTING = {"execute", "executemany", "execute_many", "fetchone", "fetchmany", "fetchall", "exec_driver_sql"}


def may_hold_sql(source: Source) -> bool:
    """True for store.py, tables.py (or folders of these names), migrations and platform/db; never for pages."""
    within = source.parts[2:]
    if within[:1] == ("web",):
        return False
    return bool(SQL_FILES & set(within)) or within[:1] == ("migrations",) or within[:2] == ("platform", "db")


def sql_outside_stores(source: Source) -> Iterator[Finding]:
    """All SQL of a slice stands in its store.py, so that its locks and its reads can be read in one place."""
    if may_hold_sql(source):
        return
    for text, line in source.texts():
        if _SHOUTED.match(text) or _WHISPERED.match(text):
            yield Finding(source.path, line, f"SQL belongs into store.py: {' '.join(text.split())[:50]!r}")
    for name, line in source.imports:
        if name.split(".")[0] == "sqlalchemy":
            yield Finding(source.path, line, f"{name}: queries are built in store.py and tables.py")
    for node in source.nodes(ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _EXECUTING:
            yield Finding(source.path, node.lineno, f".{node.func.attr}(): queries are run in store.py")


# --- time -----------------------------------------------------------------------------------------------------

_NOW = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.clock_gettime",
    "time.clock_gettime_ns",
}
_SQL_NOW = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\s*\)"
    r"|\b(?:CURRENT_TIMESTAMP|CURRENT_DATE|LOCALTIMESTAMP)\b",
    re.IGNORECASE,
)


def is_clock(source: Source) -> bool:
    """True for platform/clock.py, or a folder of that name; and for the clock of a client, which is another program."""
    return source.parts[2:4] == ("platform", "clock") or source.path == "clients/python/src/regulars_client/clock.py"


def now_outside_clock(source: Source) -> Iterator[Finding]:
    """`now` comes from platform.clock, so that a replay of last year behaves as last year did."""
    if is_clock(source):
        return
    for name, line in [*source.mentions("datetime", "time"), *source.imports]:
        if name in _NOW:
            yield Finding(source.path, line, f"{name}: ask platform.clock (its wall clock, if you mean the wall)")


def sql_now_outside_clock(source: Source) -> Iterator[Finding]:
    """The database's clock is the wall's; programme time is passed in. Migrations date themselves."""
    if is_clock(source) or source.parts[2:3] == ("migrations",):
        return
    for text, line in source.texts():
        if found := _SQL_NOW.search(text):
            yield Finding(source.path, line, f"{found.group()} in SQL: pass the instant from platform.clock")
    for name, line in source.mentions("sqlalchemy"):
        if name.endswith((".func.now", ".func.current_timestamp")):
            yield Finding(source.path, line, f"{name}: pass the instant from platform.clock")


# --- names ----------------------------------------------------------------------------------------------------

_EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}


def empty_names(source: Source) -> Iterator[Finding]:
    """A module or class called utils, helpers, manager or common says nothing of what it holds."""
    for part in source.parts:
        if _EMPTY_NAMES & set(part.lower().split("_")):
            yield Finding(source.path, 1, f"{part}: name it after what it holds")
    for node in source.nodes(ast.ClassDef):
        words = re.findall(r"[A-Z][a-z]*|[a-z]+", node.name)
        if _EMPTY_NAMES & {word.lower() for word in words}:
            yield Finding(source.path, node.lineno, f"{node.name}: name it after what it does")


def future_annotations(source: Source) -> Iterator[Finding]:
    """Annotations are real objects: msgspec and Litestar read them at run time."""
    for name, line in source.imports:
        if name == "__future__.annotations":
            yield Finding(source.path, line, "annotations from __future__ hide types that are read at run time")


_SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep"}


def sleeping_tests(source: Source) -> Iterator[Finding]:
    """A test waits for a condition (a short sleep between two looks, in a loop), never for a while."""
    if source.parts[0] != "tests":
        return
    sleeps = [call for call in source.nodes(ast.Call) if source.full_name(call.func) in _SLEEPS]
    loops = [*source.nodes(ast.While), *source.nodes(ast.For), *source.nodes(ast.AsyncFor)] if sleeps else []
    looking = {id(node) for loop in loops for node in ast.walk(loop)}
    for call in sleeps:
        lets_others_run = [arg.value for arg in call.args if isinstance(arg, ast.Constant)] == [0]
        if id(call) not in looking and not lets_others_run:
            yield Finding(source.path, call.lineno, f"{source.full_name(call.func)}: wait for the condition instead")


_EXCEPTION = re.compile(r"#\s*(?:(?:ruff|flake8):\s*)?(?:noqa|type:\s*ignore)\b")
_EXPLAINED = re.compile(
    r"#\s*(?:noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|type:\s*ignore\[[\w, -]+\])[\s#:-]+\w.{4}", re.DOTALL
)


def unexplained_exceptions(source: Source) -> Iterator[Finding]:
    """Whoever silences a tool on a line names the rule and says why: `# noqa: S608 # our own table names`."""
    if not _EXCEPTION.search(source.text):
        return
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        comment = token.string
        if token.type == tokenize.COMMENT and (found := _EXCEPTION.search(comment)):
            said = comment[found.start() :]
            if not _EXPLAINED.match(re.sub(r"#\s*type:\s*ignore\[[\w, -]+\]\s*(?=#\s*noqa)", "", said)):
                yield Finding(source.path, token.start[0], f"name the rule and give the reason: {said!r}")


EVERYWHERE: list[Lint] = [
    sizes,
    now_outside_clock,
    empty_names,
    future_annotations,
    sleeping_tests,
    unexplained_exceptions,
]


def refusals_said_elsewhere(source: Source) -> Iterator[Finding]:
    """Pages say why something was refused by `told` (or `noted`), which keeps the refusal: one may ask why later."""
    if source.parts[2:3] != ("web",) or source.parts[2:4] == ("web", "kit"):
        return
    for node in source.nodes(ast.Call):
        if not isinstance(node.func, ast.Name) or not node.args:
            continue
        said = node.args[0]
        by_hand = isinstance(said, ast.Attribute) and said.attr == "message" and isinstance(said.value, ast.Name)
        if node.func.id in {"say", "Notice"} and by_hand:
            yield Finding(source.path, node.lineno, "a refusal is said by told(…), or noted(…).message")


IN_THE_APPLICATION: list[Lint] = [sql_outside_stores, sql_now_outside_clock, refusals_said_elsewhere]
