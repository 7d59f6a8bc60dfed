"""Two members who may be one person: proposed by what requests name together, decided by staff or by the rule."""

from datetime import timedelta

import pytest

from regulars.entrypoints.privacy import PARTS as PRIVACY
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, LookUp
from tests.entrypoints.proposing import (
    APP,
    CARD,
    EMAIL,
    OTHER_EMAIL,
    PHONE,
    PROPOSALS,
    SHOP,
    decide,
    give,
    listed,
    look,
    name_together,
    only,
    prove,
    said,
    two,
    uuid_of,
)
from tests.entrypoints.test_merging import Door, door
from tests.members.entering import PHONE_BROWSER, Portal

__all__ = ["door"]  # the fixture
pytestmark = pytest.mark.anyio


# --- what proposes ----------------------------------------------------------------------------------------------------


async def test_one_request_that_names_values_of_two_proposes_them_once(door: Door) -> None:
    both = await two(door)

    refused = await name_together(door)
    await name_together(door, ("email", "FANG@home.example"), ("phone", "139 1234 0001"))

    assert said(refused) == ("identity_taken", "/identities/0/value", {})
    found = await only(door)
    assert (found["members"], found["seen_count"], found["rank"]) == ([both.first, both.other], 2, 4)
    assert [(one["rule"], one["kind"], one["other_kind"], one["seen_count"]) for one in found["evidence"]] == [
        ("named_together", "phone", "email", 2)
    ]
    assert await door.problems() == {}


async def test_the_same_request_again_counts_once(door: Door) -> None:
    await two(door)
    given = [{"kind": "phone", "value": PHONE}, {"kind": "email", "value": EMAIL}]
    body = {"market": "CN", "channel": "store", "identities": given}
    for _ in range(3):
        answer = await door.client.post("/v1/members", json=body, headers={"Idempotency-Key": "the-same"})
        assert answer.status_code == 409

    assert (await only(door))["seen_count"] == 1


async def test_a_value_to_be_added_that_is_another_s_proposes_both(door: Door) -> None:
    both = await two(door)

    refused = await give(door, both.first, "email", EMAIL)
    await give(door, both.other, "phone", PHONE)

    assert said(refused) == ("identity_taken", "/value", {})
    found = await only(door)
    assert [(one["rule"], one["kind"], one["other_kind"]) for one in found["evidence"]] == [
        ("value_of_other", None, "email"),
        ("value_of_other", "phone", None),
    ]
    assert [one["sentence"].partition(" was ")[0] for one in found["why"][:2]] == [
        f"f***@home.example (e-mail address) of {both.other}",
        f"+86 139****0001 (phone number) of {both.first}",
    ]
    assert await door.problems() == {}


async def test_why_is_told_in_both_languages_with_masked_values(door: Door) -> None:
    both = await two(door)
    await name_together(door)
    (one,) = await listed(door)
    for language, begin in (("en", "One request named"), ("zh", "同一请求")):
        headers = {"Accept-Language": language}
        found = (await door.client.get(f"{PROPOSALS}/{one['proposal_id']}", headers=headers)).json()
        sentence = found["why"][0]["sentence"]
        assert sentence.startswith(begin)
        assert "+86 139****0001" in sentence
        assert "f***@home.example" in sentence
        assert all(member in sentence for member in both)
        assert EMAIL not in str(found)
        assert "13912340001" not in str(found)


@pytest.mark.parametrize("limit", [2, 4])
async def test_a_request_that_names_many_speaks_for_none(door: Door, limit: int) -> None:
    values = [("phone", PHONE), ("email", EMAIL), ("card", CARD), ("email", OTHER_EMAIL)][:limit]
    for kind, value in values:
        await door.sign_up(**{kind: value})
    await name_together(door, *values)

    assert len(await listed(door)) == (1 if limit == 2 else 0)


async def test_another_sign_in_on_the_same_device_is_a_switch(door: Door) -> None:
    """In a browser one member comes after the other, and at one till: that says nothing of who they are."""
    both = await two(door)
    portal = Portal(door.services.database, door.services.vault)
    first = await portal.sign_in(IdentityValue(IdentityKind.PHONE, PHONE))
    same = PHONE_BROWSER.__class__(
        address=PHONE_BROWSER.address, user_agent=PHONE_BROWSER.user_agent, token=first.token, known=first.known
    )
    second = await portal.sign_in(IdentityValue(IdentityKind.EMAIL, EMAIL), same)
    assert (first.member_id, second.member_id) == (uuid_of(both.first), uuid_of(both.other))
    for typed in (PHONE, EMAIL, PHONE):
        async with door.services.database.transaction() as tx:
            wish = LookUp(typed=typed, market="CN", store_id="367", device="device:dev_1")
            assert await members.look_up_at_counter(tx, door.services.vault, wish) in {uuid_of(one) for one in both}
    await door.order("one", both.first, 1_000)
    await door.order("two", both.other, 1_000)

    assert await listed(door) == []


async def test_who_shares_an_address_and_has_two_accounts_elsewhere_is_not_proposed(door: Door) -> None:
    """Two ids of one system tell two persons apart more surely than a phone number says that they are one."""
    await two(door, {"external": SHOP, "phone": PHONE}, {"external": "shop:lin-1", "email": EMAIL})
    await name_together(door)
    assert await listed(door) == []

    both = await two(door, {"external": APP, "card": CARD}, {"email": OTHER_EMAIL, "external": "crm:1"})
    await name_together(door, ("card", CARD), ("email", OTHER_EMAIL))
    assert (await only(door))["members"] == [*both]


# --- values that are nobody's, and too many ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "none@anything.example"),
        ("email", "Test@Example.com"),
        ("email", "no-reply@shop.example"),
        ("phone", "+8613123456789"),
        ("phone", "+8617777777777"),
        ("card", "00000000"),
        ("card", "none"),
        ("external", "shop:null"),
    ],
)
async def test_what_is_typed_when_there_is_none_belongs_to_nobody(door: Door, kind: str, value: str) -> None:
    both = await two(door)

    refused = await name_together(door, ("phone", PHONE), ("email", EMAIL), (kind, value), status=422)
    added = await give(door, both.first, kind, value, status=422)

    assert said(refused) == ("identity_blocked", "/identities/2/value", {"identity": kind})
    assert said(added) == ("identity_blocked", "/value", {"identity": kind})
    assert await listed(door) == []


async def test_too_many_of_a_kind_are_refused_with_the_remedy(door: Door) -> None:
    member = await door.sign_up(phone=PHONE, external=SHOP)
    for number in (2, 3):
        await give(door, member, "phone", f"+861391234000{number}", status=201)
    await give(door, member, "external", APP, status=201)

    phone = await give(door, member, "phone", "+8613912340004")
    external = await give(door, member, "external", "shop:fang-2")

    code = "identity_limit_reached"
    assert said(phone) == (code, "/value", {"identity": "phone", "limit": 3})
    assert said(external) == (code, "/value", {"identity": "external", "limit": 1})
    answer = await door.client.post(
        f"/v1/members/{member}/identities",
        json={"kind": "phone", "value": "+8613912340004"},
        headers={"Idempotency-Key": "in-chinese", "Accept-Language": "zh"},
    )
    assert "3" in answer.json()["detail"]
    assert "请先" in answer.json()["detail"]
    four = [("phone", f"+861391234001{number}") for number in range(4)]
    at_once = await name_together(door, *four)
    assert said(at_once)[:2] == (code, "/identities/3/value")


async def test_rules_come_in_versions(door: Door) -> None:
    now = (await door.call("GET", "/v1/identity-rules"))["in_force"]
    assert now["version"] == 0
    kinds = [{**one, "proposes": one["kind"] != "email"} for one in now["kinds"]]
    kinds[4]["blocked"] = ["*@home.example"]
    wish = {"based_on": 0, "kinds": kinds, "automatic": False, "reason": "addresses are shared here"}

    changed = await door.call("PUT", "/v1/identity-rules", wish)
    stale = await door.call("PUT", "/v1/identity-rules", wish, status=409)
    lacking = {**wish, "based_on": 1, "kinds": kinds[:4]}
    incomplete = await door.call("PUT", "/v1/identity-rules", lacking, status=422)

    assert (changed["version"], changed["automatic"]) == (1, False)
    assert (stale["code"], incomplete["code"]) == ("identity_rules_stale", "identity_kinds_incomplete")
    versions = (await door.call("GET", "/v1/identity-rules"))["versions"]
    assert [one["version"] for one in versions] == [1, 0]
    refused = await name_together(door, ("email", EMAIL), status=422)
    assert refused["code"] == "identity_blocked"
    await two(door, {"phone": PHONE}, {"email": "fang@else.example"})
    await name_together(door, ("phone", PHONE), ("email", "fang@else.example"))
    assert await listed(door) == []


# --- staff decide -----------------------------------------------------------------------------------------------------


async def test_a_confirmed_proposal_is_a_merge(door: Door) -> None:
    both = await two(door)
    await door.order("A", both.first, 20_000)
    await door.order("B", both.other, 10_000)
    await name_together(door)
    found = await only(door)
    assert (found["accounts"], found["survivor"]) == ([both.first, both.other], both.first)

    looked = await decide(door, found, "confirm", dry_run=True)
    assert (looked["merge"]["state"], looked["proposal"]["state"]) == ("proposed", "open")
    confirmed = await decide(door, found, "confirm", survivor=both.other)

    merge = confirmed["merge"]
    assert (merge["survivor"], merge["absorbed"], confirmed["proposal"]["state"]) == (
        both.other,
        both.first,
        "confirmed",
    )
    assert confirmed["proposal"]["merge_id"] == merge["merge_id"]
    assert await door.points(both.first) == (300, 0)
    assert (await decide(door, found, "dismiss", status=409))["code"] == "proposal_ended"
    assert (await decide(door, found, "confirm", status=409))["data"]["state"] == "confirmed"
    assert await door.problems() == {}

    await door.undo(both.other, merge["merge_id"])
    await name_together(door)

    (one,) = await listed(door)
    assert (one["state"], one["seen_count"]) == ("undone", 2)
    assert await door.problems() == {}


async def test_a_dismissed_proposal_needs_more_to_open_again(door: Door) -> None:
    both = await two(door, {"phone": PHONE, "card": CARD}, {"email": EMAIL, "external": SHOP})
    await name_together(door)
    dismissed = await decide(door, await only(door), "dismiss")
    assert (dismissed["state"], dismissed["reason"]) == ("dismissed", "looked at both")

    await name_together(door)
    await name_together(door, ("card", CARD), ("email", EMAIL))
    (one,) = await listed(door)
    assert (one["state"], one["seen_count"]) == ("dismissed", 3)

    await name_together(door, ("phone", PHONE), ("external", SHOP))
    found = await only(door)
    assert (found["members"], found["rank"], len(await listed(door))) == ([*both], 2, 2)
    await prove(door, both.first)
    assert await look(door) == 1
    assert [one["rule"] for one in (await only(door))["why"]][-1] == "proposal.parted"
    assert await door.problems() == {}


async def test_refusals(door: Door) -> None:
    both = await two(door)
    await name_together(door)
    found = await only(door)
    stranger = await door.sign_up(card=CARD)
    refused = await decide(door, found, "confirm", status=422, survivor=stranger)
    assert said(refused) == ("survivor_not_of_proposal", "/survivor", {})
    nobody = {"proposal_id": "mpr_" + "0" * 32}
    assert (await decide(door, nobody, "confirm", status=404))["code"] == "unknown_proposal"
    assert (await decide(door, nobody, "dismiss", status=404))["code"] == "unknown_proposal"
    await door.call("GET", f"{PROPOSALS}/{nobody['proposal_id']}", status=404)
    await door.call("GET", f"{PROPOSALS}?cursor=x", status=422)
    await door.call("POST", f"/v1/members/{both.other}/erasure", {"reason": "asked for it"}, status=202)
    assert (await decide(door, found, "confirm", status=409))["code"] == "merge_waits_for_erasure"
    assert (await only(door))["state"] == "open"


async def test_pages_of_the_list(door: Door) -> None:
    both = await two(door, {"phone": PHONE, "card": CARD}, {"email": EMAIL})
    third = await door.sign_up(email=OTHER_EMAIL)
    await name_together(door)
    await name_together(door, ("card", CARD), ("email", OTHER_EMAIL))
    first = await door.call("GET", f"{PROPOSALS}?limit=1")
    second = await door.call("GET", f"{PROPOSALS}?limit=1&cursor={first['next_cursor']}")

    assert [one["proposals"][0]["members"] for one in (first, second)] == [[both.first, third], [*both]]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    assert [one["members"] for one in await listed(door, f"?member={third}")] == [[both.first, third]]
    assert len(await listed(door, f"?member={both.first}&state=open")) == 2
    assert await listed(door, "?state=dismissed") == []


# --- the rule decides -------------------------------------------------------------------------------------------------


async def test_two_of_whom_nothing_else_is_known_become_one(door: Door) -> None:
    both = await two(door)
    await name_together(door)
    assert (await only(door))["survivor"] == both.first
    assert await look(door, after=timedelta()) == 0

    assert await look(door) == 1

    (one,) = await listed(door)
    assert (one["state"], one["ended_by"]) == ("automatic", "rule:identities")
    shown = await door.call("GET", f"/v1/members/{both.other}")
    assert (shown["member_id"], [each["kind"] for each in shown["identities"]]) == (both.first, ["phone", "email"])
    (merge,) = (await door.call("GET", f"/v1/members/{both.first}/merges"))["merges"]
    assert (merge["actor"], merge["merge_id"]) == ("rule:identities", one["merge_id"])
    async with door.services.database.transaction() as tx:
        rows = await tx.rows("SELECT actor FROM audit_entries WHERE action = 'merge_members'")
    assert rows == [("rule:identities",)]
    assert await door.problems() == {}
    await door.undo(both.first, merge["merge_id"])
    assert await door.problems() == {}


@pytest.mark.parametrize("how", ["orders", "points", "proved"])
async def test_two_accounts_are_never_merged_by_the_rule(door: Door, how: str) -> None:
    both = await two(door)
    for member in both:
        if how == "orders":
            await door.order(f"order-of-{member[-6:]}", member, 10_000)
        elif how == "points":
            gift = {"wallet": "points", "amount": 5, "reason": "gift"}
            await door.call("POST", f"/v1/members/{member}/accruals", gift, status=201)
        else:
            await prove(door, member)
    await name_together(door)

    assert await look(door) == 1
    assert await look(door) == 0

    found = await only(door)
    assert (found["automatic_at"], found["accounts"]) == (None, [*both])
    assert [one["rule"] for one in found["why"]] == ["proposal.named_together", "proposal.accounts"]
    assert await door.problems() == {}


async def test_the_rule_leaves_to_staff_what_would_be_too_many(door: Door) -> None:
    both = await two(door, {"external": SHOP, "card": CARD}, {"external": APP})
    for number in (2, 3, 4):
        await give(door, both[number % 2], "phone", f"+861391234000{number}", status=201)
    await give(door, both.first, "phone", "+8613912340006", status=201)
    await name_together(door, ("external", SHOP), ("external", APP))

    assert await look(door) == 1

    found = await only(door)
    assert [one["rule"] for one in found["why"]][1:] == [
        "proposal.over_limit",
        "proposal.no_account",
        "proposal.limits",
    ]
    assert (await decide(door, found, "confirm"))["proposal"]["state"] == "confirmed"


async def test_what_stands_against_it_is_tried_again(door: Door) -> None:
    both = await two(door)
    await door.order("open", both.other, 1_000, state="placed")
    await prove(door, both.first)
    await door.order("open", both.other, 1_000, state="cancelled")
    await door.order("waits", both.other, 1_000, state="placed")
    await name_together(door)
    assert (await only(door))["accounts"] == [*both]  # an order is an account, paid or not
    await door.call("POST", f"/v1/members/{both.other}/erasure", {"reason": "asked for it"}, status=202)
    assert await look(door) == 1
    assert [one["rule"] for one in (await only(door))["why"]][-1] == "proposal.accounts"


async def test_a_refusal_that_may_pass_is_written_down(door: Door) -> None:
    both = await two(door)
    await name_together(door)
    await door.call("POST", f"/v1/members/{both.other}/erasure", {"reason": "asked for it"}, status=202)

    assert await look(door) == 1

    told = (await only(door))["why"][-1]
    assert (told["rule"], told["values"]["code"]) == ("proposal.waits", "merge_waits_for_erasure")
    await door.call("DELETE", f"/v1/members/{both.other}/erasure")
    assert await look(door) == 0
    assert await look(door, after=timedelta(hours=2)) == 1
    assert [one["state"] for one in await listed(door)] == ["automatic"]


async def test_rules_may_leave_everything_to_staff(door: Door) -> None:
    now = (await door.call("GET", "/v1/identity-rules"))["in_force"]
    wish = {"based_on": 0, "kinds": now["kinds"], "automatic": False, "reason": "staff look first"}
    await door.call("PUT", "/v1/identity-rules", wish)
    await two(door)
    await name_together(door)
    assert await look(door) == 1
    assert [one["rule"] for one in (await only(door))["why"]][1:] == ["proposal.no_account", "proposal.off"]

    again = {**wish, "based_on": 1, "automatic": True, "automatic_after_minutes": 0}
    await door.call("PUT", "/v1/identity-rules", again)
    assert await look(door) == 1
    assert [one["state"] for one in await listed(door)] == ["automatic"]


# --- merges otherwise, erasing, exporting -----------------------------------------------------------------------------


async def test_a_merge_otherwise_ends_it_and_passes_on_what_speaks_for_others(door: Door) -> None:
    both = await two(door, {"phone": PHONE, "card": CARD}, {"email": EMAIL})
    third = await door.sign_up(email=OTHER_EMAIL)
    await name_together(door)
    await name_together(door, ("card", CARD), ("email", OTHER_EMAIL))

    merged = await door.merge(both.other, both.first)

    found = await only(door)
    assert (found["members"], found["seen_count"]) == ([both.other, third], 1)
    assert [(one["kind"], one["other_kind"]) for one in found["evidence"]] == [("card", "email")]
    assert sorted(one["state"] for one in await listed(door)) == ["done", "open", "superseded"]
    assert await door.problems() == {}

    await door.undo(both.other, merged["merge_id"])

    assert (await only(door))["members"] == [both.first, third]
    assert sorted(one["state"] for one in await listed(door)) == ["open", "superseded", "undone"]
    assert await door.problems() == {}


async def test_proposals_go_with_who_is_erased(door: Door) -> None:
    both = await two(door)
    await name_together(door)
    services = door.services
    await door.call("POST", f"/v1/members/{both.other}/erasure", {"reason": "asked for it"}, status=202)
    async with services.database.transaction() as tx:
        ((due,),) = await tx.rows("SELECT max(due_at) FROM erasures")

    assert await members.carry_out_due(services.database, services.vault, PRIVACY, at=due) == 1

    assert await listed(door) == []
    async with services.database.transaction() as tx:
        assert await tx.rows("SELECT FROM merge_evidence") == []
    assert await door.problems() == {}


async def test_both_are_told_in_their_exports_and_neither_of_the_other(door: Door) -> None:
    both = await two(door)
    await name_together(door)
    for member, kind, other, value in (
        (both.first, "phone", both.other, EMAIL),
        (both.other, "email", both.first, PHONE),
    ):
        asked = await door.call("POST", f"/v1/members/{member}/exports", status=202)
        await members.gather_waiting(door.services.database, door.services.vault, PRIVACY)
        found = await door.call("GET", f"/v1/members/{member}/exports/{asked['export_id']}")
        (told,) = found["sections"]["merge_proposals"]
        assert (told["state"], told["seen"][0]["your_kind"]) == ("open", kind)
        assert value not in str(found)
        assert uuid_of(other).hex not in str(found).replace("-", "")


CORRUPTIONS = {
    "passed on by a merge that was undone": "WITH made AS (INSERT INTO member_merges (member_id, merge_id, survivor_id,"
    " actor, reason, recorded_at, written_at, told, undone_at, undone_by, undo_reason, undone) SELECT other_id,"
    " proposal_id, member_id, 'x', 'x', now(), now(), '{}', now(), 'x', 'x', '{}' FROM merge_proposals)"
    " UPDATE merge_proposals SET opened_by_merge = proposal_id",
    "of who is part of another": "UPDATE members SET merged_into = (SELECT min(member_id::text)::uuid FROM members)"
    " WHERE member_id = (SELECT max(other_id::text)::uuid FROM merge_proposals)",
    "of who is erased": "UPDATE members SET status = 'erased' FROM merge_proposals AS p"
    " WHERE members.member_id = p.member_id",
    "of a stranger": "UPDATE merge_proposals SET other_id = 'ffffffff-ffff-7fff-bfff-ffffffffffff'",
    "without evidence": "DELETE FROM merge_evidence",
    "counted otherwise": "UPDATE merge_evidence SET seen_count = 7",
    "a merge that is none": "UPDATE merge_proposals SET state = 'done', ended_at = now(), ended_by = 'x',"
    " end_reason = 'x', merge_id = proposal_id",
}


@pytest.mark.parametrize("planted", CORRUPTIONS)
async def test_verify_finds_what_cannot_be(door: Door, planted: str) -> None:
    await two(door)
    await name_together(door)
    assert await door.problems() == {}
    async with door.services.database.transaction() as tx:
        tx.write(CORRUPTIONS[planted])

    assert "proposals to merge" in await door.problems()
