"""Negative control: each kind of harm that a kill could do is planted, and the checks of the rounds find it."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tests.faults.books import Books, Transfer, problems_of
from tests.faults.load import ACCRUAL, ORDER, REDEMPTION, Answer, Operation
from tests.faults.product import Shop
from tests.faults.shop import PREPARED, PREPARED_POINTS

MEMBER = UUID(int=1)
AT = datetime(2026, 5, 1, tzinfo=UTC)
SHOP = Shop("", "rgl_1_2", (MEMBER,))


def answered(body: object) -> Answer:
    """Make an answer."""
    return Answer(201, msgspec.json.encode(body), replayed=False)


def row(seq: int, kind: str, amount: int, balance: int, reference: str) -> Transfer:
    """Make a row of the books, a second after the one before it."""
    wallet = 2 if reference.endswith(":growth") else 1
    order_id = "o" if reference.startswith("order:") else ""
    return Transfer(MEMBER, seq, wallet, kind, amount, balance, reference, order_id, AT + timedelta(seconds=seq))


def operations() -> list[Operation]:
    """Return an accrual and an order that were acknowledged, a refused redemption, and an accrual nobody heard of."""
    refused = Answer(409, b"", replayed=False)
    earned = {"effects": [{"type": "points_earned", "points": 20}, {"type": "growth_earned", "growth": 20}]}
    return [
        Operation(
            ACCRUAL, MEMBER, "POST", "", b"", key="1", reference="a", amount=5, answer=answered({"balance": 505})
        ),
        Operation(
            REDEMPTION,
            MEMBER,
            "POST",
            "",
            b"",
            key="2",
            reference="b",
            amount=900,
            answer=refused,
        ),
        Operation(ACCRUAL, MEMBER, "POST", "", b"", key="3", reference="c", amount=7),
        Operation(
            ORDER, MEMBER, "PUT", "", b"", key="4", reference="order:o", amount=0, order_id="o", answer=answered(earned)
        ),
    ]


def right() -> Books:
    """Return books that agree with the operations; the accrual nobody heard of is in them."""
    return Books(
        transfers=[
            row(1, "accrue", PREPARED_POINTS, 500, PREPARED),
            row(2, "accrue", 5, 505, "a"),
            row(3, "accrue", 7, 512, "c"),
            row(4, "earn", 20, 532, "order:o:earn"),
            row(5, "earn", 20, 20, "order:o:growth"),
        ],
        balances={(MEMBER, 1): 532, (MEMBER, 2): 20},
        tier_changes=[(MEMBER, 6)],
        orders=Counter({(MEMBER, "o"): 1}),
        returns=Counter({}),
        events=Counter({"PointsAccrued a": 1, "PointsAccrued c": 1, "OrderPaid o": 1}),
        audited=3,
        lots=[(MEMBER, 532, 532)],
    )


def booked(*rows: tuple[str, str, int], **changes: Any) -> Books:  # noqa: ANN401 - fields of Books
    """Return books that add up and hold these rows of the points wallet: (reference, kind, amount)."""
    balance, transfers = 0, []
    for seq, (reference, kind, amount) in enumerate(rows, start=1):
        balance += amount
        transfers.append(row(seq, kind, amount, balance, reference))
    transfers.append(row(len(rows) + 1, "earn", 20, 20, "order:o:growth"))
    books = replace(
        right(),
        transfers=transfers,
        balances={(MEMBER, 1): balance, (MEMBER, 2): 20},
        tier_changes=[(MEMBER, len(rows) + 2)],
        lots=[(MEMBER, balance, balance)],
    )
    return replace(books, **changes)


GIFT, A, C, PAID = (
    (PREPARED, "accrue", PREPARED_POINTS),
    ("a", "accrue", 5),
    ("c", "accrue", 7),
    ("order:o:earn", "earn", 20),
)

ALL = (GIFT, A, C, PAID)
TWO_EVENTS = right().events + Counter(["PointsAccrued a"])

HARMS: list[tuple[str, Books]] = [
    ("accrual a (asked 0 times): acknowledged, and 0 times in the books", booked(GIFT, C, PAID)),
    ("accrual a (asked 0 times): acknowledged, and 2 times in the books", booked(GIFT, A, A, C, PAID)),
    ("accrual c (asked 0 times): never acknowledged, and 2 times in the books", booked(GIFT, A, C, C, PAID)),
    (
        "redemption b (asked 0 times): refused with 409, and in the books",
        booked(*ALL, ("b", "redeem", -9)),
    ),
    (
        "order order:o (asked 0 times): acknowledged, and 0 times in the books",
        booked(*ALL, orders=Counter()),
    ),
    ("order order:o (asked 0 times): 3 transfers, two of the same kind", booked(*ALL, PAID)),
    ("nobody asked for ['x']", booked(*ALL, ("x", "accrue", 1))),
    ("0 members have their prepared points, not 1", booked(A, C, PAID)),
    ("a: told 5 in wallet 1, booked 6", booked(GIFT, ("a", "accrue", 6), C, PAID)),
    ("a: told a balance of 505, booked 512", booked(GIFT, C, A, PAID)),
    (
        f"wallet {(MEMBER, 1)}: balance 1, told 532",
        booked(*ALL, balances={(MEMBER, 1): 1}),
    ),
    (f"wallet {(MEMBER, 1)}: balance 1, transfers 532", booked(*ALL, balances={(MEMBER, 1): 1})),
    (f"the lots of {MEMBER} hold 531, not 532", booked(*ALL, lots=[(MEMBER, 532, 531)])),
    (f"the rows of {MEMBER} are not numbered 1 to 6", booked(*ALL, tier_changes=[(MEMBER, 7)])),
    ("a: 1 times in the books, 0 events", booked(*ALL, events=Counter())),
    (
        "a: 1 times in the books, 2 events",
        booked(*ALL, events=TWO_EVENTS),
    ),
    ("3 operations in the books, 2 in the audit log, 0 other keys", booked(*ALL, audited=2)),
    ("3 operations in the books, 4 in the audit log, 0 other keys", booked(*ALL, audited=4)),
]


def test_right_books_have_no_problems() -> None:
    assert problems_of(right(), SHOP, operations()) == []
    assert booked(*ALL) == right()


@pytest.mark.parametrize(("said", "books"), HARMS)
def test_harm_is_found(said: str, books: Books) -> None:
    assert said in problems_of(books, SHOP, operations())


def test_time_that_goes_back_is_found() -> None:
    books = right()
    books.transfers[2] = replace(books.transfers[2], recorded_at=AT)
    assert problems_of(books, SHOP, operations()) == [f"recorded_at of {MEMBER} goes back"]
