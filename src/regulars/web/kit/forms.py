"""Forms: what a browser sent, what of it is wrong, and the same form again with each problem at its field.

class SignUp(msgspec.Struct):
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    phone: str
    consent: bool = False

form = read_form(request, SignUp, kit.page(request).language)
if form.value is None:
    return kit.render(request, "store/sign_up.html", status=422, form=form)
try:
    ...
except DomainError as error:
    return kit.render(request, "store/sign_up.html", status=422, form=form.refused(error))
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, get_origin
from urllib.parse import parse_qs

import msgspec
from litestar import Request

from regulars.platform.commit.once import Sent
from regulars.platform.errors import DomainError
from regulars.platform.http.asked import asked
from regulars.platform.texts import say
from regulars.web.kit.errors import FormUnreadable
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark

Value = TypeVar("Value")
_MAX_FIELDS: Final = 500
_KEY: Final = re.compile("[0-9a-f]{32}")
_LIMIT = re.compile(r"length (<=|>=) (\d+)|`(?:int|float|decimal)` (<=|>=|<|>) (\S+)")

ALREADY: Final = mark("This was sent before: it was done once.")
REQUIRED: Final = mark("Please fill this in.")
_TOO_LONG: Final = mark("This is too long: {limit} characters are the most.")
_TOO_SHORT: Final = mark("This is too short: {limit} characters are the least.")
_TOO_LARGE: Final = mark("This is too large: {limit} is the most.")
_TOO_SMALL: Final = mark("This is too small: {limit} is the least.")
_NO_NUMBER: Final = mark("Please write a whole number, in digits.")
_NO_DATE: Final = mark("Please write a date, as in 2026-05-01.")
_WRONG: Final = mark("Please check this: it is not in the form that is needed.")


@dataclass(frozen=True, slots=True)
class Form(Generic[Value]):
    """A form as it stands: `values` as they were typed, `problems` by field, `trouble` with the form as a whole."""

    language: str = "en"
    values: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    value: Value | None = None

    def refused(self, error: DomainError) -> "Form[Value]":
        """Return the form with a refusal: at the field that it points to, else above all fields."""
        said = told(error, self.language)
        name = (error.pointer or "").rpartition("/")[2]
        if name and name in self.values:
            return Form(self.language, self.values, {**self.problems, name: said}, self.trouble, None)
        return Form(self.language, self.values, self.problems, said, None)


def blank_form(language: str = "en", **values: object) -> Form[Any]:
    """Return a form that nobody has sent yet, with what its fields show at first."""
    return Form(language, values)


def form_values(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the fields of a urlencoded body, the last value of each. Raises FormUnreadable."""
    return {name: values[-1] for name, values in _parsed(request).items()}


def sent_form(request: Request[Any, Any, Any], client: str) -> Sent:
    """Return the form that was sent, to be carried out once: its key is what `ui.once()` put into it."""
    key = form_values(request).get("key", "")
    body = asked(request.scope).body
    return Sent(client, key if _KEY.fullmatch(key) else "", request.scope["path"].encode() + b"\n" + body)


def read_form(request: Request[Any, Any, Any], kind: type[Value], language: str) -> Form[Value]:
    """Read a form into a struct; fields of type `list` take every value, `bool` is a checkbox, blanks are absent.

    Raises FormUnreadable.
    """
    sent = _parsed(request)
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    taken: dict[str, Any] = {}
    for declared in msgspec.structs.fields(kind):  # type: ignore[arg-type] # a struct
        given = _given(declared, sent.get(declared.name, []))
        values[declared.name] = "" if given is None else given
        if given is None:
            if declared.required:
                problems[declared.name] = in_language(REQUIRED, language)
            continue
        try:
            taken[declared.name] = msgspec.convert(given, declared.type, strict=False)
        except msgspec.ValidationError as error:
            problems[declared.name] = _said(str(error), language)
    return Form(language, values, problems, "", None if problems else kind(**taken))


def _given(declared: msgspec.structs.FieldInfo, sent: list[str]) -> Any:  # noqa: ANN401 - of the field's own type
    kind = declared.type
    bare = get_origin(kind) or kind
    if kind is bool:
        return bool(sent) and sent[-1] not in {"", "false", "0"}
    if bare is list or get_origin(getattr(kind, "__origin__", None)) is list:
        return sent
    text = sent[-1] if sent else ""
    return (text if "password" in declared.name else text.strip()) or None


def _parsed(request: Request[Any, Any, Any]) -> dict[str, list[str]]:
    try:
        text = asked(request.scope).body.decode()
        return parse_qs(text.strip(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise FormUnreadable from None


def _said(finding: str, language: str) -> str:
    """Say what msgspec found, to somebody who fills in a form."""
    if found := _LIMIT.search(finding):
        length, length_limit, bound, limit = found.groups()
        if length:
            return say(_TOO_LONG if length == "<=" else _TOO_SHORT, language, limit=length_limit)
        return say(_TOO_LARGE if bound in {"<=", "<"} else _TOO_SMALL, language, limit=limit)
    if "`int`" in finding or "`int | null`" in finding:
        return in_language(_NO_NUMBER, language)
    return in_language(_NO_DATE if "date" in finding else _WRONG, language)
