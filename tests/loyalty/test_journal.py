"""Journals: each line by hand, accepted by beancount, and what it asserts is what the liability says."""

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.loyalty import api
from regulars.loyalty.finance import journal
from regulars.loyalty.finance.journals import By, Form
from regulars.platform.db.programme_clock import set_programme_clock
from regulars.platform.services import Services
from regulars.platform.settings import Settings
from tests.loyalty.bean_check import bean_check
from tests.loyalty.programme import Programme, accrue, order, us_day
from tests.loyalty.test_finance import POINTS, a_quarter, read, stand_at
from tests.loyalty.test_month_close import FEBRUARY, JANUARY, MARCH, close
from tests.loyalty.test_routes import caller

pytestmark = pytest.mark.anyio
HOSTILE = '=HYPERLINK("http://x")\n2017-01-01 open Assets:Stolen \\'


async def write(programme: Programme, month: date, form: Form, by: By = "day") -> str:
    async with programme.database.transaction() as tx:
        journal_of = api.read_journal(tx, programme.configuration, month, form=form, by=by)
        pieces = [piece async for piece in journal_of]
    return "".join(pieces)


async def test_a_month_by_hand(programme: Programme) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    await close(programme, JANUARY)
    await close(programme, FEBRUARY)
    assert (await write(programme, FEBRUARY, "beancount")).splitlines() == [
        'option "title" "Regulars 2017-02"',
        "",
        "2017-02-01 commodity POINTS",
        "2017-02-01 open Liabilities:US:Points POINTS",
        "2017-02-01 open Assets:US:Points:Owed POINTS",
        "2017-02-01 open Equity:US:Points:Before POINTS",
        "2017-02-01 open Expenses:US:Points:Issued POINTS",
        "2017-02-01 open Income:US:Points:Redeemed POINTS",
        "",
        '2017-02-01 * "opening" "What was there before the month"',
        "  Liabilities:US:Points  -800 POINTS",
        "  Equity:US:Points:Before  800 POINTS",
        "",
        '2017-02-10 * "redeem" "1 transfers"',
        "  Liabilities:US:Points  600 POINTS",
        "  Income:US:Points:Redeemed  -600 POINTS",
        "",
        '2017-02-11 * "claw_back" "1 transfers"',
        "  Liabilities:US:Points  200 POINTS",
        "  Assets:US:Points:Owed  100 POINTS",
        "  Expenses:US:Points:Issued  -300 POINTS",
        "",
        "2017-03-01 balance Liabilities:US:Points 0 POINTS",
        "2017-03-01 balance Assets:US:Points:Owed 100 POINTS",
        "2017-03-01 price POINTS 0.01 USD",
        "; 2 transactions",
    ]
    found = list(csv.DictReader((await write(programme, FEBRUARY, "csv")).splitlines()))
    assert [(one["date"], one["kind"], one["units"], one["debt_change"], one["value_minor"]) for one in found] == [
        ("2017-02-10", "redeem", "-600", "0", "-600"),
        ("2017-02-11", "claw_back", "-300", "100", "-200"),
    ]


@pytest.mark.parametrize("by", ["day", "transfer"])
async def test_beancount_takes_closed_and_open_months(programme: Programme, tmp_path: Path, by: By) -> None:
    await a_quarter(programme)
    (other,) = await programme.members(1, "other")
    await programme.one(accrue(other, HOSTILE, us_day("2017-03-04"), 5))
    await programme.one(order(other, 'a "quoted" \\ order', us_day("2017-03-04"), 5_000))
    await stand_at(programme, us_day("2017-03-10"))
    await close(programme, JANUARY)
    for month in (JANUARY, FEBRUARY, MARCH):
        file = tmp_path / f"{month}.beancount"
        file.write_text(await write(programme, month, "beancount", by), encoding="utf-8")
        assert bean_check(file) == ""
        assert "2017-01-01 open Assets:Stolen" not in file.read_text(encoding="utf-8").splitlines()


async def test_beancount_finds_what_does_not_add_up(programme: Programme, tmp_path: Path) -> None:
    """The negative control: a booking behind the close's back is in the journal, and what it asserts does not hold."""
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    await close(programme, JANUARY)
    await programme.execute("UPDATE ledger_transfers SET amount = amount + 1 WHERE reference = 'gift'")
    file = tmp_path / "january.beancount"
    file.write_text(await write(programme, JANUARY, "beancount"), encoding="utf-8")
    assert "Balance failed for 'Liabilities:US:Points'" in bean_check(file)


async def test_lines_add_up_to_the_liability(programme: Programme) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    months = {one.month: one for one in await read(programme, POINTS)}
    for month in (JANUARY, FEBRUARY, MARCH):
        of = months[f"{month:%Y-%m}"]
        ways: tuple[By, ...] = ("day", "transfer")
        for by in ways:
            found = list(csv.DictReader((await write(programme, month, "csv", by)).splitlines()))
            assert sum(int(one["units"]) for one in found) == of.closing.balance - of.opening.balance
            assert sum(int(one["debt_change"]) for one in found) == of.closing.debt - of.opening.debt
            assert sum(int(one["transfers"]) for one in found) == sum(one.transfers for one in of.movements)


async def test_an_open_month_begins_with_what_was_booked_in_its_last_minute(
    programme: Programme, tmp_path: Path
) -> None:
    """Opening and bookings are of one instant, however far the roll-up is behind: right after midnight, above all."""
    await a_quarter(programme)
    (other,) = await programme.members(1, "other")
    await stand_at(programme, us_day("2017-02-28", 23))
    await programme.one(accrue(other, "last minute", us_day("2017-02-28", 23), 70))
    async with programme.database.transaction() as tx:
        programme.database.clock.follow(
            await set_programme_clock(tx.connection, us_day("2017-03-01", 1), ticking=False)
        )
    await programme.one(accrue(other, "first minute", us_day("2017-03-01", 1), 5))

    february, march = [await write(programme, month, "beancount") for month in (FEBRUARY, MARCH)]

    assert "2017-03-01 balance Liabilities:US:Points -70 POINTS" in february
    assert march.partition('"opening"')[2].splitlines()[1:3] == [
        "  Liabilities:US:Points  -70 POINTS",
        "  Assets:US:Points:Owed  100 POINTS",
    ]
    assert "2017-04-01 balance Liabilities:US:Points -115 POINTS" in march
    for name, text in (("february", february), ("march", march)):
        file = tmp_path / f"{name}.beancount"
        file.write_text(text, encoding="utf-8")
        assert bean_check(file) == ""


async def test_texts_in_csv_are_no_formulas(programme: Programme) -> None:
    member = await programme.member()
    for reference in (HOSTILE, " +1", "﹦1", "ok"):
        await programme.one(accrue(member, reference, us_day("2017-01-20"), 5))
    await stand_at(programme, us_day("2017-01-25"))
    text = await write(programme, JANUARY, "csv", "transfer")
    found = list(csv.DictReader(text.splitlines(keepends=True)))
    assert [one["reference"] for one in found] == [f"'{HOSTILE}", "' +1", "'﹦1", "ok"]


@given(st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True), st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True))
def test_names_that_beancount_takes_and_that_stay_apart(one: str, other: str) -> None:
    for wallet in (one, other):
        name = journal.commodity(wallet, 7)
        assert 1 < len(name) <= 24
        assert name[0].isupper()
        assert name[-1].isalnum()
    if one != other:
        assert journal.commodity(one, 1) != journal.commodity(other, 2)
        assert journal.account_name("US", one, 1) != journal.account_name("US", other, 1)
    assert journal.account_name("US", one, 77).endswith("Account-77")


async def test_by_http(programme: Programme, tmp_path: Path) -> None:
    await a_quarter(programme)
    await stand_at(programme, us_day("2017-03-10"))
    services = Services(Settings(home=tmp_path), programme.database, programme.vault)
    async with caller(services, "finance:read", hot=False) as client:
        told = await client.get("/v1/finance/journals/2017-02")
        table = await client.get("/v1/finance/journals/2017-02?form=csv&by=transfer&market=US")
        assert told.text == await write(programme, FEBRUARY, "beancount")
        assert table.text == await write(programme, FEBRUARY, "csv", "transfer")
        assert [one.headers["content-type"].split(";")[0] for one in (told, table)] == ["text/plain", "text/csv"]
        assert 'filename="journal-2017-02.csv"' in table.headers["content-disposition"]
        for path, status in (
            ("2017-04", 422),
            ("never", 404),
            ("2017-02?form=pdf", 422),
            ("2017-02?market=XX", 422),
            ("2017-02?by=year", 422),
        ):
            assert (await client.get(f"/v1/finance/journals/{path}")).status_code == status, path
    async with caller(services, "ledger:read", hot=False) as client:
        assert (await client.get("/v1/finance/journals/2017-02")).status_code == 403
