"""Closing months: in order, past ones, for good; what they held, and that it can be proven later."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from regulars.loyalty import api
from regulars.loyalty.contracts import Posting
from regulars.loyalty.finance import closing, months
from regulars.platform.errors import DomainError
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from tests.loyalty.programme import DAY, HARD, Programme, accrue, order, us_day
from tests.loyalty.test_finance import POINTS, a_quarter, moves, read, stand_at
from tests.loyalty.test_routes import caller, refusal, send

pytestmark = pytest.mark.anyio
JANUARY, FEBRUARY, MARCH, APRIL = (date(2017, month, 1) for month in range(1, 5))


async def close(programme: Programme, month: date, *, reason: str = "") -> api.MonthClose:
    async with programme.database.transaction() as tx:
        await api.begin_close(tx, month, by="staff:anna", reason=reason)
    async with programme.database.transaction() as tx:
        found = await api.go_on_closing(tx, programme.configuration)
    assert found is not None
    return found


async def proof(programme: Programme, month: date) -> api.Proof:
    async with programme.database.transaction() as tx:
        return await api.prove(tx, month)


async def frozen(programme: Programme) -> dict[str, list[tuple[Any, ...]]]:
    tables = ("finance_closes", "finance_bounds", "finance_figures", "finance_balances", "finance_cohorts")
    return {table: sorted(await programme.rows(f"SELECT * FROM {table}"), key=repr) for table in tables}


async def test_a_closed_month_keeps_what_it_showed(programme: Programme) -> None:
    member = await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    before = await read(programme, api.Span())
    january = await close(programme, JANUARY, reason="month end")
    february = await close(programme, FEBRUARY)

    assert (january.state, january.asked_by, january.reason) == ("closed", "staff:anna", "month end")
    assert (january.transfers, january.members, january.closed_at) == (3, 1, us_day("2017-03-10"))
    assert february.digest != january.digest
    after = await read(programme, api.Span())
    for then, now in zip(before, after, strict=True):
        assert now.is_closed == (now.month != "2017-03")
        assert (now.opening, now.movements, now.closing) == (then.opening, then.movements, then.closing)
        assert (now.opening_worth, now.closing_worth) == (then.opening_worth, then.closing_worth)
    for one in await read(programme, POINTS):
        if one.is_closed:
            wallet = await programme.wallet(member, one.until - timedelta(microseconds=1))
            parts = api.Parts(spendable=wallet.available, pending=wallet.pending, run_out=wallet.expired)
            assert one.parts == parts
    assert (await proof(programme, JANUARY)).holds
    assert (await proof(programme, FEBRUARY)).holds
    assert await programme.problems() == {}


async def test_months_asked_for_begin_where_the_closed_ones_end(programme: Programme) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    await close(programme, JANUARY)
    for first in (JANUARY, FEBRUARY, MARCH):
        found = await read(programme, api.Span(first=first, wallet="points"))
        assert [one.closing.outstanding for one in found] == [800, 0, 40][first.month - 1 :]


async def test_who_may_be_closed_when(programme: Programme) -> None:
    async def refused(month: date) -> str:
        kept = await frozen(programme)
        with pytest.raises(DomainError) as refusal:
            await close(programme, month)
        assert await frozen(programme) == kept
        return refusal.value.code

    await stand_at(programme, us_day("2017-02-10"))
    assert await refused(JANUARY) == "nothing_to_close"
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    assert await refused(FEBRUARY) == "month_not_next"
    await close(programme, JANUARY)
    assert await refused(JANUARY) == "month_closed"
    assert await refused(MARCH) == "month_not_next"
    await close(programme, FEBRUARY)
    assert await refused(MARCH) == "month_not_over"
    await stand_at(programme, datetime(2017, 4, 1, 3, 59, 59, tzinfo=UTC))
    assert await refused(MARCH) == "month_not_over"
    await stand_at(programme, datetime(2017, 4, 1, 4, tzinfo=UTC))  # midnight in New York
    async with programme.database.transaction() as tx:
        await api.begin_close(tx, MARCH, by="staff:anna", reason="")
    assert await refused(APRIL) == "close_under_way"
    with pytest.raises(DomainError) as refusal:
        await proof(programme, MARCH)
    assert refusal.value.code == "month_not_closed"


async def test_the_digest_can_be_recomputed_from_the_rows_alone(programme: Programme) -> None:
    """docs/finance.md tells how; this is a second way through it."""
    await a_quarter(programme)
    (other,) = await programme.members(1, "other")
    await programme.one(order(other, "X|'é", us_day("2017-01-07"), 5_000))
    await stand_at(programme, us_day("2017-03-10"))
    closed = [await close(programme, JANUARY), await close(programme, FEBRUARY)]
    rows = await programme.rows("SELECT * FROM ledger_transfers ORDER BY member_id, seq")
    names = await programme.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'ledger_transfers'"
        " ORDER BY ordinal_position"
    )
    transfers = [dict(zip([name for (name,) in names], row, strict=True)) for row in rows]
    previous = bytes(32)
    for month, found in zip((JANUARY, FEBRUARY), closed, strict=True):
        until = months.ends(month, "America/New_York")
        since = months.begins(month, "America/New_York")
        lines: dict[UUID, bytes] = defaultdict(bytes)
        for row in transfers:
            if since <= row["recorded_at"] < until:
                lines[row["member_id"]] += line_of(row).encode()
        parts: dict[int, bytes] = defaultdict(bytes)
        for member, text in sorted(lines.items()):
            parts[member.bytes[15]] += sha256(text).digest()
        of_parts = b"".join(sha256(parts[part]).digest() if part in parts else bytes(32) for part in range(256))
        previous = sha256(previous + f"{month:%Y-%m}\n".encode() + of_parts).digest()
        assert found.digest == previous.hex()


def line_of(row: dict[str, Any]) -> str:
    """Return what docs/finance.md says stands for a transfer."""

    def micros(at: datetime) -> str:
        return str((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))

    def of_text(text: str | None) -> str:
        return "-" if text is None else text.encode().hex()

    fields = [
        row["member_id"].hex,
        *[str(row[name]) for name in ("seq", "wallet_id", "kind", "debit_account", "credit_account", "amount")],
        *[str(row[name]) for name in ("balance_after", "debt_change")],
        "1" if row["qualifying"] else "0",
        *[micros(row[name]) for name in ("effective_at", "recorded_at", "written_at")],
        str(row["policy_version"]),
        "-" if row["command_hash"] is None else row["command_hash"].hex(),
        *[of_text(row[name]) for name in ("reference", "order_id", "basis")],
    ]
    return "|".join(fields) + "\n"


TAMPERED = {
    "an amount": "UPDATE ledger_transfers SET amount = amount + 1 WHERE reference = 'gift'",
    "a reference": "UPDATE ledger_transfers SET reference = 'gift!' WHERE reference = 'gift'",
    "a time": "UPDATE ledger_transfers SET effective_at = effective_at - interval '1 us' WHERE reference = 'gift'",
    "a row gone": "DELETE FROM ledger_transfers WHERE reference = 'gift'",
    "a row moved out": "UPDATE ledger_transfers SET recorded_at = '2017-03-09Z' WHERE reference = 'gift'",
    "a row moved in": "UPDATE ledger_transfers SET recorded_at = '2017-01-30Z' WHERE reference = 'late'",
    "a figure": "UPDATE finance_figures SET units = units + 1 WHERE kind = 'accrue' AND month = '2017-01-01'",
    "a balance": "UPDATE finance_balances SET balance = balance + 1 WHERE wallet_id = 1 AND month = '2017-01-01'",
    "a cohort": "UPDATE finance_cohorts SET taken = taken + 1 WHERE month = '2017-01-01'",
    "a lot's use": "UPDATE lots SET amount = amount + 1, remaining = remaining + 1",
    "the digest": "UPDATE finance_closes SET digest = sha256('x') WHERE month = '2017-01-01'",
    "the parts": "UPDATE finance_closes SET parts = substr(parts, 2) || '\\x00' WHERE month = '2017-01-01'",
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_whatever_is_changed_in_a_closed_month_is_found(programme: Programme, what: str) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    await close(programme, JANUARY)
    assert (await proof(programme, JANUARY)).holds
    await programme.execute(TAMPERED[what])
    found = await proof(programme, JANUARY)
    assert not found.holds
    assert found.problems
    assert "closed months" in await programme.problems()


async def test_a_month_of_a_removed_close_breaks_the_next_ones_digest(programme: Programme) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    await close(programme, JANUARY)
    await close(programme, FEBRUARY)
    await programme.execute("UPDATE finance_closes SET digest = sha256('other') WHERE month = '2017-01-01'")
    assert not (await proof(programme, FEBRUARY)).holds


async def test_books_that_do_not_balance_are_not_closed(programme: Programme) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    await programme.execute("UPDATE member_wallets SET balance = balance + 1 WHERE wallet_id = 1")
    with pytest.raises(DomainError) as refused:
        await close(programme, JANUARY)
    assert refused.value.code == "books_do_not_balance"
    async with programme.database.transaction() as tx:
        assert [one.state for one in await api.list_closes(tx)] == ["closing"]


# --- late facts -------------------------------------------------------------------------------------------------


async def test_what_is_told_of_a_closed_month_is_booked_into_the_open_one(programme: Programme) -> None:
    member = await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    await close(programme, JANUARY)
    await close(programme, FEBRUARY)
    (stranger,) = await programme.members(1, "stranger")  # whose books are not ahead of it
    open_from = datetime(2017, 3, 1, 5, tzinfo=UTC)
    late = await programme.one(accrue(stranger, "import", us_day("2017-01-12"), 70))
    assert isinstance(late, Posting)
    assert (late.recorded_at, late.effective_at) == (open_from, open_from)
    dated = accrue(stranger, "dated", us_day("2017-01-12"), 30, effective_at=us_day("2017-01-02"))
    told = await programme.one(dated)
    assert isinstance(told, Posting)
    assert (told.recorded_at, told.effective_at) == (open_from, us_day("2017-01-02"))
    await programme.one(order(stranger, "late", us_day("2017-02-12"), 120_000))
    await stand_at(programme, us_day("2017-03-10"))
    _, _, march = await read(programme, POINTS)
    assert moves(march)["issued"] == (150 + 70 + 30 + 1_200, -100)
    assert (await proof(programme, FEBRUARY)).holds
    assert await programme.problems() == {}
    assert (await programme.wallet(member, us_day("2017-01-31"))).balance == 800


async def test_growth_is_right_where_a_fact_is_moved_into_the_open_month(programme: Programme) -> None:
    """What leaves the window until the month opens must be known, though nobody asked for so late an instant."""
    await programme.activate(HARD, us_day("2017-01-01"))
    first, second = await programme.members(2)
    await programme.one(order(first, "A", us_day("2017-01-02"), 130_000))
    await programme.one(order(second, "B", us_day("2017-01-02"), 130_000))
    await stand_at(programme, us_day("2017-05-10"))
    for month in (JANUARY, FEBRUARY, MARCH, APRIL):
        await close(programme, month)
    await programme.one(order(first, "C", us_day("2017-01-20"), 10_000))  # booked on 1 May: A is out of 90 days then
    assert await programme.problems() == {}
    async with programme.database.transaction() as tx:
        status = await api.tier_status(tx, programme.configuration, first)
    assert status.metric == 0  # both happened more than 90 days before


# --- HTTP -------------------------------------------------------------------------------------------------------


async def test_closing_by_http(programme: Programme, tmp_path: Path) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    services = Services(Settings(home=tmp_path), programme.database, programme.vault)
    async with caller(services, "finance:read", "finance:write", hot=False) as client:
        body = {"month": "2017-01", "reason": "month end"}
        asked = await send(client, "/v1/finance/closes", body, key="a")
        again = await send(client, "/v1/finance/closes", body, key="a")
        twice = await send(client, "/v1/finance/closes", body, key="b")
        assert (asked.status_code, asked.json()["state"]) == (202, "closing")
        assert again.content == asked.content
        assert refusal(twice) == (409, "month_closed", ["/month"])
        jobs = await programme.rows(
            "SELECT count(*)::int FROM procrastinate_jobs WHERE task_name LIKE '%%close_months'"
        )
        assert jobs == [(1,)]
        async with programme.database.transaction() as tx:
            await closing.go_on(tx, programme.configuration)
        found = (await client.get("/v1/finance/closes/2017-01")).json()
        assert (found["state"], found["transfers"], found["reason"]) == ("closed", 3, "month end")
        assert found["asked_by"].startswith("key:ak_")
        assert (await client.get("/v1/finance/closes")).json()["closes"] == [found]
        proven = (await client.get("/v1/finance/closes/2017-01/proof")).json()
        assert (proven["holds"], proven["recomputed"]) == (True, found["digest"])
        liability = (await client.get("/v1/finance/liability?wallet=points&first=2017-01&last=2017-01")).json()
        assert [one["is_closed"] for one in liability["months"]] == [True]
        for path in ("2017-02", "2017-02/proof", "never", "never/proof"):
            assert (await client.get(f"/v1/finance/closes/{path}")).status_code == 404
        for wrong in ("2017-1", "2017-13", "march"):
            assert (await send(client, "/v1/finance/closes", {"month": wrong})).status_code == 422
        assert (await client.get("/v1/finance/liability?first=2017")).status_code == 422
        assert (await client.get("/v1/finance/liability?wallet=gold")).status_code == 422
        assert (await client.get("/v1/finance/liability/at?as_of=2030-01-01T00:00:00Z")).status_code == 422
    audited = await programme.rows("SELECT action, subject, reason FROM audit_entries ORDER BY entry_id")
    assert audited[-2:] == [
        ("ask_to_close_month", "2017-01", "month end"),
        ("close_month", "2017-01", "month end"),
    ]


@pytest.mark.parametrize(("scope", "status"), [("finance:read", 403), ("ledger:write", 403), ("finance:write", 202)])
async def test_who_may_close(programme: Programme, tmp_path: Path, scope: str, status: int) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10") + DAY)
    services = Services(Settings(home=tmp_path), programme.database, programme.vault)
    async with caller(services, scope, hot=False) as client:
        assert (await send(client, "/v1/finance/closes", {"month": "2017-01"})).status_code == status
        assert (await client.get("/v1/finance/closes")).status_code == (200 if scope == "finance:read" else 403)
