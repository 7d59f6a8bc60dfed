"""What a member has, is found by and agreed to, typed at the command line: read as of then, recorded, confirmed."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.members.api import letter_to_confirm
from regulars.platform.db.database import Database
from regulars.platform.ids import parse_public_id
from tests.commerce.shop import POLICY
from tests.entrypoints.typing_commands import USER, Desk, deployment

BEFORE = "2020-01-01T00:00:00Z"
NOBODY = "mbr_" + 32 * "0"
OFFERS = ("--purpose", "marketing", "--wording-version", "2026-04", "--where", "store")


@pytest.fixture(scope="module")
def desk(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with deployment(server_url, template, tmp_path_factory.mktemp("home"), POLICY) as made:
        yield made


def test_books_are_read_now_and_as_of_then(desk: Desk) -> None:
    one = desk.join("reads", 70)
    (points,) = [each for each in desk.told("members", "wallets", one)["wallets"] if each["wallet"] == "points"]
    assert (points["balance"], points["available"]) == (70, 70)
    now = desk.rows("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0][0]
    desk.type("corrections", "make", one, "--amount=-20", "--reason", "counted twice", "--reference", "case-1")
    as_then = desk.told("members", "wallets", one, "--as-of", now)["wallets"]
    assert [each["balance"] for each in as_then if each["wallet"] == "points"] == [70]
    lines = desk.told("members", "statement", one, "--wallet", "points", "--limit", "1")
    assert ([each["balance"] for each in lines["lines"]], lines["has_more"]) == ([50], True)
    (further,) = desk.told("members", "statement", one, "--cursor", lines["next_cursor"])["lines"]
    assert (further["amount"], further["balance"]) == (70, 70)
    listed = desk.type("members", "statement", one).stdout.splitlines()
    assert listed[0].split() == ["transfer", "recorded", "at", "kind", "wallet", "amount", "balance", "reason", "order"]
    assert [words.split()[0] for words in listed[1:]] == [lines["lines"][0]["transfer_id"], further["transfer_id"]]
    tier = desk.told("members", "tier", one)["status"]
    shown = dict(line.split(maxsplit=1) for line in desk.type("members", "tier", one).stdout.splitlines())
    assert shown["tier"].strip() == tier["tier"]
    in_chinese = json.loads(desk.type("members", "tier", one, "--json", "--lang", "zh").stdout)["status"]
    assert (in_chinese["tier"], in_chinese["reason"] != tier["reason"]) == (tier["tier"], True)
    for command in ("wallets", "tier"):
        refused = desk.refused("members", command, one, "--as-of", "2026-01-01T00:00:00")
        assert (refused["status"], refused["option"]) == (422, "--as-of"), command
        assert desk.refused("members", command, NOBODY)["status"] == 404
    assert desk.refused("members", "statement", one, "--cursor", "elsewhere")["option"] == "--cursor"


def test_a_member_is_found_by_more_and_by_less(desk: Desk) -> None:
    one, two = desk.join("found"), desk.join("other")
    add = ("identities", "add", one, "--kind", "email")
    made = json.loads(desk.type(*add, "--value", "-", "--json", read="wang@example.com\n").stdout)
    assert desk.type(*add, "--value", "wang@example.com").stdout == (
        f"{made['identity_id']}: this member is found by that email, too.\n"
    )
    listed = desk.told("identities", "list", one)
    assert {each["kind"]: each["value"] for each in listed["identities"]}["email"] == "w***@example.com"
    assert "w***@example.com" in desk.type("identities", "list", one).stdout
    clear = ("--purpose", "a letter to them")
    assert "wang@example.com" in desk.type("identities", "list", one, *clear).stdout
    assert "wang@example.com" in desk.type("members", "show", one, *clear).stdout
    assert [look["subject"] for look in desk.told("privacy", "looks", *clear)["looks"]] == [one, one]
    taken = desk.refused("identities", "add", two, "--kind", "email", "--value", "wang@example.com")
    assert (taken["code"], taken["option"]) == ("identity_taken", "--value")
    assert desk.refused("identities", "add", two, "--kind", "face", "--value", "it")["option"] == "--kind"
    remove = ("identities", "remove", one, made["identity_id"])
    assert desk.type(*remove, code=2).stderr == "Nothing was done. Say that it is meant: --yes\n"
    assert desk.told(*remove, "--yes", "--key", "gone")["kind"] == "email"
    assert "nothing was done now" in desk.type(*remove, "--yes", "--key", "gone").stderr
    (left,) = desk.told("identities", "list", one)["identities"]
    last = ("identities", "remove", one, left["identity_id"], "--yes")
    assert desk.refused(*last)["code"] == "last_identity"
    assert "唯一的身份" in desk.type(*last, "--lang", "zh", code=2).stderr


def test_consent_is_recorded_confirmed_and_taken_back(desk: Desk) -> None:
    one = desk.join("agrees")
    desk.type("identities", "add", one, "--kind", "email", "--value", "li@example.com")
    give = ("consents", "record", one, *OFFERS, "--channel", "email", "--decision", "given")
    words = ("--wording", "Send me offers.")
    unnamed = desk.type(*give, *words, code=2).stderr
    assert unnamed.startswith("The field --wording-language must be written like zh-CN.")
    asked = desk.told(*give, *words, "--wording-language", "en")
    assert (asked["decision"], asked["actor"]) == ("requested", f"cli:{USER}")
    standing = desk.told("consents", "list", one)
    assert (standing["in_force"], [each["consent_id"] for each in standing["requested"]]) == ([], [asked["consent_id"]])
    assert "requested" in desk.type("consents", "list", one).stdout
    assert desk.refused("consents", "letter", one, asked["consent_id"])["status"] == 429
    token = _letter_of(desk, one, asked["consent_id"])
    for typed in (f"https://shop.example/consent/{token}", "-"):
        confirmed = desk.type("consents", "confirm", typed, read=f"{token}\n").stdout
        assert confirmed == f"{one} confirmed marketing by email ({asked['consent_id']}).\n"
    over = desk.refused("consents", "confirm", "x" * 86)
    assert over["code"] == "consent_confirmation_over"
    assert desk.refused("consents", "confirm", "short")["option"] == "TOKEN"
    assert desk.refused("consents", "letter", one, asked["consent_id"])["code"] == "consent_not_requested"
    taken_back = ("consents", "record", one, *OFFERS, "--channel", "email", "--decision", "withdrawn")
    assert desk.type(*taken_back).stdout.endswith(": marketing by email is withdrawn.\n")
    first = desk.told("consents", "history", one, "--channel", "email", "--limit", "2")
    rest = desk.told("consents", "history", one, "--channel", "email", "--cursor", first["next_cursor"])
    decisions = [each["decision"] for each in [*first["history"], *rest["history"]]]
    assert decisions == ["withdrawn", "given", "requested"]
    assert [each["decision"] for each in desk.told("consents", "list", one)["in_force"]] == ["withdrawn"]
    assert desk.told("consents", "list", one, "--as-of", BEFORE)["history"] == []
    assert desk.refused("consents", "history", one, "--purpose", "fun")["option"] == "--purpose"
    elsewhere = desk.told(*give, "--confirmed-elsewhere", "--effective-at", "2026-06-01T00:00:00+08:00")
    assert (elsewhere["confirmation"], elsewhere["effective_at"]) == ("elsewhere", "2026-05-31T16:00:00Z")


def test_rules_are_shown_changed_in_a_file_and_set(desk: Desk, tmp_path: Path) -> None:
    read = desk.told("identity-rules", "show")
    in_force = read["in_force"]
    shown = desk.type("identity-rules", "show").stdout
    assert [each["kind"] for each in in_force["kinds"] if each["kind"] not in shown] == []
    (email,) = [each for each in in_force["kinds"] if each["kind"] == "email"]
    email["limit"] += 1
    in_force["automatic"] = False
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(read))
    wish = ("identity-rules", "set", str(file), "--reason", "Families share addresses")
    made = desk.told(*wish)
    assert made == {**made, "version": 1, "actor": f"cli:{USER}", "automatic": False, "kinds": in_force["kinds"]}
    stale = desk.refused(*wish)
    assert (stale["code"], stale["option"]) == ("identity_rules_stale", "--based-on")
    in_force["kinds"].pop()
    file.write_text(json.dumps(in_force))
    assert desk.refused(*wish, "--based-on", "1")["code"] == "identity_kinds_incomplete"
    assert desk.refused("identity-rules", "set", str(file), "--reason", "x")["option"] == "--reason"
    listed = desk.type("identity-rules", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["1", "0"]
    for text, told in (("[]", "is no JSON object"), (None, "cannot be read")):
        file.unlink() if text is None else file.write_text(text)
        assert told in desk.type(*wish, code=2).stderr


def _letter_of(desk: Desk, member: str, consent: str) -> str:
    """Return what the link of the letter carries that asks to confirm a consent."""
    of_member, of_consent = parse_public_id("mbr", member), parse_public_id("cns", consent)
    assert of_member is not None
    assert of_consent is not None

    async def ask() -> str:
        async with Database(desk.database_url, pool_size=1) as database, database.transaction() as tx:
            letter = await letter_to_confirm(tx, of_member, of_consent)
            assert letter is not None
            return letter.token

    return asyncio.run(ask())
