"""The limits: PostgreSQL alone, driven by the wheel's own pgbench, or by one set-based statement on one stream."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import LiteralString, NamedTuple
from uuid import UUID

import psycopg

from bench.programme import Site
from bench.server import BenchBroken
from regulars.platform.db import arrays
from regulars.platform.embedded.wheel import binaries

CLIENTS = (8, 32)
THREADS = 2
_RATE = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)
_DONE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)

RAW_ACCRUALS: LiteralString = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::text[]) AS a (member_id, amount, reference)
), booked AS (
    UPDATE member_books AS b SET version = b.version + 1, next_seq = b.next_seq + 1,
        last_recorded_at = greatest(b.last_recorded_at, statement_timestamp())
    FROM asked AS a WHERE b.member_id = a.member_id
    RETURNING b.member_id, b.next_seq - 1 AS seq, b.last_recorded_at AS recorded_at
), moved AS (
    UPDATE member_wallets AS w SET balance = w.balance + a.amount
    FROM asked AS a WHERE w.member_id = a.member_id AND w.wallet_id = 1
    RETURNING w.member_id, w.balance
), posted AS (
    INSERT INTO ledger_transfers (member_id, seq, wallet_id, kind, debit_account, credit_account, amount,
        balance_after, debt_change, qualifying, reference, order_id, effective_at, recorded_at, written_at,
        policy_version, basis, command_hash)
    SELECT a.member_id, b.seq, 1, 'accrue', 101, 100, a.amount, m.balance, 0, false, a.reference, NULL,
           b.recorded_at, b.recorded_at, statement_timestamp(), 1, '', '\\x000102030405060708090a0b0c0d0e0f'::bytea
    FROM asked AS a JOIN booked AS b USING (member_id) JOIN moved AS m USING (member_id)
), opened AS (
    INSERT INTO lots (member_id, lot_no, wallet_id, amount, remaining, earned_at, available_at, expires_at, order_id)
    SELECT a.member_id, b.seq, 1, a.amount, a.amount, b.recorded_at, b.recorded_at,
           b.recorded_at + interval '400 days', NULL
    FROM asked AS a JOIN booked AS b USING (member_id)
), told AS (
    INSERT INTO outbox (event_id, type, member_id, recorded_at, payload)
    SELECT uuidv7(), 'PointsAccrued', a.member_id, b.recorded_at,
           '{"member_id":"01900000-0000-7000-8000-000000000000","recorded_at":"2026-01-01T00:00:00.000000Z",'
           '"wallet":"points","amount":10,"reference":"' || a.reference || '"}'
    FROM asked AS a JOIN booked AS b USING (member_id)
)
"""
# What a batch by HTTP writes besides: an audit entry for each row, and the stored answer.
RAW_RECORDS: LiteralString = """
, audited AS (
    INSERT INTO audit_entries (written_at, actor, action, subject, reason, request_id, detail)
    SELECT statement_timestamp(), 'key:ak_01900000000070008000000000000000', 'accrue_in_batch',
           'mbr_01900000000070008000000000000000', '', 'req_000000000000000000000000', a.reference
    FROM asked AS a JOIN booked AS b USING (member_id)
), answered AS (
    INSERT INTO idempotency_answers (client, key, request_hash, status, body, written_at)
    SELECT 'key:ak_01900000000070008000000000000000', %s,
           '\\x000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f'::bytea, 200, %b,
           statement_timestamp()
)
"""
RAW_COUNT: LiteralString = "SELECT count(*) FROM booked"


def install(site: Site) -> None:
    """Make the limit's functions."""
    sql = Path(__file__).with_name("limits.sql").read_text()
    with psycopg.connect(site.url, autocommit=True) as connection:
        connection.execute(sql.encode())


def checkpoint(site: Site) -> None:
    """Let no measurement pay for the writes of the one before."""
    with psycopg.connect(site.url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def pgbench(site: Site, script: str, *, clients: int, seconds: float) -> float:
    """Return transactions a second of a script, prepared, one transaction each. Raises BenchBroken if one fails."""
    folder = site.home / "pgbench"
    folder.mkdir(exist_ok=True)
    file = folder / "script.sql"
    file.write_text(script)
    command = [str(binaries() / "pgbench"), "--no-vacuum", "--protocol=prepared", f"--client={clients}"]
    command += [f"--jobs={min(THREADS, clients)}", f"--time={max(1, round(seconds))}", f"--file={file}", site.url]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    rate, failed, done = (pattern.search(ran.stdout) for pattern in (_RATE, _FAILED, _DONE))
    if ran.returncode or rate is None or failed is None or done is None or int(failed[1]) or not int(done[1]):
        raise BenchBroken(f"pgbench failed:\n{ran.stdout}{ran.stderr}")
    return float(rate[1])


def best_of_clients(site: Site, script: str, seconds: float) -> float:
    """Return the better rate of 8 and of 32 clients, half of the time each."""
    rates = []
    for clients in CLIENTS:
        checkpoint(site)
        rates.append(pgbench(site, script, clients=clients, seconds=seconds))
    return max(rates)


def posting_script(
    function: str, numbers: Sequence[int], answer_bytes: int, *, run: str, hot: int | None = None, points: int = 10
) -> str:
    """Return a script of postings by `function` for random members; with `hot`, half of them for that one.

    `answer_bytes` is the length of the answer that the product stores.
    """
    lines = [f"\\set n random({numbers[0]}, {numbers[-1]})", "\\set key random(1, 9000000000000000000)"]
    if hot is not None:
        lines += ["\\set coin random(0, 1)", f"\\set n :coin * {hot} + (1 - :coin) * :n"]
    answer = "x" * answer_bytes
    lines.append(f"SELECT {function}(:n, {points}, '{run}-' || :key, '{answer}');")
    return "\n".join(lines) + "\n"


BARE = "CREATE TEMP TABLE bare (member_id text, amount bigint, reference text)"


class Batch(NamedTuple):
    """Whose accruals the raw statement writes, under which references; an `answer` is stored where there is one."""

    members: list[UUID]
    references: list[str]
    answer: bytes = b""


def raw_statement(site: Site, batches: Sequence[Batch], seconds: float) -> float:
    """Return accruals a second of the set-based statement on one stream, each batch one transaction.

    The columns are written as the product writes them, and the time counts. Where a batch has an answer, the rows that
    a batch by HTTP writes besides are written too.
    """
    done = 0
    with psycopg.connect(site.url, autocommit=True, prepare_threshold=0) as connection:
        connection.execute("SET enable_seqscan = off")
        began = perf_counter()
        for batch in batches:
            _raw_batch(connection, batch)
            done += len(batch.members)
            if perf_counter() - began > seconds:
                break
        return done / (perf_counter() - began)


def copied(site: Site, content: bytes) -> float:
    """Return rows a second of COPY into a table with nothing around it; `content` is CSV without a first line."""
    with psycopg.connect(site.url, autocommit=True) as connection:
        connection.execute(BARE)
        began = perf_counter()
        with connection.cursor().copy("COPY bare FROM STDIN WITH (FORMAT csv)") as copy:
            copy.write(content)
        took = perf_counter() - began
        found = connection.execute("SELECT count(*) FROM bare").fetchone()
    rows = content.count(b"\n")
    if found != (rows,):
        raise BenchBroken(f"COPY wrote {found} of {rows}")
    return rows / took


def _raw_batch(connection: psycopg.Connection[tuple[object, ...]], batch: Batch) -> None:
    members, references, answer = batch
    columns = (arrays.ids(members), arrays.ints([10] * len(members)), arrays.texts(references))
    if answer:
        found = connection.execute(RAW_ACCRUALS + RAW_RECORDS + RAW_COUNT, (*columns, references[0], answer)).fetchone()
    else:
        found = connection.execute(RAW_ACCRUALS + RAW_COUNT, columns).fetchone()
    if found != (len(members),):
        raise BenchBroken(f"the raw statement booked {found} of {len(members)}")
