"""What callers get of explanations."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from regulars.commerce import cursors
from regulars.commerce.explaining.contracts import OrderExplained
from regulars.loyalty import api as loyalty
from regulars.platform.explaining.contracts import Explanation, Link, Reason
from regulars.platform.explaining.speech import Speech, plain
from regulars.platform.ids import public_id
from regulars.platform.texts import LANGUAGES


class ReasonAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule: its stable code, the values it was decided by, and a sentence in the caller's language.

    `sentences` has it in every language, where `languages=all` asks for that.
    """

    rule: str
    values: dict[str, str | int | None]
    sentence: str
    sentences: dict[str, str] | None = None


class ExplanationAnswer(Struct, frozen=True, kw_only=True):
    """Why something is as it is. The first of `reasons` says what was decided, the others how, step by step.

    `near` are near misses: how little more (or less) would have changed it. `policy_version` decided it; `links` lead
    to what it refers to. `currency` is that of values named in minor units.
    """

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


class OrderExplanationAnswer(Struct, frozen=True, kw_only=True):
    """Why an order did what it did, and each of its returns."""

    order: ExplanationAnswer
    returns: list[ExplanationAnswer]


class OriginAnswer(Struct, frozen=True, kw_only=True):
    """The transfer that units came by: an order, a posting, a correction, a move from another member, an extension.

    Moved units were with `from_member`, whose books gave them by `from_transfer`, whose lineage says of which lots;
    they stand for the lot `from_lot` (of an extension: of the same member). `to_member` and `to_transfer` are where
    units went that were moved away.
    """

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


class MovementAnswer(Struct, frozen=True, kw_only=True):
    """Units taken from a lot (above 0) or given back to it (below 0), and the fact that did it or had brought it.

    `to_lot` is the lot that moved or extended units are in since: of `to_member`.
    """

    transfer_id: str
    lot_id: str
    points: int
    kind: str
    reference: str
    order_id: str | None
    to_member: str | None
    to_lot: str | None


class UnitsAnswer(Struct, frozen=True, kw_only=True):
    """Where units came from (`origin`) and, page by page, where they went or of which lots they were."""

    member_id: str
    origin: OriginAnswer
    movements: list[MovementAnswer]
    has_more: bool
    next_cursor: str | None


def units_answer(member_id: UUID, found: loyalty.UnitsLineage) -> UnitsAnswer:
    """Write where units came from and where they went."""
    it = found.origin
    return UnitsAnswer(
        member_id=public_id("mbr", member_id),
        origin=OriginAnswer(
            transfer_id=loyalty.transfer_id(member_id, it.seq),
            wallet=it.wallet,
            kind=it.kind,
            amount=it.amount,
            debt_change=it.debt_change,
            reference=it.reference,
            order_id=it.order_id,
            effective_at=it.effective_at,
            recorded_at=it.recorded_at,
            policy_version=it.policy_version,
            lot_amount=it.lot_amount,
            remaining=it.remaining,
            from_member=it.from_member,
            from_lot=it.from_lot,
            from_transfer=it.from_transfer,
            to_member=it.to_member,
            to_transfer=it.to_transfer,
        ),
        movements=[
            MovementAnswer(
                transfer_id=loyalty.transfer_id(member_id, one.seq),
                lot_id=loyalty.transfer_id(member_id, one.lot_no),
                points=one.points,
                kind=one.kind,
                reference=one.reference,
                order_id=one.order_id,
                to_member=one.to_member,
                to_lot=one.to_lot,
            )
            for one in found.movements
        ],
        has_more=found.next_after is not None,
        next_cursor=None if found.next_after is None else cursors.write((found.next_after,)),
    )


def explanation_answer(found: Explanation, language: str, *, every: bool = False) -> ExplanationAnswer:
    """Write an explanation in a language, with its sentences in `every` one if so asked."""
    speech = Speech.of(found, language)
    others = {one: Speech.of(found, one) for one in LANGUAGES} if every else {}

    def told(reasons: Sequence[Reason]) -> list[ReasonAnswer]:
        return [
            ReasonAnswer(
                rule=one.rule,
                values=plain(one.values),
                sentence=speech.say(one),
                sentences={name: other.say(one) for name, other in others.items()} or None,
            )
            for one in reasons
        ]

    return ExplanationAnswer(
        about=found.about,
        id=found.id,
        member_id=None if found.member_id is None else public_id("mbr", found.member_id),
        policy_version=found.policy_version,
        effective_at=found.effective_at,
        recorded_at=found.recorded_at,
        currency=found.currency,
        reasons=told(found.reasons),
        near=told(found.near),
        links=list(found.links),
    )


def order_explanation(found: OrderExplained, language: str, *, every: bool = False) -> OrderExplanationAnswer:
    """Write why an order and its returns did what they did."""
    return OrderExplanationAnswer(
        order=explanation_answer(found.order, language, every=every),
        returns=[explanation_answer(one, language, every=every) for one in found.returns],
    )
