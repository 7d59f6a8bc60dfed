"""What one person corrects in a day without a second one has a limit; beyond it each correction is asked for."""

import importlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api
from regulars.loyalty.contracts import Adjust, Posting
from regulars.loyalty.errors import ApprovalNeeded, ApprovalNeededToday, InsufficientPoints
from regulars.loyalty.ledger.requests import request_id_of
from regulars.loyalty.policy.contracts import AdjustmentPolicy
from regulars.members import api as members
from regulars.members.contracts import IdentityKind, IdentityValue, Member, SignUp
from regulars.platform.auth import service as keys
from regulars.platform.db.database import Database
from regulars.platform.explaining.speech import Speech
from regulars.platform.ids import public_id
from regulars.platform.markets.contracts import Market, PrivacyRegime
from regulars.platform.markets.service import define_market
from regulars.platform.vault.local import LocalVault
from tests.loyalty.adjusting import answer, ask, decide
from tests.loyalty.programme import DAY, EASY, HOUR, NOON, Programme, adjust
from tests.platform.staffing import invite

pytestmark = pytest.mark.anyio
SECOND = timedelta(seconds=1)
BY_DAY = structs.replace(EASY, adjustments=AdjustmentPolicy(approve_above=100, alone_per_day=250))
CN = Market(
    code="CN",
    country="CN",
    currency="CNY",
    time_zone="Asia/Shanghai",
    language="zh-CN",
    privacy_regime=PrivacyRegime.PIPL,
)
COUNTED = "SELECT person, time_zone, day::text, units FROM corrections_alone WHERE units > 0 ORDER BY 1, 3"


@pytest.fixture
async def limited(database: Database, vault: LocalVault) -> Programme:
    return await Programme.begin(database, vault, BY_DAY)


def by(actor: str, member_id: UUID, reference: str, at: datetime, amount: int) -> Adjust:
    return structs.replace(adjust(member_id, reference, at, amount), actor=actor)


async def test_ten_small_ones_are_no_better_than_a_large_one(limited: Programme) -> None:
    """Up and down count, of all members; what is repeated does not, nor what two decided, nor what was refused."""
    wang, fang = await limited.members(2)
    for _ in range(2):
        await limited.one(by("li", wang, "a", NOON, 100))
    await limited.one(by("li", wang, "b", NOON + HOUR, -50))
    with pytest.raises(InsufficientPoints):
        await limited.one(by("li", fang, "c", NOON + HOUR, -99))
    with pytest.raises(ApprovalNeeded) as large:
        await limited.one(by("li", fang, "d", NOON + HOUR, 101))
    assert large.value.code == "approval_needed"
    await decide(limited, ask(fang, "d", NOON + HOUR, 101), answer(fang, "d", NOON + HOUR))
    await limited.one(by("li", fang, "e", NOON + HOUR, -60))

    with pytest.raises(ApprovalNeededToday) as caught:
        await limited.one(by("li", wang, "f", NOON + HOUR, 41))
    assert (caught.value.code, caught.value.pointer) == ("approval_needed_today", "/amount")
    assert caught.value.data == {"limit": 250, "corrected": 210, "asked": 41, "left": 40, "policy_version": 1}
    await decide(limited, ask(wang, "f", NOON + HOUR, 41), answer(wang, "f", NOON + HOUR))
    assert isinstance(await limited.one(by("li", wang, "f", NOON + HOUR, 41)), Posting)
    await limited.one(by("xu", wang, "g", NOON + HOUR, 100))  # somebody else
    await limited.one(by("li", wang, "h", NOON + HOUR, 40))
    midnight = datetime(2017, 2, 2, tzinfo=UTC)  # wherever the members' markets are
    with pytest.raises(ApprovalNeededToday):
        await limited.one(by("li", wang, "i", midnight - SECOND, 1))
    await limited.one(by("li", wang, "i", midnight, 100))
    assert await limited.rows(COUNTED) == [
        ("li", "UTC", "2017-02-01", 250),
        ("li", "UTC", "2017-02-02", 100),
        ("xu", "UTC", "2017-02-01", 100),
    ]
    assert await limited.problems() == {}


async def test_several_in_one_batch_are_decided_as_one_after_the_other(limited: Programme) -> None:
    member = await limited.member()
    found = await limited.post(*[by("li", member, f"r-{number}", NOON, 100) for number in range(4)])
    assert [isinstance(one, ApprovalNeededToday) for one in found] == [False, False, True, True]
    assert (await limited.rows(COUNTED))[0][3] == 200


async def test_keys_of_one_account_are_one_person(limited: Programme) -> None:
    member, account = await limited.member(), (await invite(limited.database)).account
    async with limited.database.transaction(actor="cli:xu") as tx:
        made = [
            await keys.create_key(tx, label=label, scopes=["ledger:write"], staff_id=account.staff_id)
            for label in ("a", "b")
        ]
    person = f"staff:{account.public_id}"
    actors = [*[f"key:{public_id('ak', key.key_id)}" for key, _ in made], person]
    found = await limited.post(*[by(actor, member, actor, NOON, 100) for actor in actors])
    assert [isinstance(one, ApprovalNeededToday) for one in found] == [False, False, True]
    assert [(row[0], row[3]) for row in await limited.rows(COUNTED)] == [(person, 200)]
    await count_anew(limited)
    assert [(row[0], row[3]) for row in await limited.rows(COUNTED)] == [(person, 200)]


async def test_a_person_has_one_limit_over_all_markets_and_keys_without_owner_have_one_together(
    limited: Programme,
) -> None:
    """At this instant it is one day in New York and the next in Shanghai: it is one day of UTC."""
    here = await limited.member()
    async with limited.database.transaction() as tx:
        await define_market(tx, CN)
        wish = SignUp(market="CN", identities=(IdentityValue(IdentityKind.EXTERNAL, "cn:1"),), channel="store")
        there = (await members.sign_up(tx, limited.vault, [wish]))[0]
        made = [await keys.create_key(tx, label=label, scopes=["ledger:write"]) for label in ("a", "b")]
    assert isinstance(there, Member)
    nobodys = [f"key:{public_id('ak', key.key_id)}" for key, _ in made]
    for actors in (("li", "li"), nobodys):
        found = await limited.post(
            by(actors[0], here, f"{actors[0]}:1", NOON, 100),
            by(actors[1], there.member_id, f"{actors[1]}:2", NOON, 100),
            by(actors[1], here, f"{actors[1]}:3", NOON, 51),
        )
        assert [isinstance(one, ApprovalNeededToday) for one in found] == [False, False, True]
    counted = [("keys", "UTC", "2017-02-01", 200), ("li", "UTC", "2017-02-01", 200)]
    assert await limited.rows(COUNTED) == counted
    assert await limited.problems() == {}
    await count_anew(limited)
    assert await limited.rows(COUNTED) == counted


async def count_anew(programme: Programme) -> None:
    """Count from the books what was counted by market and by key, as the migration does."""
    await programme.execute("UPDATE corrections_alone SET time_zone = 'Asia/Shanghai', person = 'key:' || person")
    one_day = importlib.import_module("regulars.migrations.versions.0051_one_day_for_all_markets")
    await programme.execute(*one_day.STATEMENTS)
    assert await programme.problems() == {}


async def test_what_was_decided_keeps_its_words_whatever_comes(limited: Programme) -> None:
    member = await limited.member()
    await limited.one(by("li", member, "a", NOON, 60))
    (posted,) = await limited.post(by("li", member, "b", NOON + HOUR, 70))
    assert isinstance(posted, Posting)
    await decide(limited, ask(member, "c", NOON + HOUR, 200))
    later = structs.replace(EASY, adjustments=AdjustmentPolicy(approve_above=100, alone_per_day=10))
    await limited.activate(later, NOON + 2 * HOUR)
    await limited.activate(EASY, NOON + DAY)
    await limited.one(by("li", member, "d", NOON + DAY, 5_000))

    async with limited.database.transaction() as tx:
        told = await api.explain_transfer(tx, limited.configuration, member, posted.seq)
        asked = await api.explain_request(tx, limited.configuration, member, request_id_of(member, "c"))
    (day,) = [one for one in told.reasons if one.rule == "posting.within_day"]
    assert day.values == {"corrected": 130, "limit": 250}
    assert Speech.of(told, "en").say(day) == (
        "With it, who corrected has posted 130 alone that day; up to 250 need nobody else."
    )
    assert "以 250 为限" in "".join(Speech.of(asked, "zh").say(one) for one in asked.reasons)
    assert (await limited.rows(COUNTED))[0][3] == 130
    assert await limited.problems() == {}


@pytest.mark.parametrize(
    ("corruption", "told"),
    [
        ("UPDATE corrections_alone SET units = 90", "90 units are counted as corrected by one person alone"),
        ("DELETE FROM corrections_alone", "0 units are counted as corrected by one person alone, 100 were posted"),
        (
            """UPDATE ledger_transfers SET basis = replace(basis, '"today":100', '"other":100')""",
            "a correction that nobody approved is not counted",
        ),
    ],
)
async def test_verifying_finds_what_is_counted_wrongly(limited: Programme, corruption: str, told: str) -> None:
    await limited.one(by("li", await limited.member(), "a", NOON, 100))
    await limited.execute(corruption)
    problems = await limited.problems()
    assert any(told in one for one in problems["adjustments as approved"])
