"""The habits of the house hold in every file; and each lint catches what was planted for it."""

from collections.abc import Iterator
from textwrap import dedent

import pytest

from tests.architecture import lints, rooms
from tests.architecture.source import ROOT, Finding, Source, report, sources

FOLDERS = ("src", "tests", "bench", "clients", "docs")


def planted(path: str, code: str) -> Source:
    return Source(path, dedent(code))


def test_all_our_code_holds() -> None:
    """Each file is parsed once, for all lints together."""
    everywhere = [*lints.EVERYWHERE, *rooms.LINTS]
    findings = []
    for source in sources(*FOLDERS):
        lint_for = [*everywhere, *lints.IN_THE_APPLICATION] if source.parts[0] == "src" else everywhere
        findings += [finding for lint in lint_for for finding in lint(source)]

    assert not findings, report(findings)


def test_there_is_code_to_check() -> None:
    assert (ROOT / "src/regulars/__init__.py").exists()
    assert len(list(sources(*FOLDERS))) > len(list(sources("tests/architecture"))) > 3


SERVICE = "src/regulars/loyalty/service.py"
STORE = "src/regulars/loyalty/store.py"
RULES = "src/regulars/loyalty/tiers/rules.py"
ROUTES = "src/regulars/commerce/routes.py"
A_TEST = "tests/loyalty/test_ledger.py"

PLANTED: list[tuple[lints.Lint, str, str]] = [
    (lints.sizes, SERVICE, "def long():\n" + "    x = 1\n" * 69),
    (lints.sizes, SERVICE, "@cache\nasync def long():\n" + "    x = 1\n" * 68),
    (lints.sizes, SERVICE, "x = 1\n" * 501),
    (lints.sql_outside_stores, SERVICE, 'await conn.run("SELECT id FROM members")'),
    (lints.sql_outside_stores, SERVICE, 'Q = """\n  -- all of them\n  SELECT id\n"""'),
    (lints.sql_outside_stores, SERVICE, 'Q = f"INSERT INTO {table} (id) VALUES (1)"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "UPDATE wallets SET available = 0"'),
    (lints.sql_outside_stores, SERVICE, 'Q = f"UPDATE {table} SET available = 0"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "DELETE FROM lots"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "WITH due AS (SELECT 1) SELECT 2"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "WITH RECURSIVE t(n) AS (VALUES (1)) TABLE t"'),
    (lints.sql_outside_stores, SERVICE, 'Q = b"COPY lots FROM STDIN"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "SET LOCAL lock_timeout = 1"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "CREATE UNIQUE INDEX i ON t (a)"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "select id from members where id = 1"'),
    (lints.sql_outside_stores, SERVICE, 'Q = "insert into members (id)"'),
    (lints.sql_outside_stores, SERVICE, "import sqlalchemy as sa"),
    (lints.refusals_said_elsewhere, "src/regulars/web/store/till.py", "said = say(error.message, language)"),
    (lints.refusals_said_elsewhere, "src/regulars/web/portal/card.py", "Notice(refusal.message, 'error')"),
    (lints.sql_outside_stores, SERVICE, "from sqlalchemy import select"),
    (lints.sql_outside_stores, SERVICE, "from sqlalchemy.dialects import postgresql"),
    (lints.sql_outside_stores, SERVICE, "await tx.conn.execute(stolen)"),
    (lints.sql_outside_stores, SERVICE, "row = await cursor.fetchone()"),
    (lints.sql_outside_stores, "src/regulars/platform/database.py", 'Q = "SELECT 1"'),
    (lints.sql_outside_stores, "src/regulars/web/store/till.py", 'Q = "SELECT 1"'),
    (lints.now_outside_clock, SERVICE, "from datetime import datetime\nx = datetime.now(UTC)"),
    (lints.now_outside_clock, SERVICE, "import datetime\nx = datetime.datetime.now()"),
    (lints.now_outside_clock, SERVICE, "import datetime as dt\nx = dt.datetime.utcnow()"),
    (lints.now_outside_clock, SERVICE, "from datetime import date as day\nx = day.today()"),
    (lints.now_outside_clock, SERVICE, "from datetime import datetime\nx = field(factory=datetime.now)"),
    (lints.now_outside_clock, SERVICE, "import time\nx = time.time()"),
    (lints.now_outside_clock, SERVICE, "from time import time"),
    (lints.now_outside_clock, "bench/load.py", "import time as t\nx = t.time_ns()"),
    (lints.now_outside_clock, A_TEST, "from datetime import date\nx = date.today()"),
    (lints.now_outside_clock, "clients/python/src/regulars_client/webhooks.py", "import time\nx = time.time()"),
    (lints.now_outside_clock, "clients/generate/clock.py", "import time\nx = time.time()"),
    (lints.sizes, "clients/python/src/regulars_client/models/orders.py", "x = 1\n" * 501),
    (lints.now_outside_clock, "src/regulars/loyalty/clock.py", "from datetime import date\nx = date.today()"),
    (lints.sql_now_outside_clock, STORE, 'Q = "SELECT id FROM lots WHERE expires_at <= now()"'),
    (lints.sql_now_outside_clock, STORE, 'Q = "UPDATE lots SET at = CURRENT_TIMESTAMP"'),
    (lints.sql_now_outside_clock, STORE, 'Q = f"SELECT clock_timestamp() - {x}"'),
    (lints.sql_now_outside_clock, STORE, "import sqlalchemy as sa\nx = sa.func.now()"),
    (lints.empty_names, "src/regulars/loyalty/utils.py", ""),
    (lints.empty_names, "src/regulars/common/money.py", ""),
    (lints.empty_names, "tests/test_helpers.py", ""),
    (lints.empty_names, "bench/db_utils.py", ""),
    (lints.empty_names, SERVICE, "class WalletManager: ..."),
    (lints.future_annotations, SERVICE, "from __future__ import annotations"),
    (lints.sleeping_tests, A_TEST, "import time\ntime.sleep(0.1)"),
    (lints.sleeping_tests, A_TEST, "from asyncio import sleep\nasync def f():\n    await sleep(1)"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # noqa"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # noqa: S608"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # noqa: S608, E501"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # type: ignore"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # type: ignore[arg-type]"),
    (lints.unexplained_exceptions, SERVICE, "# ruff: noqa\nx = 1"),
    (rooms.doors, SERVICE, "from regulars.members.identity import service"),
    (rooms.doors, SERVICE, "from regulars.members import identity"),
    (rooms.doors, SERVICE, "import regulars.members.store"),
    (rooms.doors, SERVICE, "import regulars.members"),
    (rooms.doors, SERVICE, "from ..members import store"),
    (rooms.doors, SERVICE, "def late():\n    from regulars.members.tables import members"),
    (rooms.doors, "src/regulars/demo/replay.py", "from regulars.loyalty.ledger.store import post"),
    (rooms.doors, "src/regulars/commerce/orders/store.py", "from regulars.loyalty.errors import PointsShort"),
    (rooms.slices, ROUTES, "from regulars.commerce import store"),
    (rooms.slices, ROUTES, "from regulars.commerce.orders.store import find_order"),
    (rooms.slices, ROUTES, "from . import tables"),
    (rooms.slices, ROUTES, "import psycopg"),
    (rooms.slices, RULES, "from regulars.loyalty.tiers import store"),
    (rooms.slices, RULES, "from regulars.platform.clock import Clock"),
    (rooms.slices, RULES, "from regulars.platform import clock"),
    (rooms.slices, RULES, "import random"),
    (rooms.slices, RULES, "import asyncio"),
    (rooms.slices, RULES, "from psycopg.rows import dict_row"),
    (rooms.slices, SERVICE, "from regulars.loyalty.tables import wallets"),
    (rooms.slices, SERVICE, "from litestar import get"),
    (rooms.slices, STORE, "from regulars.loyalty import service"),
    (rooms.slices, "src/regulars/loyalty/tiers/service.py", "from regulars.loyalty.ledger import store"),
    (rooms.slices, "src/regulars/loyalty/tiers/tables.py", "from regulars.loyalty.ledger import tables"),
    (rooms.slices, "src/regulars/loyalty/verify.py", "from regulars.loyalty.ledger import tables"),
    (rooms.slices, "src/regulars/platform/db/transaction.py", "from regulars.loyalty.ledger import store"),
    (rooms.migrations_alone, "src/regulars/migrations/versions/0002_members.py", "from regulars.members import tables"),
    (rooms.migrations_alone, "src/regulars/migrations/env.py", "from ..platform import settings"),
    (rooms.code_in_locale, "src/regulars/locale/__init__.py", ""),
]


@pytest.mark.parametrize(("lint", "path", "code"), PLANTED)
def test_catches_what_was_planted(lint: lints.Lint, path: str, code: str) -> None:
    findings = list(lint(planted(path, code)))

    assert findings
    assert all(finding.path == path for finding in findings)


CLEAN: list[tuple[lints.Lint, str, str]] = [
    (lints.sizes, SERVICE, "def short():\n" + "    x = 1\n" * 68),
    (lints.sizes, SERVICE, "x = 1\n" * 500),
    (lints.sql_outside_stores, STORE, 'await conn.execute("SELECT 1")'),
    (lints.sql_outside_stores, "src/regulars/loyalty/tables.py", "import sqlalchemy as sa"),
    (lints.sql_outside_stores, "src/regulars/loyalty/store/lots.py", 'Q = "SELECT 1"'),
    (lints.sql_outside_stores, "src/regulars/platform/db/pool.py", 'Q = "SELECT 1"'),
    (lints.sql_outside_stores, "src/regulars/migrations/versions/0001_platform.py", 'op.execute("DROP TABLE x")'),
    (lints.sql_outside_stores, SERVICE, '"""SELECT is what the store does."""'),
    (lints.sql_outside_stores, SERVICE, 'm = "Select a shop from the list where you bought it."'),
    (lints.sql_outside_stores, SERVICE, 'm = "select a shop from the list"'),
    (lints.sql_outside_stores, SERVICE, 'm = "Update the card, delete from it what is old, insert into it the new."'),
    (lints.sql_outside_stores, SERVICE, 'kinds = ["SELECT", "UPDATE", "BEGIN_OF_YEAR"]'),
    (lints.sql_outside_stores, SERVICE, "await store.lock_wallets(tx, ids)"),
    (lints.now_outside_clock, SERVICE, "import time\nx = time.monotonic() + time.perf_counter()"),
    (lints.now_outside_clock, SERVICE, "from datetime import datetime\nx = datetime.fromtimestamp(0, UTC)"),
    (lints.now_outside_clock, SERVICE, "x = clock.now()\ny = clock.wall_now()"),
    (lints.now_outside_clock, "src/regulars/platform/clock.py", "from datetime import datetime\nx = datetime.now(UTC)"),
    (lints.now_outside_clock, "clients/python/src/regulars_client/clock.py", "import time\nx = time.time()"),
    (lints.sql_now_outside_clock, STORE, 'Q = "SELECT id FROM lots WHERE expires_at <= %(now)s"'),
    (lints.sql_now_outside_clock, STORE, 'm = "You know (now) what a knowhow is."'),
    (lints.sql_now_outside_clock, "src/regulars/migrations/versions/0001.py", 'op.execute("SELECT now()")'),
    (lints.empty_names, "src/regulars/commerce/commonwealth.py", "class Helpful: ..."),
    (lints.future_annotations, SERVICE, "from annotations import future"),
    (lints.sleeping_tests, A_TEST, "import asyncio\nasync def f():\n    await asyncio.sleep(0)"),
    (lints.sleeping_tests, A_TEST, "import time\nwhile not done():\n    time.sleep(0.01)"),
    (lints.sleeping_tests, SERVICE, "import asyncio\nasync def f():\n    await asyncio.sleep(1)"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # noqa: S608, E501 # our own table names"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # noqa: S608 - our own table names"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # type: ignore[arg-type] # an int"),
    (lints.unexplained_exceptions, SERVICE, "x = 1  # type: ignore[arg-type] # noqa: S608 # our own table names"),
    (lints.unexplained_exceptions, SERVICE, 'x = "# noqa"'),
    (rooms.doors, SERVICE, "from regulars.members import api\nfrom regulars.members.contracts import Member"),
    (rooms.doors, SERVICE, "from regulars.members import api as members"),
    (rooms.doors, SERVICE, "from regulars.platform.db import Transaction\nfrom regulars.domain_events import loyalty"),
    (rooms.doors, SERVICE, "from regulars.loyalty.ledger import service\nfrom . import rules"),
    (rooms.doors, "src/regulars/entrypoints/http.py", "from regulars.loyalty.routes import ROUTES"),
    (rooms.doors, "tests/races/test_double.py", "from regulars.loyalty import store"),
    (rooms.slices, ROUTES, "from regulars.commerce import schemas, service\nfrom litestar import get"),
    (rooms.slices, "src/regulars/web/routes.py", "from regulars.web.store import enrol"),
    (rooms.slices, RULES, "import datetime\nfrom regulars.platform.money import Money"),
    (rooms.slices, RULES, "from regulars.loyalty.contracts import TierPolicy"),
    (rooms.slices, SERVICE, "from regulars.loyalty import rules, store\nfrom regulars.members import api"),
    (rooms.slices, STORE, "from regulars.loyalty.tables import wallets\nfrom psycopg.rows import dict_row"),
    (rooms.slices, "src/regulars/loyalty/tiers/service.py", "from regulars.loyalty.tiers import rules, store"),
    (rooms.slices, "src/regulars/web/routes.py", "from regulars.web.store import enrol"),
    (rooms.slices, "src/regulars/platform/db/transaction.py", "from regulars.platform.outbox import store"),
    (rooms.migrations_alone, "src/regulars/migrations/versions/0001_platform.py", "from alembic import op"),
]


@pytest.mark.parametrize(("lint", "path", "code"), CLEAN)
def test_leaves_clean_code_alone(lint: lints.Lint, path: str, code: str) -> None:
    findings: Iterator[Finding] = lint(planted(path, code))

    assert list(findings) == []
