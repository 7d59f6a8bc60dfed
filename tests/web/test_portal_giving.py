"""Points for another member, in the portal: looked at once more, sent once, refused in plain words; nobody is found."""

import html
import re
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from regulars.loyalty import api as loyalty
from regulars.loyalty.policy.contracts import Policy, TransferPolicy
from regulars.members import api as members
from regulars.members.contracts.households import FormHousehold
from regulars.members.recipients.limits import SOUGHT
from regulars.platform.ids import new_id
from regulars.platform.services import Services
from tests.commerce.shop import DAY, POLICY
from tests.web.membership import LATER, Membership
from tests.web.test_portal import words
from tests.web.test_portal_data import Hand

pytestmark = pytest.mark.anyio

GIVE = "/portal/points/give"
NOBODY = "Nothing can be given to anybody by this."
LI = "139 0013 9000"


def giving(**limits: object) -> Policy:
    return replace(POLICY, transfers=TransferPolicy(**{"among": "anyone", "largest": 300, **limits}))  # type: ignore[arg-type] # as a policy says them


async def club(services: Services, policy: Policy, browser: httpx.AsyncClient) -> tuple[Membership, Hand]:
    made = await Membership(services).begin(policy)
    return made, Hand(browser, await made.cookies(made.wang))


async def home(club: Membership, *others: UUID) -> None:
    wish = FormHousehold(household_id=new_id(), head_id=club.wang, member_ids=others, actor="test", reason="they asked")
    async with club.services.database.transaction() as tx:
        await members.households.form_household(tx, club.services.vault, 8, wish)


def read(answer: httpx.Response) -> str:
    """Return what a page says, also where it says no."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def rows(club: Membership, text: str) -> list[tuple[object, ...]]:
    async with club.services.database.transaction() as tx:
        return await tx.rows(text)


async def test_points_are_looked_at_once_more_and_sent_once(services: Services, browser: httpx.AsyncClient) -> None:
    membership, wang = await club(services, giving(given_per_day=500), browser)
    points, first = words(await wang.get("/portal/points")), words(await wang.get(GIVE))
    chosen = await wang.post(GIVE, who=LI, amount="200")
    at = chosen.headers["location"]
    review = words(await wang.get(at))
    untouched = await rows(membership, "SELECT count(*) FROM point_transfers")
    sent = [await wang.post(at) for _ in range(2)]
    done = words(await wang.get(sent[0].headers["location"]))
    statement = words(await wang.get("/portal/statement?wallet=points"))
    li = Hand(browser, await membership.cookies(membership.li))
    theirs, got = await li.get(at), words(await li.get("/portal/statement"))
    foreign = await li.get(sent[0].headers["location"])

    assert "Give points" in points
    assert ("At once at most 300" in first, "A day at most 500 of 500 left" in first) == (True, True)
    assert chosen.status_code == 303
    for told in ("You give 200", "Somebody without a name 139 0013 9000", "A day at most 300 of 500 left after this"):
        assert told in review
    assert untouched == [(0,)]
    assert [one.status_code for one in sent] == [303, 303]
    assert sent[0].headers["location"] == sent[1].headers["location"]
    assert await rows(membership, "SELECT amount, reason FROM point_transfers WHERE side = 'given'") == [
        (200, "given in the portal")
    ]
    assert "You gave 200 points to another member." in done
    assert "200 points were given to another member." in statement
    assert "200 points were given by another member." in got
    assert membership.li.hex not in at, "who gets them stands in no address"
    assert (theirs.status_code, theirs.headers["location"]) == (303, GIVE), "a wish is its member's own"
    assert foreign.status_code == 404
    audited = "SELECT action, detail FROM audit_entries WHERE action IN ('seek_recipient', 'transfer_points')"
    assert sorted(await rows(membership, audited)) == [
        ("seek_recipient", "found"),
        ("transfer_points", sent[0].headers["location"].rpartition("/")[2]),
    ]


async def test_what_was_given_of_several_lots_is_one_line_whose_why_has_them(
    services: Services, browser: httpx.AsyncClient
) -> None:
    membership, wang = await club(services, giving(), browser)
    for days, points in ((2, 5), (4, 6), (6, 7)):
        await membership.grant(membership.wang, points, f"day {days}", expires_at=LATER + days * DAY)
    at = (await wang.post(GIVE, who=LI, amount="18")).headers["location"]
    await wang.post(at)
    answer = await wang.get("/portal/statement?wallet=points")
    page, told = answer.text, read(answer)

    assert (page.count("18 points were given to another member."), "5 points were given to" in page) == (3, False)
    assert page.count("data-why") == page.count('<li class="flex items-start')
    for part in ("They are of 3 parts:", "5 that run out at", "6 that run out at", "7 that run out at"):
        assert part in told, told
    assert "They are of 3 parts:" in read(await wang.get("/portal/points"))


async def test_what_one_may_not_give_anybody_is_said_before_anybody_is_looked_for(
    services: Services, browser: httpx.AsyncClient
) -> None:
    membership, wang = await club(services, giving(smallest=10, given_per_month=250), browser)
    for amount, said in (
        ("301", "At most 300 points can be given at once."),
        ("9", "At least 10 points can be given at once."),
        ("260", "You can give 250 points a month, and 250 are left in this one. Again from"),
        ("x", "Please write a whole number, in digits."),
    ):
        answer = await wang.post(GIVE, who=LI, amount=amount)
        assert (answer.status_code in {409, 422}, said in read(answer)) == (True, True), (amount, read(answer))
    empty = await wang.post(GIVE, amount="20")
    li = Hand(browser, await membership.cookies(membership.li))
    poor = await li.post(GIVE, who="13800138000", amount="20")

    assert "Type a phone number, an e-mail address or a card number." in words(empty)
    assert "You have 0 points that you can give: 20 are missing." in read(poor)
    assert await rows(membership, "SELECT count(*) FROM audit_entries WHERE action = 'seek_recipient'") == [(0,)]


async def test_who_tries_numbers_learns_nothing_and_is_slowed(services: Services, browser: httpx.AsyncClient) -> None:
    membership, wang = await club(services, giving(waiting_days=30), browser)
    # Wang has been here for long, and Li has not: nothing can be given to Li yet.
    async with services.database.transaction() as tx:
        tx.write("UPDATE members SET signed_up_at = %s WHERE member_id = %s", (LATER - 90 * DAY, membership.wang))
    answers = [await wang.post(GIVE, who=who, amount="20") for who in ("13911112222", LI, "nobody@home.example")]
    own = await wang.post(GIVE, who="138 0013 8000", amount="20")
    more = [await wang.post(GIVE, who=f"1391111{n:04}", amount="20") for n in range(SOUGHT.free - 3)]

    assert {one.status_code for one in answers} == {422}
    assert all(NOBODY in words(one) for one in answers)
    told = {
        words(one).replace(who, "")
        for one, who in zip(answers, ("13911112222", LI, "nobody@home.example"), strict=True)
    }
    assert len(told) == 1, "nobody and somebody who cannot get anything are told in the same words"
    assert "That is you. Name somebody else." in words(own)
    assert [one.status_code for one in more] == [422] * (SOUGHT.free - 4) + [429]


async def test_within_a_household_one_chooses_and_learns_why_not(
    services: Services, browser: httpx.AsyncClient
) -> None:
    membership, wang = await club(services, giving(among="household", received_per_day=100), browser)
    alone = words(await wang.get(GIVE))
    early = await wang.post(GIVE, who=LI, amount="20")
    await home(membership, membership.li)
    page = await wang.get(GIVE)
    (token,) = re.findall(r'name="to" type="radio" value="([^"]+)" class="[^"]+" checked', page.text)  # the only one
    much = read(await wang.post(GIVE, to=token, amount="120"))
    chosen = await wang.post(GIVE, to=token, amount="60")
    review = words(await wang.get(chosen.headers["location"]))
    async with services.database.transaction() as tx:
        tx.write("DELETE FROM household_members WHERE member_id = %s", (membership.li,))
    gone = await wang.post(chosen.headers["location"])

    assert "Nobody lives with you here" in alone
    assert "Choose who gets them." in words(early) or "Nobody lives with you here" in words(early)
    assert "139****9000" in words(page)
    assert "Phone, e-mail or card of somebody else" not in words(page)
    assert "This person can get 100 more points today." in much
    assert "139****9000 lives with you" in review
    assert (gone.status_code, "does not live in your household any more" in read(gone)) == (422, True)
    assert await rows(membership, "SELECT count(*) FROM point_transfers") == [(0,)]


async def test_where_the_policy_knows_none_nothing_leads_there(services: Services, browser: httpx.AsyncClient) -> None:
    membership, wang = await club(services, POLICY, browser)
    await home(membership, membership.li)
    pages = [words(await wang.get(path)) for path in ("/portal/points", "/portal/household", "/portal")]
    there, sent = await wang.get(GIVE), await wang.post(GIVE, who=LI, amount="20")

    assert not [one for one in pages if "Give points" in one]
    assert (there.status_code, "cannot be given to others at the moment" in words(there)) == (200, True)
    assert sent.status_code == 409
    assert await rows(membership, "SELECT count(*) FROM audit_entries WHERE action = 'seek_recipient'") == [(0,)]


async def test_what_a_member_may_give_is_what_giving_then_allows(services: Services) -> None:
    """The answer without a receiver, against what giving itself says, for every amount around each bound."""
    membership = await Membership(services).begin(giving(smallest=5, given_per_day=250))
    configuration = loyalty.Configuration()
    async with services.database.transaction() as tx:
        for amount in (1, 4, 5, 6, 249, 250, 251, 299, 300, 301):
            standing = await loyalty.transfer_standing(tx, configuration, membership.wang, amount)
            wish = loyalty.TransferPoints(
                member_id=membership.wang, to_id=membership.li, amount=amount, reference=f"r-{amount}", actor="test"
            )
            (tried,) = await loyalty.transfer_points(tx, configuration, [wish], dry_run=True)
            assert standing is not None
            assert getattr(standing.refusal, "code", None) == getattr(tried, "code", None), amount
            assert standing.gives_from <= tx.now + timedelta()
