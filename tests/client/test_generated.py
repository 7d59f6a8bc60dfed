"""What `make client` writes: names, types, both manners. Whether it is up to date, tests/architecture says."""

import asyncio
import copy
import inspect
from typing import Any

import msgspec
import pytest

from clients.generate import names, tree
from clients.generate.description import Description
from clients.generate.kinds import Types, or_unset
from regulars_client import AsyncRegulars, Regulars, models
from tests.client.driving import method_of, operations


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return tree.described()


def test_a_new_operation_or_field_is_not_forgotten(document: dict[str, Any]) -> None:
    """The negative control: a change of the description changes what is written."""
    changed = copy.deepcopy(document)
    changed["components"]["schemas"]["OrderBatchAnswer"]["properties"]["weather"] = {"type": "string"}
    changed["paths"]["/v1/moons"] = {"get": dict(document["paths"]["/v1/stores"]["get"], operationId="listMoons")}
    held = tree.held()
    differing = {
        path.partition("regulars_client/")[2] for path, text in tree.written(changed).items() if held[path] != text
    }

    assert differing == {"models/orders.py", "blocking/stores.py", "asynchronous/stores.py"}


def test_every_operation_is_offered_in_both_manners() -> None:
    waiting = Regulars("http://api.example", api_key="rgl_none")
    awaiting = AsyncRegulars("http://api.example", api_key="rgl_none")
    assert len(operations()) > 100

    for operation in operations().values():
        one, other = method_of(waiting, operation), method_of(awaiting, operation)
        assert inspect.signature(one).parameters == inspect.signature(other).parameters, operation.operation_id
        assert inspect.iscoroutinefunction(other)
        assert one.__doc__ == other.__doc__
        key = inspect.signature(one).parameters.get("idempotency_key")
        assert (key is not None and key.default is None) is operation.takes_key
    waiting.close()
    asyncio.run(awaiting.close())


def test_structs_are_offered_by_one_module() -> None:
    offered = [name for name in models.__all__ if name != "EVENT_DATA"]

    assert len(offered) == len(set(offered)) > 150
    assert all(issubclass(getattr(models, name), msgspec.Struct) for name in offered)


@pytest.mark.parametrize(
    ("operation", "tag", "name"),
    [
        ("getOrder", "orders", "get"),
        ("returnOrder", "orders", "return_order"),
        ("listOrdersOfMember", "orders", "list_of_member"),
        ("listPolicyDrafts", "policies", "list_drafts"),
        ("mergeMembers", "merging", "merge_members"),
        ("accrue", "ledger", "accrue"),
        ("putOrders", "orders", "put_orders"),
        ("listStores", "stores", "list"),
    ],
)
def test_methods_are_called_as_one_would_say(operation: str, tag: str, name: str) -> None:
    assert names.method_name(operation, tag) == name


def test_bytes_are_sent_as_they_are(document: dict[str, Any]) -> None:
    changed = copy.deepcopy(document)
    taken = copy.deepcopy(document["paths"]["/v1/stores/{store_id}"]["put"])
    taken |= {"operationId": "putPart", "requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}}}
    changed["paths"]["/v1/stores/{store_id}/parts"] = {"put": taken}

    written = tree.written(changed)["clients/python/src/regulars_client/blocking/stores.py"]

    assert (
        "def put_part(self, store_id: str, content: bytes, *, idempotency_key: str | None = None) -> Store:" in written
    )
    assert 'body=content,\n                media_type="text/csv",' in written


def test_two_operations_of_one_name_are_refused(document: dict[str, Any]) -> None:
    changed = copy.deepcopy(document)
    changed["paths"]["/v1/more"] = {"get": dict(document["paths"]["/v1/stores"]["get"], operationId="listStore")}

    with pytest.raises(ValueError, match="stores: two operations are called list;"):
        Description.of(changed)


@pytest.mark.parametrize(
    ("schema", "sent", "answered"),
    [
        ({"type": "string", "enum": ["a", "b"]}, 'Literal["a", "b"]', "str"),
        ({"type": ["null", "string"], "enum": ["a", None]}, 'Literal["a"] | None', "str | None"),
        ({"oneOf": [{"type": "integer"}, {"type": "null"}]}, "int | None", "int | None"),
        ({"type": "array", "items": {"type": "number"}}, "Sequence[float]", "list[float]"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "dict[str, bool]", "dict[str, bool]"),
        ({"type": "string", "format": "date-time"}, "datetime", "datetime"),
        ({"oneOf": [{"type": "string"}, {}]}, "str", "str"),
        ({}, "Any", "Any"),
    ],
)
def test_types_are_strict_in_what_is_sent_and_open_in_what_is_answered(
    schema: dict[str, Any], sent: str, answered: str
) -> None:
    nothing = Description((), {}, {})

    assert Types(nothing, sent=True).of(schema) == sent
    assert Types(nothing, sent=False).of(schema) == answered
    assert or_unset("int | None") == "int | UnsetType | None"
