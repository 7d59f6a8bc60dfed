"""Of `client.explanations`.

Written from the API's description: `make client` does it anew.
"""

from datetime import datetime

from msgspec import Struct


class ReasonAnswer(Struct, frozen=True, kw_only=True):
    """Part of `ExplanationAnswer`."""

    rule: str
    values: dict[str, str | int | None]
    sentence: str
    sentences: dict[str, str] | None = None


class Link(Struct, frozen=True, kw_only=True):
    """Part of `ExplanationAnswer`."""

    kind: str
    id: str
    href: str


class ExplanationAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.explanations.explain_balance`: why is a balance what it is?."""

    about: str
    id: str
    member_id: str | None
    policy_version: int | None
    effective_at: datetime | None
    recorded_at: datetime | None
    currency: str | None
    reasons: list[ReasonAnswer]
    near: list[ReasonAnswer]
    links: list[Link]


class MovementAnswer(Struct, frozen=True, kw_only=True):
    """Part of `UnitsAnswer`."""

    transfer_id: str
    lot_id: str
    points: int
    kind: str
    reference: str
    order_id: str | None
    to_member: str | None
    to_lot: str | None


class OrderExplanationAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.explanations.explain_order`: why did an order do what it did?."""

    order: ExplanationAnswer
    returns: list[ExplanationAnswer]


class OriginAnswer(Struct, frozen=True, kw_only=True):
    """Part of `UnitsAnswer`."""

    transfer_id: str
    wallet: str
    kind: str
    amount: int
    debt_change: int
    reference: str
    order_id: str | None
    effective_at: datetime
    recorded_at: datetime
    policy_version: int
    lot_amount: int | None
    remaining: int | None
    from_member: str | None
    from_lot: str | None
    from_transfer: str | None
    to_member: str | None
    to_transfer: str | None


class UnitsAnswer(Struct, frozen=True, kw_only=True):
    """The answer of `client.explanations.get_lot_lineage`: where do these units come from, and where did they go?."""

    member_id: str
    origin: OriginAnswer
    movements: list[MovementAnswer]
    has_more: bool
    next_cursor: str | None
