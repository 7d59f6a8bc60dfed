"""Who stands behind what acted: two names of one person are one, and a shell tells no account."""

from uuid import UUID

import pytest

from regulars.platform.auth import service
from regulars.platform.auth.persons import Compared, persons_behind
from regulars.platform.db.database import Database
from tests.platform.staffing import invite

pytestmark = pytest.mark.anyio


async def key(database: Database, made_by: str, staff_id: UUID | None = None, rotated_by: str = "") -> str:
    async with database.transaction(actor=made_by) as tx:
        made, _ = await service.create_key(tx, label="", scopes=["ledger:approve"], staff_id=staff_id)
    if rotated_by:
        async with database.transaction(actor=rotated_by) as tx:
            await service.rotate_key(tx, made.key_id)
    return f"key:ak_{made.key_id.hex}"


@pytest.fixture
async def actors(database: Database) -> dict[str, str]:
    account = (await invite(database)).account
    return {
        "mei": f"staff:{account.public_id}",
        "her key": await key(database, "cli:operator", account.staff_id),
        "shell": "cli:operator",
        "its key": await key(database, "cli:operator"),
        "other shell": "cli:deploy",
        "its key, rotated": await key(database, "cli:operator", rotated_by="cli:deploy"),
        "her key, rotated": await key(database, "cli:operator", account.staff_id, rotated_by="cli:deploy"),
        "bo": f"staff:stf_{32 * '0'}",
        "key of before": await key(database, "system"),
        "other of before": await key(database, "system"),
        "shell of before": "cli",
    }


ONE, TWO, UNCLEAR = Compared.ONE, Compared.TWO, Compared.UNCLEAR


async def test_names_are_compared_by_the_person_behind_them(database: Database, actors: dict[str, str]) -> None:
    async with database.transaction() as tx:
        behind = await persons_behind(tx, actors.values())

    told = {
        (one, other): behind.compare(actors[one], actors[other])
        for one, other in (
            ("mei", "her key"),
            ("shell", "its key"),
            ("shell", "other shell"),
            ("its key", "other shell"),
            ("mei", "bo"),
            ("her key", "bo"),
            ("mei", "shell"),
            ("her key", "its key"),
            ("shell of before", "mei"),
            ("key of before", "other of before"),
            ("key of before", "mei"),
            ("key of before", "shell"),
            ("its key, rotated", "other shell"),
            ("its key, rotated", "shell"),
            ("its key, rotated", "its key"),
            ("her key, rotated", "other shell"),
            ("her key, rotated", "bo"),
            ("her key, rotated", "its key, rotated"),
        )
    }
    assert list(told.values())[:12] == [ONE, ONE, TWO, TWO, TWO, TWO, UNCLEAR, UNCLEAR, UNCLEAR, TWO, TWO, UNCLEAR]
    assert list(told.values())[12:] == [ONE, ONE, ONE, ONE, TWO, UNCLEAR]
    assert all(behind.compare(actors[other], actors[one]) == verdict for (one, other), verdict in told.items())
    assert behind.compare_all(actors["mei"], (actors["bo"], actors["shell"], actors["her key"])) is ONE
    assert behind.compare_all(actors["mei"], (actors["bo"], actors["shell"])) is UNCLEAR
