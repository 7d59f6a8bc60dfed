"""Books at scale, small: they are true books, have the tables' own indexes, and every question has its answer."""

from pathlib import Path

import psycopg

from bench.options import Options
from bench.scenarios.books_at_scale import books_at_scale
from regulars.platform.embedded import acquire

MEMBERS = 100


def test_small_books_are_made_proven_and_asked(tmp_path: Path) -> None:
    rows = books_at_scale(Options(rounds=1, seconds=0.05, crowd=MEMBERS, home=tmp_path))
    with acquire(tmp_path) as server, psycopg.connect(server.url) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM members), (SELECT count(*) FROM ledger_transfers), "
            "(SELECT max(next_seq) FROM member_books), (SELECT count(DISTINCT market) FROM members)"
        ).fetchone()
        settings = connection.execute("SELECT current_setting('wal_level'), current_setting('fsync')").fetchone()

    assert found is not None
    members, transfers, longest, markets = found
    assert members >= MEMBERS
    assert transfers >= 50 * MEMBERS
    assert longest > 20, "some have much"
    assert markets == 5
    assert settings == ("replica", "on"), "measured as it is served"
    assert len(rows) == 48
    assert all(row.limit is not None and row.figure > 0 for row in rows)
