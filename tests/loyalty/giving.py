"""Transfers as tests set them up: members who have points, a policy that lets them give some."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from regulars.loyalty import api
from regulars.loyalty.contracts import Accrue
from regulars.loyalty.policy.contracts import TransferPolicy
from regulars.members import api as members
from regulars.members.contracts.households import FormHousehold
from regulars.platform.errors import DomainError
from regulars.platform.ids import new_id
from tests.loyalty.programme import EASY, Programme

ANYONE = TransferPolicy(among="anyone")
Outcome = api.Transferred | DomainError


def policy_of(**transfers: Any) -> api.Policy:  # noqa: ANN401 - fields of TransferPolicy
    return replace(EASY, transfers=replace(ANYONE, **transfers))


def give(giver: UUID, to: UUID, amount: int, reference: str = "", at: datetime | None = None) -> api.TransferPoints:
    return api.TransferPoints(
        member_id=giver, to_id=to, amount=amount, reference=reference or new_id().hex, actor="test", recorded_at=at
    )


async def carry(programme: Programme, *wishes: api.TransferPoints, dry_run: bool = False) -> list[Outcome]:
    async with programme.database.transaction(by_keys=True) as tx:
        return await api.transfer_points(tx, programme.configuration, wishes, dry_run=dry_run)


async def given(programme: Programme, giver: UUID, to: UUID, amount: int, reference: str = "") -> api.Transferred:
    (found,) = await carry(programme, give(giver, to, amount, reference))
    assert isinstance(found, api.Transferred), found
    return found


async def refused(programme: Programme, giver: UUID, to: UUID, amount: int) -> DomainError:
    (found,) = await carry(programme, give(giver, to, amount))
    assert isinstance(found, DomainError), found
    return found


async def back(
    programme: Programme, giver: UUID, done: api.Transferred, *, dry_run: bool = False
) -> api.TransferReversed:
    assert done.transfer_id is not None
    wish = api.ReverseTransfer(
        member_id=giver, transfer_id=done.transfer_id, actor="test", reason="by mistake", dry_run=dry_run
    )
    async with programme.database.transaction() as tx:
        return await api.reverse_transfer(tx, programme.configuration, wish)


async def gift(programme: Programme, member: UUID, amount: int, expires_at: datetime | None = None) -> None:
    await programme.post(
        Accrue(member_id=member, wallet="points", amount=amount, reference=new_id().hex, expires_at=expires_at)
    )


async def live_together(programme: Programme, *people: UUID) -> None:
    head, *others = people
    wish = FormHousehold(
        household_id=new_id(), head_id=head, member_ids=tuple(others), actor="test", reason="they said so"
    )
    async with programme.database.transaction() as tx:
        await members.households.form_household(tx, programme.vault, 8, wish)


async def points(programme: Programme, *people: UUID) -> list[int]:
    rows = dict(await programme.rows("SELECT member_id, balance FROM member_wallets WHERE wallet_id = 1"))
    return [rows.get(one, 0) for one in people]
