"""The ledger over HTTP: postings once and in order, refusals that change nothing, reads now and as of then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from regulars.entrypoints.http import create_app
from regulars.entrypoints.wiring import Web
from regulars.loyalty.routes import routes
from regulars.platform.auth import service as auth
from regulars.platform.commit import refusals
from regulars.platform.commit.errors import RefusalNotKept
from regulars.platform.ids import new_id, public_id
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from regulars.platform.texts import say
from tests.loyalty.programme import Programme

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)


@asynccontextmanager
async def caller(services: Services, *scopes: str, hot: bool) -> AsyncIterator[httpx.AsyncClient]:
    async with services.database.transaction() as tx:
        _, token = await auth.create_key(tx, label="test", scopes=scopes)
    offered = routes(services)
    app = create_app(services, Web(routes=offered.routes, hot=offered.hot if hot else []))
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as client:
        yield client


@pytest.fixture
def services(programme: Programme, tmp_path: Path) -> Services:
    return Services(Settings(home=tmp_path), programme.database, programme.vault)


@pytest.fixture(params=[True, False], ids=["hot", "framework"])
async def till(services: Services, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    async with caller(services, "ledger:read", "ledger:write", hot=request.param) as client:
        yield client


async def send(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], *, key: str = "", language: str = "en"
) -> httpx.Response:
    headers = {"Idempotency-Key": key or new_id().hex, "Accept-Language": language}
    return await client.post(path, json=body, headers=headers)


def at(member: UUID, what: str) -> str:
    return f"/v1/members/{public_id('mbr', member)}/{what}"


def refusal(answer: httpx.Response) -> tuple[int, str, list[str]]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    return answer.status_code, document["code"], [error["pointer"] for error in document.get("errors", [])]


async def test_units_come_in_and_go_out(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    accrued = await send(till, at(member, "accruals"), {"amount": 300, "reason": "Birthday", "reference": "birthday:1"})
    redeemed = await send(till, at(member, "redemptions"), {"amount": 120, "reference": "mug:1"})
    corrected = await send(till, at(member, "adjustments"), {"amount": -30, "reason": "Counted twice"})

    assert [answer.status_code for answer in (accrued, redeemed, corrected)] == [201, 201, 201]
    first = accrued.json()
    assert first["transfer_id"] == f"trf_{member.hex}000000000001"
    assert (first["member_id"], first["wallet"], first["kind"]) == (public_id("mbr", member), "points", "accrue")
    assert (first["amount"], first["balance"], first["debt"], first["reference"]) == (300, 300, 0, "birthday:1")
    second = redeemed.json()
    assert (second["amount"], second["balance"]) == (-120, 180)
    assert second["lots"] == [{"lot_id": first["transfer_id"], "amount": 120}]
    third = corrected.json()
    assert (third["kind"], third["amount"], third["balance"]) == ("adjust", -30, 150)
    wallets = (await till.get(at(member, "wallets"))).json()
    points, growth = wallets["wallets"]
    assert (points["wallet"], points["balance"], points["available"], points["debt"]) == ("points", 150, 150, 0)
    assert points["next_expiry"] == {"amount": 150, "at": first["expires_at"]}
    assert (growth["wallet"], growth["balance"]) == ("growth", 0)


async def test_a_reference_posts_once_whoever_sends_it(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    body = {"amount": 300, "reference": "birthday:1"}
    first = await send(till, at(member, "accruals"), body, key="a")
    replayed = await send(till, at(member, "accruals"), body, key="a")
    again = await send(till, at(member, "accruals"), body, key="b")
    other = await send(till, at(member, "accruals"), body | {"amount": 301}, key="c")
    misused = await send(till, at(member, "accruals"), body | {"amount": 301}, key="a")

    assert replayed.content == first.content
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert again.json()["transfer_id"] == first.json()["transfer_id"]
    assert refusal(other) == (422, "reference_reused", ["/reference"])
    assert refusal(misused)[:2] == (422, "idempotency_key_reused")
    assert await programme.rows("SELECT count(*), sum(amount)::int FROM ledger_transfers") == [(1, 300)]


async def test_without_a_reference_the_request_is_the_fact(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    first = await send(till, at(member, "accruals"), {"amount": 5}, key="till-7-000123")
    second = await send(till, at(member, "accruals"), {"amount": 5}, key="till-7-000124")
    assert first.json()["reference"].startswith("request:key:ak_")
    assert first.json()["reference"].endswith(":till-7-000123")
    assert second.json()["balance"] == 10
    await programme.execute("DELETE FROM idempotency_answers")  # stored answers are kept for a day, references for ever
    late = await send(till, at(member, "accruals"), {"amount": 5}, key="till-7-000123")
    assert late.json()["transfer_id"] == first.json()["transfer_id"]
    assert await programme.rows("SELECT count(*) FROM ledger_transfers") == [(2,)]


REFUSED: list[tuple[str, dict[str, Any], int, str, list[str]]] = [
    ("accruals", {"amount": 0}, 422, "out_of_range", ["/amount"]),
    ("accruals", {"amount": -5}, 422, "out_of_range", ["/amount"]),
    ("accruals", {"amount": 1_000_000_001}, 422, "out_of_range", ["/amount"]),
    ("accruals", {"amount": "5"}, 422, "wrong_type", ["/amount"]),
    ("accruals", {"amount": 1.5}, 422, "wrong_type", ["/amount"]),
    ("accruals", {}, 422, "field_missing", ["/amount"]),
    ("accruals", {"amount": 5, "points": 1}, 422, "field_unknown", ["/points"]),
    ("accruals", {"amount": 5, "wallet": "gold"}, 422, "unknown_wallet", ["/wallet"]),
    ("accruals", {"amount": 5, "reference": "order:1:earn"}, 422, "reference_reserved", ["/reference"]),
    ("accruals", {"amount": 5, "reference": "request:key:x"}, 422, "reference_reserved", ["/reference"]),
    ("accruals", {"amount": 5, "reference": ""}, 422, "wrong_length", ["/reference"]),
    (
        "accruals",
        {"amount": 5, "effective_at": "1900-01-01T00:00:00Z"},
        422,
        "effective_too_long_ago",
        ["/effective_at"],
    ),
    (
        "accruals",
        {"amount": 5, "effective_at": "2100-01-01T00:00:00Z"},
        422,
        "effective_too_far_ahead",
        ["/effective_at"],
    ),
    ("accruals", {"amount": 5, "effective_at": "2026-01-01T00:00:00"}, 422, "wrong_form", ["/effective_at"]),
    ("accruals", {"amount": 5, "available_at": "1900-01-01T00:00:00Z"}, 422, "term_out_of_range", ["/available_at"]),
    ("accruals", {"amount": 5, "expires_at": "1900-01-01T00:00:00Z"}, 422, "term_out_of_range", ["/expires_at"]),
    ("accruals", {"amount": 5, "expires_at": "2100-01-01T00:00:00Z"}, 422, "term_out_of_range", ["/expires_at"]),
    ("redemptions", {"amount": 101}, 409, "insufficient_points", ["/amount"]),
    ("redemptions", {"amount": 1, "wallet": "growth"}, 422, "wallet_not_spendable", ["/wallet"]),
    ("redemptions", {"amount": 0}, 422, "out_of_range", ["/amount"]),
    ("adjustments", {"amount": 0, "reason": "none"}, 422, "amount_is_zero", ["/amount"]),
    ("adjustments", {"amount": 5}, 422, "field_missing", ["/reason"]),
    ("adjustments", {"amount": 5, "reason": ""}, 422, "wrong_length", ["/reason"]),
    ("adjustments", {"amount": -101, "reason": "too much"}, 409, "insufficient_points", ["/amount"]),
]


async def test_what_is_refused_changes_nothing(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    assert (await send(till, at(member, "accruals"), {"amount": 100})).status_code == 201
    before = await programme.books()
    for what, body, status, code, pointers in REFUSED:
        answer = await send(till, at(member, what), body)
        assert refusal(answer) == (status, code, pointers), (what, body, answer.text)
    stranger = await send(till, at(new_id(), "accruals"), {"amount": 5})
    assert refusal(stranger)[:2] == (404, "unknown_member")
    nobody = await send(till, "/v1/members/me/accruals", {"amount": 5})
    assert refusal(nobody)[:2] == (404, "not_found")
    keyless = await till.post(at(member, "accruals"), json={"amount": 5})
    assert refusal(keyless)[:2] == (400, "idempotency_key_missing")
    chinese = await send(till, at(member, "redemptions"), {"amount": 101}, language="zh")
    assert "只能使用 100" in chinese.json()["detail"]
    assert await programme.books() == before


async def test_scopes_are_asked_for(programme: Programme, services: Services) -> None:
    member = await programme.member()
    async with caller(services, "ledger:read", hot=True) as reader:
        assert refusal(await send(reader, at(member, "accruals"), {"amount": 5}))[:2] == (403, "not_allowed")
        assert refusal(await send(reader, at(member, "adjustments"), {"amount": 5, "reason": "x"}))[0] == 403
        assert refusal(await send(reader, "/v1/accruals/batch", {"accruals": []}))[0] == 403
    async with caller(services, "ledger:write", hot=True) as writer:
        for what in ("wallets", "lots", "statement", "tier"):
            assert refusal(await writer.get(at(member, what)))[:2] == (403, "not_allowed")
    assert await programme.rows("SELECT count(*) FROM ledger_transfers") == [(0,)]


async def test_a_batch_is_decided_row_by_row(programme: Programme, till: httpx.AsyncClient) -> None:
    first, second = await programme.members(2)
    rows = [
        {"member_id": public_id("mbr", first), "amount": 10, "reference": "a"},
        {"member_id": public_id("mbr", second), "amount": 20, "reference": "a"},
        {"member_id": public_id("mbr", first), "amount": 10, "reference": "a"},
        {"member_id": public_id("mbr", first), "amount": 11, "reference": "a"},
        {"member_id": public_id("mbr", new_id()), "amount": 1, "reference": "b"},
        {"member_id": "mbr_1", "amount": 1, "reference": "b"},
        {"member_id": public_id("mbr", first), "amount": 1, "reference": "c", "wallet": "gold"},
        {"member_id": public_id("mbr", first), "amount": 1, "reference": "d", "effective_at": "1900-01-01T00:00:00Z"},
        {"member_id": public_id("mbr", first), "amount": 1_500, "reference": "e", "wallet": "growth"},
    ]
    answer = await send(till, "/v1/accruals/batch", {"accruals": rows})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert (document["posted"], document["refused"]) == (4, 5)
    postings = [row.get("posting") for row in document["rows"]]
    assert [posting and posting["balance"] for posting in postings] == [10, 20, 10, None, None, None, None, None, 1_500]
    assert postings[0]["transfer_id"] == postings[2]["transfer_id"]
    assert postings[8]["tier"] == "silver"
    problems = [row["problem"] for row in document["rows"] if "problem" in row]
    assert [(problem["code"], problem["errors"][0]["pointer"]) for problem in problems] == [
        ("reference_reused", "/accruals/3/reference"),
        ("unknown_member", "/accruals/4"),
        ("not_found", "/accruals/5"),
        ("unknown_wallet", "/accruals/6/wallet"),
        ("effective_too_long_ago", "/accruals/7/effective_at"),
    ]
    assert (await programme.wallet(first, programme.database.clock.now())).balance == 10


async def test_refusals_of_rows_are_kept_as_those_of_single_postings_are(
    programme: Programme, till: httpx.AsyncClient
) -> None:
    member = await programme.member()
    posted = {"member_id": public_id("mbr", member), "amount": 10, "reference": "a"}
    rows = [posted, posted | {"amount": 11}, posted | {"member_id": public_id("mbr", new_id())}, posted]
    rows += [posted | {"reference": "c", "wallet": "gold"}]
    answer = await send(till, "/v1/accruals/batch", {"accruals": rows}, key="night")
    again = await send(till, "/v1/accruals/batch", {"accruals": rows}, key="night")  # the stored answer
    assert (answer.json()["posted"], answer.json()["refused"]) == (2, 3)
    assert again.json() == answer.json()
    request_id = answer.json()["rows"][1]["problem"]["instance"]
    ((client,),) = await programme.rows("SELECT DISTINCT client FROM refusals")
    kept = await programme.rows(
        "SELECT code, status, pointer, action, subject, request_id FROM refusals ORDER BY refusal_no"
    )
    async with programme.database.transaction() as tx:
        of_row = [await refusals.explain_request(tx, request_id, client, row) for row in (1, 4)]
        last = await refusals.explain_key(tx, client, "night")
        of_key = await refusals.explain_key(tx, client, "night", 1)
        refused = await refusals.refused_rows(tx, request_id, 10)
        with pytest.raises(RefusalNotKept):
            await refusals.explain_request(tx, request_id, client, 0)
        with pytest.raises(RefusalNotKept):
            await refusals.explain_request(tx, request_id, "somebody else", 1)

    subject = public_id("mbr", member)
    assert kept == [
        ("reference_reused", 422, "/accruals/1/reference", "accrue_in_batch", subject, request_id),
        ("unknown_wallet", 422, "/accruals/4/wallet", "accrue_in_batch", subject, request_id),
    ]
    assert [one.reasons[0].rule for one in of_row] == ["refusal.reference_reused", "refusal.unknown_wallet"]
    assert of_row[0].reasons[0].values == {"reference": "a", "action": "accrue_in_batch", "subject": subject}
    assert (last.reasons[0].rule, of_key.reasons) == ("refusal.unknown_wallet", of_row[0].reasons)
    assert refused == [1, 4]


async def test_the_audit_log_names_each_member_of_a_batch(programme: Programme, till: httpx.AsyncClient) -> None:
    first, second = [public_id("mbr", member) for member in await programme.members(2)]
    rows = [
        {"member_id": first, "amount": 10, "reference": "a", "reason": "Birthday"},
        {"member_id": public_id("mbr", new_id()), "amount": 1, "reference": "b", "reason": "Nobody's"},
        {"member_id": second, "amount": 20, "reference": "c", "reason": "Apology"},
    ]
    for _ in range(2):  # the second time it is the stored answer
        answer = await send(till, "/v1/accruals/batch", {"accruals": rows}, key="night")
        assert (answer.status_code, answer.json()["posted"]) == (200, 2)

    entries = await programme.rows(
        "SELECT action, subject, reason, detail FROM audit_entries WHERE actor <> 'system' ORDER BY entry_id"
    )
    assert entries == [
        ("accrue_in_batch", first, "Birthday", "a"),
        ("accrue_in_batch", second, "Apology", "c"),
        ("accrue_batch", "3 accruals", "", ""),
    ]
    whose = await programme.rows(
        "SELECT count(DISTINCT (actor, request_id)) FROM audit_entries WHERE actor <> 'system'"
    )
    assert whose == [(1,)]


async def test_a_batch_that_cannot_be_read_posts_nothing(programme: Programme, till: httpx.AsyncClient) -> None:
    member = public_id("mbr", await programme.member())
    row = {"member_id": member, "amount": 1, "reference": "a"}
    for accruals, code, pointer in (
        ([row, row | {"amount": 0}], "out_of_range", "/accruals/1/amount"),
        ([{"member_id": member, "amount": 1}], "field_missing", "/accruals/0/reference"),
        ([], "wrong_length", "/accruals"),
        ([row] * 1_001, "wrong_length", "/accruals"),
    ):
        answer = await send(till, "/v1/accruals/batch", {"accruals": accruals})
        assert refusal(answer) == (422, code, [pointer])
    assert await programme.rows("SELECT count(*) FROM ledger_transfers") == [(0,)]


async def test_the_books_are_read_now_and_as_of_then(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    (await send(till, at(member, "accruals"), {"amount": 1_200, "wallet": "growth", "reference": "act:1"})).json()
    first = (await send(till, at(member, "accruals"), {"amount": 50, "reason": "Birthday"})).json()
    second = (await send(till, at(member, "redemptions"), {"amount": 50, "reason": "A mug"})).json()

    then = (await till.get(at(member, "wallets"), params={"as_of": first["recorded_at"]})).json()
    assert [(wallet["wallet"], wallet["available"]) for wallet in then["wallets"]] == [("points", 50), ("growth", 0)]
    page = (await till.get(at(member, "statement"), params={"limit": 2})).json()
    assert [line["reason"] for line in page["lines"]] == [
        "50 points were redeemed: A mug.",
        "50 points were added: Birthday.",
    ]
    assert (page["has_more"], page["next_cursor"]) == (True, first["transfer_id"])
    assert page["lines"][0]["transfer_id"] == second["transfer_id"]
    rest = (await till.get(at(member, "statement"), params={"cursor": page["next_cursor"]})).json()
    assert [line["wallet"] for line in rest["lines"]] == ["growth"]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    chinese = await till.get(at(member, "statement"), headers={"Accept-Language": "zh-CN"})
    assert chinese.json()["lines"][0]["reason"] == say(
        "{amount} {wallet} were redeemed: {why}.", "zh", amount=50, wallet="积分", why="A mug"
    )
    assert (await till.get(at(member, "lots"))).json()["lots"] == []
    (lot,) = (await till.get(at(member, "lots"), params={"spent": "true"})).json()["lots"]
    assert (lot["lot_id"], lot["amount"], lot["remaining"], lot["state"]) == (first["transfer_id"], 50, 0, "used")
    tier = (await till.get(at(member, "tier"))).json()["status"]
    assert (tier["tier"], tier["metric"], tier["next_tier"], tier["missing"]) == ("silver", 1_200, "gold", 1_300)
    assert tier["projected_tier"] == "silver"
    assert tier["why"]["reference"] == "act:1"


async def test_lots_come_page_by_page(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    for number, expires in enumerate((9, 3, 6, 3, 12), 1):
        at_last = (programme.database.clock.now() + timedelta(days=expires)).isoformat()
        await send(till, at(member, "accruals"), {"amount": number, "reference": f"l:{number}", "expires_at": at_last})
    whole = (await till.get(at(member, "lots"))).json()
    found: list[Any] = []
    cursor = ""
    while True:
        page = (await till.get(at(member, f"lots?limit=2{cursor}"))).json()
        found += page["lots"]
        if not page["has_more"]:
            break
        if len(found) == 2:  # what a page's last lot held goes before the next page is asked for
            await send(till, at(member, "redemptions"), {"amount": sum([lot["amount"] for lot in found])})
        cursor = f"&cursor={page['next_cursor']}"

    assert [lot["amount"] for lot in whole["lots"]] == [2, 4, 3, 1, 5]
    assert (whole["has_more"], whole["next_cursor"], page["next_cursor"]) == (False, None, None)
    assert [lot["lot_id"] for lot in found] == [lot["lot_id"] for lot in whole["lots"]]
    stranger = public_id("trf", member)[:-1] + "0" * 13
    for broken in ("x", "trf_1", stranger):
        assert refusal(await till.get(at(member, f"lots?cursor={broken}"))) == (
            422, "cursor_not_of_statement", ["/query/cursor"],
        )  # fmt: skip


async def test_questions_that_cannot_be_answered_are_refused(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    ahead = (programme.database.clock.now() + timedelta(hours=1)).isoformat()
    for what, params, expected in (
        ("wallets", {"as_of": ahead}, (422, "as_of_ahead", ["/query/as_of"])),
        ("tier", {"as_of": ahead}, (422, "as_of_ahead", ["/query/as_of"])),
        ("wallets", {"as_of": "2017-01-01T00:00:00"}, (422, "wrong_form", ["/query/as_of"])),
        ("statement", {"cursor": "trf_1"}, (422, "cursor_not_of_statement", ["/query/cursor"])),
        (
            "statement",
            {"cursor": f"trf_{new_id().hex}000000000001"},
            (422, "cursor_not_of_statement", ["/query/cursor"]),
        ),
        ("statement", {"wallet": "gold"}, (422, "unknown_wallet", ["/query/wallet"])),
        ("statement", {"limit": "0"}, (422, "out_of_range", ["/query/limit"])),
    ):
        assert refusal(await till.get(at(member, what), params=params)) == expected, (what, params)
    for what in ("wallets", "lots", "statement", "tier"):
        assert refusal(await till.get(at(new_id(), what)))[:2] == (404, "unknown_member")
        assert refusal(await till.get(f"/v1/members/me/{what}"))[:2] == (404, "not_found")
    assert (await till.get(at(member, "wallets"))).json()["wallets"][0]["balance"] == 0


async def test_a_hold_is_placed_once_and_ended_once(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    path = at(member, "holds")
    await send(till, at(member, "accruals"), {"amount": 100})
    async with programme.database.transaction() as tx:
        deadline = (tx.now + timedelta(days=1)).isoformat()
    body = {"amount": 60, "purpose": "workshop", "deadline": deadline}

    placed = await send(till, path, body, key="once")
    again = await send(till, path, body, key="once")

    assert (placed.status_code, again.json()) == (201, placed.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    hold = f"{path}/{placed.json()['hold_id']}"
    assert refusal(await send(till, at(member, "redemptions"), {"amount": 41})) == (
        409,
        "insufficient_points",
        ["/amount"],
    )
    posted = await send(till, f"{hold}/post", {"amount": 50})
    assert (posted.status_code, posted.json()["released"]) == (200, 10)
    assert refusal(await send(till, f"{hold}/void", {})) == (409, "hold_over", [])
    found = (await till.get(f"{path}?ended=false")).json()
    assert found["holds"] == []
    assert (await till.get(hold)).json() == posted.json()
    assert (await till.get(path)).json()["holds"] == [posted.json()]


async def test_a_hold_that_makes_no_sense_names_the_field(programme: Programme, till: httpx.AsyncClient) -> None:
    member = await programme.member()
    path = at(member, "holds")
    async with programme.database.transaction() as tx:
        now = tx.now
    body = {"amount": 60, "purpose": "workshop", "deadline": (now + timedelta(days=1)).isoformat()}
    before = await programme.books()
    for wrong, kind, pointer in (
        ({"deadline": (now - SECOND).isoformat()}, "term_out_of_range", "/deadline"),
        ({"deadline": (now + timedelta(days=400)).isoformat()}, "term_out_of_range", "/deadline"),
        ({"reference": "hold:1"}, "reference_reserved", "/reference"),
        ({"wallet": "growth"}, "wallet_not_spendable", "/wallet"),
    ):
        assert refusal(await send(till, path, {**body, **wrong})) == (422, kind, [pointer])
    for unknown in ("hld_1", f"hld_{new_id().hex}"):
        assert (await send(till, f"{path}/{unknown}/post", {})).json()["code"] == "unknown_hold"
        assert (await till.get(f"{path}/{unknown}")).status_code == 404
    after = await programme.books()
    assert {table: rows for table, rows in after.items() if table != "member_books"} == {
        table: rows for table, rows in before.items() if table != "member_books"
    }


async def test_an_instant_at_the_end_of_time_is_refused_in_its_row(
    programme: Programme, till: httpx.AsyncClient
) -> None:
    member = await programme.member()
    posted = (await send(till, at(member, "accruals"), {"amount": 100, "reason": "gift"})).json()
    lot = posted["transfer_id"]
    wish = {"expires_at": "9999-12-31T23:59:59-08:00", "reason": "goodwill", "reference": "late"}
    alone = await send(till, at(member, f"lots/{lot}/extensions"), wish)
    row = {**wish, "member_id": public_id("mbr", member), "lot_id": lot}
    batch = await send(till, "/v1/lots/extensions/batch", {"extensions": [row]})
    assert (alone.status_code, alone.json()["code"]) == (422, "term_out_of_range")
    assert [one["problem"]["code"] for one in batch.json()["rows"]] == ["term_out_of_range"]
