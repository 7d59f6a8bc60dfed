"""A policy changes as an operator does it: commands, processes of their own."""

import json
import re
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from regulars.entrypoints import policy as command
from regulars.entrypoints.configure import read_programme
from regulars.entrypoints.policy_shown import policy_toml
from regulars.loyalty.policy.contracts import (
    AdjustmentPolicy,
    AnniversaryReview,
    ChangePolicy,
    MonthlyReview,
    NoReview,
    TransferPolicy,
)
from regulars.platform.clock import wall_now
from tests.entrypoints.commands import run
from tests.entrypoints.test_configure import EXAMPLE, written
from tests.entrypoints.typing_commands import USER, deployment


def test_a_draft_from_its_file_to_its_withdrawal(environment: dict[str, str], tmp_path: Path) -> None:
    def told(*arguments: str) -> Any:  # noqa: ANN401 - any JSON there is
        done = run(environment, "policy", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert run(environment, "configure", str(EXAMPLE)).returncode == 0
    file = written(tmp_path, ("threshold = 1000", "threshold = 800"))
    draft = told("draft", "Silver asks for less", "--file", str(file))
    (one,) = told("diff", draft["draft_id"])["differences"]
    assert (one["pointer"], one["said"]) == (
        "/tier/tiers/silver/threshold",
        "Silver needs 800 growth instead of 1,000.",
    )
    found = told("preview", draft["draft_id"], "--members")
    assert (found["preview"]["members"], found["members"]) == (0, [])
    at = (wall_now().astimezone(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    done = told("schedule", draft["draft_id"], "--at", at, "--reason", "agreed")
    assert (done["state"], done["version"]) == ("scheduled", 2)
    assert [version["state"] for version in told("list")["versions"]] == ["scheduled", "active"]
    assert told("withdraw", "2")["state"] == "withdrawn"
    assert told("show", draft["draft_id"])["revision"] == 1
    other = told("draft", "Another")["draft_id"]
    change = ("change", other, "--file", str(file), "--name", "As Silver")
    assert told(*change, "--revision", "1")["revision"] == 2
    stale = run(environment, "policy", *change, "--revision", "1")
    assert (stale.returncode, "revision" in stale.stderr) == (2, True)
    assert [one["name"] for one in told("revisions", other)["revisions"]] == ["As Silver", "Another"]
    late = run(environment, "policy", "withdraw", "2")
    assert (late.returncode, late.stderr) == (2, "Version 2 is withdrawn already.\n")
    assert "Silver" in run(environment, "policy", "diff", draft["draft_id"]).stdout


def test_what_was_typed_with_a_key_is_answered_as_it_was_at_first(
    server_url: str, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "TOUCHED_AT_ONCE", 2)  # several slices
    section = read_programme(EXAMPLE).policy
    assert section is not None
    file = written(tmp_path, ("threshold = 1000", "threshold = 800"))
    at = (wall_now() + timedelta(days=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    with deployment(server_url, template, tmp_path / "home", section.policy()) as desk:
        rise = [desk.join(f"rises-{number}") for number in range(3)]
        for number, member in enumerate([*rise, desk.join("stays")]):
            growth = ("--wallet", "growth", f"--amount={800 if member in rise else 700}")
            desk.type("corrections", "make", member, *growth, "--reason", "counted", f"--reference=growth-{number}")

        def twice(*words: str) -> Any:  # noqa: ANN401 - any JSON there is
            first, again = (desk.type("policy", *words, "--json", "--key", f"{words[0]}-1") for _ in range(2))
            assert (first.stdout, first.stderr) == (again.stdout, "")
            assert again.stderr == "This was done before with the same key; nothing was done now.\n"
            return json.loads(first.stdout)

        draft = twice("draft", "Silver asks for less", "--file", str(file))["draft_id"]
        found = twice("preview", draft, "--members")
        assert (found["preview"]["members"], found["preview"]["rises"]) == (4, 3)
        assert [one["member_id"] for one in found["members"]] == sorted(rise)
        told = desk.type("policy", "preview", draft, "--members").stdout
        assert ("Of 4 members, 3 rise" in told, told.count("growth"), told.count("rises")) == (True, 2, 3)
        done = twice("schedule", draft, "--at", at, "--reason", "agreed")
        assert (done["state"], done["version"]) == ("scheduled", 2)
        assert desk.refused("policy", "schedule", draft, "--at", at)["code"] == "draft_not_open"
        assert twice("withdraw", "2")["withdrawn_by"] == f"cli:{USER}"
        assert desk.refused("policy", "withdraw", "2")["code"] == "version_withdrawn"

        kept = desk.rows("SELECT (SELECT count(*) FROM policy_drafts), (SELECT count(*) FROM reports)")
        assert kept == [(1, 2)]
        other = desk.told("policy", "draft", "As it is")["draft_id"]
        late = desk.refused("policy", "schedule", other, "--at", "2026-01-01T00:00:00")
        assert late["code"] == "policy_unchanged"
        # Typed again with its key once the draft says something else, it is another request, as it is to the API; with
        # the revision that was seen it is the same one, and answered as it was at first.
        ended = desk.refused("policy", "schedule", other, "--at", at, "--key", "other-1")
        seen = ("policy", "schedule", other, "--at", at, "--revision", "1", "--key", "other-2")
        assert (ended["code"], desk.refused(*seen)["code"]) == ("policy_unchanged", "policy_unchanged")
        desk.told("policy", "change", other, "--file", str(file), "--name", "It is not", "--revision", "1")
        late = desk.refused("policy", "schedule", other, "--at", at, "--key", "other-1")
        assert (late["status"], late["code"], late["option"]) == (422, "idempotency_key_reused", "--key")
        assert desk.refused(*seen)["code"] == "policy_unchanged"
        assert desk.refused(*seen[:-1], "other-3")["code"] == "draft_changed"
        kept_still = desk.rows("SELECT count(*) FROM loyalty_policies")
        assert kept_still == [(2,)]
        gone = desk.refused("policy", "preview", "2")
        assert (gone["code"], desk.refused("policy", "preview", "pdr_none")["code"]) == (
            "version_withdrawn",
            "unknown_draft",
        )
        assert desk.refused("policy", "schedule", "pdr_none", "--at", at)["code"] == "unknown_draft"


def test_what_a_version_says_is_shown_and_written_as_a_file_that_is_taken_again(
    server_url: str, template: str, tmp_path: Path
) -> None:
    section = read_programme(EXAMPLE).policy
    assert section is not None
    transfers = TransferPolicy(among="anyone", largest=500, given_per_month=2_000)
    changes: dict[str, Any] = {"transfers": transfers, "adjustments": AdjustmentPolicy(alone_per_day=0)}
    with deployment(server_url, template, tmp_path / "home", replace(section.policy(), **changes)) as desk:
        shown = desk.type("policy", "show").stdout
        for line in (
            "Gold +from 2,500 growth, 2 points for each",
            "Silver +from 1,000 growth, 1 point for each",
            "Months until points run out +12 months",
            "version +1",
        ):
            assert re.search(line, shown), shown
        assert max([line.count(",") for line in shown.splitlines()]) < 3
        assert "积分的有效月数" in desk.type("policy", "show", "1", "--lang", "zh").stdout
        written_out = desk.type("policy", "show", "--toml").stdout
        file = tmp_path / "in force.toml"
        file.write_text(written_out, encoding="utf-8")
        (unchanged,) = desk.told("configure", str(file))["changes"]
        assert (unchanged["what"], unchanged["effect"]) == ("policy", "unchanged")
        draft = desk.told("policy", "draft", "As it is", "--file", str(file))["draft_id"]
        assert desk.told("policy", "diff", draft)["differences"] == []
        in_chinese = desk.type("policy", "show", "1", "--lang", "zh").stdout
        assert desk.type("policy", "show", "1", "--language", "zh").stdout == in_chinese  # as it was spelt before
        assert "--language" not in desk.type("policy", "diff", "--help").stdout
        told = desk.type("policy", "show", draft).stdout
        assert ("revision" in told, "Most points at once" in told) == (True, True)
        again = desk.type("policy", "show", draft, "--toml").stdout
        assert again.partition("\n")[2] == written_out.partition("\n")[2]
        assert "no policy version 9" in desk.type("policy", "show", "9", code=2).stderr


@pytest.mark.parametrize(
    "changed",
    [
        {"tier": {"review": NoReview()}},
        {"tier": {"review": MonthlyReview(months=(2, 8))}},
        {"tier": {"review": AnniversaryReview(grace_days=0), "qualifying_wallet": "growth"}},
        {"changes": {"second_person": True}, "returns": {"shortfall": "only_pending"}},
        {"adjustments": {"approve_above": 0, "alone_per_day": 5}, "payment": {"max_percent": 0}},
    ],
)
def test_every_kind_of_policy_is_read_as_it_was_written(changed: dict[str, Any], tmp_path: Path) -> None:
    section = read_programme(EXAMPLE).policy
    assert section is not None
    policy = section.policy()
    parts = {name: replace(getattr(policy, name), **fields) for name, fields in changed.items()}
    policy = replace(policy, **parts, transfers=TransferPolicy(lowest_tier=1), spending_wallet="stars")
    file = tmp_path / "policy.toml"
    file.write_text(policy_toml(policy, "as it is"), encoding="utf-8")
    found = read_programme(file).policy
    assert found is not None
    assert found.policy() == policy


def test_what_one_proposes_another_person_agrees_to(server_url: str, template: str, tmp_path: Path) -> None:
    section = read_programme(EXAMPLE).policy
    assert section is not None
    terms = replace(section.policy(), changes=ChangePolicy(second_person=True))
    file = written(tmp_path, ("threshold = 1000", "threshold = 800"))
    at = (wall_now() + timedelta(days=1)).astimezone(UTC).replace(microsecond=0)
    with deployment(server_url, template, tmp_path / "home", terms) as desk:
        draft = desk.told("policy", "draft", "Silver asks for less", "--file", str(file))["draft_id"]
        schedule = ("policy", "schedule", draft, "--at", at.astimezone(timezone(timedelta(hours=8))).isoformat())
        assert desk.told(*schedule)["state"] == "proposed"
        seen = (draft, "--revision", "1", "--for", at.isoformat())
        assert desk.refused("policy", "approve", *seen)["code"] == "own_proposal"
        assert desk.type("policy", "refuse", *seen, LOGNAME="haoran").stdout == f"{draft} is draft in its revision 1.\n"
        assert desk.told(*schedule)["proposed_by"] == f"cli:{USER}"
        late = desk.refused("policy", "approve", draft, "--revision", "2", "--for", at.isoformat())
        assert (late["code"], late["option"]) == ("proposal_changed", "--revision")
        agreed = desk.type("policy", "approve", *seen, "--note", "seen", LOGNAME="haoran").stdout
        assert agreed == f"{draft} is scheduled: version 2 comes into force as proposed.\n"
        other = desk.told("policy", "draft", "A mistake")["draft_id"]
        assert "--yes" in desk.type("policy", "abandon", other, code=2).stderr
        assert desk.told("policy", "abandon", other, "--yes")["state"] == "abandoned"
