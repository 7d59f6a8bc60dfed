"""From a row of the outbox to a public event, and what its data looks like (a struct for each type)."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, defstruct
from msgspec.structs import FieldInfo, fields

from regulars.domain_events.base import Event
from regulars.platform.ids import public_id
from regulars.platform.money import Money
from regulars.platform.public_events.catalogue import (
    BY_CLASS_NAME,
    EVENT_PREFIX,
    MEMBER_PREFIX,
    PUBLIC_TYPES,
    PublicType,
)
from regulars.platform.public_events.contracts import PublicEvent

NO_ADDRESS: Final = "urn:regulars:programme"  # the source of events of a programme without a public address
_MINOR: Final = "_minor"
_SAID_BY_THE_ENVELOPE: Final = frozenset({"recorded_at"})
_IN_THE_MONEY: Final = "currency"

Telling = Callable[[Any], Any]


def source_of(public_url: str | None) -> str:
    """Return what names the programme in its events: its public address."""
    return public_url or NO_ADDRESS


def class_names(type_names: Iterable[str]) -> list[str]:
    """Return the names of the event classes behind public types, as the outbox knows them."""
    wanted = set(type_names)
    return [one.event.__name__ for one in PUBLIC_TYPES if one.name in wanted]


ALL_CLASS_NAMES: Final = tuple(BY_CLASS_NAME)


def data_of(event: Event) -> dict[str, Any]:
    """Return what is told of an event, of a class that is told."""
    return {name: told(event) for name, told in _plan(BY_CLASS_NAME[type(event).__name__].name).items()}


def data_in(class_name: str, payload: str) -> dict[str, Any]:
    """Return what is told of a row of the outbox, of a class that is told."""
    return data_of(_decoder(class_name).decode(payload))


def tell(  # noqa: PLR0917 - the columns of an outbox row, in their order
    event_id: UUID, class_name: str, member_id: UUID | None, recorded_at: datetime, payload: str, source: str
) -> PublicEvent:
    """Return the public event of a row of the outbox, of a class that is told."""
    public = BY_CLASS_NAME[class_name]
    return PublicEvent(
        id=public_id(EVENT_PREFIX, event_id),
        source=source,
        type=public.name,
        subject=UNSET if member_id is None else public_id(MEMBER_PREFIX, member_id),
        time=recorded_at,
        data=data_in(class_name, payload),
    )


@cache
def _decoder(class_name: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(BY_CLASS_NAME[class_name].event)


@cache
def _plan(type_name: str) -> dict[str, Telling]:
    (public,) = [one for one in PUBLIC_TYPES if one.name == type_name]
    return {_name_of(field): _telling(field, public) for field in _told_fields(public)}


def _told_fields(public: PublicType) -> list[FieldInfo]:
    every = fields(public.event)
    has_money = any(field.name.endswith(_MINOR) for field in every)
    left_out = _SAID_BY_THE_ENVELOPE | ({_IN_THE_MONEY} if has_money else set())
    return [field for field in every if field.name not in left_out]


def _name_of(field: FieldInfo) -> str:
    return field.name.removesuffix(_MINOR)


def _telling(field: FieldInfo, public: PublicType) -> Telling:
    name = field.name
    if prefix := public.ids.get(name):
        return lambda event: None if (found := getattr(event, name)) is None else public_id(prefix, found)
    if name.endswith(_MINOR):
        return lambda event: None if (found := getattr(event, name)) is None else Money(found, event.currency)
    return lambda event: getattr(event, name)


# --- what it looks like ---------------------------------------------------------------------------------------------


@cache
def data_struct(type_name: str) -> type[Struct]:
    """Return the struct that the `data` of a type fits: for the description of the API."""
    (public,) = [one for one in PUBLIC_TYPES if one.name == type_name]
    words = "".join([word.capitalize() for word in type_name.replace(".", "_").split("_")])
    told: list[tuple[str, Any]] = [(_name_of(field), _type_of(field, public)) for field in _told_fields(public)]
    made = defstruct(f"{words}Data", told, frozen=True, kw_only=True)
    made.__doc__ = first_sentence(public.event)
    return made


def first_sentence(event: type[Event]) -> str:
    """Return what a fact says, without what is told of fields by their names within."""
    return " ".join((event.__doc__ or "").split("\n\n")[0].split())


def field_names(public: PublicType) -> list[str]:
    """Return the names of the fields of a type's data, in order."""
    return [_name_of(field) for field in _told_fields(public)]


def _type_of(field: FieldInfo, public: PublicType) -> Any:  # noqa: ANN401 - a type, annotated or not
    plain, optional = _without_none(field.type)
    if prefix := public.ids.get(field.name):
        told: Any = Annotated[str, Meta(pattern=f"^{prefix}_[0-9a-f]{{32}}$")]
    elif field.name.endswith(_MINOR):
        told = Money
    elif plain is datetime:
        told = Annotated[datetime, Meta(tz=True)]
    elif plain is UUID:
        raise TypeError(f"{public.event.__name__}.{field.name} holds an id: give its prefix in the catalogue")
    else:
        told = plain
    return told | None if optional else told


def _without_none(found: Any) -> tuple[Any, bool]:  # noqa: ANN401 - a type
    if get_origin(found) not in {Union, UnionType}:
        return found, False
    rest = [one for one in get_args(found) if one is not NoneType]
    return rest[0], len(rest) < len(get_args(found))


# What the `data` of events looks like, in the order of the catalogue.
DATA_STRUCTS: Final = tuple([data_struct(public.name) for public in PUBLIC_TYPES])
