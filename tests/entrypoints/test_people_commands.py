"""Who is one person and who lives together, typed at the command line: looked at first, asked, undone."""

from collections.abc import Iterator

import pytest

from tests.commerce.shop import POLICY
from tests.entrypoints.typing_commands import USER, Desk, deployment

WHY = ("--reason", "They told us at the counter")


@pytest.fixture(scope="module")
def desk(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with deployment(server_url, template, tmp_path_factory.mktemp("home"), POLICY) as made:
        yield made


def test_two_become_one_and_two_again(desk: Desk) -> None:
    one, two = desk.join("stays", 50), desk.join("goes", 30)
    wish = ("merges", "make", one, "--absorb", two, *WHY)
    looked = desk.type(*wish, "--dry-run")
    assert "proposed" in looked.stdout
    assert looked.stderr == "Nothing was changed: this is what would be.\n"
    assert desk.type(*wish, code=2).stderr == "Nothing was done. Say that it is meant: --yes\n"
    code, shown = desk.at_terminal("n", *wish)
    assert (code, "survivor after 80" in " ".join(shown.split()), "Let the two be one member?" in shown) == (
        1,
        True,
        True,
    )
    assert desk.told("merges", "list", one)["merges"] == []
    made = desk.told(*wish, "--yes")
    assert (made["state"], made["actor"], made["wallets"][0]["survivor_after"]) == ("merged", f"cli:{USER}", 80)
    lots = [one["lot_id"] for one in desk.told("lots", "list", one)["lots"]]
    came = [desk.told("lineage", "lot", one, lot)["origin"] for lot in lots]
    assert [came[0]["from_member"], came[1]["from_member"]].count(two) == 1
    (source,) = [each["from_transfer"] for each in came if each["from_member"]]
    gave = desk.told("lineage", "transfer", two, source)
    assert (gave["origin"]["to_member"], [each["points"] for each in gave["movements"]]) == (one, [30])
    in_words = desk.type("lineage", "transfer", two, source).stdout
    assert ("Moved away: 30 points" in in_words, one in in_words, "None" in in_words) == (True, True, False)
    assert "转出：" in desk.type("lineage", "transfer", two, source, "--lang", "zh").stdout
    assert desk.refused("lineage", "order", "none")["status"] == 404
    (listed,) = desk.told("merges", "list", two)["merges"]
    undo = ("merges", "undo", one, listed["merge_id"], "--reason", "a mistake")
    assert desk.told(*undo, "--dry-run")["state"] == "proposed"
    assert desk.told(*undo, "--yes")["state"] == "undone"
    assert desk.refused(*undo, "--yes")["code"] == "merge_undone_before"
    assert "undone" in desk.type("merges", "list", one).stdout
    short = desk.refused(*wish[:-1], "x", "--yes")
    assert (short["status"], short["option"]) == (422, "--reason")


def test_proposals_are_listed_and_refused_by_their_ids(desk: Desk) -> None:
    none = "mpr_" + 32 * "0"
    assert desk.told("proposals", "list", "--state", "open") == {
        "proposals": [],
        "has_more": False,
        "next_cursor": None,
    }
    assert desk.refused("proposals", "list", "--state", "lost")["option"] == "--state"
    assert [
        desk.refused(*words)["status"]
        for words in (
            ("proposals", "show", none),
            ("proposals", "confirm", none, *WHY, "--yes"),
            ("proposals", "dismiss", none, *WHY),
        )
    ] == [404, 404, 404]


def test_a_household_from_its_forming_to_its_end(desk: Desk) -> None:
    one, two, three = [desk.join(name) for name in ("head", "partner", "child")]
    formed = desk.told("households", "form", "--head", one, "--member", two, "--name", "Wang", *WHY)
    home = formed["household_id"]
    assert desk.type("households", "join", home, "--member", three, *WHY).stdout == (
        f"{home} is standing, its head is {one}.\n"
    )
    assert desk.refused("households", "form", "--head", two, *WHY)["code"] == "in_another_household"
    assert desk.told("households", "show", home)["name"] != "Wang"
    assert desk.told("households", "show", home, "--purpose", "a letter to them")["name"] == "Wang"
    looks = desk.told("privacy", "looks", "--purpose", "a letter to them")["looks"]
    assert {look["subject"] for look in looks} == {one, two, three}
    assert desk.told("households", "head", home, "--member", two, *WHY)["head"] == two
    assert desk.told("households", "rename", home, *WHY)["has_name"] is False
    assert len(desk.told("households", "leave", home, "--member", three, *WHY)["members"]) == 2
    changes = desk.told("households", "changes", home, "--limit", "2")
    assert (len(changes["changes"]), changes["has_more"]) == (2, True)
    more = desk.type("households", "changes", home, "--limit", "2")
    assert more.stderr == f"There are more: --cursor {changes['next_cursor']}\n"
    end = ("households", "dissolve", home, *WHY)
    assert "--yes" in desk.type(*end, code=2).stderr
    assert desk.told(*end, "--yes")["state"] == "dissolved"
    assert [home] == [one["household_id"] for one in desk.told("households", "list", "--dissolved")["households"]]
    assert desk.told("households", "of", three)["households"][0]["until"] is not None
