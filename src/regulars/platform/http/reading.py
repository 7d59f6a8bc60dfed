"""From bytes to typed input: one decoder, one way of saying what is wrong with it.

msgspec says what it found in English, for programmers ("Expected `int`, got `str` - at `$.lines[1].quantity`"); here
that becomes a refusal with a JSON Pointer, in sentences that can be translated.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from regulars.platform.errors import InvalidInput
from regulars.platform.http.errors import (
    BodyMissing,
    FieldMissing,
    FieldUnknown,
    InvalidUtf8,
    MalformedJson,
    NestedTooDeeply,
    NotAChoice,
    NulInText,
    OutOfRange,
    ValueNotTaken,
    WrongForm,
    WrongLength,
    WrongPattern,
    WrongType,
)
from regulars.platform.http.likely import choices_at, likeliest, names_at

Body = TypeVar("Body")

# A text with NUL cannot be stored by PostgreSQL; an even number of backslashes before it would be text about it.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_TYPES = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "null": "null",
    "array": "array",
    "object": "object",
    "datetime": "string",
    "date": "string",
    "uuid": "string",
    "decimal": "string",
    "bytes": "string",
}
_EXAMPLES = {
    "Invalid RFC3339 encoded datetime": "2026-05-01T12:00:00Z",
    "Expected `datetime` with a timezone component": "2026-05-01T12:00:00Z",
    "Invalid RFC3339 encoded date": "2026-05-01",
    "Invalid UUID": "0190f0c2-7c5a-7cc5-8f8c-1d2e3f405162",
    "Invalid decimal string": "1.25",
    "Invalid ISO8601 duration": "P30D",
    "Invalid base64 encoded string": "UmVndWxhcnM=",
}
MAX_ECHO = 64  # characters of the caller's own value that an answer repeats


def read_json(decode: Callable[[bytes], Body], body: bytes) -> Body:
    """Decode a JSON body strictly. Raises a refusal with 422, or 400 if it is no JSON at all."""
    if not body.strip():
        raise BodyMissing(pointer="")
    if b"\\u0000" in body and _NUL.search(body):
        raise NulInText
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise what_is_wrong(str(error), body=_type_of(decode)) from None
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise _malformation(body, str(error)) from None
    except RecursionError:
        raise NestedTooDeeply from None


def _malformation(body: bytes, message: str) -> InvalidInput:
    try:
        body.decode()
    except UnicodeDecodeError:
        return InvalidUtf8()
    place = re.search(r"\(byte (\d+)\)", message)
    return MalformedJson(byte=int(place[1]) if place else len(body))


def _type_of(decode: Callable[[bytes], Any]) -> Any:  # noqa: ANN401 - whatever is decoded into
    """Return what a decoder makes of bodies: `decode` is the method of one of msgspec's."""
    return getattr(getattr(decode, "__self__", None), "type", Any)


def what_is_wrong(message: str, *, within: str = "", field: str = "", body: object = Any) -> InvalidInput:
    """Turn msgspec's message into a refusal.

    `within` is the pointer of what was decoded, `field` its name, `body` the type that it was to become.
    """
    finding, _, place = message.partition(" - at `$")
    trail, pointer = _place(place.removesuffix("`"), field, within)
    if found := re.fullmatch(r"Object (contains unknown|missing required) field `(.*)`", finding, re.DOTALL):
        name = found[2][:MAX_ECHO]
        at, full = f"{pointer}/{_escape(name)}", f"{trail}.{name}" if trail else name
        if found[1] == "contains unknown":
            return FieldUnknown(pointer=at, field=full, known=likeliest(name, names_at(body, place.removesuffix("`"))))
        return FieldMissing(pointer=at, field=full)
    if found := re.fullmatch(r"Invalid (?:enum )?value '?(.*?)'?", finding, re.DOTALL):
        choices = likeliest(found[1], choices_at(body, place.removesuffix("`")))
        return NotAChoice(pointer=pointer, field=trail or "body", value=found[1][:MAX_ECHO], choices=choices)
    return _wrong_value(finding, trail or "body", pointer)


def _wrong_value(finding: str, field: str, pointer: str) -> InvalidInput:
    if example := _EXAMPLES.get(finding):
        return WrongForm(pointer=pointer, field=field, example=example)
    for pattern, refuse in _FINDINGS:
        if found := pattern.fullmatch(finding):
            return refuse(found, field, pointer)
    return ValueNotTaken(pointer=pointer, field=field)


_FINDINGS: list[tuple[re.Pattern[str], Callable[[re.Match[str], str, str], InvalidInput]]] = [
    (
        re.compile(r"Expected `(.+)`, got `(.+)`"),
        lambda found, field, pointer: WrongType(
            pointer=pointer, field=field, expected=_types(found[1]), received=_types(found[2])
        ),
    ),
    (
        re.compile(r"Expected `.+` of length (.+?)(?:, got .+)?"),
        lambda found, field, pointer: WrongLength(pointer=pointer, field=field, limit=found[1]),
    ),
    (
        re.compile(r"Expected `.+` matching regex '(.*)'", re.DOTALL),
        lambda found, field, pointer: WrongPattern(pointer=pointer, field=field, pattern=found[1]),
    ),
    (
        re.compile(r"Expected `.+` (?:that's )?((?:<=|>=|<|>|a multiple of) .+)"),
        lambda found, field, pointer: OutOfRange(pointer=pointer, field=field, limit=found[1]),
    ),
    (
        re.compile(r".*out of range.*"),
        lambda _, field, pointer: OutOfRange(pointer=pointer, field=field, limit=f"<= {2**63 - 1}"),
    ),
]


def _place(place: str, field: str, within: str) -> tuple[str, str]:
    """Return the name and the JSON Pointer of a place such as `.lines[1].quantity`."""
    name, pointer = field, within
    for member, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", place.partition("[...]")[0]):
        name += f"[{index}]" if index else f".{member}"
        pointer += f"/{index}" if index else f"/{_escape(member)}"
    return name.removeprefix("."), pointer


def _escape(member: str) -> str:
    return member.replace("~", "~0").replace("/", "~1")


def _types(names: str) -> str:
    return " | ".join([_TYPES.get(name, name) for name in names.split(" | ")])


def json_decoder(body_type: type[Body]) -> Callable[[bytes], Body]:
    """Return the strict decoder of one type, made once."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(body_type)
    return decoder.decode
