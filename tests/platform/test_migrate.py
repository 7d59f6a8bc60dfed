"""The migrations make exactly the tables, once, whoever runs them, and a start at head costs next to nothing."""

import ast
import importlib
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import LiteralString, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.conninfo import make_conninfo
from sqlalchemy import CheckConstraint, PrimaryKeyConstraint, create_engine, pool
from sqlalchemy.exc import SAWarning

from regulars.platform.db import migrate as migrating
from regulars.platform.db.migrate import MigrationBusy, current_revision, head, is_current, migrate
from regulars.platform.db.schema import metadata
from regulars.platform.db.transaction import _dialect
from tests.architecture.source import sources

# As 0030 and 0033 made them once, in their transactions.
OF_MEMBERS: LiteralString = (
    "CREATE INDEX members_merged_into_idx ON members (merged_into) WHERE merged_into IS NOT NULL"
)
OF_BOOKS: LiteralString = (
    "CREATE INDEX member_books_elsewhere_idx ON member_books (member_id) WHERE merged_into IS NOT NULL OR has_forwards"
)


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """The connection string of a database in which nothing was ever done."""
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield make_conninfo(server_url, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def import_tables() -> None:
    """Import every module that declares a table."""
    for source in sources("src"):
        if " = Table(" in source.text and source.room != "migrations":
            importlib.import_module(source.module)


def test_the_migrations_make_exactly_the_tables(database_url: str) -> None:
    import_tables()
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=pool.NullPool
    )
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Did not recognize type '(xid8|pg_snapshot)'", SAWarning)
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: kind != "table" or not name.startswith("procrastinate_"),
                "compare_server_default": True,
            },
        )
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_checks_and_keys_of_the_tables_are_in_the_database(database_url: str) -> None:
    """Alembic compares neither CHECKs nor the names of keys."""
    import_tables()
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint"
            " WHERE contype IN ('c', 'p') AND connamespace = 'public'::regnamespace AND conrelid <> 0"
        ).fetchall()
    there = {(table, name) for table, name in rows if not table.startswith(("procrastinate_", "alembic_version"))}
    name_of = _dialect.identifier_preparer.format_constraint
    declared = {
        (table.name, name_of(constraint))
        for table in metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint | PrimaryKeyConstraint)
    }

    assert there == declared


def test_migrating_by_many_at_once(empty_url: str) -> None:
    assert current_revision(empty_url) is None
    assert not is_current(empty_url)
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(migrate, [empty_url] * 4))

    assert current_revision(empty_url) == head()
    migrate(empty_url)


def test_somebody_else_migrates_too_long(empty_url: str) -> None:
    with migrating._alone(empty_url, 1), pytest.raises(MigrationBusy):
        migrate(empty_url, wait_seconds=0)

    assert current_revision(empty_url) is None


def test_the_head_is_alembic_s_head() -> None:
    script = ScriptDirectory(str(files("regulars").joinpath("migrations")))

    assert script.get_heads() == [head()]


def test_a_start_at_head_imports_no_alembic(database_url: str) -> None:
    code = (
        "import sys; from regulars.platform.db.migrate import migrate; migrate(sys.argv[1]);"
        "sys.exit(bool({'alembic', 'sqlalchemy'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code, database_url], check=False).returncode == 0


def test_no_index_keeps_postings_waiting_while_it_is_made() -> None:
    """A plain CREATE INDEX lets nobody write what it reads, and a transaction that altered the table nobody read it."""
    busy = {"members", "member_identities", "member_books", "member_wallets", "ledger_transfers", "lots", "lot_uses"}
    busy |= {"orders", "order_returns", "settlements"}
    plain = [
        (script.name, index)
        for script in files("regulars").joinpath("migrations", "versions").iterdir()
        if "0029" <= script.name < "1" and script.name.endswith(".py")
        for index in _plain_indexes(ast.parse(script.read_text(encoding="utf-8")))
        if index.table in busy
    ]

    assert plain == []


def test_who_is_part_of_others_is_found_by_indexes_that_are_made_again_over_what_is_there(
    empty_url: str, database_url: str
) -> None:
    """Databases of an earlier form of 0030 and 0033 have both indexes, one of them left half made, and rows in them."""
    migrating._upgrade(empty_url, 5_000, "0042")
    survivor, absorbed = uuid4(), uuid4()
    with psycopg.connect(empty_url) as connection:
        for statement in (OF_MEMBERS, OF_BOOKS):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO markets (code, country, currency, time_zone, language, privacy_regime) "
            "VALUES ('CN', 'CN', 'CNY', 'Asia/Shanghai', 'zh', 'pipl')"
        )
        for member_id, merged_into in ((survivor, None), (absorbed, survivor)):
            connection.execute(
                "INSERT INTO members (member_id, status, market, language, signed_up_at, recorded_at, written_at, "
                "channel, merged_into) VALUES (%s, 'active', 'CN', 'zh', now(), now(), now(), 'web', %s)",
                (member_id, merged_into),
            )
            connection.execute(
                "INSERT INTO member_books (member_id, time_zone, signed_up_at, merged_into, merged_by) "
                "VALUES (%s, 'Asia/Shanghai', now(), %s, %s)",
                (member_id, merged_into, merged_into and uuid4()),
            )
        connection.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'members_merged_into_idx'::regclass"
        )

    migrate(empty_url)

    assert is_current(empty_url)
    assert _merged_indexes(empty_url) == _merged_indexes(database_url) != []
    with psycopg.connect(empty_url) as connection:
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        for table, index in (("members", "members_merged_into_idx"), ("member_books", "member_books_elsewhere_idx")):
            asked = f"SELECT member_id FROM {table} WHERE merged_into IS NOT NULL"
            assert index in str(connection.execute("EXPLAIN " + asked).fetchall())
            assert connection.execute(asked).fetchall() == [(absorbed,)]


def _merged_indexes(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT pg_get_indexdef(indexrelid), indisvalid, indisready FROM pg_index WHERE indexrelid IN "
            "('members_merged_into_idx'::regclass, 'member_books_elsewhere_idx'::regclass) ORDER BY 1"
        ).fetchall()


def test_every_script_of_the_job_queue_is_known_to_a_migration_of_ours(database_url: str) -> None:
    """When procrastinate brings a new script, databases that exist need a new migration of ours, which names it."""
    folder = files("procrastinate").joinpath("sql", "migrations")
    newest = max(script.name for script in folder.iterdir() if script.name.endswith(".sql"))
    versions = files("regulars").joinpath("migrations", "versions")

    assert any(newest in script.read_text(encoding="utf-8") for script in versions.iterdir() if script.is_file())
    with psycopg.connect(database_url) as connection:
        noted = connection.execute("SELECT obj_description('procrastinate_jobs'::regclass)").fetchone()
    assert noted == (newest,)


class _Index(NamedTuple):
    name: str
    table: str


def _plain_indexes(tree: ast.AST) -> list[_Index]:
    """Return the indexes that a migration makes in its transaction on tables that it does not make itself."""
    calls = [
        (node.func.attr, [ast.unparse(one).strip("'") for one in node.args])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    made = {texts[0] for name, texts in calls if name == "create_table"}
    return [_Index(*texts[:2]) for name, texts in calls if name == "create_index" and texts[1] not in made]
