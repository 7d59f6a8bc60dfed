"""Members over HTTP: who may see what, what is repeated, and what stands where it must not."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.members.routes import routes
from regulars.platform.auth import service as auth
from regulars.platform.db.database import Database
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.vault.local import LocalVault
from tests.members.people import contents, rows

pytestmark = pytest.mark.anyio

WANG = {
    "market": "CN",
    "channel": "store",
    "store_id": "7",
    "identities": [{"kind": "phone", "value": "138 0013 8000"}, {"kind": "email", "value": "Wang.Fang@Example.com"}],
}
NEW = {"market": "CN", "channel": "online", "identities": [{"kind": "card", "value": "6222 0000 1234"}]}
SECRETS = ("13800138000", "138 0013 8000", "138****", "ang.Fang", "ang.fang", "W***", "王", "芳", "6222")


@asynccontextmanager
async def caller(services: Services, *scopes: str) -> AsyncIterator[httpx.AsyncClient]:
    async with services.database.transaction() as tx:
        _, token = await auth.create_key(tx, label="test", scopes=scopes)
    app = create_app(services, Web(routes=routes(services), hot=[]))
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


@pytest.fixture
def services(shop: Database, vault: LocalVault, tmp_path: Path) -> Services:
    return Services(Settings(home=tmp_path), shop, vault)


@pytest.fixture
async def till(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A caller who may not read personal data."""
    async with caller(services, "members:read", "members:write") as client:
        yield client


@pytest.fixture
async def care(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A caller who may read personal data."""
    async with caller(services, "members:read", "members:personal") as client:
        client.headers["Regulars-Purpose"] = quote("核对 ticket 5521")
        yield client


async def send(client: httpx.AsyncClient, method: str, path: str, body: Any = None, *, key: str = "") -> httpx.Response:  # noqa: ANN401 - whatever JSON can say
    return await client.request(method, path, json=body, headers={"Idempotency-Key": key or new_id().hex})


async def joined(client: httpx.AsyncClient, body: Any = None) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON can say
    answer = await send(client, "POST", "/v1/members", body or WANG)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def problem(answer: httpx.Response) -> tuple[int, str, list[str]]:
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, document["code"], [error["pointer"] for error in document.get("errors", [])]


async def test_a_walk_in_signs_up_and_is_found_masked(till: httpx.AsyncClient) -> None:
    member = await joined(till)

    assert member["member_id"].startswith("mbr_")
    assert [(one["kind"], set(one)) for one in member["identities"]] == [
        ("phone", {"identity_id", "kind", "added_at", "verified_at"}),
        ("email", {"identity_id", "kind", "added_at", "verified_at"}),
    ]
    found = await till.post("/v1/members/lookup", json={"kind": "phone", "value": "13800138000", "market": "CN"})
    read = await till.get(f"/v1/members/{member['member_id']}")
    assert (found.status_code, read.status_code) == (200, 200)
    assert found.json() == read.json()
    assert read.json() == {
        **member,
        "masked": True,
        "profile": {"display_name": None, "given_name": None, "family_name": None, "birthday": None, "version": 0},
        "identities": [
            {**member["identities"][0], "value": "+86 138****8000"},
            {**member["identities"][1], "value": "W***@example.com"},
        ],
    }


async def test_in_the_clear_with_the_scope_and_then_it_is_logged(
    services: Services, till: httpx.AsyncClient, care: httpx.AsyncClient
) -> None:
    member = await joined(till)
    birthday = {"month": 8, "day": 15, "year": 1988, "calendar": "lunar"}
    change = {"display_name": "芳芳", "family_name": "王", "birthday": birthday, "language": "en"}
    changed = await send(till, "PATCH", f"/v1/members/{member['member_id']}/profile", change)
    assert (changed.status_code, changed.json()) == (
        200,
        {
            "member_id": member["member_id"],
            "version": 1,
            "changed": ["display_name", "family_name", "birthday", "language"],
        },
    )

    masked = (await till.get(f"/v1/members/{member['member_id']}")).json()
    clear = (await care.get(f"/v1/members/{member['member_id']}")).json()

    assert (masked["masked"], masked["language"]) == (True, "en")
    assert masked["profile"] == {
        "display_name": "芳**",
        "given_name": None,
        "family_name": "王**",
        "birthday": None,
        "version": 1,
    }
    assert clear["masked"] is False
    assert clear["profile"] == {
        "display_name": "芳芳",
        "given_name": None,
        "family_name": "王",
        "birthday": birthday,
        "version": 1,
    }
    assert [one["value"] for one in clear["identities"]] == ["+8613800138000", "Wang.Fang@example.com"]
    logged = await rows(
        services.database,
        "SELECT action, subject, reason FROM audit_entries WHERE action <> 'create_key' ORDER BY entry_id",
    )
    assert logged == [
        ("sign_up_member", member["member_id"], ""),
        ("change_profile", member["member_id"], ""),
        ("read_personal_data", member["member_id"], "核对 ticket 5521"),
    ]


@pytest.mark.parametrize("purpose", ["", "why", "x" * 201, "two%0Alines of it"])
async def test_without_a_purpose_nothing_is_in_the_clear(
    care: httpx.AsyncClient, services: Services, purpose: str
) -> None:
    async with caller(services, "members:write") as till:
        member = await joined(till)
    care.headers["Regulars-Purpose"] = purpose

    read = await care.get(f"/v1/members/{member['member_id']}")

    assert (read.status_code, read.json()["masked"]) == (200, "lines" not in purpose)  # a line's end is a space


async def test_who_looked_at_whom_is_listed(
    services: Services, till: httpx.AsyncClient, care: httpx.AsyncClient
) -> None:
    wang, other = await joined(till), await joined(till, NEW)
    for member in (wang, other, wang):
        assert (await care.get(f"/v1/members/{member['member_id']}")).json()["masked"] is False
    await till.get(f"/v1/members/{wang['member_id']}")  # masked: no look
    async with caller(services, "audit:read") as auditor:
        at_wang = (await auditor.get("/v1/personal-reads", params={"member_id": wang["member_id"]})).json()
        actor = at_wang["looks"][0]["actor"]
        by_care = (await auditor.get("/v1/personal-reads", params={"actor": actor, "limit": 2})).json()
        rest = (
            await auditor.get("/v1/personal-reads", params={"actor": actor, "cursor": by_care["next_cursor"]})
        ).json()
        by_nobody = (await auditor.get("/v1/personal-reads", params={"actor": "key:ak_0"})).json()
        bad = await auditor.get("/v1/personal-reads", params={"cursor": "x"})
    assert [(one["action"], one["purpose"]) for one in at_wang["looks"]] == [
        ("read_personal_data", "核对 ticket 5521")
    ] * 2
    assert [one["subject"] for one in by_care["looks"] + rest["looks"]] == [
        one["member_id"] for one in (wang, other, wang)
    ]
    assert (by_care["has_more"], rest["has_more"], by_nobody["looks"]) == (True, False, [])
    assert problem(bad) == (422, "wrong_form", ["/query/cursor"])
    assert (await till.get("/v1/personal-reads")).status_code == 403


async def test_no_mutation_leaves_personal_data_behind(services: Services, till: httpx.AsyncClient) -> None:
    member_id = (await joined(till))["member_id"]
    await send(till, "PATCH", f"/v1/members/{member_id}/profile", {"display_name": "芳芳", "family_name": "王"})
    added = await send(till, "POST", f"/v1/members/{member_id}/identities", NEW["identities"][0])
    assert added.status_code == 201
    taken = await send(till, "POST", "/v1/members", NEW)
    assert problem(taken) == (409, "identity_taken", ["/identities/0/value"])
    assert member_id not in taken.text

    tables = [
        name for (name,) in await rows(services.database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    ]
    assert {"idempotency_answers", "audit_entries", "outbox", "members"} <= set(tables)
    for table in tables:
        for row in await rows(services.database, f'SELECT * FROM "{table}"'):
            for value in row:
                if isinstance(value, datetime):  # whose digits may be anybody's
                    continue
                text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
                assert not [secret for secret in SECRETS if secret in text], (table, text)


async def test_a_repeated_request_signs_up_once(services: Services, till: httpx.AsyncClient) -> None:
    first = await send(till, "POST", "/v1/members", WANG, key="till-7-1")
    again = await send(till, "POST", "/v1/members", WANG, key="till-7-1")
    other = await send(till, "POST", "/v1/members", NEW, key="till-7-1")

    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (201, first.content, "true")
    assert problem(other) == (422, "idempotency_key_reused", ["/headers/idempotency-key"])
    assert await rows(services.database, "SELECT count(*) FROM members") == [(1,)]


async def test_identities_are_added_and_removed_by_opaque_ids(till: httpx.AsyncClient) -> None:
    member = await joined(till)
    path = f"/v1/members/{member['member_id']}/identities"
    added = await send(till, "POST", path, NEW["identities"][0])
    again = await send(till, "POST", path, NEW["identities"][0])
    assert (added.status_code, again.json()) == (201, added.json())

    for identity in member["identities"]:
        removed = await till.delete(f"{path}/{identity['identity_id']}")
        assert (removed.status_code, removed.json()) == (200, identity)

    assert problem(await till.delete(f"{path}/{identity['identity_id']}")) == (404, "not_found", [])
    assert problem(await till.delete(f"{path}/{added.json()['identity_id']}")) == (409, "last_identity", [])
    left = (await till.get(f"/v1/members/{member['member_id']}")).json()["identities"]
    assert left == [{**added.json(), "value": "****1234"}]


async def test_consent_is_recorded_and_read_as_of_an_instant(till: httpx.AsyncClient) -> None:
    member_id = (await joined(till))["member_id"]
    path = f"/v1/members/{member_id}/consents"
    decision = {
        "purpose": "marketing",
        "channel": "sms",
        "decision": "given",
        "wording_version": "marketing-2026-05",
        "where": "store",
        "store_id": "7",
    }
    given = await send(till, "POST", path, decision)
    withdrawn = await send(till, "POST", path, {**decision, "decision": "withdrawn"})
    assert (given.status_code, withdrawn.status_code) == (201, 201)

    now = (await till.get(path)).json()
    then = (await till.get(path, params={"as_of": given.json()["recorded_at"]})).json()

    assert given.json()["actor"].startswith("key:ak_")
    assert {**decision, "decision": "withdrawn"}.items() <= withdrawn.json().items()
    assert now["in_force"] == [withdrawn.json()]
    assert now["history"] == [given.json(), withdrawn.json()]
    (first,) = then["history"]
    assert (then["as_of"], then["in_force"], then["requested"]) == (given.json()["recorded_at"], [first], [])
    assert first == given.json()
    bad = await send(till, "POST", path, {**decision, "purpose": "profiling"})
    assert problem(bad) == (422, "consent_channel_unfit", ["/channel"])


SIGN_UPS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"market": "XX"}, "unknown_market", ["/market"]),
    ({"identities": []}, "identity_missing", ["/identities"]),
    ({"identities": [{"kind": "phone", "value": "12"}]}, "phone_impossible", ["/identities/0/value"]),
    ({"identities": [{"kind": "fax", "value": "12"}]}, "not_a_choice", ["/identities/0/kind"]),
    ({"identities": [{"kind": "phone"}]}, "field_missing", ["/identities/0/value"]),
    ({"channel": "The Shop"}, "wrong_pattern", ["/channel"]),
    ({"store_id": ""}, "wrong_length", ["/store_id"]),
    ({"language": "Chinese!"}, "wrong_pattern", ["/language"]),
    ({"signed_up_at": "2100-01-01T00:00:00Z"}, "instant_impossible", ["/signed_up_at"]),
    ({"signed_up_at": "1900-01-01T00:00:00Z"}, "instant_impossible", ["/signed_up_at"]),
    ({"signed_up_at": "2020-01-01T00:00:00"}, "wrong_form", ["/signed_up_at"]),
    ({"phone": "13800138000"}, "field_unknown", ["/phone"]),
]


@pytest.mark.parametrize(("changes", "code", "pointers"), SIGN_UPS, ids=[f"{n}-{s[1]}" for n, s in enumerate(SIGN_UPS)])
async def test_a_bad_sign_up_names_the_field_and_changes_nothing(
    services: Services, till: httpx.AsyncClient, changes: dict[str, Any], code: str, pointers: Sequence[str]
) -> None:
    before = await contents(services.database)

    answer = await send(till, "POST", "/v1/members", {**WANG, **changes})

    assert problem(answer) == (422, code, pointers)
    assert await contents(services.database) == before


async def test_a_lookup_that_finds_nobody_says_so_in_the_callers_language(till: httpx.AsyncClient) -> None:
    wanted = {"kind": "phone", "value": "13800138000"}
    nobody = await till.post("/v1/members/lookup", json={**wanted, "market": "CN"})
    unread = await till.post("/v1/members/lookup", json=wanted, headers={"Accept-Language": "zh-CN"})

    assert problem(nobody) == (404, "not_found", [])
    assert problem(unread) == (422, "phone_without_country", ["/value"])
    assert unread.json()["detail"] == "请以 + 开头写上电话号码的国家代码，或在“market”中注明它所属的市场。"


async def test_who_may_not_learns_and_changes_nothing(services: Services, till: httpx.AsyncClient) -> None:
    member = await joined(till)
    path = f"/v1/members/{member['member_id']}"
    identity = member["identities"][0]["identity_id"]
    before = await contents(services.database)
    async with caller(services, "ledger:read", "ledger:write", "members:personal") as stranger:
        for method, where in [
            ("POST", "/v1/members"),
            ("POST", "/v1/members/lookup"),
            ("GET", path),
            ("GET", f"/v1/members/{public_id('mbr', new_id())}"),
            ("PATCH", f"{path}/profile"),
            ("POST", f"{path}/identities"),
            ("DELETE", f"{path}/identities/{identity}"),
            ("GET", f"{path}/consents"),
            ("POST", f"{path}/consents"),
        ]:
            assert (await send(stranger, method, where, {})).status_code == 403, (method, where)
    assert await contents(services.database) == before


async def test_ids_that_lead_nowhere_are_not_found(services: Services, till: httpx.AsyncClient) -> None:
    before = await contents(services.database)
    decision = {
        "purpose": "profiling",
        "channel": "any",
        "decision": "given",
        "wording_version": "v1",
        "where": "app",
    }
    for member_id in (public_id("mbr", new_id()), "mbr_1", "idn_" + "0" * 32):
        path = f"/v1/members/{member_id}"
        for method, where, body in [
            ("GET", path, None),
            ("GET", f"{path}/consents", None),
            ("PATCH", f"{path}/profile", {"display_name": "x"}),
            ("POST", f"{path}/identities", NEW["identities"][0]),
            ("POST", f"{path}/consents", decision),
            ("DELETE", f"{path}/identities/idn_{'0' * 32}", None),
        ]:
            assert problem(await send(till, method, where, body)) == (404, "not_found", []), (method, where)
    assert await contents(services.database) == before


@pytest.mark.parametrize(
    "as_of", ["yesterday", "2017-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1e99"]
)
async def test_an_instant_that_is_none_is_refused(till: httpx.AsyncClient, as_of: str) -> None:
    member_id = (await joined(till))["member_id"]

    answer = await till.get(f"/v1/members/{member_id}/consents", params={"as_of": as_of})

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/query/as_of"


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_instants_at_the_ends_of_time_are_refused(till: httpx.AsyncClient, instant: str) -> None:
    answer = await send(till, "POST", "/v1/members", {**WANG, "signed_up_at": instant})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/signed_up_at"
