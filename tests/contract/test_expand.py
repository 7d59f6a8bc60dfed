"""What reads give along: what its own address answers, to whom that does, and no dearer for a page than for a row."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest

from regulars.entrypoints.expanding import PLACES
from tests.conftest import fresh_database
from tests.contract.walked import HOST, Walked
from tests.web.counted import CountedDatabase

# Where each kind of object is by itself, and which scope that takes.
AT: Final = {
    "member": ("/v1/members/{id}", "members:read"),
    "consents": ("/v1/members/{id}/consents", "members:read"),
    "household": ("/v1/households/{id}", "members:read"),
    "wallets": ("/v1/members/{id}/wallets", "ledger:read"),
    "tier": ("/v1/members/{id}/tier", "ledger:read"),
    "lot": ("/v1/members/{member}/lots?spent=true&limit=200", "ledger:read"),
    "order": ("/v1/members/{member}/orders?limit=200", "orders:read"),
    "lineage": ("/v1/orders/{id}/lineage", "orders:read"),
    "store": ("/v1/stores/{id}", "orders:read"),
}
FURTHER: Final = {"listAdjustmentRequests": {"ended": "true"}}  # what was asked for has been answered since


@pytest.fixture(scope="module")
def walked(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    home = tmp_path_factory.mktemp("expand")
    with (
        fresh_database(server_url, template) as url,
        Walked.at(url, home, CountedDatabase(url, home, connections=4)) as found,
    ):
        live_together(found)
        yield found


def live_together(walked: Walked) -> None:
    """Let some live in a household: that of the walk is dissolved by the end."""
    first = walked.asked["formHousehold"]
    headers = {"Idempotency-Key": "again", "Content-Type": "application/json"}
    formed = walked.ask(httpx.Request("POST", first.url, content=first.content, headers=headers), walked.key)
    url = httpx.URL(f"{HOST}/v1/households/{formed.json()['household_id']}")
    walked.asked["getHousehold"] = httpx.Request("GET", url)


def ask(walked: Walked, path: str, key: str | None = None, *, language: str = "en", body: Any = None) -> httpx.Response:  # noqa: ANN401 - any JSON there is
    headers = {"Accept-Language": language}
    if body is not None:
        headers["Idempotency-Key"] = path
    method = "GET" if body is None else "PUT"
    return walked.ask(httpx.Request(method, f"{HOST}{path}", headers=headers, json=body), key or walked.key)


def asked_first(walked: Walked, operation: str, expand: str, key: str | None = None) -> httpx.Response:
    """Ask as the walk did, without what else its address said."""
    first = walked.asked[operation]
    url = first.url.copy_with(params=FURTHER.get(operation, {}) | {"expand": expand})
    headers = {"Content-Type": "application/json"}
    return walked.ask(httpx.Request(first.method, url, content=first.content, headers=headers), key or walked.key)


def places(part: Any, path: list[str]) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON there is
    if isinstance(part, list):
        for one in part:
            yield from places(one, path)
    elif path:
        yield from places(part[path[0]], path[1:])
    else:
        yield part


def alone(walked: Walked, operation: str, kind: str, which: str) -> Any:  # noqa: ANN401 - any JSON there is
    """Return what an object's own address answers; of lots and orders the row of their list."""
    path, _ = AT[kind]
    member = next(iter(walked.seen[operation]), {}).get("member_id", "")
    answer = ask(walked, path.format(id=which, member=member))
    if answer.status_code in {404, 410}:
        return None
    found = answer.json()
    if kind in {"lot", "order"}:
        return next((one for one in found[f"{kind}s"] if one[f"{kind}_id"] == which), None)
    if kind == "household":
        del found["name"]
    return found


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 - any JSON there is
    """Whether two answers are the same, but for the instant at which each was read."""
    return {**one, "as_of": None} == {**other, "as_of": None}


@pytest.mark.parametrize(("operation", "name", "by", "kind"), [(op, *one) for op, of in PLACES.items() for one in of])
def test_what_is_given_along_is_what_its_own_address_answers(
    walked: Walked, operation: str, name: str, by: str, kind: str
) -> None:
    plain = asked_first(walked, operation, name).json()
    *within, field = name.split(".")
    there = [(place[by], place[field]) for place in places(plain, within)]

    assert there or operation == "listPreviewMembers"
    for which, given in there:
        if which is None or given is None:
            assert given is None
            assert which is None or alone(walked, operation, kind, which) is None
        else:
            assert same(given, alone(walked, operation, kind, which)), (operation, name)


def test_a_key_needs_the_scope_of_what_is_given_along(walked: Walked) -> None:
    scopes = ("members:read", "ledger:read", "orders:read", "policies:read")
    keys = {scope: walked.key_with(scope) for scope in scopes}
    own = {operation: next(s for s in scopes if ok(walked, operation, keys[s])) for operation in PLACES}
    refused = 0
    for operation, offered in PLACES.items():
        for name, _, kind in offered:
            needed = AT[kind][1]
            answer = asked_first(walked, operation, name, keys[own[operation]])
            if needed == own[operation]:
                assert answer.status_code == 200, (operation, name)
                continue
            refused += 1
            assert (answer.status_code, answer.json()["code"]) == (403, "expansion_not_allowed"), (operation, name)
            assert answer.json()["data"] == {"name": name, "scope": needed}
            assert answer.json()["errors"][0]["pointer"] == "/query/expand"
            both = walked.key_with(own[operation], needed)
            assert asked_first(walked, operation, name, both).status_code == 200, (operation, name)
    assert refused > 8


def ok(walked: Walked, operation: str, key: str) -> bool:
    first = walked.asked[operation]
    headers = {"Content-Type": "application/json"}
    request = httpx.Request(first.method, first.url.copy_with(query=None), content=first.content, headers=headers)
    return walked.ask(request, key).status_code == 200


def test_a_name_that_is_not_offered_is_refused(walked: Walked) -> None:
    order = "/v1/orders/web-1001"
    unknown = ask(walked, f"{order}?expand=member,memebr")
    chinese = ask(walked, f"{order}?expand=lines.member", language="zh")
    nowhere = ask(walked, "/v1/wallets?expand=member")

    assert (unknown.status_code, unknown.json()["code"]) == (422, "expansion_unknown")
    assert unknown.json()["data"] == {"name": "memebr", "known": "member, store, lineage"}
    assert unknown.json()["errors"][0]["pointer"] == "/query/expand"
    assert "`expand` takes: member, store, lineage" in unknown.json()["detail"]
    assert "这里不能附带 lines.member" in chinese.json()["detail"]
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "field_unknown")
    assert ask(walked, f"{order}?expand=").json()["code"] == "expansion_unknown"


def test_fields_reach_into_what_is_given_along(walked: Walked) -> None:
    order = "/v1/orders/web-1001"
    narrow = ask(walked, f"{order}?expand=member,store&fields=order_id,member.member_id,member.profile.version")
    beside = ask(walked, f"{order}?expand=member&fields=order_id")
    unknown = ask(walked, f"{order}?expand=member&fields=member.nmae")
    not_given = ask(walked, f"{order}?fields=member.member_id")
    lines = ask(
        walked, f"{walked.asked['getStatement'].url.path}?expand=lines.lots.lot&fields=lines.lots.lot.remaining"
    )

    whole = ask(walked, f"{order}?expand=member").json()
    assert narrow.json() == {
        "order_id": "web-1001",
        "store": None,
        "member": {"member_id": whole["member_id"], "profile": {"version": whole["member"]["profile"]["version"]}},
    }
    assert beside.json() == {"order_id": "web-1001", "member": whole["member"]}
    assert whole["member"]["masked"] is True
    assert unknown.json()["code"] == "answer_field_unknown"
    assert "profile" in unknown.json()["data"]["known"]
    assert not_given.json()["code"] == "answer_field_unknown"
    found = [lot for line in lines.json()["lines"] for lot in line["lots"]]
    assert len(found) > 5
    assert all(list(one) == ["lot"] and list(one["lot"]) == ["remaining"] for one in found)


def test_a_page_asks_no_more_than_a_row(walked: Walked) -> None:
    member = walked.asked["getStatement"].url.path.removesuffix("/statement")
    cup = {"amount_minor": 5_900, "currency": "CNY"}
    order = {
        "member_id": member.removeprefix("/v1/members/"),
        "state": "paid",
        "channel": "store",
        "market": "CN",
        "total": cup,
        "lines": [{"sku": "cup", "amount": cup}],
    }
    stores = ("nanjing-road", "chunxi-road", "hubin-road")
    rows = [order | {"order_id": f"many-{n}", "store_id": stores[n % 3]} for n in range(120)]
    assert all("order" in row for row in ask(walked, "/v1/orders", body={"orders": rows}).json()["rows"])

    for path, expand, field in (
        (f"{member}/orders", "orders.store", "store"),
        (f"{member}/lots", "lots.order", "order"),
        (f"{member}/statement", "lines.order,lines.lots.lot", "order"),
    ):
        name = expand.partition(".")[0]
        counted(walked, f"{path}?limit=1&expand={expand}")  # policies are kept from now on
        plain, _ = counted(walked, f"{path}?limit=100")
        along, answer = counted(walked, f"{path}?limit=100&expand={expand}")
        given = [row[field] for row in answer[name]]
        assert len(given) == 100, path
        assert given.count(None) < 10, path  # what no order brought, and orders of no store
        assert along - plain <= 4 * len(expand.split(",")), path


def counted(walked: Walked, path: str) -> tuple[int, Any]:
    """Return how many statements an answer took, and the answer."""
    database = walked.services.database
    assert isinstance(database, CountedDatabase)
    database.tally.restart()
    answer = ask(walked, path)
    assert answer.status_code == 200, answer.text
    return len(database.tally.statements), answer.json()
