"""What a process measures is told truly, to whom may read it, without anything that tells one member from another."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from regulars.platform.db.database import Database
from regulars.platform.metrics.listening import listening
from regulars.platform.metrics.measures import POSTINGS, Histogram, Requests
from tests.architecture.source import ROOT
from tests.platform.counters import Room, create_counters, room

pytestmark = pytest.mark.anyio

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
DEPLOYED = ROOT / "deploy" / "prometheus"
# What Prometheus itself knows of each target.
ITS_OWN = {"up"}


@pytest.fixture
async def counters(database_url: str, database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    create_counters(database_url, "a", "b")
    async with room(database, tmp_path, scopes=("ledger:write", "ledger:read", "metrics:read")) as made:
        yield made


def read(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(text)
        for sample in family.samples
    }


async def told(counters: Room) -> Samples:
    answer = await counters.client.get("/metrics")
    assert answer.status_code == 200
    return read(answer.text)


async def test_metrics_are_told_to_nobody_without_the_scope(database: Database, tmp_path: Path) -> None:
    async with room(database, tmp_path, scopes=["ledger:read"]) as made:
        assert (await made.client.get("/metrics")).status_code == 403
        del made.client.headers["Authorization"]
        answer = await made.client.get("/metrics")
        assert (answer.status_code, "regulars_" in answer.text) == (401, False)


async def test_requests_are_counted_by_template_and_class_hot_or_not(counters: Room) -> None:
    for key in ("1", "2"):
        await counters.add(key=key)
        await counters.add(key=f"cold-{key}", side="cold", counter="b")
    await counters.add(counter="unknown", key="3")
    await counters.client.get("/nowhere/13800138000")
    await counters.client.request("INVENTED", "/v1/counters/a")
    found = await told(counters)

    counted = {
        dict(labels)["route"] + " " + dict(labels)["method"] + " " + dict(labels)["status"]: value
        for (name, labels), value in found.items()
        if name == "regulars_http_request_duration_seconds_count"
    }
    assert counted == {
        "/v1/counters/{counter_id}/additions POST 2xx": 2,
        "/v1/counters/{counter_id}/additions POST 4xx": 1,
        "/cold/counters/{counter_id}/additions POST 2xx": 2,
        "none GET 4xx": 1,
        "none other 4xx": 1,
    }
    batches = found["regulars_commit_batch_size_sum", (("lane", "add_to_counter"),)]
    assert batches == 5
    assert found["regulars_commit_wait_seconds_count", (("lane", "add_to_counter"),)] == 5
    assert found["regulars_commit_waiting", (("lane", "add_to_counter"),)] == 0
    assert found["regulars_database_up", ()] == 1
    assert not any("13800138000" in str(labels) for _, labels in found)


async def test_every_metric_that_a_rule_names_is_told(counters: Room, database: Database) -> None:
    await counters.add()
    database.counts.add(POSTINGS, ("earn",))
    answer = await counters.client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0; charset=utf-8"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    parsed = list(open_families(answer.text))  # type: ignore[no-untyped-call]  # theirs
    names = set(_names(parsed))
    rules = yaml.safe_load((DEPLOYED / "regulars.rules.yml").read_text(encoding="utf-8"))
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in every if "record" in rule}
    asked = {
        name
        for rule in every
        for name in re.findall(r"\b(?:regulars_[a-z0-9_]+|up\b)", re.sub(r'"[^"]*"', "", rule["expr"]))
    }

    assert len(asked) > 20
    assert asked - names - ITS_OWN == set()
    assert all(":" in name for name in recorded)
    alerts = [rule for rule in every if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) > 10
    assert all(rule["annotations"]["summary"] and rule["annotations"]["remedy"] for rule in alerts)
    assert {rule["labels"]["severity"] for rule in alerts} == {"page", "warn"}
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    ours = {family.name for family in parsed if family.name.startswith("regulars_")}
    named = re.findall(r"^\| `(regulars_[a-z_]+)`", page, re.MULTILINE)
    assert ours == {name.removesuffix("_total").removesuffix("_info") for name in named}


def test_the_scrape_configuration_names_the_rules_and_a_key() -> None:
    asked: Any = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in asked["scrape_configs"]}

    assert asked["rule_files"] == ["regulars.rules.yml"]
    assert set(jobs) == {"regulars-web", "regulars-worker"}
    assert jobs["regulars-web"]["metrics_path"] == "/metrics"
    assert jobs["regulars-web"]["authorization"]["credentials_file"]


async def test_a_worker_tells_its_own_at_its_own_port(database: Database) -> None:
    async with database.transaction() as tx:
        tx.count(POSTINGS, "earn", number=3)
        with suppress(ZeroDivisionError):
            async with tx.savepoint():
                tx.count(POSTINGS, "earn", number=100)
                raise ZeroDivisionError
    with suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            tx.count(POSTINGS, "earn", number=1000)
            raise ZeroDivisionError

    def ask(port: int) -> Samples:
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return read(answer.read().decode())

    with listening(database, "127.0.0.1", 0) as port:
        found = await asyncio.to_thread(ask, port)

    assert found["regulars_postings_total", (("kind", "earn"),)] == 3
    assert found["regulars_relayed_events_total", ()] == 0
    assert found["regulars_pool_connections_limit", ()] == 6
    assert found["process_open_fds", ()] > 0
    assert ("regulars_database_up", ()) not in found


def test_a_value_counts_for_its_bound_and_every_larger_one() -> None:
    made = Histogram((1.0, 5.0))
    for value in (0.5, 1.0, 1.1, 5.0, 6.0):
        made.observe(value)

    assert made.cumulated() == [(1.0, 2), (5.0, 4), (float("inf"), 5)]
    assert made.total == 13.6


def test_callers_who_invent_methods_make_nothing_grow() -> None:
    requests = Requests()
    for number in range(100):
        requests.note(f"M{number}", "/x", 200 + number % 3, 0.1)

    assert [(labels, found.cumulated()[-1][1]) for labels, found in requests.told()] == [(("other", "/x", "2xx"), 100)]
    assert len(requests._by_status) == 0


def _names(found: list[Any]) -> Iterator[str]:
    for family in found:
        yield family.name
        for sample in family.samples:
            yield sample.name
