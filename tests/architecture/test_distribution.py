"""The schema can be distributed by member: every rule of it that the catalogs can tell; each catches its violation."""

import psycopg
import pytest

from tests.architecture.distribution import faults


def test_the_schema_can_be_distributed(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert list(faults(connection)) == []


PLANTED = [
    ("CREATE TABLE planted (code text PRIMARY KEY)", ["planted: it stands in 0 lists"]),
    (
        "CREATE TABLE planted (member_id uuid NOT NULL)",
        ["planted: it stands in 0 lists", "planted: it has a member, and is not distributed by member"],
    ),
    ("DROP TABLE replay_progress", ["replay_progress: there is no such table"]),
    (
        "ALTER TABLE lots DROP CONSTRAINT lots_pkey, ADD UNIQUE (lot_no)",
        ["lots: the key lots_lot_no_key lacks member_id"],
    ),
    ("CREATE UNIQUE INDEX planted ON orders (order_id)", ["orders: the key planted lacks member_id"]),
    (
        "CREATE UNIQUE INDEX planted ON orders (order_id) INCLUDE (member_id)",
        ["orders: the key planted lacks member_id"],
    ),
    (
        "ALTER TABLE lots ADD CONSTRAINT planted EXCLUDE USING btree (lot_no WITH =)",
        ["lots: the key planted lacks member_id"],
    ),
    ("CREATE UNIQUE INDEX planted ON identities (member_id)", ["identities: the key planted lacks blind_index"]),
    (
        "ALTER TABLE orders ADD CONSTRAINT planted FOREIGN KEY (order_id) REFERENCES order_keys",
        ["orders: the foreign key planted goes to order_keys"],
    ),
    (
        "ALTER TABLE lots ADD COLUMN planted uuid REFERENCES members (member_id)",
        ["lots: the foreign key lots_planted_fkey lacks member_id"],
    ),
    (
        "ALTER TABLE orders ADD CONSTRAINT planted FOREIGN KEY (store_id) REFERENCES stores ON DELETE SET NULL",
        ["orders: the foreign key planted changes rows when stores does"],
    ),
    (
        "ALTER TABLE lots ADD COLUMN planted bigint GENERATED ALWAYS AS IDENTITY",
        ["lots: planted is an identity column"],
    ),
    (
        "CREATE TRIGGER planted BEFORE DELETE ON lots FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
        ["lots: the trigger planted"],
    ),
    ("ALTER TABLE lots SET UNLOGGED", ["lots: it is UNLOGGED"]),
]


@pytest.mark.parametrize(("statement", "found"), PLANTED)
def test_what_was_planted_is_caught(database_url: str, statement: str, found: list[str]) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(statement)

        assert list(faults(connection)) == found
        connection.rollback()
