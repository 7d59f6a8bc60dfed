"""Imports by the API: each row for itself, once however often it comes, and what is refused told for every row."""

import asyncio
import gc
import io
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.entrypoints.exporting import export_kinds
from regulars.platform.auth import service as keys
from regulars.platform.bulk.routes import job_id_in
from regulars.platform.clock import wall_now
from regulars.platform.http.asked import Asked
from regulars.platform.ids import public_id
from regulars.platform.imports import service, stepping
from regulars.platform.imports.contracts import ROWS_A_STEP
from regulars.platform.imports.files import ImportFiles
from regulars.platform.jobs.queue import run_jobs
from tests.entrypoints.importing import MEMBER_CONSTANTS, Site, lines, site

__all__ = ["site"]  # the fixture
pytestmark = pytest.mark.anyio

MEMBERS: dict[str, Any] = {"kind": "members", "mapping": {"constants": MEMBER_CONSTANTS}}
ORDERS: dict[str, Any] = {
    "kind": "orders",
    "mapping": {
        "columns": {
            "Bon": "order_id", "Karte": "card", "Wann": "occurred_at", "Artikel": "sku", "Menge": "quantity",
            "Preis": "amount",
        },
        "constants": {"state": "paid", "channel": "store", "market": "CN", "currency": "CNY"},
        "dates": {"occurred_at": "%d.%m.%Y %H:%M"},
        "time_zone": "Asia/Shanghai",
        "decimal": ",",
        "delimiter": ";",
    },
}  # fmt: skip


async def test_members_come_in_and_bad_rows_are_told_without_personal_data(site: Site) -> None:
    content = (
        "phone,email,signed_up_at,store_id\r\n"
        "13800138000,wang@example.com,2020-05-01T00:00:00Z,\r\n"
        "not a phone,,,\r\n"
        '"138 0013\r\n8001",,,7\r\n'
        ",,,\r\n"
        "13800138003,,2020-05-01,\r\n"
        "13800138000,,,\r\n"
        "13800138004,,,7,8\r\n"
    )
    job = await site.imported(b"\xef\xbb\xbf" + content.encode(), part_bytes=37, **MEMBERS)
    assert (job["state"], job["progress"]["done"]) == ("done", job["progress"]["total"])
    assert job["counts"] == {"rows": 7, "imported": 1, "known": 1, "refused": 5}, await site.errors(job["job_id"])
    found = [line.split(",")[:4] for line in await site.errors(job["job_id"])]
    assert found == [
        ["line", "column", "value", "code"],
        ["3", "phone", "***", "phone_impossible"],
        ["4", "phone", "***", "phone_impossible"],
        ["6", "identities", "***", "identity_missing"],
        ["7", "signed_up_at", "2020-05-01", "zone_missing"],
        ["9", "", "***", "columns_differ"],
    ]
    (chinese,) = [line for line in await site.errors(job["job_id"], "zh") if line.startswith("9,")]
    assert "5" in chinese
    assert "columns" not in chinese.replace("columns_differ", "")
    assert await site.rows("SELECT count(*) FROM members") == [(1,)]


async def test_rows_with_one_order_id_are_one_order_in_the_formats_of_the_file(site: Site) -> None:
    await site.members(2)
    content = (
        "Bon;Karte;Wann;Artikel;Menge;Preis;Kasse\n"
        "A1;M0000001;01.03.2026 10:30;tea;0,535;12,50;3\n"
        "A1;M0000001;01.03.2026 10:30;cup;1;59;3\n"
        "A2;M0000002;01.03.2026 10:31;tea;1;1,005;3\n"
        "A3;M0000009;01.03.2026 10:32;tea;1;1;3\n"
        "A4;;01.03.2026 10:33;tea;1;7;3\n"
    )
    job = await site.imported(content.encode(), **ORDERS)
    assert job["counts"] == {"rows": 5, "imported": 2, "known": 0, "refused": 2}, await site.errors(job["job_id"])
    assert [line.split(",")[:4] for line in await site.errors(job["job_id"])][1:] == [
        ["4", "Preis", "1.005", "value_unreadable"],
        ["5", "Karte", "***", "member_not_found"],
    ]
    assert await site.rows("SELECT order_id, total_minor, occurred_at::text FROM orders") == [
        ("A1", 7150, "2026-03-01 02:30:00+00")
    ]
    assert await site.rows("SELECT sku, quantity_milli, amount_minor FROM order_lines ORDER BY sku") == [
        ("cup", 1000, 5900),
        ("tea", 535, 1250),
    ]
    assert await site.rows("SELECT order_id FROM guest_orders") == [("A4",)]
    before = await site.contents()
    again = await site.imported(content.encode(), **ORDERS)
    assert again["counts"] == {"rows": 5, "imported": 0, "known": 2, "refused": 2}
    assert await site.contents() == before


async def test_all_or_nothing_and_a_dry_run_leave_nothing(site: Site) -> None:
    await site.members(2)
    before, keys = await site.contents(), len(list(site.vault._reader._connection.execute("SELECT 1 FROM member_keys")))
    rows = [{"card": "M0000001", "amount": 100}, {"card": "M0000002", "amount": "x"}, {"card": "M0000002", "amount": 5}]
    job = await site.imported(lines(*rows), kind="accruals", format="jsonl", mode="all")
    assert (job["state"], job["problem"]["code"]) == ("failed", "nothing_imported")
    assert job["counts"] == {"rows": 3, "imported": 0, "known": 0, "refused": 1}
    tried = await site.imported(lines(*rows), kind="accruals", format="jsonl", dry_run=True)
    assert (tried["state"], tried["counts"]) == ("done", {"rows": 3, "imported": 2, "known": 0, "refused": 1})
    assert len(await site.errors(tried["job_id"])) == 2
    new = b"card\nM0000003\n"
    assert (await site.imported(new, dry_run=True, **MEMBERS))["counts"]["imported"] == 1
    assert await site.contents() == before
    assert len(list(site.vault._reader._connection.execute("SELECT 1 FROM member_keys"))) == keys
    whole = await site.imported(lines(rows[0], rows[2]), kind="accruals", format="jsonl", mode="all")
    assert (whole["state"], whole["counts"]["imported"]) == ("done", 2)


async def test_a_worker_does_a_long_import_in_steps_and_the_same_again_changes_nothing(
    site: Site, database_url: str
) -> None:
    count = 2 * ROWS_A_STEP + 10
    await site.members(count)
    content = b"card,amount,reason\n" + b"".join([b"M%07d,%d,old club\n" % (n, n) for n in range(1, count + 1)])
    job_id = await site.upload(content, part_bytes=10_000, kind="accruals")
    stop = asyncio.Event()
    running = asyncio.create_task(run_jobs(site.database, database_url, stop, given=site.given()))
    while (await site.job(job_id))["state"] in {"queued", "running"}:
        await asyncio.sleep(0.02)
    stop.set()
    await running
    job = await site.job(job_id)
    assert (job["state"], job["counts"]) == ("done", {"rows": count, "imported": count, "known": 0, "refused": 0})
    assert job["links"]["errors"] == f"/v1/imports/{job_id}/errors"
    total = "SELECT count(*), sum(amount) FROM ledger_transfers"
    assert await site.rows(total) == [(count, count * (count + 1) // 2)]
    audited = "SELECT count(*), count(DISTINCT subject) FROM audit_entries WHERE action = 'import_accruals'"
    assert await site.rows(audited) == [(count, count)]
    again = await site.imported(content, kind="accruals")
    assert again["counts"] == {"rows": count, "imported": 0, "known": count, "refused": 0}
    assert await site.rows(total) == [(count, count * (count + 1) // 2)]
    files = ImportFiles(site.home, site.vault.pepper)
    files.write(UUID(int=1), 1, b"of an import that is not committed yet")
    waiting = (await site.post("/v1/imports", {"kind": "accruals"})).json()["import_id"]
    await site.client.put(f"/v1/imports/{waiting}/parts/1", content=b"x")
    assert (
        job_id_in(waiting) in files.kept()
    )  # that of the import is there, too, unless its schedule came due meanwhile
    async with site.database.transaction() as tx:
        await service.delete_files(tx, files)
    assert files.kept().keys() == {UUID(int=1), job_id_in(waiting)}


async def test_a_cancelled_import_goes_on_where_it_stopped(site: Site) -> None:
    count = 2 * ROWS_A_STEP
    content = b"card\n" + b"".join([b"M%07d\n" % number for number in range(1, count + 1)])
    job_id = await site.upload(content, **MEMBERS)
    assert await site.step(job_id) == 1
    cancelled = await site.post(f"/v1/jobs/{job_id}/cancel")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert await site.step(job_id) is None
    assert await site.rows("SELECT count(*) FROM members") == [(ROWS_A_STEP,)]
    assert (await site.post(f"/v1/jobs/{job_id}/cancel")).status_code == 200
    resumed = await site.post(f"/v1/jobs/{job_id}/resume")
    assert (resumed.status_code, resumed.json()["state"]) == (202, "queued")
    assert (await site.post(f"/v1/jobs/{job_id}/resume")).json()["code"] == "job_goes_on"
    job = await site.done(job_id)
    assert (job["state"], job["counts"]["imported"]) == ("done", count)
    assert await site.rows("SELECT count(*) FROM members") == [(count,)]
    refused = await site.post(f"/v1/jobs/{job_id}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_has_ended")


async def test_anothers_job_is_as_one_that_is_not_there(site: Site) -> None:
    begun = await site.post("/v1/imports", {**MEMBERS, "content": "card\nM0000001\n"})
    assert (begun.status_code, begun.json()["state"]) == (202, "queued")
    job_id, absent = begun.json()["job_id"], f"job_{'0' * 32}"
    paths = ("/v1/jobs/{}", "/v1/imports/{}", "/v1/imports/{}/errors")
    posts = ("/v1/jobs/{}/cancel", "/v1/jobs/{}/resume", "/v1/imports/{}/start")
    async with await site.caller("members:write") as other, await site.caller("admin") as admin:
        for path in paths:
            answers = [await other.get(path.format(one)) for one in (job_id, absent)]
            told = [{**answer.json(), "instance": ""} for answer in answers]
            assert (answers[0].status_code, told[0]) == (404, told[1])
            assert (await admin.get(path.format(job_id))).status_code == 200
        for number, path in enumerate(posts):
            key = {"Idempotency-Key": f"k{number}"}
            answers = [await other.post(path.format(one), headers=key) for one in (job_id, absent)]
            assert answers[0].status_code == 404
            assert answers[0].json()["code"] == answers[1].json()["code"] or answers[1].status_code == 422
        assert (await other.put(f"/v1/imports/{job_id}/parts/1", content=b"x")).status_code == 404
        assert (await other.get("/v1/jobs")).json()["jobs"] == []
        assert [job["job_id"] for job in (await admin.get("/v1/jobs")).json()["jobs"]] == [job_id]
    async with await site.caller("orders:write") as orders:
        body = {"kind": "members", "content": "card\n1\n"}
        refused = await orders.post("/v1/imports", json=body, headers={"Idempotency-Key": "a"})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert (await site.job(job_id))["state"] == "queued"


async def test_what_is_wrong_with_a_file_or_its_mapping_is_said_before_anything_is_done(site: Site) -> None:
    for body, code in (
        ({"kind": "shoes"}, "import_kind_unknown"),
        ({"kind": "members", "mapping": {"columns": {"a": "shoe"}}}, "field_not_imported"),
        ({"kind": "members", "mapping": {"time_zone": "Nowhere/At all"}}, "value_unreadable"),
        ({"kind": "members", "mapping": {"delimiter": '"'}}, "value_unreadable"),
    ):
        answer = await site.post("/v1/imports", body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    for content, mapping, code in (
        (b"shoe\n1\n", {}, "column_unknown"),
        (b"card\n1\n", {"columns": {"Card": "card"}}, "column_missing"),
        (b"card,card\n1,2\n", {}, "column_twice"),
        ("卡号\n1\n".encode("gb18030"), {"columns": {"卡号": "card"}}, "line_not_utf8"),
        (b"\n", {}, "file_empty"),
    ):
        job = await site.imported(content, kind="members", mapping=mapping)
        assert (job["state"], job["problem"]["code"]) == ("failed", code), job
    for body in ({"kind": "members"}, {"kind": "members", "format": "jsonl"}):
        begun = (await site.post("/v1/imports", body)).json()["import_id"]
        assert (await site.post(f"/v1/imports/{begun}/start")).json()["code"] == "file_empty"
        await site.client.put(f"/v1/imports/{begun}/parts/2", content=b"x")
        started = await site.post(f"/v1/imports/{begun}/start")
        assert (started.status_code, started.json()["code"]) == (409, "import_incomplete")
    assert await site.rows("SELECT count(*) FROM members") == [(0,)]


async def test_parquet_goes_on_within_a_group_of_rows(site: Site) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    count = ROWS_A_STEP + 5
    await site.members(count)
    table = pyarrow.table({"card": [f"M{n:07}" for n in range(1, count + 1)], "amount": [1.0] * (count - 1) + [0.5]})
    out = io.BytesIO()
    parquet.write_table(table, out, row_group_size=700)
    job_id = await site.upload(out.getvalue(), part_bytes=5_000, kind="accruals", format="parquet")
    assert await site.step(job_id) == 1
    site.kinds = site.given()["job_kinds"]  # type: ignore[assignment]  # another worker, which has nothing open
    job = await site.done(job_id)
    assert job["counts"] == {"rows": count, "imported": count - 1, "known": 0, "refused": 1}
    assert (await site.errors(job_id))[1].split(",")[:4] == [str(count), "amount", "0.5", "value_unreadable"]
    broken = await site.imported(b"PAR1 and nothing more", kind="accruals", format="parquet")
    assert broken["problem"]["code"] == "file_unreadable"


async def test_a_token_without_the_scope_neither_fills_nor_starts_its_keys_import(site: Site) -> None:
    """What a key may, an access token of it may in part: it is the same client, with fewer scopes."""
    async with site.database.transaction() as tx:
        key, secret = await keys.create_key(tx, label="till", scopes=["members:write", "orders:read"])
    exchanged = await site.services.authenticator.exchange(public_id("ak", key.key_id), secret, ["orders:read"])
    own, less = {"Authorization": f"Bearer {secret}"}, {"Authorization": f"Bearer {exchanged.token}"}
    begun = await site.post("/v1/imports", {"kind": "members", "mapping": {"constants": MEMBER_CONSTANTS}}, **own)
    one = f"/v1/imports/{begun.json()['import_id']}"

    filled = await site.client.put(f"{one}/parts/1", content=b"card\nM1\n", headers=less)
    arrived = await site.client.put(f"{one}/parts/1", content=b"card\nM2\n", headers=own)
    started = await site.post(f"{one}/start", **less)

    assert (filled.status_code, filled.json()["data"]) == (403, {"scope": "members:write"})
    assert arrived.status_code == 200
    assert (started.status_code, started.json()["data"]) == (403, {"scope": "members:write"})
    told = (await site.client.get(one, headers=own)).json()
    assert (told["parts"], told["bytes"], told["started"]) == (1, 8, False)
    assert (await site.post(f"{one}/start", **own)).status_code == 202


async def test_a_token_without_the_scope_neither_stops_nor_resumes_its_keys_jobs_nor_reads_what_was_refused(
    site: Site,
) -> None:
    async with site.database.transaction() as tx:
        key, secret = await keys.create_key(tx, label="till", scopes=["exports:write", "members:write", "members:read"])
    exchanged = await site.services.authenticator.exchange(public_id("ak", key.key_id), secret, ["exports:write"])
    own, less = {"Authorization": f"Bearer {secret}"}, {"Authorization": f"Bearer {exchanged.token}"}
    begun = await site.post("/v1/imports", {**MEMBERS, "content": "card\nM1\n"}, **own)
    exporting = await site.post("/v1/exports", {"kind": "members"}, **own)

    for job_id, scope in (
        (begun.json()["job_id"], "members:write"),
        (exporting.json()["job_id"], export_kinds()["members"].scope),
    ):
        one = f"/v1/jobs/{job_id}"
        stopped = await site.post(f"{one}/cancel", **less)
        assert (stopped.status_code, stopped.json()["data"]) == (403, {"scope": scope})
        assert (await site.client.get(one, headers=own)).json()["state"] == "queued"
        assert (await site.post(f"{one}/cancel", **own)).json()["state"] == "cancelled"
        resumed = await site.post(f"{one}/resume", **less)
        assert (resumed.status_code, resumed.json()["data"]) == (403, {"scope": scope})
        assert (await site.client.get(one, headers=less)).json()["state"] == "cancelled"
        assert (await site.post(f"{one}/resume", **own)).status_code == 202
    errors = await site.client.get(f"/v1/imports/{begun.json()['job_id']}/errors", headers=less)
    assert (errors.status_code, errors.json()["data"]) == (403, {"scope": "members:write"})


async def key_with_an_import(site: Site, expires_at: datetime | None = None) -> tuple[UUID, dict[str, str], str]:
    """Make a key, and have it begin an import whose first step is done; returns key, headers and import."""
    async with site.database.transaction() as tx:
        key, secret = await keys.create_key(tx, label="till", scopes=["members:write"], expires_at=expires_at)
    own = {"Authorization": f"Bearer {secret}"}
    content = "card\n" + "".join([f"M{number:07}\n" for number in range(1, ROWS_A_STEP + 3)])
    job_id = (await site.post("/v1/imports", {**MEMBERS, "content": content}, **own)).json()["job_id"]
    assert await site.step(job_id) == 1
    return key.key_id, own, job_id


async def test_an_import_stops_when_its_key_is_revoked_and_nobody_lets_it_go_on(site: Site) -> None:
    key_id, own, job_id = await key_with_an_import(site)
    async with site.database.transaction(actor="cli:owner") as tx:
        await keys.revoke_key(tx, key_id)
    await site.services.authenticator._forget_if_changed()  # within a second of itself
    assert await site.step(job_id) is None
    assert (await site.post(f"/v1/jobs/{job_id}/resume", **own)).status_code == 401
    async with await site.caller("admin") as admin:
        job = (await admin.get(f"/v1/jobs/{job_id}", headers={"Accept-Language": "zh"})).json()
        assert (job["state"], job["problem"]["code"]) == ("failed", "asker_shut_out")
        assert "密钥已吊销" in job["problem"]["detail"]
        resumed = await admin.post(f"/v1/jobs/{job_id}/resume", headers={"Idempotency-Key": "b"})
    assert (resumed.status_code, resumed.json()["code"]) == (409, "asker_shut_out")
    assert await site.rows("SELECT count(*) FROM members") == [(ROWS_A_STEP,)]


async def test_an_import_goes_on_when_its_key_expires(site: Site) -> None:
    """It was asked for by who might, in time."""
    key_id, _, job_id = await key_with_an_import(site, expires_at=wall_now() + timedelta(minutes=1))
    await site.rows("UPDATE api_keys SET expires_at = created_at WHERE key_id = %s RETURNING 1", (key_id,))
    while await site.step(job_id) is not None:
        pass
    assert await site.rows("SELECT state FROM jobs") == [("done",)]
    assert await site.rows("SELECT count(*) FROM members") == [(ROWS_A_STEP + 2,)]
    actors = "SELECT DISTINCT actor FROM audit_entries WHERE action = 'import_members'"
    assert await site.rows(actors) == [(f"key:{public_id('ak', key_id)}",)]


async def test_what_is_nested_without_an_end_is_its_rows_fault_alone(site: Site) -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "]" * depth

    fields = ("identities", "card", "store_id", "signed_up_at")
    content = "".join([f'{{"card": "M{n}", "{name}": {nested(950)}}}\n' for n, name in enumerate(fields)])
    content += "".join([f'{{"card": "N{depth}", "identities": {nested(depth)}}}\n' for depth in range(900, 1000, 7)])
    job = await site.imported((content + '{"card": "M0000009"}\n').encode(), format="jsonl", **MEMBERS)
    assert (job["state"], job["problem"]) == ("done", None)
    assert job["counts"] == {"rows": 20, "imported": 1, "known": 0, "refused": 19}
    told = [line.split(",")[:4] for line in await site.errors(job["job_id"])][1:]
    assert told[:4] == [
        [str(n), name, "***" if n <= 2 else "…", "value_unreadable"] for n, name in enumerate(fields, 1)
    ]
    assert {one[3] for one in told} <= {"value_unreadable", "row_unreadable"}


async def test_a_part_is_let_go_with_its_answer(site: Site) -> None:
    """It does not lie about until garbage is looked for, which is seldom: that would be hundreds of them."""
    import_id = (await site.post("/v1/imports", MEMBERS)).json()["import_id"]
    gc.collect()
    gc.disable()
    try:
        arrived = await site.client.put(f"/v1/imports/{import_id}/parts/1", content=b"x" * 1_000)
        left = [len(one.body) for one in gc.get_objects() if isinstance(one, Asked)]
    finally:
        gc.enable()
    assert arrived.json()["bytes"] == 1_000
    assert left == [0] * len(left)


async def test_a_step_has_as_many_rows_as_are_not_too_many_bytes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long rows, also in columns that nobody asked for, are fewer at a time; those of one record stay together."""
    monkeypatch.setattr(stepping, "STEP_BYTES", 500)
    cards = [f"M{number:07}" for number in range(1, 10)]
    mapping = {"columns": {"card": "card"}, "constants": MEMBER_CONSTANTS}
    rows = "".join([f"{card},{'x' * 190}\n" for card in cards])
    in_csv = await site.upload(b"card,note\n" + rows.encode(), kind="members", mapping=mapping)
    assert [await site.step(in_csv) for _ in range(3)] == [1, 2, None]
    order = [
        {"card": cards[0], "order_id": "A1", "sku": "s" * 50, "quantity": 1, "amount": number} for number in range(9)
    ]
    content = lines(*order, {**order[0], "order_id": "A2"})
    constants = {"state": "paid", "channel": "store", "market": "CN", "currency": "CNY"}
    in_json = await site.upload(content, kind="orders", format="jsonl", mapping={"constants": constants})
    assert [await site.step(in_json) for _ in range(2)] == [1, None]
    for job_id, told in ((in_csv, (9, 9)), (in_json, (10, 2))):
        counts = (await site.job(job_id))["counts"]
        assert (counts["rows"], counts["imported"]) == told, await site.errors(job_id)


async def test_a_cell_that_is_too_long_is_its_rows_fault_alone_and_is_called_so(site: Site) -> None:
    limit = 131_072
    note = [b"card,note", b"M0000001," + b"x" * limit, b"M0000002," + b"x" * (limit + 1), b"M0000003,", b'M0000004,"x']
    columns = {"columns": {"card": "card"}, "constants": MEMBER_CONSTANTS}
    job = await site.imported(b"\n".join([*note, *[b"x" * 1000] * 131]), kind="members", mapping=columns)
    assert job["counts"] == {"rows": 4, "imported": 2, "known": 0, "refused": 2}
    told = [line.split(",", 4) for line in (await site.errors(job["job_id"]))[1:]]
    assert [(one[0], one[3]) for one in told] == [("3", "cell_too_long"), ("5", "cell_too_long")]
    assert f"more than {limit} characters" in told[0][4]
    assert f"超过 {limit} 个字符" in (await site.errors(job["job_id"], "zh"))[1]
    head = await site.imported(b"x" * (limit + 1) + b"\n1\n", kind="members", mapping=columns)
    assert head["problem"]["code"] == "cell_too_long"


async def test_a_list_where_rows_of_one_order_have_their_id_is_those_rows_fault(site: Site) -> None:
    content = lines({"order_id": ["A1"], "sku": "tea"}, {"order_id": ["A1"], "sku": "cup"}, {"order_id": {}})
    job = await site.imported(content, kind="orders", format="jsonl")
    assert (job["state"], job["counts"]) == ("done", {"rows": 3, "imported": 0, "known": 0, "refused": 3})
    assert {line.split(",")[1] for line in (await site.errors(job["job_id"]))[1:]} == {"order_id"}
