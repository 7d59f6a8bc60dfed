"""What the console calls things: nothing goes by its code that people read."""

from importlib import import_module
from pathlib import Path

import regulars
from regulars.commerce.contracts import Store
from regulars.commerce.stores.service import as_read
from regulars.platform.jobs.registry import TASKS
from regulars.web.console.health_jobs import TASK_NAMES
from regulars.web.console.words import payment_name


def test_every_task_has_a_name_for_people() -> None:
    root = Path(regulars.__file__).parent
    for file in root.rglob("tasks.py"):
        import_module(".".join(["regulars", *file.relative_to(root).with_suffix("").parts]))
    ours = {name for name in TASKS if not name.startswith("tests.")}

    assert sorted(ours - TASK_NAMES.keys()) == []


def test_stores_stand_in_the_order_in_which_people_count() -> None:
    names = ["Store 10", "store 2", "Airport", "Store 1", "Store 100"]
    stores = sorted([Store(f"s{at}", "US", name) for at, name in enumerate(names)], key=as_read)

    assert [one.name for one in stores] == ["Airport", "Store 1", "store 2", "Store 10", "Store 100"]


def test_ways_to_pay_are_said_in_words_and_those_of_a_shop_as_it_says_them() -> None:
    assert [payment_name(one, "zh") for one in ("card", "cash", "Sodexo")] == ["银行卡", "现金", "Sodexo"]
