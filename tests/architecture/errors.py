"""Every refusal of the programme, collected, and what a refusal must have."""

import ast
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from string import Formatter

import regulars
from regulars.platform.errors import DomainError
from tests.architecture.source import Finding, Source

ErrorClass = type[DomainError]


def import_everything() -> None:
    """Import each module of the application except the migrations, which Alembic runs."""
    for module in pkgutil.walk_packages(regulars.__path__, "regulars."):
        if not module.name.startswith("regulars.migrations") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def refusals() -> list[ErrorClass]:
    """Every DomainError of the application that a caller can meet, ordered by code."""
    import_everything()
    ours = (error for error in descendants(DomainError) if error.__module__.startswith("regulars."))
    return sorted((error for error in ours if is_met(error)), key=lambda error: (error.code, error.__qualname__))


def descendants(error: ErrorClass) -> Iterator[ErrorClass]:
    """Every class below `error`, each once."""
    seen: set[ErrorClass] = set()
    waiting = error.__subclasses__()
    while waiting:
        found = waiting.pop()
        if found not in seen:
            seen.add(found)
            waiting.extend(found.__subclasses__())
            yield found


def is_met(error: ErrorClass) -> bool:
    """A class without a code of its own that has subclasses only groups them."""
    return "code" in vars(error) or not error.__subclasses__()


def placeholders(sentence: str) -> set[str]:
    """The names in braces."""
    return {field for _, field, _, _ in Formatter().parse(sentence) if field is not None}


def faults(errors: Iterable[ErrorClass], chinese: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the refusals: codes, statuses, sentences, translations."""
    codes: dict[str, ErrorClass] = {}
    for error in errors:
        name = f"{error.__module__}.{error.__qualname__}"
        if "code" not in vars(error):
            yield f"{name} has no code of its own"
        elif codes.setdefault(error.code, error) is not error:
            yield f"{name} has the code of {codes[error.code].__qualname__}: {error.code}"
        if not error.code.isascii() or not error.code.isidentifier() or error.code != error.code.lower():
            yield f"{name}: a code is written in small letters and underscores, not {error.code!r}"
        if not (400 <= error.status <= 499 or error.status == 503):
            yield f"{name}: the status of a refusal is 400 to 499 or 503, not {error.status}"
        if not error.message[:1].isupper() or not error.message.endswith((".", "?")):
            yield f"{name}: the message is a sentence, not {error.message!r}"
        if not error.__doc__ or error.__doc__ == (error.__base__ or object).__doc__:
            yield f"{name} has no docstring saying when it is met"
        yield from _near_miss(name, error, chinese)
        if not (translated := chinese.get(error.message)):
            yield f"{name}: no Chinese for {error.message!r}"
        elif placeholders(translated) != placeholders(error.message):
            differing = placeholders(translated) ^ placeholders(error.message)
            yield f"{name}: {sorted(differing)} in English only or in Chinese only"


def _near_miss(name: str, error: ErrorClass, chinese: Mapping[str, str]) -> Iterator[str]:
    if error.near_miss and placeholders(chinese.get(error.near_miss, "")) != placeholders(error.near_miss):
        yield f"{name}: no Chinese for {error.near_miss!r}, or with other places"


def unfilled(source: Source, errors: Iterable[ErrorClass]) -> Iterator[Finding]:
    """Refusals raised without a value that their sentences name."""
    by_name = {error.__name__: error for error in errors if error.__init__ is DomainError.__init__}
    for call in source.nodes(ast.Call) if source.says(*by_name) else []:
        if any(keyword.arg is None for keyword in call.keywords):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if error := by_name.get(name):
            needed = placeholders(error.message) | placeholders(error.near_miss)
            missing = needed - {str(keyword.arg) for keyword in call.keywords}
            if missing:
                yield Finding(source.path, call.lineno, f"{name} without {', '.join(sorted(missing))}")


def untranslated(source: Source, chinese: Mapping[str, str]) -> Iterator[Finding]:
    """Sentences said by `say("...")` that have no Chinese."""
    for call in source.nodes(ast.Call) if source.says("say") else []:
        if not call.args:
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        sentence = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        if name == "say" and isinstance(sentence, str) and sentence not in chinese:
            yield Finding(source.path, call.lineno, f"no Chinese for {sentence!r}")
