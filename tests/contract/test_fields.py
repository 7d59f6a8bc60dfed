"""Every read gives of its answer what is asked for, and says so where there is no such field."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from regulars.entrypoints.own_api import OwnApi
from regulars.platform.db.database import Database
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.conftest import fresh_database
from tests.contract.walked import PURPOSE, Walked

WITHOUT: Final = {
    "getHealth": "two words",
    "getReadiness": "three words",
    "getJournal": "a text for bookkeepers",
    "listImportErrors": "a CSV file",
    "downloadExport": "rows, in the columns that were chosen",
}
NOBODY_MOVES: Final = {"members": [], "has_more": False, "next_cursor": None}
ALWAYS: Final = {"has_more", "next_cursor"}


@pytest.fixture(scope="module")
def walked(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    with fresh_database(server_url, template) as url, Walked.at(url, tmp_path_factory.mktemp("fields")) as found:
        yield found


def reads(walked: Walked) -> set[str]:
    """Return the operations that change nothing."""
    return {
        operation["operationId"]
        for methods in walked.described["paths"].values()
        for method, operation in methods.items()
        if method == "get" or operation["operationId"] == "lookUpMember"
    }


def read(walked: Walked, operation: str, fields: str | None) -> httpx.Response:
    """Ask as the walk did, for some fields."""
    first = walked.asked[operation]
    url = first.url.copy_remove_param("expand").copy_remove_param(
        "fields"
    )  # what is given along comes whatever the fields
    if fields is not None:
        url = url.copy_merge_params({"fields": fields})
    headers = {"Regulars-Purpose": PURPOSE, "Content-Type": "application/json"}
    return walked.ask(httpx.Request(first.method, url, content=first.content, headers=headers), walked.key)


def test_every_read_takes_fields_or_has_a_reason(walked: Walked) -> None:
    takes = {
        operation["operationId"]
        for methods in walked.described["paths"].values()
        for operation in methods.values()
        if any(parameter["name"] == "fields" for parameter in operation.get("parameters", []))
    }

    assert takes == reads(walked) - set(WITHOUT)


def test_what_is_asked_for_is_what_comes(walked: Walked) -> None:
    """Each name alone, and one within another; the rest is not there, and what is there is what it was."""
    looked_within = 0
    for operation in sorted(reads(walked) - set(WITHOUT)):
        answer = read(walked, operation, None)
        if answer.status_code == 404:  # it went since
            continue
        whole: dict[str, Any] = answer.json()
        kept = ALWAYS & set(whole)
        for name in whole:
            assert read(walked, operation, name).json() == {one: whole[one] for one in kept | {name}}, (operation, name)
        rows, key = next(
            (
                (name, next(iter(rows[0])))
                for name, rows in whole.items()
                if isinstance(rows, list) and rows and isinstance(rows[0], dict) and rows[0]
            ),
            (None, ""),
        )
        if rows is not None:
            looked_within += 1
            found = read(walked, operation, f"{rows}.{key}").json()[rows]
            assert found == [{key: row[key]} if key in row else {} for row in whole[rows]], operation
    assert looked_within > 20


def test_a_field_that_is_not_there_is_refused(walked: Walked) -> None:
    """Also where a list is empty; the refusal says where, and what there is."""
    for operation in sorted(reads(walked) - set(WITHOUT)):
        answer = read(walked, operation, "has_moer")
        assert answer.status_code == 422, operation
        assert answer.json()["code"] == "answer_field_unknown", operation
        assert answer.json()["errors"][0]["pointer"] == "/query/fields", operation
    empty = read(walked, "listHouseholds", "households.nmae")
    assert empty.json()["data"]["field"] == "households.nmae"
    assert empty.json()["data"]["place"] == "households"
    assert "household_id" in empty.json()["data"]["known"]
    many = read(walked, "getOrder", ",".join(["order_id"] * 101))
    assert (many.status_code, many.json()["code"]) == (422, "too_many_fields")
    assert read(walked, "getJournal", "x").json()["code"] == "field_unknown"


def test_lists_go_on_where_they_stopped(walked: Walked) -> None:
    """Whatever takes a cursor says whether it goes on; row by row it gives what it gives at once."""
    lists = {
        operation["operationId"]
        for methods in walked.described["paths"].values()
        for operation in methods.values()
        if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", []))
    }
    looked_at = 0
    for operation in sorted(lists - {"listEvents"}):  # a feed has no end: tests/platform/test_event_feed.py
        whole = page(walked, operation, {"limit": "100"})
        named = [name for name, part in whole.items() if isinstance(part, list)]
        if len(named) != 1:  # what went since; and lineage, in which one of several lists goes on
            continue
        (rows,) = named
        looked_at += 1
        assert (whole["has_more"], whole["next_cursor"]) == (False, None), operation
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            part = page(walked, operation, {"limit": "1", **cursor})
            found += part[rows]
            assert len(part[rows]) <= 1, operation
            assert part["has_more"] is (part["next_cursor"] is not None), operation
            if not part["has_more"]:
                break
            cursor = {"cursor": part["next_cursor"]}
        assert found == whole[rows], operation
    assert looked_at > 12


def page(walked: Walked, operation: str, asked: dict[str, str]) -> dict[str, Any]:
    """Return a page of a list, of which the walk may have asked for a part."""
    url = walked.asked[operation].url
    request = httpx.Request(
        "GET", url.copy_with(params={**dict(url.params), **asked}), headers={"Regulars-Purpose": PURPOSE}
    )
    found: dict[str, Any] = walked.ask(request, walked.key).json()
    return found


def test_the_character_that_no_text_may_hold_is_nobodys_fault_but_its_senders(walked: Walked) -> None:
    """In any parameter of any operation: it is a refusal, where the database would break off."""
    tried = 0
    for path, methods in walked.described["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            first = walked.asked[name]
            asked = [first.url.copy_set_param(one, "a\x00") for one in _in_query(operation)]
            asked += [first.url.copy_with(raw_path=_with_nul(path, first, place)) for place in range(path.count("{"))]
            for url in asked:
                headers = {"Regulars-Purpose": PURPOSE, "Content-Type": "application/json", "Idempotency-Key": "nul"}
                told = walked.ask(httpx.Request(method, url, content=first.content, headers=headers), walked.key)
                nobody = name == "listPreviewMembers" and told.json() == NOBODY_MOVES  # to a tier of that name
                assert nobody or told.status_code in {400, 404, 409, 422}, (url, told.text)
                tried += 1

    assert tried > 200


def _in_query(operation: dict[str, Any]) -> list[str]:
    return [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]


def _with_nul(template: str, first: httpx.Request, place: int) -> bytes:
    """Return the path with NUL behind the parameter of that place."""
    at = [number for number, part in enumerate(template.split("/")) if "{" in part][place]
    parts = first.url.raw_path.partition(b"?")[0].split(b"/")
    parts[at] += b"%00"
    return b"/".join(parts)


@pytest.mark.anyio
async def test_who_works_on_this_machine_is_given_the_fields_that_are_wanted(
    database: Database, tmp_path: Path
) -> None:
    services = Services(Settings(home=tmp_path), database, LocalVault(tmp_path / "vault"))
    asked = OwnApi(services, "cli:li", "en")
    some = await asked.ask("GET", "/v1/jobs", query={"fields": "has_more"})
    none = await asked.ask("GET", "/v1/jobs", query={"fields": "shoe"})
    assert (some.document, some.refused) == ({"has_more": False, "next_cursor": None}, False)
    assert (none.document["code"], none.refused) == ("answer_field_unknown", True)


def test_a_filter_that_cannot_be_an_id_is_named(walked: Walked) -> None:
    """A list for something that cannot be there says which filter it is, and never that the list is not there."""
    looked_at = []
    for operation in sorted(reads(walked)):
        first = walked.asked[operation]
        for name in id_filters(walked, operation):
            answer = walked.ask(
                httpx.Request("GET", first.url.copy_with(query=None).copy_merge_params({name: "nobody"})), walked.key
            )
            problems = answer.json().get("errors", [])
            assert (answer.status_code, [one["pointer"] for one in problems]) == (422, [f"/query/{name}"]), operation
            looked_at.append((operation, name))
    assert ("listMergeProposals", "member") in looked_at
    assert ("listPersonalReads", "member_id") in looked_at


def test_a_list_goes_on_from_no_place_of_its_own_making(walked: Walked) -> None:
    """A cursor that no answer gave is refused, and never taken for the beginning."""
    looked_at = 0
    for operation in sorted(reads(walked)):
        first = walked.asked[operation]
        if "cursor" in in_query(walked, operation):
            headers = {"Regulars-Purpose": PURPOSE}
            url = first.url.copy_remove_param("cursor").copy_merge_params({"cursor": "of my own"})
            answer = walked.ask(httpx.Request("GET", url, headers=headers), walked.key)
            if answer.status_code != 404:  # it went since
                assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor"), operation
                looked_at += 1
    assert looked_at >= 20


def in_query(walked: Walked, operation_id: str) -> list[str]:
    """Return what an operation takes in its query."""
    return [
        name
        for methods in walked.described["paths"].values()
        for operation in methods.values()
        if operation["operationId"] == operation_id
        for name in _in_query(operation)
    ]


def id_filters(walked: Walked, operation_id: str) -> list[str]:
    """Return the parameters of an operation's query that take an id of a member."""
    return [name for name in in_query(walked, operation_id) if name == "member" or name.endswith("member_id")]
