"""Members come to be: one path for one and for thousands, a value for one member, a fact once."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from regulars.members import api
from regulars.members.contracts import IdentityKind, IdentityValue, Member, MemberRef, MemberStatus, SignUp
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.ids import derived_id, new_id
from regulars.platform.vault.local import LocalVault
from tests.members.people import (
    NEW_YEAR,
    card,
    contents,
    email,
    external,
    lookup,
    phone,
    rows,
    sign_up,
    signed_up,
    wish,
)

pytestmark = pytest.mark.anyio


def codes(outcomes: list[Member | DomainError]) -> list[str]:
    return [
        outcome.code + (outcome.pointer or "") if isinstance(outcome, DomainError) else "ok" for outcome in outcomes
    ]


async def test_a_member_is_found_by_each_identity_in_any_spelling(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone(), email(), card(), external("webshop:4711"))

    assert (member.market, member.status, member.language) == ("CN", MemberStatus.ACTIVE, "zh-CN")
    assert (member.channel, member.store_id) == ("store", "7")
    assert [identity.kind.value for identity in member.identities] == ["phone", "email", "card", "external"]
    for spelling in (
        phone("+86 138-0013-8000"),
        phone("13800138000"),
        phone("0086 13800138000"),
        email("wang.fang@EXAMPLE.COM"),
        card("6222-0000-1234"),
        external("webshop:4711"),
    ):
        assert await lookup(shop, vault, spelling) == member.member_id
    assert await lookup(shop, vault, phone("+86 13800138000"), market=None) == member.member_id
    for other in (phone("13800138001"), email("wangfang@example.com"), external("webshop:471"), card("622200001235")):
        assert await lookup(shop, vault, other) is None
    # The same characters as another kind are another value.
    assert await lookup(shop, vault, IdentityValue(IdentityKind.OPENID, "webshop:4711")) is None


async def test_a_member_reads_back_as_signed_up(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, external(), market="US", signed_up_at=NEW_YEAR, recorded_at=NEW_YEAR)

    async with shop.transaction() as tx:
        ((found, _),) = await api.show_members(tx, vault, [member.member_id], clear=False)
        known = await api.known_members(tx, [new_id(), member.member_id])
    assert found == member
    assert (member.signed_up_at, member.recorded_at) == (NEW_YEAR, NEW_YEAR)
    assert member.identities[0].added_at == NEW_YEAR
    assert member.identities[0].verified_at is None
    at = member.signed_up_at
    assert known == {
        member.member_id: MemberRef(
            member_id=member.member_id, market="US", status=MemberStatus.ACTIVE, signed_up_at=at
        )
    }


async def test_values_are_shown_masked_or_in_the_clear_and_never_stand_in_the_database(
    shop: Database, vault: LocalVault
) -> None:
    member = await signed_up(shop, vault, phone(), email(), card(), external())

    async with shop.transaction() as tx:
        ((_, masked),) = await api.show_members(tx, vault, [member.member_id], clear=False)
        ((_, clear),) = await api.show_members(tx, vault, [member.member_id], clear=True)
    assert [shown.value for shown in masked] == ["+86 138****8000", "W***@example.com", "****1234", "household:****"]
    assert [shown.value for shown in clear] == [
        "+8613800138000",
        "Wang.Fang@example.com",
        "622200001234",
        "household:900",
    ]
    written = repr(await contents(shop))
    for secret in ("13800138000", "ang.", "622200001234", "household"):
        assert secret not in written
        assert secret.encode().hex() not in written


async def test_a_taken_value_is_refused_and_leaves_nothing(shop: Database, vault: LocalVault) -> None:
    first = await signed_up(shop, vault, phone())
    before = await contents(shop)

    (refusal,) = await sign_up(shop, vault, wish(email(), phone("+8613800138000")))

    assert isinstance(refusal, DomainError)
    assert (refusal.code, refusal.status, refusal.pointer) == ("identity_taken", 409, "/identities/1/value")
    assert refusal.data == {}
    assert first.member_id.hex not in str(refusal)
    assert await contents(shop) == before
    assert await lookup(shop, vault, email()) is None


async def test_a_batch_decides_as_singles_would_in_the_order_of_arrival(shop: Database, vault: LocalVault) -> None:
    await signed_up(shop, vault, email("taken@example.com"))
    wishes = [
        wish(phone("13800138001"), email("taken@example.com")),  # refused, so its phone stays free
        wish(phone("13800138001"), card("11112222")),
        wish(phone("13800138001")),
        wish(phone("13800138002"), phone("+86 138 0013 8002")),  # one value twice is one identity
        wish(phone("12")),
        wish(card("1111-2222")),
        wish(card("33334444"), market="XX"),
        wish(),
    ]

    together = await sign_up(shop, vault, *wishes)

    assert codes(together) == [
        "identity_taken/identities/1/value",
        "ok",
        "identity_taken/identities/0/value",
        "ok",
        "phone_impossible/identities/0/value",
        "identity_taken/identities/0/value",
        "unknown_market/market",
        "identity_missing/identities",
    ]
    assert await rows(shop, "SELECT count(*) FROM members") == [(3,)]
    assert await rows(shop, "SELECT count(*) FROM identities") == [(4,)]
    assert await rows(shop, "SELECT count(*) FROM member_identities") == [(4,)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"identities": (phone("+1 614 555"),)}, "phone_impossible/identities/0/value"),
        ({"identities": (email("wang@@example.com"),)}, "email_impossible/identities/0/value"),
        ({"identities": (phone(), card("12 3"))}, "card_impossible/identities/1/value"),
        ({"identities": (external("4711"),)}, "external_id_impossible/identities/0/value"),
        ({"identities": tuple(card(f"{n:08}") for n in range(21))}, "too_many_identities/identities"),
        ({"signed_up_at": datetime(1989, 12, 31, tzinfo=UTC)}, "instant_impossible/signed_up_at"),
        ({"signed_up_at": datetime(2100, 1, 1, tzinfo=UTC)}, "instant_impossible/signed_up_at"),
        ({"signed_up_at": NEW_YEAR + timedelta(minutes=6), "recorded_at": NEW_YEAR}, "instant_impossible/signed_up_at"),
        ({"market": "cn"}, "unknown_market/market"),
    ],
)
async def test_bad_input_is_refused_and_leaves_nothing(
    shop: Database, vault: LocalVault, changes: dict[str, object], expected: str
) -> None:
    before = await contents(shop)

    outcomes = await sign_up(shop, vault, wish(**({"identities": (phone(),)} | changes)))

    assert codes(outcomes) == [expected]
    assert await contents(shop) == before


async def test_a_repeat_of_the_same_fact_gives_the_same_member(shop: Database, vault: LocalVault) -> None:
    household = derived_id(NEW_YEAR, "household", "900")
    fact = wish(external(), market="US", member_id=household, signed_up_at=NEW_YEAR, recorded_at=NEW_YEAR)
    (first,) = await sign_up(shop, vault, fact)
    before = await contents(shop)

    again = await sign_up(shop, vault, fact, fact)

    assert isinstance(first, Member)
    assert first.member_id == household
    assert again == [first, first]
    assert await contents(shop) == before


async def test_a_repeat_within_one_batch_gives_the_same_member(shop: Database, vault: LocalVault) -> None:
    fact = wish(external(), member_id=new_id(), signed_up_at=NEW_YEAR)

    first, second = await sign_up(shop, vault, fact, fact)

    assert first == second
    assert await rows(shop, "SELECT count(*) FROM members") == [(1,)]
    assert await rows(shop, "SELECT type FROM outbox") == [("MemberSignedUp",)]


async def test_another_fact_under_the_same_id_is_refused(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, external(), signed_up_at=NEW_YEAR)
    before = await contents(shop)

    outcomes = await sign_up(
        shop,
        vault,
        wish(external(), member_id=member.member_id, signed_up_at=NEW_YEAR, market="US"),
        wish(external(), member_id=member.member_id, signed_up_at=NEW_YEAR + timedelta(seconds=1)),
    )

    assert codes(outcomes) == ["member_exists", "member_exists"]
    assert await contents(shop) == before


async def test_an_erased_member_does_not_come_back_and_takes_nothing(shop: Database, vault: LocalVault) -> None:
    erased = new_id()
    await vault.make_keys([erased])
    await vault.destroy(erased)

    outcomes = await sign_up(shop, vault, wish(phone(), member_id=erased), wish(phone()))

    assert codes(outcomes) == ["member_erased", "ok"]
    assert await rows(shop, "SELECT count(*) FROM members") == [(1,)]


async def test_without_a_key_values_are_gone_and_the_member_stays(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone())

    await vault.destroy(member.member_id)

    async with shop.transaction() as tx:
        ((found, shown),) = await api.show_members(tx, vault, [member.member_id], clear=True)
    assert found == member
    assert [identity.value for identity in shown] == [None]


async def test_the_event_says_what_happened_without_personal_data(shop: Database, vault: LocalVault) -> None:
    member = await signed_up(shop, vault, phone(), email(), signed_up_at=NEW_YEAR, recorded_at=NEW_YEAR)

    ((payload, member_id, recorded_at),) = await rows(
        shop, "SELECT payload::jsonb, member_id, recorded_at FROM outbox WHERE type = 'MemberSignedUp'"
    )
    assert (member_id, recorded_at) == (member.member_id, NEW_YEAR)
    assert payload == {
        "member_id": str(member.member_id),
        "recorded_at": "2017-01-01T05:00:00Z",
        "signed_up_at": "2017-01-01T05:00:00Z",
        "market": "CN",
        "language": "zh-CN",
        "channel": "store",
        "store_id": "7",
        "identity_kinds": ["phone", "email"],
    }


async def test_many_members_of_one_batch_are_each_found(shop: Database, vault: LocalVault) -> None:
    wishes = [
        wish(external(f"household:{n}"), market="US", member_id=derived_id(NEW_YEAR, "household", str(n)))
        for n in range(500)
    ]

    outcomes = await sign_up(shop, vault, *wishes)

    assert [member.member_id for member in outcomes if isinstance(member, Member)] == [
        derived_id(NEW_YEAR, "household", str(n)) for n in range(500)
    ]
    async with shop.transaction() as tx:
        found = await api.resolve(tx, vault, [external(f"household:{n}") for n in range(-1, 500)])
        known = await api.known_members(tx, [id_ for id_ in found if not isinstance(id_, DomainError) and id_])
    assert found[0] is None
    assert found[1:] == [derived_id(NEW_YEAR, "household", str(n)) for n in range(500)]
    assert len(known) == 500


async def test_a_batch_gives_exactly_what_singles_give(shop: Database, vault: LocalVault) -> None:
    """Sign-ups drawn from few values, so that most of them collide, once together and once one after the other."""
    random = Random(2017)
    for turn in range(12):
        drawn = [
            ([random.randrange(8) for _ in range(random.randint(1, 3))], random.choice([None, 1, 2, 3]))
            for _ in range(10)
        ]

        def wishes(way: str, turn: int = turn, drawn: list[tuple[list[int], int | None]] = drawn) -> list[SignUp]:
            return [
                wish(
                    *[external(f"{way}:{turn}.{value}") for value in values],
                    signed_up_at=NEW_YEAR,
                    member_id=None if fact is None else derived_id(NEW_YEAR, way, str(turn), str(fact)),
                )
                for values, fact in drawn
            ]

        together = await sign_up(shop, vault, *wishes("together"))
        apart = [(await sign_up(shop, vault, one))[0] for one in wishes("apart")]

        assert codes(together) == codes(apart)
        assert shape(together) == shape(apart)


def shape(outcomes: list[Member | DomainError]) -> list[tuple[int, int] | None]:
    """For each outcome, which member it is, by first appearance, and with how many identities."""
    seen: list[UUID] = []
    shapes: list[tuple[int, int] | None] = []
    for outcome in outcomes:
        if isinstance(outcome, DomainError):
            shapes.append(None)
            continue
        if outcome.member_id not in seen:
            seen.append(outcome.member_id)
        shapes.append((seen.index(outcome.member_id), len(outcome.identities)))
    return shapes
