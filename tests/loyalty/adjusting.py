"""Corrections that need a second person, in a small programme."""

from datetime import datetime
from uuid import UUID

from regulars.loyalty import api
from regulars.loyalty.contracts import AdjustmentRequest, AnswerAdjustment, AskAdjustment
from regulars.loyalty.ledger.requests import request_id_of
from regulars.platform.errors import DomainError
from tests.loyalty.programme import Programme

Command = AskAdjustment | AnswerAdjustment


def ask(member_id: UUID, reference: str, at: datetime | None, amount: int, actor: str = "li") -> AskAdjustment:
    """Return the wish for a correction of points."""
    return AskAdjustment(
        member_id=member_id,
        wallet="points",
        amount=amount,
        reference=reference,
        reason="counted anew",
        actor=actor,
        recorded_at=at,
    )


def answer(
    member_id: UUID, reference: str, at: datetime | None, actor: str = "wu", *, approve: bool = True
) -> AnswerAdjustment:
    """Return an answer to it."""
    request_id = request_id_of(member_id, reference)
    return AnswerAdjustment(member_id=member_id, request_id=request_id, approve=approve, actor=actor, recorded_at=at)


async def decide(programme: Programme, *commands: Command) -> list[AdjustmentRequest | DomainError]:
    """Ask and answer in one transaction."""
    async with programme.database.transaction(by_keys=True) as tx:
        return await api.decide_adjustments(tx, programme.configuration, commands)


async def one(programme: Programme, command: Command) -> AdjustmentRequest:
    """Ask or answer; raises the refusal."""
    (result,) = await decide(programme, command)
    if isinstance(result, DomainError):
        raise result
    return result
