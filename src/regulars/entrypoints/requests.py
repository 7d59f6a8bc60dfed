"""Commands that are requests of the API: what they share.

A command is declared by a function that makes a `Look` or a `Change` of what was typed; what is the same for all is
done here, once: options, language, previews and questions, the request itself, refusals, tables and JSON.
"""

import inspect
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import msgspec
import typer

from regulars.entrypoints.commands import (
    Json,
    Language,
    caller_language,
    cli_actor,
    give_up,
    print_json,
    print_table,
    with_services,
)

if TYPE_CHECKING:
    from regulars.entrypoints.own_api import Answer, Document, OwnApi
    from regulars.platform.db.database import Database
    from regulars.platform.services import Services

Lang = Annotated[
    Language | None, typer.Option("--lang", help="The language of what is said; else that of your environment.")
]
Key = Annotated[
    str | None,
    typer.Option("--key", help="An idempotency key: for a day, the same command with it is answered, not done again."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only tell what would be; nothing is written.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask: it is meant.")]

MemberArgument = Annotated[str, typer.Argument(metavar="MEMBER", help="The member's id (mbr_…).")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Go on behind what was listed before.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")]
Why = Annotated[str, typer.Option("--reason", help="Why: it is kept with what was done. No names, no numbers.")]
Reference = Annotated[
    str,
    typer.Option(
        "--reference", help="The fact it is about, a case number say: the same one is booked once, whoever repeats it."
    ),
]
Instant = "An instant with its zone, e.g. 2026-06-01T00:00:00+08:00."

Fields = Mapping[str, Any]
Tell = Callable[["Document", bool], None]  # the answer, and whether it was only looked at
_FRACTION: Final = re.compile(r"(?<=T\d\d:\d\d:\d\d)\.\d+(?=Z$)")  # of a second: nobody reads them in a table
_OF_AN_ID: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:")


class Look(msgspec.Struct, frozen=True):
    """A request that changes nothing. `purpose` is why personal data are read in the clear."""

    path: str
    query: Fields = {}
    purpose: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A request that changes something.

    `taken` are fields of what is read at `seen` first: they are sent along, as nobody types them. `told` is what the
    answer is told with, beside its own fields.
    """

    path: str
    body: Fields
    method: str = "POST"
    seen: str = ""
    taken: tuple[str, ...] = ()
    told: Fields = {}


def path_of(template: str, *ids: str | int) -> str:
    """Return a path with the ids that were typed in it. Raises BadParameter for what can be no id."""
    for one in ids:
        if not set(str(one)) <= _OF_AN_ID or not str(one).strip("."):
            raise typer.BadParameter(f"{one} is no id")
    return template.format(*ids)


def given(**fields: object) -> Fields:
    """Return the fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


# --- how an answer is told ----------------------------------------------------------------------------------------


def sentence(text: str, *, looked: str = "") -> Tell:
    """Tell an answer in a sentence with places for its fields; `looked` where it was only looked at."""

    def tell(document: "Document", only_looked: bool) -> None:
        told = {name: _FRACTION.sub("", one) if isinstance(one, str) else one for name, one in document.items()}
        typer.echo((looked if only_looked else text).format_map(told))

    return tell


def rows(of: str, *fields: str) -> Tell:
    """Tell a page as a table: the list `of`, a column for each field, named as the field is."""

    def tell(document: "Document", _: bool) -> None:
        head = tuple([field.removesuffix("_id").replace("_", " ") for field in fields])
        print_table(head, [tuple([_cell(row[field]) for field in fields]) for row in document[of]])
        if document.get("has_more"):
            typer.echo(f"There are more: --cursor {document['next_cursor']}", err=True)

    return tell


def facts(document: "Document", only_looked: bool) -> None:
    """Tell an answer field by field."""
    told = [(name.replace("_", " "), _cell(value)) for name, value in document.items()]
    print_table(("", ""), [(name, value) for name, value in told if value])
    if only_looked:
        typer.echo("Nothing was changed: this is what would be.", err=True)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "\n".join([_cell(one) for one in value])
    if isinstance(value, dict):
        told = [(name.replace("_", " "), _cell(one)) for name, one in value.items() if one not in (None, "", 0, [])]
        return ", ".join([" ".join(one) for one in told])
    return "" if value is None else _FRACTION.sub("", str(value))


class InWords(msgspec.Struct, frozen=True):
    """Tells an answer in sentences of the caller's language, which `say` prints."""

    say: Callable[["Document", str], None]

    def within(self, lang: Language | None) -> Tell:
        """Return how an answer is told in a language that was asked for, else the caller's."""
        return lambda document, _: self.say(document, lang.value if lang else caller_language())


# --- how a command is declared ------------------------------------------------------------------------------------


def look(group: typer.Typer, name: str, tell: Tell | InWords) -> Callable[[Callable[..., Look]], Callable[..., None]]:
    """Declare a command that asks for something."""

    def declare(made: Callable[..., Look]) -> Callable[..., None]:
        def run(typed: Fields, context: typer.Context, *, as_json: bool, lang: Language | None) -> None:
            wish = made(**typed)

            async def ask(api: "OwnApi") -> "Answer":
                return await api.ask("GET", wish.path, query=dict(wish.query), purpose=wish.purpose)

            said = tell.within(lang) if isinstance(tell, InWords) else tell
            _told(_asked(ask, lang), said, context, as_json=as_json)

        return _declared(group, name, made, run, as_json=Json, lang=Lang)

    return declare


def change(
    group: typer.Typer, name: str, tell: Tell, *, previewed: bool = False, meant: str = ""
) -> Callable[[Callable[..., Change]], Callable[..., None]]:
    """Declare a command that changes something.

    `previewed` where the request takes `dry_run`; `meant` is asked before what is not simply taken back, behind the
    preview if there is one.
    """

    def declare(made: Callable[..., Change]) -> Callable[..., None]:
        def run(
            typed: Fields,
            context: typer.Context,
            *,
            as_json: bool,
            lang: Language | None,
            key: str | None,
            dry_run: bool = False,
            yes: bool = False,
        ) -> None:
            wish = made(**typed)

            async def ask(api: "OwnApi") -> "Answer":
                body, against = await _body_of(wish, api)
                if against is not None:
                    return against
                only_looked = {**body, "dry_run": True}
                if dry_run:
                    return await api.ask(wish.method, wish.path, body=only_looked)
                if meant and not yes:
                    if not sys.stdin.isatty():
                        give_up("Nothing was done. Say that it is meant: --yes")
                    if previewed:
                        _told(await api.ask(wish.method, wish.path, body=only_looked), tell, context, looked=True)
                    typer.confirm(meant, abort=True, err=True)
                return await api.ask(wish.method, wish.path, body=body, key=key)

            def say(document: "Document", looked: bool) -> None:
                tell({**document, **wish.told}, looked)

            _told(_asked(ask, lang), say, context, looked=dry_run, as_json=as_json)

        options: dict[str, Any] = {"as_json": Json, "lang": Lang, "key": Key}
        options |= {"dry_run": DryRun} if previewed else {}
        options |= {"yes": Yes} if meant else {}
        return _declared(group, name, made, run, **options)

    return declare


async def _body_of(wish: Change, api: "OwnApi") -> "tuple[Document, Answer | None]":
    """Return the body of a request, with what is read first in it; or the answer if that is refused."""
    if not wish.seen:
        return dict(wish.body), None
    found = await api.ask("GET", wish.seen)
    if found.refused:
        return {}, found
    return {**wish.body, **{name: found.document[name] for name in wish.taken}}, None


def _declared(
    group: typer.Typer, name: str, made: Callable[..., Any], run: Callable[..., None], **shared: object
) -> Callable[..., None]:
    """Make a command of `group` that takes what `made` takes, and the options that its kind shares."""

    @wraps(made)
    def command(**typed: Any) -> None:  # noqa: ANN401 - what Typer read
        options = {option: typed.pop(option) for option in shared}
        run(typed, typed.pop("context"), **options)

    own = list(inspect.signature(made).parameters.values())
    further = [inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
    further += [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=_default(kind), annotation=kind)
        for option, kind in shared.items()
    ]
    command.__signature__ = inspect.Signature([*own, *further])  # type: ignore[attr-defined]  # inspect reads it there
    command.__annotations__ = {one.name: one.annotation for one in [*own, *further]}
    group.command(name)(command)
    return command


def _default(kind: object) -> bool | None:
    return False if kind in (Json, DryRun, Yes) else None


# --- how it is asked ----------------------------------------------------------------------------------------------


def _asked(ask: "Callable[[OwnApi], Awaitable[Answer]]", lang: Language | None) -> "Answer":
    async def run(services: "Services") -> "Answer":
        return await ask(_own_api(services, lang))

    return with_services(run)


def in_steps(
    do: "Callable[[OwnApi, Database], Awaitable[Answer]]",
    lang: Language | None,
    context: typer.Context,
    *,
    as_json: bool,
) -> None:
    """Carry out a command of several requests, which tells what it found; `do` returns the one that may be refused."""

    async def run(services: "Services") -> "Answer":
        return await do(_own_api(services, lang), services.database)

    answer = with_services(run)
    if answer.refused:
        _refused(answer.document, context, as_json=as_json)
    _tell_replayed(answer)


def _own_api(services: "Services", lang: Language | None) -> "OwnApi":
    from regulars.entrypoints.own_api import OwnApi

    return OwnApi(services, cli_actor(), lang.value if lang else caller_language())


def _tell_replayed(answer: "Answer") -> None:
    if answer.replayed:
        typer.echo("This was done before with the same key; nothing was done now.", err=True)


def _told(answer: "Answer", tell: Tell, context: typer.Context, *, looked: bool = False, as_json: bool = False) -> None:
    if answer.refused:
        _refused(answer.document, context, as_json=as_json)
    if as_json:
        print_json(answer.document)
    else:
        tell(answer.document, looked)
    _tell_replayed(answer)


def _refused(problem: "Document", context: typer.Context, *, as_json: bool) -> NoReturn:
    """Say what was refused, and by which option, on standard error; exit code 2."""
    option = "".join([_option_of(one["pointer"], context) for one in problem.get("errors", [])[:1]])
    if as_json:
        told = problem | ({"option": option} if option else {})
        give_up(msgspec.json.encode(told).decode())
    give_up(_as_typed(problem, option))


def _as_typed(problem: "Document", option: str) -> str:
    """Say what was refused of an option: a sentence that names the request's field names the option instead."""
    detail, field = str(problem["detail"]), problem.get("data", {}).get("field")
    if option and field and field in detail:
        return detail.replace(field, option, 1)
    return f"{option}: {detail}" if option else detail


def _option_of(pointer: str, context: typer.Context) -> str:
    """Return how the field of a request that a JSON Pointer names is typed; empty if it is not typed."""
    field = "key" if pointer == "/headers/idempotency-key" else pointer.rpartition("/")[2]
    for parameter in context.command.params:
        if parameter.name == field or f"--{field}" in parameter.opts:
            return parameter.opts[0] if parameter.param_type_name == "option" else field.upper()
    return ""
