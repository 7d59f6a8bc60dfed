"""Reading members, many at once: reads that arrive while others are under way share one transaction."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from regulars.members.contracts import MEMBER_PREFIX, MemberStatus, Profile
from regulars.members.contracts.refusals import MemberGone
from regulars.members.identity import service
from regulars.members.identity.schemas import MemberAnswerShown, member_shown
from regulars.members.profile.service import read_profiles
from regulars.platform.audit.contracts import AuditEntry, asked_as
from regulars.platform.commit.group import Attempt, GroupCommit
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError, NotFound
from regulars.platform.ids import public_id
from regulars.platform.services import Services
from regulars.platform.vault.contracts import Vault

_NOBODY = Profile()
_encode = msgspec.json.Encoder().encode


class Wanted(NamedTuple):
    """Whom somebody (`actor`) wants to read, and whether in the clear: then for which `purpose`."""

    member_id: UUID
    clear: bool
    actor: str
    request_id: str
    purpose: str = ""


class _Shown(NamedTuple):
    """What is answered, and of whom it tells: after a merge another than who was asked for."""

    member_id: UUID
    answer: bytes | DomainError


class MemberReads:
    """Gathers reads. One that is asked for now sees everything that was committed before it was asked."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._group: GroupCommit[Wanted, bytes] = GroupCommit(
            self._read_all, batch_size=services.settings.batch_size, recover=services.recover
        )

    async def read(self, wanted: Wanted) -> bytes:
        """Return a member as JSON. Raises NotFound, MemberGone."""
        return await self._group.submit(wanted)

    async def _read_all(self, wanted: Sequence[Wanted], _: Attempt) -> list[bytes | DomainError]:
        async with self._services.database.transaction(by_keys=True) as tx:
            found = await self._found(tx, wanted, clear=False) | await self._found(tx, wanted, clear=True)
            for one in wanted:
                shown = found.get((one.member_id, True)) if one.clear else None
                if shown is not None and isinstance(shown.answer, bytes):
                    tx.audit(_read_in_the_clear(one, shown.member_id))
        answers = [found.get((one.member_id, one.clear)) for one in wanted]
        return [NotFound() if one is None else one.answer for one in answers]

    async def _found(
        self, tx: Transaction, wanted: Sequence[Wanted], *, clear: bool
    ) -> dict[tuple[UUID, bool], _Shown]:
        ids = {one.member_id for one in wanted if one.clear is clear}
        found = await members_shown(tx, self._services.vault, ids, clear=clear)
        return {
            (asked, clear): _Shown(whom, answer if isinstance(answer, DomainError) else _encode(answer))
            for asked, (whom, answer) in found.items()
        }


async def members_shown(
    tx: Transaction, vault: Vault, ids: Collection[UUID], *, clear: bool
) -> dict[UUID, tuple[UUID, MemberAnswerShown | MemberGone]]:
    """Return of each id of a member who it is, and what is shown of them; of an absorbed one, of whom they are now.

    Unknown ids are left out. Raises nothing. Source: members, member_identities, profiles.
    """
    if not ids:
        return {}
    asked = await service.show(tx, vault, list(ids), clear=clear)
    merged = {member.member_id: member.merged_into for member, _ in asked if member.merged_into is not None}
    members = [one for one in asked if one[0].member_id not in merged]
    if merged:
        others = set(merged.values()) - {member.member_id for member, _ in members}
        members += await service.show(tx, vault, sorted(others), clear=clear)
    profiles = await read_profiles(tx, vault, [member.member_id for member, _ in members], clear=clear)
    found: dict[UUID, tuple[UUID, MemberAnswerShown | MemberGone]] = {
        member.member_id: (
            member.member_id,
            MemberGone()
            if member.status is MemberStatus.ERASED
            else member_shown(member, identities, profiles.get(member.member_id, _NOBODY), masked=not clear),
        )
        for member, identities in members
    }
    return found | {absorbed: found[survivor] for absorbed, survivor in merged.items()}


def _read_in_the_clear(one: Wanted, whom: UUID) -> AuditEntry:
    told = public_id(MEMBER_PREFIX, whom)
    return AuditEntry(
        actor=one.actor,
        action="read_personal_data",
        subject=told,
        reason=one.purpose,
        request_id=one.request_id,
        detail=asked_as(public_id(MEMBER_PREFIX, one.member_id), told),
    )
