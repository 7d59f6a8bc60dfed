"""Objects that an answer names, given along with it (`?expand=member`) on reads that offer it; no route knows of it.

A read says which names it takes. Each stands where the object comes, beside the field that holds its id
(`orders.store` beside `orders.store_id`), and is what the object's own route answers. All ids of a page are read
together: a hundred rows ask the database no more than one.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from regulars.platform.auth.contracts import Principal
from regulars.platform.db.database import Database
from regulars.platform.db.transaction import Transaction
from regulars.platform.http.errors import ExpansionNotAllowed, ExpansionUnknown

EXPAND: Final = "expand"
EXPANDS: Final = "expands"  # an option of a route: what it takes, as `Expandable`


class Looking(NamedTuple):
    """Who reads what is given along, in which transaction, and in which language."""

    tx: Transaction
    principal: Principal
    language: str


Read = Callable[[Looking, Sequence[str]], Awaitable[Mapping[str, Struct]]]


class Related(NamedTuple):
    """Objects of one kind, found by ids as they stand in answers; those that are not there (any more) are left out.

    `like` names the operation whose answer they are, or the place in that answer (`listLots.lots`), `scope` what it
    takes to read them.
    """

    answer: type[Struct]
    like: str
    scope: str
    read: Read


class Expansion(NamedTuple):
    """An object that a read can give along: `name` is its place in the answer, `by` the field beside it with its id."""

    name: str
    by: str
    related: Related

    @property
    def within(self) -> list[str]:
        """What leads to the part of the answer in which it comes."""
        return self.name.split(".")[:-1]

    @property
    def field(self) -> str:
        """What it is called there."""
        return self.name.rpartition(".")[2]


class Expandable(NamedTuple):
    """What a read can give along, and where it is read."""

    database: Database
    expansions: Sequence[Expansion]

    def wanted(self, text: str, principal: Principal) -> list[Expansion]:
        """Read which are wanted, with commas between. Raises ExpansionUnknown (422), ExpansionNotAllowed (403)."""
        known = {one.name: one for one in self.expansions}
        found = {}
        for name in [name.strip() for name in text.split(",")]:
            if name not in known:
                raise ExpansionUnknown(pointer=f"/query/{EXPAND}", name=name[:200], known=", ".join(known))
            if not principal.may(known[name].related.scope):
                raise ExpansionNotAllowed(pointer=f"/query/{EXPAND}", name=name, scope=known[name].related.scope)
            found[name] = known[name]
        return list(found.values())

    async def fill(self, answer: Any, wanted: Sequence[Expansion], principal: Principal, language: str) -> None:  # noqa: ANN401 - any JSON there is
        """Put what is wanted into an answer: the object, or null where there is none."""
        async with self.database.transaction() as tx:
            looking = Looking(tx, principal, language)
            for one in wanted:
                places = list(_places(answer, one.within))
                ids = list(dict.fromkeys([place[one.by] for place in places if place.get(one.by) is not None]))
                found = await one.related.read(looking, ids) if ids else {}
                given = {key: msgspec.to_builtins(value) for key, value in found.items()}
                for place in places:
                    place[one.field] = given.get(place.get(one.by, ""))


def _places(part: Any, path: Sequence[str]) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON there is
    if isinstance(part, list):
        for one in part:
            yield from _places(one, path)
    elif isinstance(part, dict):
        if path:
            yield from _places(part.get(path[0]), path[1:])
        else:
            yield part


def describe_expansions(described: dict[str, Any], operation: dict[str, Any], expandable: Expandable) -> None:
    """Name in the description of the API what can stand in an operation's answer; those who do not ask never get it."""
    schemas = described["components"]["schemas"]
    operations = {one["operationId"]: one for methods in described["paths"].values() for one in methods.values()}
    for one in expandable.expansions:
        like, *path = one.related.like.split(".")
        form = _schema_at(schemas, _answered(operations[like]), path)
        place = _followed(schemas, _schema_at(schemas, _answered(operation), one.within))
        place["properties"][one.field] = {
            "oneOf": [form, {"type": "null"}],
            "description": f"Given along where `{EXPAND}` names it.",
        }


def _answered(operation: dict[str, Any]) -> dict[str, Any]:
    status = min(status for status in operation["responses"] if status.startswith("2"))
    schema: dict[str, Any] = operation["responses"][status]["content"]["application/json"]["schema"]
    return schema


def _schema_at(schemas: dict[str, Any], schema: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for name in path:
        schema = _followed(schemas, schema)["properties"][name]
        schema = schema.get("items", schema)
    return schema


def _followed(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
    return found
