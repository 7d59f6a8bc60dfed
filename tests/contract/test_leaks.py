"""No answer tells whether what its caller may not see is there: it is the answer that nothing would have got."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx
import pytest

from regulars.platform.auth.contracts import SCOPES
from tests.conftest import fresh_database
from tests.contract.walked import HOST, PURPOSE, Walked

# What differs between any two answers.
_OF_ITS_OWN: Final = frozenset({"x-request-id", "ratelimit", "content-length"})
_INSTANCE: Final = re.compile(rb'"instance":"[^"]*"')
_ANOTHER: Final = {"version": "999", "month": "2019-01", "store_id": "nowhere", "wallet": "nothing"}


class Address(NamedTuple):
    """An operation with an id in its path, and what one that is there was asked with."""

    name: str
    method: str
    path: str
    there: dict[str, str]
    body: Any
    scopes: list[str]


def addresses(walked: Walked) -> Iterator[Address]:
    """Give every operation with an id in its path."""
    for path, methods in walked.described["paths"].items():
        for method, operation in methods.items():
            if "{" not in path:
                continue
            contents = operation.get("requestBody", {}).get("content", {}).values()
            (scopes,) = operation["security"][0].values()
            yield Address(
                operation["operationId"],
                method.upper(),
                path,
                walked.seen[operation["operationId"]][0],
                next((content["example"] for content in contents), None),
                scopes,
            )


def answer(walked: Walked, address: Address, parameters: dict[str, str], key: str | None) -> tuple[Any, ...]:
    """Return all of an answer that is not its own."""
    request = httpx.Request(
        address.method,
        HOST + address.path.format_map(parameters),
        json=address.body,
        headers={"Idempotency-Key": "leak", "Regulars-Purpose": PURPOSE},
    )
    found = walked.ask(request, key)
    headers = {name: value for name, value in found.headers.items() if name not in _OF_ITS_OWN}
    return found.status_code, _INSTANCE.sub(b"", found.content), headers


def another(name: str, value: str) -> str:
    """Return an id of the same form that is nobody's."""
    if name in _ANOTHER:
        return _ANOTHER[name]
    kept, _, drawn = value.rpartition("_")
    return f"{kept}_{drawn[:-4]}{'0000' if drawn[-4:] != '0000' else '1111'}" if kept else f"{value}-0"


@pytest.fixture(scope="module")
def walked(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    with fresh_database(server_url, template) as url, Walked.at(url, tmp_path_factory.mktemp("leaks")) as found:
        yield found


def test_an_id_that_is_there_answers_like_one_that_is_not(walked: Walked) -> None:
    """To who has no key, a key without the scope, and where it is asked for as another's."""
    told = list(addresses(walked))
    assert len(told) > 60
    refusals, stores = set(), walked.key_with("stores:write")
    for one in told:
        nowhere = {name: another(name, value) for name, value in one.there.items()}
        without = walked.key_with(*[scope for scope in SCOPES if scope not in {*one.scopes, "admin"}])
        refused = [None, without] if one.scopes else [None]
        for key in refused:
            there = answer(walked, one, one.there, key)
            assert there == answer(walked, one, nowhere, key), (one.name, there)
            refusals.add(there[0])
        if not one.scopes:  # any key may ask, and hears what it could have read itself
            assert answer(walked, one, one.there, stores) == answer(walked, one, nowhere, stores), one.name
    assert refusals == {401, 403}


def test_what_is_anothers_answers_like_what_is_not(walked: Walked) -> None:
    """Under the address of somebody else: a member's holds, lots and exports, a webhook's deliveries."""
    members = sorted({one["member_id"] for seen in walked.seen.values() for one in seen if "member_id" in one})
    tried = 0
    for one in addresses(walked):
        names = list(one.there)
        if len(names) < 2 or names[0] != "member_id" or names[1] == "wallet":  # everybody has one of each
            continue
        tried += 1
        owner, (inner, value) = one.there["member_id"], list(one.there.items())[1]
        other = {**one.there, "member_id": next(member for member in members if member != owner)}
        nothing = {**other, inner: another(inner, value)}
        there = answer(walked, one, other, walked.key)
        assert there[0] in {404, 409, 422}, (one.name, there)
        assert there == answer(walked, one, nothing, walked.key), one.name
    assert tried > 10


def test_a_difference_would_be_seen(walked: Walked) -> None:
    """The negative control: to who may see them, ids that are there answer otherwise."""
    reads = [one for one in addresses(walked) if one.method == "GET" and one.scopes]
    seen = [
        one.name
        for one in reads
        if answer(walked, one, one.there, walked.key)
        != answer(walked, one, {name: another(name, value) for name, value in one.there.items()}, walked.key)
    ]

    assert len(seen) > len(reads) * 0.9, sorted({one.name for one in reads} - set(seen))
