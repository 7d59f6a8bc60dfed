"""Calls that meet cuts, refusals for a moment and silence: done once, with one key, in bounded time."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.platform.clock import wall_now
from regulars_client import NO_RETRIES, AsyncRegulars, Conflict, Failed, NoAnswer, RateLimited, Regulars, Retries
from regulars_client.calls import Call
from regulars_client.errors import Refused
from regulars_client.models import IdentityBody
from regulars_client.retries import Course
from tests.client.serving import CUT_AFTER, CUT_BEFORE, Product, Unsteady, answer, unsteady

HURRIED = Retries(first_pause_seconds=0.001, longest_pause_seconds=0.01, deadline_seconds=20)
NUMBERS = count(1)
BUSY = b'{"title": "Busy", "status": 409, "code": "member_busy", "detail": "Wait.", "instance": "req_1"}'


@pytest.fixture(scope="module")
def gift_to(product: Product) -> Iterator[tuple[Regulars, str]]:
    with Regulars(product.url, api_key=product.api_key) as client:
        made = client.members.sign_up(
            market="CN", channel="store", identities=[IdentityBody(kind="card", value="BC-000777")]
        )
        yield client, made.member_id


def accrue(before: Unsteady, product: Product, member: str, retries: Retries = HURRIED) -> int:
    with Regulars(before.url, api_key=product.api_key, retries=retries) as client:
        return client.ledger.accrue(member, amount=1, reason="Gift").balance


FAULTS = [
    (CUT_BEFORE,),
    (CUT_AFTER,),
    (CUT_AFTER, CUT_AFTER, CUT_BEFORE),
    (answer(503, "Retry-After: 0"), answer(502), answer(504)),
    (answer(409, "Retry-After: 0", "Content-Type: application/problem+json", body=BUSY),),
    (answer(429, "Retry-After: 0"), CUT_AFTER),
    (answer(429, 'RateLimit: "key";r=0;t=0'),),
]


@pytest.mark.parametrize("faults", FAULTS, ids=[f"{number}" for number in range(len(FAULTS))])
def test_what_is_sent_again_is_done_once(
    faults: tuple[str | bytes, ...], product: Product, gift_to: tuple[Regulars, str]
) -> None:
    """One key over all attempts, made once for the call: also where the answer was lost after the effect."""
    direct, member = gift_to
    had = direct.ledger.get_wallets(member).wallets
    balance = next((wallet.available for wallet in had if wallet.wallet == "points"), 0)

    with unsteady(product, *faults) as before:
        assert accrue(before, product, member) == balance + 1

    assert len(before.asked) == len(faults) + 1
    assert len(set(before.keys)) == 1
    assert len({request.partition(b"\r\n\r\n")[2] for request in before.asked}) == 1
    assert accrue_again(direct, member) == balance + 2


def accrue_again(direct: Regulars, member: str) -> int:
    """Book one more, with another key: what it finds shows how often the one before was booked."""
    return direct.ledger.accrue(member, amount=1, reason="Gift").balance


def test_on_an_event_loop_it_is_the_same(product: Product, gift_to: tuple[Regulars, str]) -> None:
    direct, member = gift_to
    balance = accrue_again(direct, member)

    async def ask(url: str) -> list[int]:
        async with AsyncRegulars(url, api_key=product.api_key, retries=HURRIED) as client:
            gifts = [client.ledger.accrue(member, amount=1, reason="Gift") for _ in range(3)]
            return [gift.balance for gift in await asyncio.gather(*gifts)]

    with unsteady(product, CUT_AFTER, answer(503), CUT_AFTER, CUT_BEFORE) as before:
        balances = asyncio.run(ask(before.url))

    assert sorted(balances) == [balance + 1, balance + 2, balance + 3]
    assert len(before.asked) == 7
    assert len(set(before.keys)) == 3


def test_without_retries_the_key_tells_what_became_of_it(product: Product, gift_to: tuple[Regulars, str]) -> None:
    """Whoever gave up asks again later with the key that the error names."""
    direct, member = gift_to
    balance = accrue_again(direct, member)
    with unsteady(product, CUT_AFTER) as before, pytest.raises(NoAnswer) as lost:
        accrue(before, product, member, NO_RETRIES)

    assert lost.value.idempotency_key
    told = direct.ledger.accrue(member, amount=1, reason="Gift", idempotency_key=lost.value.idempotency_key)
    assert told.balance == balance + 1
    assert accrue_again(direct, member) == balance + 2


REFUSALS = [
    (answer(503), Failed),
    (answer(429, "Retry-After: 3600"), RateLimited),
    (answer(409, "Content-Type: application/problem+json", body=BUSY), Conflict),
]


@pytest.mark.parametrize(("fault", "kind"), REFUSALS, ids=["503 without end", "429 for too long", "409 for good"])
def test_what_does_not_pass_is_told(
    fault: bytes, kind: type[Refused], product: Product, gift_to: tuple[Regulars, str]
) -> None:
    _, member = gift_to
    retries = replace(HURRIED, attempts=3)
    with unsteady(product, fault, fault, fault, fault) as before, pytest.raises(kind) as refused:
        accrue(before, product, member, retries)

    assert len(before.asked) == (3 if kind is Failed else 1)
    assert refused.value.idempotency_key == before.keys[0].decode()
    assert refused.value.code == ("member_busy" if kind is Conflict else f"http_{refused.value.status}")


def test_a_refusal_that_says_why_is_not_asked_again(product: Product, gift_to: tuple[Regulars, str]) -> None:
    _, member = gift_to
    with (
        unsteady(product) as before,
        Regulars(before.url, api_key=product.api_key, retries=HURRIED) as client,
        pytest.raises(Conflict) as refused,
    ):
        client.ledger.redeem(member, amount=900_000, reason="A car")

    assert refused.value.code == "insufficient_points"
    assert refused.value.data["asked"] == 900_000
    assert len(before.asked) == 1


def test_an_access_token_is_got_once_shared_and_got_anew_when_it_is_refused(product: Product) -> None:
    with (
        unsteady(product) as before,
        Regulars(
            before.url, client_id=product.key_id, client_secret=product.api_key, scopes=["orders:read"], retries=HURRIED
        ) as client,
    ):
        asking = [threading.Thread(target=client.stores.list_markets) for _ in range(4)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        tokens = [request for request in before.asked if request.startswith(b"POST /oauth/token")]
        assert len(tokens) == 1
        before.faults.append(answer(401))
        client.stores.list_markets()
        tokens = [request for request in before.asked if request.startswith(b"POST /oauth/token")]

    assert len(tokens) == 2
    assert b"scope=orders%3Aread" in tokens[0]


@pytest.mark.parametrize("on_loop", [False, True], ids=["sync", "async"])
def test_a_wrong_secret_is_told_as_oauth_names_it(product: Product, on_loop: bool) -> None:  # noqa: FBT001 - a case
    wrong: dict[str, Any] = {"client_id": product.key_id, "client_secret": "rgl_wrong", "retries": HURRIED}
    with pytest.raises(Refused) as refused:
        asyncio.run(list_markets_async(product.url, wrong)) if on_loop else list_markets(product.url, wrong)

    assert (refused.value.status, refused.value.code) == (401, "invalid_client")


def list_markets(url: str, options: dict[str, Any]) -> None:
    with Regulars(url, **options) as client:
        client.stores.list_markets()


async def list_markets_async(url: str, options: dict[str, Any]) -> None:
    async with AsyncRegulars(url, **options) as client:
        await client.stores.list_markets()


def course(retries: Retries, clock: Callable[[], float], chance: float = 0.0) -> Course:
    return Course(Call("GET", "/", object), retries, clock=clock, chance=lambda: chance)


@given(
    chances=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=30),
    asked=st.lists(st.none() | st.integers(0, 100), min_size=1, max_size=30),
    attempts=st.integers(1, 20),
    deadline=st.floats(0.1, 300),
)
def test_pauses_are_bounded_and_what_is_asked_for_is_waited_for(
    chances: list[float], asked: list[int | None], attempts: int, deadline: float
) -> None:
    now, drawn = 0.0, iter(chances * 100)
    retries = Retries(attempts=attempts, deadline_seconds=deadline)
    way = Course(Call("GET", "/", object), retries, clock=lambda: now, chance=lambda: next(drawn))
    sent = 1
    for wait in asked * 20:
        headers = {} if wait is None else {"Retry-After": str(wait)}
        try:
            pause = way.after(httpx.Response(503, headers=headers))
        except Failed:
            break
        assert pause is not None
        assert pause >= (wait or 0)
        assert wait is not None or pause <= retries.longest_pause_seconds
        now += pause
        sent += 1
    assert sent <= attempts
    assert now < deadline


def test_a_date_is_waited_for_as_well() -> None:
    soon = format_datetime((wall_now() + timedelta(seconds=30)).astimezone(UTC), usegmt=True)
    long_ago = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)

    waited = course(Retries(), lambda: 0.0).after(httpx.Response(503, headers={"Retry-After": soon}))
    at_once = course(Retries(), lambda: 0.0).after(httpx.Response(503, headers={"Retry-After": long_ago}))

    assert waited is not None
    assert 27 < waited <= 30
    assert at_once == 0.0
    for said in ("soon", "nan", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"):
        nonsense = course(Retries(), lambda: 0.0).after(httpx.Response(503, headers={"Retry-After": said}))
        assert nonsense == 0.2, said


def test_an_attempt_is_given_no_more_time_than_is_left() -> None:
    now = 0.0
    way = course(Retries(deadline_seconds=12), lambda: now)
    assert way.timeout(10).read == 10
    now = 9.0
    assert way.timeout(10).read == 3
    waiting = Course(Call("GET", "/", object, query={"wait": 20}), Retries(deadline_seconds=12), clock=lambda: now)
    assert waiting.timeout(10).read == 30
    assert waiting.timeout(10).connect == 10
