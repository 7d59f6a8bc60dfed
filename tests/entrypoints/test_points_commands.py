"""What staff do to points, typed at the command line: refused as by the API, booked once, told with who it was."""

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from regulars.loyalty.policy.contracts import AdjustmentPolicy, TransferPolicy
from regulars.platform.clock import wall_now
from tests.commerce.shop import POLICY
from tests.entrypoints.typing_commands import USER, Desk, deployment

TERMS = replace(POLICY, transfers=TransferPolicy(among="anyone"), adjustments=AdjustmentPolicy(approve_above=1_000))


@pytest.fixture(scope="module")
def desk(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with deployment(server_url, template, tmp_path_factory.mktemp("home"), TERMS) as made:
        yield made


def ahead(days: int) -> str:
    return (wall_now().astimezone(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def balance(desk: Desk, member: str) -> int:
    return sum([lot["remaining"] for lot in desk.told("lots", "list", member)["lots"] if lot["wallet"] == "points"])


def test_a_hold_from_its_placing_to_its_end(desk: Desk) -> None:
    one = desk.join("holder", 100)
    wish = ("--amount", "60", "--purpose", "Workshop", "--until", ahead(2), "--reference", "workshop-1")
    placed = desk.told("holds", "place", one, *wish)
    again = desk.told("holds", "place", one, *wish)
    assert (placed, placed["state"], placed["amount"]) == (again, "open", 60)
    over = desk.refused("holds", "place", one, *wish[2:], "--amount", "50", "--reference=workshop-2")
    assert (over["code"], over["data"]["available"]) == ("insufficient_points", 40)
    late = desk.refused("holds", "place", one, *wish[:4], "--until", ahead(400), "--reference", "workshop-3")
    assert (late["code"], late["option"]) == ("term_out_of_range", "--until")
    used = desk.type("holds", "post", one, placed["hold_id"], "--amount", "45").stdout
    assert used == f"{placed['hold_id']} is over: 45 points used, 15 free again.\n"
    assert desk.refused("holds", "void", one, placed["hold_id"], "--reason", "called off")["code"] == "hold_over"
    (told,) = desk.told("holds", "list", one, "--ended")["holds"]
    assert (told["state"], told["posted"], balance(desk, one)) == ("posted", 45, 55)
    assert "Workshop" in desk.type("holds", "show", one, placed["hold_id"]).stdout
    assert desk.told("holds", "list", one)["holds"] == []


def test_a_correction_is_booked_once_by_whom_it_was(desk: Desk) -> None:
    one = desk.join("corrected")
    wish = ("corrections", "make", one, "--amount=70", "--reason", "Counted twice", "--reference", "case-1")
    first, again = desk.told(*wish), desk.told(*wish)
    assert (first, first["amount"], balance(desk, one)) == (again, 70, 70)
    other = desk.refused(*wish[:3], "--amount=80", *wish[4:])
    assert other["code"] == "reference_reused"
    assert desk.type(*wish, "--key", "once").stderr == ""
    assert "done before with the same key" in desk.type(*wish, "--key", "once").stderr
    assert desk.refused(*wish[:3], "--amount=80", *wish[4:], "--key", "once")["option"] == "--key"
    logged = desk.rows("SELECT DISTINCT actor, reason FROM audit_entries WHERE subject = %s", [one])
    assert logged == [(f"cli:{USER}", "Counted twice")]


def test_refusals_name_the_option_in_the_language_of_the_caller(desk: Desk) -> None:
    one = desk.join("refused")
    none = ("corrections", "make", one, "--amount=0", "--reason", "why", "--reference", "case-2")
    assert desk.type(*none, code=2).stderr.startswith("--amount: ")
    chinese = desk.type(*none, code=2, LC_ALL="zh_CN.UTF-8").stderr
    assert chinese == desk.type(*none, "--lang", "zh", code=2).stderr
    assert chinese.startswith("--amount: ")
    assert not chinese.isascii()
    assert desk.type("lots", "list", "mbr_../x", code=2).stdout == ""
    stranger = "mbr_" + 32 * "0"
    assert desk.refused("lots", "list", stranger)["code"] == "unknown_member"
    told = desk.told("explain", "refusal", desk.refused(*none)["instance"])
    assert [why["reasons"][0]["rule"] for why in told["explanations"]] == ["refusal.amount_is_zero"]
    assert told["clients"] == [f"cli:{USER}"]


def test_what_is_above_the_limit_is_asked_for(desk: Desk) -> None:
    one = desk.join("asked")
    wish = (one, "--amount=1500", "--reason", "Goodwill", "--reference", "case-9")
    assert desk.refused("corrections", "make", *wish)["code"] == "approval_needed"
    asked, again = desk.told("corrections", "ask", *wish), desk.told("corrections", "ask", *wish)
    assert (asked, asked["state"], asked["asked_by"]) == (again, "open", f"cli:{USER}")
    assert [waits["request_id"] for waits in desk.told("corrections", "list")["requests"]] == [asked["request_id"]]
    own = desk.refused("corrections", "approve", one, asked["request_id"])
    assert own["code"] == "own_request"
    approved = desk.type("corrections", "approve", one, asked["request_id"], "--note", "seen", LOGNAME="haoran")
    assert approved.stdout == f"{asked['request_id']} is approved: +1,500 points for {one}.\n"
    assert balance(desk, one) == 1_500
    assert desk.told("corrections", "list", "--member", one)["requests"] == []


def test_lots_run_out_later(desk: Desk, tmp_path: Path) -> None:
    one = desk.join("extended", 30)
    (lot,) = desk.told("lots", "list", one)["lots"]
    wish = ("lots", "extend", one, lot["lot_id"], "--until", ahead(700), "--reason", "Closed", "--reference", "shut-1")
    first, again = desk.told(*wish), desk.told(*wish)
    assert first == again
    assert first["expires_at"] > lot["expires_at"]
    row = {"member_id": one, "lot_id": first["transfer_id"], "expires_at": ahead(710), "reason": "Closed"}
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join([json.dumps({**row, "reference": f"shut-{no}"}) for no in (2, 3)]))
    assert desk.type("lots", "extend-many", str(file)).stdout == "1 are extended, 1 refused.\n"
    file.write_text("nothing")
    assert "is not lines of JSON" in desk.type("lots", "extend-many", str(file), code=2).stderr


def test_points_are_sent_looked_at_and_taken_back(desk: Desk) -> None:
    one, two = desk.join("giver", 100), desk.join("receiver")
    wish = ("transfers", "send", one, "--to", two, "--amount", "40", "--reference", "gift-1")
    assert desk.type(*wish, "--dry-run").stdout == f"40 points would go to {two}.\n"
    assert balance(desk, two) == 0
    sent, again = desk.told(*wish), desk.told(*wish)
    assert (sent, balance(desk, one), balance(desk, two)) == (again, 60, 40)
    (listed,) = desk.told("transfers", "list", two)["transfers"]
    assert (listed["transfer_id"], listed["side"], listed["actor"]) == (sent["transfer_id"], "received", f"cli:{USER}")
    back = ("transfers", "take-back", one, sent["transfer_id"], "--reason", "a mistake")
    assert "--yes" in desk.type(*back, code=2).stderr
    assert "40 points would go back" in desk.type(*back, "--dry-run").stdout
    assert balance(desk, two) == 40
    assert desk.told(*back, "--yes")["returned"] == 40
    assert (balance(desk, one), balance(desk, two)) == (100, 0)
