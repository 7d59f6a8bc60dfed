"""Exports by the API: rows of one instant, every kind and format, and nobody's data who was erased."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, MutableMapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from regulars.entrypoints.exporting import PEOPLE, export_kinds
from regulars.entrypoints.http import create_app
from regulars.entrypoints.privacy import PARTS
from regulars.entrypoints.wiring import offered_to_programs
from regulars.platform.auth import service as keys
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.clock import wall_now
from regulars.platform.exports import service, stepping, store
from regulars.platform.exports.contracts import columns_of
from regulars.platform.exports.files import ExportFiles
from regulars.platform.ids import public_id
from tests.commerce.shop import NOW
from tests.entrypoints.exporting import WHY, asked, begun, done, exported, file_of, rows_in
from tests.entrypoints.exports_page import PAGE, columns_told
from tests.entrypoints.importing import MEMBER_CONSTANTS, Site, lines, site
from tests.members.erasing import erase

__all__ = ["site"]  # the fixture
pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("small_steps")]

STEP = 7


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (store, stepping):
        monkeypatch.setattr(module, "ROWS_A_STEP", STEP)


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with await site.caller("admin") as made:
        yield made


async def filled(site: Site, members: int) -> None:
    """Sign members up, let them buy, and give them points."""
    await site.members(members)
    bought = [
        {"card": f"M{n:07}", "order_id": f"A{n}", "sku": sku, "quantity": "0.535", "amount_minor": 1000 * n}
        for n in range(1, members)
        for sku in ("tea", "=cup")
    ]
    constants = {"state": "paid", "channel": "store", "market": "CN", "currency": "CNY"}
    job = await site.imported(lines(*bought), kind="orders", format="jsonl", mapping={"constants": constants})
    assert job["counts"]["imported"] == members - 1, await site.errors(job["job_id"])
    given = [{"card": f"M{n:07}", "amount": n, "reason": "=1+1", "reference": f"gift-{n}"} for n in range(1, members)]
    job = await site.imported(lines(*given), kind="accruals", format="jsonl")
    assert job["counts"]["imported"] == members - 1, await site.errors(job["job_id"])


async def test_every_kind_is_exported_whole_in_every_column(site: Site, client: httpx.AsyncClient) -> None:
    await filled(site, 20)
    for kind in export_kinds().values():
        text = f"SELECT count(*) FROM {kind.table} AS t {kind.joined}" + (f" WHERE {kind.only}" if kind.only else "")
        export_id = await begun(client, kind.name, columns=list(columns_of(kind, PEOPLE)))
        ((expected,),) = await site.rows(text)
        while await site.step(export_id) is not None:
            pass
        rows = rows_in(await file_of(client, export_id))
        assert (len(rows), kind.name) == (expected, kind.name)
        job = await site_job(client, export_id)
        assert (job["state"], job["counts"]) == ("done", {"rows": expected})
        assert expected <= job["progress"]["done"] == job["progress"]["total"]
    (order, *_) = await exported(site, client, "orders", columns=["order_id", "lines", "payments"])
    assert [line["quantity"] for line in order["lines"]] == ["0.535", "0.535"]
    told = {row["type"] for row in await exported(site, client, "events")}
    assert {"member.signed_up", "order.paid", "points.accrued"} <= told
    amounts = await exported(site, client, "transfers", columns=["amount"])
    assert [[row["amount"]] for row in amounts] == [
        [amount] for (amount,) in await site.rows("SELECT amount FROM ledger_transfers ORDER BY member_id, seq")
    ]


async def more_members(site: Site, known: int, count: int) -> None:
    """Sign up more members than those that are known."""
    rows = "".join([f"M{number:07}\n" for number in range(known + 1, known + count + 1)])
    job = await site.imported(b"card\n" + rows.encode(), kind="members", mapping={"constants": MEMBER_CONSTANTS})
    assert job["counts"]["imported"] == count, job


async def site_job(client: httpx.AsyncClient, export_id: str) -> Any:  # noqa: ANN401 - any JSON there is
    answer = await client.get(f"/v1/jobs/{export_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_rows_are_those_of_one_instant_whoever_goes_on_until_nobody_keeps_it(
    site: Site, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.members(3 * STEP)
    export_id = await begun(client, "members")
    await site.step(export_id)
    one, first = f"/v1/exports/{export_id}", site.kinds["export"]
    assert (await client.get(f"{one}/file")).json()["code"] == "export_under_way"
    assert (await client.get(one)).json() | {"rows": STEP, "parts": 1, "ready": False} == (await client.get(one)).json()
    await more_members(site, 3 * STEP, STEP)
    site.kinds = site.given()["job_kinds"]  # type: ignore[assignment]  # another worker, which keeps no snapshot
    await site.step(export_id)
    assert (await client.get(one)).json()["rows"] == 2 * STEP
    await first._snapshots.release(job_id_in(export_id))  # type: ignore[attr-defined]  # as if it had been killed
    while await site.step(export_id) is not None:
        pass
    assert len(rows_in(await file_of(client, export_id))) == 4 * STEP
    export_id = await begun(client, "members")
    await site.step(export_id)
    await more_members(site, 4 * STEP, STEP)
    while await site.step(export_id) is not None:
        pass
    assert len(rows_in(await file_of(client, export_id))) == 4 * STEP
    monkeypatch.setattr(stepping, "BEGUN_AT_MOST", 1)
    export_id = await begun(client, "members")
    await site.step(export_id)
    await site.kinds["export"]._snapshots.release(job_id_in(export_id))  # type: ignore[attr-defined]  # of exports
    await site.step(export_id)
    assert (await site_job(client, export_id))["problem"]["code"] == "export_interrupted"


async def test_the_same_rows_come_in_every_format_and_part_by_part(site: Site, client: httpx.AsyncClient) -> None:
    await filled(site, 2 * STEP)
    columns = ["card", "amount", "reason", "reference", "effective_at", "expires_at"]
    export_id = await done(site, client, "accruals", columns=columns)
    rows = rows_in(await file_of(client, export_id))
    assert [list(row) for row in rows] == [columns] * (2 * STEP - 1)
    table = parquet.read_table(io.BytesIO((await file_of(client, export_id, format="parquet")).content))
    in_parquet = table.to_pylist()
    assert [row["effective_at"] for row in in_parquet] == [datetime.fromisoformat(row["effective_at"]) for row in rows]
    assert [row["amount"] for row in in_parquet] == [row["amount"] for row in rows]
    text = (await file_of(client, export_id, format="csv")).text
    assert list(csv.DictReader(io.StringIO(text))) == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in rows
    ]
    parts = (await client.get(f"/v1/exports/{export_id}")).json()["parts"]
    pieces = [(await file_of(client, export_id, format="csv", part_no=part)).text for part in range(1, parts + 1)]
    assert (parts > 1, "".join(pieces)) == (True, text)
    assert (await client.get(f"/v1/exports/{export_id}/file?part_no={parts + 1}", headers=WHY)).status_code == 404
    for arrived in (0, 1, STEP - 1, STEP, STEP + 2, len(rows), len(rows) + 9):
        rest = await file_of(client, export_id, skip_rows=arrived)
        assert (rows_in(rest), int(rest.headers["Regulars-Rows"])) == (rows[arrived:], len(rows[arrived:]))
        lines_of = text.splitlines(keepends=True)
        left = (await file_of(client, export_id, format="csv", skip_rows=arrived)).text
        assert left == "".join(lines_of[arrived + 1 :] if arrived else lines_of)
    second = rows_in(await file_of(client, export_id, part_no=2))
    assert len(second) > 1
    assert rows_in(await file_of(client, export_id, part_no=2, skip_rows=1)) == second[1:]
    safe = csv.DictReader(io.StringIO((await file_of(client, export_id, format="csv", spreadsheet=True)).text))
    assert {row["reason"] for row in safe} == {"'=1+1"}
    nothing = await done(site, client, "holds", columns=["hold_id", "amount"])
    assert (await file_of(client, nothing, format="csv")).text == "hold_id,amount\r\n"
    empty = parquet.read_table(io.BytesIO((await file_of(client, nothing, format="parquet")).content))
    assert (empty.num_rows, empty.column_names) == (0, ["hold_id", "amount"])


async def test_rows_are_chosen_by_store_channel_and_wallet_and_tiers_tell_their_codes(
    site: Site, client: httpx.AsyncClient
) -> None:
    await filled(site, STEP)
    large = {"card": "M0000001", "order_id": "L1", "sku": "kettle", "quantity": "1", "amount_minor": 10_000_000}
    constants = {"state": "paid", "channel": "store", "market": "CN", "currency": "CNY"}
    await site.imported(lines(large), kind="orders", format="jsonl", mapping={"constants": constants})
    everywhere = await exported(site, client, "orders", columns=["order_id", "store_id", "channel"])
    assert {(row["store_id"], row["channel"]) for row in everywhere} == {(None, "store")}
    assert await exported(site, client, "orders", columns=["order_id"], channel="online") == []
    assert await exported(site, client, "order_lines", columns=["sku"], store_id="nowhere") == []
    sold = await exported(site, client, "orders", columns=["order_id", "store_id", "channel"], channel="store")
    assert sold == everywhere
    wallets = await exported(site, client, "transfers", columns=["wallet", "seq"])
    for wallet in ("points", "growth"):
        found = await exported(site, client, "transfers", columns=["wallet", "seq"], wallet=wallet)
        assert found == [row for row in wallets if row["wallet"] == wallet]
        assert found
    one = await begun(client, "orders", channel="online")
    told = (await client.get(f"/v1/exports/{one}")).json()
    assert (told["channel"], told["store_id"], told["wallet"]) == ("online", None, None)
    ((carry,),) = await site.rows(f"SELECT carry FROM jobs WHERE job_id = '{job_id_in(one)}'")
    with pytest.raises(msgspec.ValidationError):  # whoever does not know channels does not go on without them
        msgspec.json.decode(carry, type=stepping.Place)
    ((codes,),) = await site.rows("SELECT document FROM loyalty_policies ORDER BY version DESC LIMIT 1")
    ranks = [tier["code"] for tier in msgspec.json.decode(codes)["tier"]["tiers"]]
    tiers = await exported(site, client, "tiers", columns=["tier", "tier_code"])
    assert [row["tier_code"] for row in tiers] == [ranks[row["tier"]] for row in tiers]
    changes = await exported(site, client, "tier_changes")
    assert [(row["from_tier_code"], row["to_tier_code"]) for row in changes] == [
        (ranks[row["from_tier"]], ranks[row["to_tier"]]) for row in changes
    ]
    assert tiers
    assert changes


async def test_what_a_column_says_is_told_in_the_caller_s_language(client: httpx.AsyncClient) -> None:
    kinds = [
        {one["kind"]: one for one in (await client.get("/v1/export-kinds", headers=headers)).json()["kinds"]}
        for headers in ({}, {"Accept-Language": "zh-CN"})
    ]
    english, chinese = [{column["name"]: column for column in one["tiers"]["columns"]} for one in kinds]
    assert english["tier_code"]["about"] == "The tier, by the code that the policy gives it."
    assert chinese["tier_code"]["about"] == "等级代码，由规则定义。"
    same = [
        (kind, name)
        for kind in kinds[0]
        for name, column in {one["name"]: one for one in kinds[1][kind]["columns"]}.items()
        if column["about"] == {one["name"]: one for one in kinds[0][kind]["columns"]}[name]["about"]
    ]
    assert same == []
    assert {name for name, one in kinds[0].items() if one["by_channel"]} == {
        "members", "consents", "orders", "order_lines", "payments", "returns",
    }  # fmt: skip
    assert (kinds[0]["lots"]["by_wallet"], kinds[0]["lots"]["by_store"]) == (True, False)


async def nobody_resumes_without_the_scope(site: Site) -> None:
    """A token that may read no personal data neither stops nor resumes its key's export of such."""
    able = ["exports:write", "members:read"]
    async with site.database.transaction() as tx:
        key, secret = await keys.create_key(tx, label="till", scopes=[*able, "members:personal"])
    exchanged = await site.services.authenticator.exchange(public_id("ak", key.key_id), secret, able)
    own, less = {"Authorization": f"Bearer {secret}"}, {"Authorization": f"Bearer {exchanged.token}"}
    begun = await site.post("/v1/exports", {"kind": "members", "columns": ["phone"]}, **WHY, **own)
    one = f"/v1/jobs/{begun.json()['job_id']}"
    for todo, after in (("cancel", "queued"), ("resume", "cancelled")):
        refused = await site.post(f"{one}/{todo}", **less)
        assert (refused.status_code, refused.json()["data"]) == (403, {"scope": "members:personal"})
        assert (await site.client.get(one, headers=own)).json()["state"] == after
        assert (await site.post(f"{one}/{todo}", **own)).is_success


async def test_personal_columns_want_the_scope_and_a_purpose_and_go_with_the_member(
    site: Site, client: httpx.AsyncClient
) -> None:
    content = "phone,email\n13800138000,wang@example.com\n13800138001,li@example.com\n"
    await site.imported(content.encode(), kind="members", mapping={"constants": MEMBER_CONSTANTS})
    plain = await site.caller("exports:write", "members:read")
    refused = await asked(plain, "members", columns=["phone"])
    assert (refused.status_code, refused.json()["data"]) == (403, {"scope": "members:personal"})
    assert (await asked(plain, "transfers")).json()["data"] == {"scope": "ledger:read"}
    assert "phone" not in (await exported(site, plain, "members"))[0]
    assert (await asked(client, "members", {}, columns=["phone"])).json()["code"] == "purpose_missing"
    columns = ["member_id", "phone", "identities"]
    export_id = await done(site, client, "members", columns=columns)
    one = f"/v1/exports/{export_id}"
    assert (await client.get(f"{one}/file")).json()["code"] == "purpose_missing"
    assert (await plain.get(one)).status_code == 404
    rows = rows_in(await file_of(client, export_id))
    assert {row["phone"] for row in rows} == {"+8613800138000", "+8613800138001"}
    assert await site.rows("SELECT action, reason FROM audit_entries WHERE subject = 'export of members'") == [
        ("begin_export", ""),  # of no personal columns
        ("download_export", ""),
        ("begin_export", "test of exports"),
        ("read_export", "test of exports"),
    ]
    gone = next(row for row in rows if row["phone"] == "+8613800138000")
    (member,) = [one for (one,) in await site.rows("SELECT member_id FROM members") if one.hex in gone["member_id"]]
    await erase(site.database, site.vault, member, parts=PARTS)
    after = rows_in(await file_of(client, export_id))
    assert {row["phone"] for row in after} == {None, "+8613800138001"}
    assert next(row for row in after if row["phone"] is None)["identities"] is None
    files, day = ExportFiles(site.home, site.vault.pepper), timedelta(days=1)
    kept = (await client.get(one)).json()["kept_until"]
    assert wall_now() < datetime.fromisoformat(kept) <= wall_now() + day
    assert job_id_in(export_id) in files.kept()
    deleted = await client.delete(one)
    assert (deleted.status_code, deleted.json()["rows"]) == (200, 2)
    assert job_id_in(export_id) not in files.kept()
    assert (await client.get(f"{one}/file", headers=WHY)).json()["code"] == "export_expired"
    await nobody_resumes_without_the_scope(site)


async def test_what_breaks_off_ends_without_its_end_and_what_is_over_goes(
    site: Site, client: httpx.AsyncClient
) -> None:
    await site.members(3 * STEP)
    export_id = await done(site, client, "members")
    files, job_id = ExportFiles(site.home, site.vault.pepper), job_id_in(export_id)
    broken = sorted((site.home / "exports" / job_id.hex).iterdir())[1]
    broken.unlink()
    sent: list[MutableMapping[str, Any]] = []
    asked_for: list[int] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        if asked_for:
            await asyncio.Event().wait()
        asked_for.append(1)
        return {"type": "http.request", "body": b"", "more_body": False}

    request = client.build_request("GET", f"/v1/exports/{export_id}/file")
    app = create_app(site.services, offered_to_programs(site.services))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": request.url.path, "raw_path": request.url.raw_path, "query_string": b"", "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 1), "server": ("test", 80),
    }  # fmt: skip
    with pytest.raises(Exception, match="after response started"):  # upon which the server breaks the connection off
        await app(scope, receive, send)
    assert sent[0]["status"] == 200
    assert len(sent[1]["body"].splitlines()) == STEP
    assert all(message["more_body"] for message in sent[1:])
    running = await begun(client, "members")
    await site.step(running)
    stopped = await begun(client, "members")
    await site.step(stopped)
    await client.post(f"/v1/jobs/{stopped}/cancel", headers={"Idempotency-Key": "stop"})
    await site.step(stopped)
    assert files.kept().keys() == {job_id, job_id_in(running), job_id_in(stopped)}
    async with site.database.transaction() as tx:
        store.expire(tx, job_id, wall_now())
    async with site.database.transaction() as tx:
        assert await service.delete_files(tx, files) == 1
    assert files.kept().keys() == {job_id_in(running), job_id_in(stopped)}
    await client.post(f"/v1/jobs/{stopped}/resume", headers={"Idempotency-Key": "go-on"})
    while await site.step(stopped) is not None:
        pass
    assert len(rows_in(await file_of(client, stopped))) == 3 * STEP


async def test_what_cannot_be_chosen_is_refused_and_so_is_one_too_many(
    site: Site, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, before = NOW.isoformat(), (NOW - timedelta(days=1)).isoformat()
    for code, pointer, body in (
        ("export_kind_unknown", "/kind", {"kind": "shoes"}),
        ("column_not_exported", "/columns/1", {"kind": "lots", "columns": ["amount", "shoe"]}),
        ("column_asked_twice", "/columns/1", {"kind": "lots", "columns": ["amount", "amount"]}),
        ("not_chosen_by_time", "/since", {"kind": "balances", "since": now}),
        ("not_chosen_by_market", "/market", {"kind": "events", "market": "CN"}),
        ("not_chosen_by", "/store_id", {"kind": "transfers", "store_id": "7"}),
        ("not_chosen_by", "/wallet", {"kind": "orders", "channel": "store", "wallet": "points"}),
        ("times_turned", "/until", {"kind": "lots", "since": now, "until": before}),
    ):
        answer = (await asked(client, **body)).json()
        assert (answer["code"], answer["errors"][0]["pointer"]) == (code, pointer)
    assert await site.rows("SELECT count(*) FROM exports") == [(0,)]
    monkeypatch.setattr(service, "OPEN_AT_MOST", 1)
    await begun(client, "members")
    assert (await asked(client, "members")).json()["code"] == "too_many_exports"
    listed = (await client.get("/v1/exports")).json()
    assert [one["kind"] for one in listed["exports"]] == ["members"]


numbers = count(1)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_the_rows_are_those_of_the_database(site: Site, client: httpx.AsyncClient, data: st.DataObject) -> None:
    more = data.draw(st.integers(0, 2 * STEP), "more members")
    begin = next(numbers) * 1000
    people = "".join([f"M{number:07}\n" for number in range(begin, begin + more)])
    if more:
        constants = {"constants": MEMBER_CONSTANTS}
        await site.imported(b"card\n" + people.encode(), kind="members", mapping=constants)
        given = [
            {"card": f"M{number:07}", "amount": data.draw(st.integers(1, 10**12)), "reference": f"r{begin}-{number}"}
            for number in range(begin, begin + more)
            for _ in range(data.draw(st.integers(0, 1)))
        ]
        await site.imported(lines(*given, {}), kind="accruals", format="jsonl")
    ends = st.none() | st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)])
    since, until = data.draw(ends, "since"), data.draw(ends, "until")
    if since and until and since >= until:
        since = None
    chosen = {"since": since, "until": until, "market": data.draw(st.sampled_from([None, "CN", "XX"]), "market")}
    body = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in chosen.items() if value
    }
    found = await exported(site, client, "transfers", columns=["member_id", "seq", "amount", "recorded_at"], **body)
    expected = await site.rows(
        "SELECT t.member_id, t.seq, t.amount, t.recorded_at FROM ledger_transfers AS t JOIN members USING (member_id)"
        " WHERE t.recorded_at >= %s AND t.recorded_at < %s AND market LIKE %s ORDER BY member_id, seq",
        (since or NOW - timedelta(days=9), until or NOW + timedelta(days=9), chosen["market"] or "%"),
    )
    assert [
        (row["member_id"], row["seq"], row["amount"], datetime.fromisoformat(row["recorded_at"])) for row in found
    ] == [(f"mbr_{one.hex}", seq, amount, at.astimezone(UTC)) for one, seq, amount, at in expected]


async def test_the_page_tells_every_column() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(columns_told()), "python -m tests.entrypoints.exports_page"
