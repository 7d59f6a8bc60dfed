"""What other domains see of privacy: how a member is erased, and what each room has to do with it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from regulars.members.contracts.merging import Merging
from regulars.platform.db.transaction import Transaction
from regulars.platform.vault.contracts import Vault

ERASURE_PREFIX = "ers"
EXPORT_PREFIX = "exp"

Section = list[dict[str, Any]]  # rows as JSON


class Loss(Struct, frozen=True):
    """What a member has in a wallet, and loses by being erased: units of the wallet; `debt` is what is owed."""

    wallet: str
    balance: int
    debt: int


class AskErasure(Struct, frozen=True, kw_only=True):
    """A wish that a member be erased, by the member or by staff (`actor`), with the reason."""

    member_id: UUID
    actor: str
    reason: str


class WithdrawErasure(Struct, frozen=True, kw_only=True):
    """A wish that a member be not erased after all."""

    member_id: UUID
    actor: str
    reason: str = ""


ErasureState = Literal["waiting", "under_way", "withdrawn", "carried_out"]


class Erasure(Struct, frozen=True, kw_only=True):
    """An erasure that was asked for; all instants are the wall clock's (UTC).

    Until `due_at` it can be withdrawn. `losses` are those that were told when it was asked for.
    """

    erasure_id: UUID
    member_id: UUID
    state: ErasureState
    asked_at: datetime
    asked_by: str
    reason: str
    due_at: datetime
    ended_at: datetime | None
    losses: tuple[Loss, ...]


class ErasureStanding(Struct, frozen=True, kw_only=True):
    """How it stands with a member's erasure: the last one asked for, if any, and what would be lost now."""

    member_id: UUID
    is_erased: bool
    wait_hours: int
    erasure: Erasure | None
    losses: tuple[Loss, ...]


class AskExport(Struct, frozen=True, kw_only=True):
    """A wish for everything about a member, by the member or by staff (`actor`)."""

    member_id: UUID
    actor: str


class MemberExport(Struct, frozen=True, kw_only=True):
    """Everything about a member, being gathered (`ready_at` is None) or ready, until `expires_at` (wall clock)."""

    export_id: UUID
    member_id: UUID
    asked_at: datetime
    asked_by: str
    ready_at: datetime | None
    expires_at: datetime
    is_failed: bool


class Document(Struct, frozen=True, kw_only=True):
    """Everything about a member, table by table; `made_at` by the wall clock, `as_of` by the programme clock."""

    member_id: str
    made_at: datetime
    as_of: datetime
    sections: dict[str, Section]


async def _loses_nothing(_tx: Transaction, _member_id: UUID) -> list[Loss]:
    return []


async def _told_nothing(_tx: Transaction, _member_id: UUID, _since: datetime) -> None:
    """Nothing is kept of what members are told."""


async def _parts_nothing(_tx: Transaction, _merging: Merging) -> None:
    """Nothing is joined by merges."""


@dataclass(frozen=True, slots=True)
class PrivacyPart:
    """A room's part in privacy; entrypoints hand the parts of all rooms to whoever erases.

    `erase` makes unreadable or forgets, in the caller's transaction, what the room holds of members, once and again:
    whatever is sealed under a member's key is unreadable by then. `loses` tells what the member would lose.

    `export` gives what the room holds of a member, table by table, in the clear; `sections` says how each is called (a
    marked text), `excused` why a table of the member's is not told; `codes` how values of a column are called on the
    page to read (`table.column`, or a column of all tables), `named` the same where no list has them all: it takes a
    value and a language.

    `forget_told` forgets what a member was told since an instant (by the wall clock), when who was part of the member
    is parted again: it may tell of the other.

    `part` parts what the room joined by a merge of which a restored database does not know that it was undone, so that
    who lives on has what is their own; parting again changes nothing.
    """

    room: str
    erase: Callable[[Transaction, Sequence[UUID]], Awaitable[None]]
    export: Callable[[Transaction, Vault, UUID], Awaitable[dict[str, Section]]]
    sections: Mapping[str, str]
    excused: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    named: Mapping[str, Callable[[str, str], str]] = field(default_factory=dict)
    loses: Callable[[Transaction, UUID], Awaitable[list[Loss]]] = _loses_nothing
    forget_told: Callable[[Transaction, UUID, datetime], Awaitable[None]] = _told_nothing
    part: Callable[[Transaction, Merging], Awaitable[None]] = _parts_nothing


Parts = Sequence[PrivacyPart]
