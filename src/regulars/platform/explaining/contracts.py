"""What an explanation is made of: rules with the values they were decided by, what was missing, and links."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

Value = str | int | datetime | None
Values = Mapping[str, Value]


class Reason(NamedTuple):
    """One rule's part in a decision: its stable code, and the values it was decided by, as they were recorded.

    Names of values say how they are told: with `minor` in them they are money in minor units, `…_at` instants,
    `…tier`, `wallet` and `kind` codes with a name.
    """

    rule: str
    values: Values


class Link(Struct, frozen=True):
    """What an explanation refers to: what it is to it (`order`, `lot`, ...), its id, and where it is explained."""

    kind: str
    id: str
    href: str


class Explanation(Struct, frozen=True, kw_only=True):
    """Why something is as it is. The first of `reasons` says what was decided, the others how, step by step.

    `near` are near misses: how much more (or less) would have changed it. `policy_version` is the one it was decided by
    (None: no policy has a part in it), `effective_at` when it took effect, `recorded_at` when it was decided.
    `currency` is that of all money in it, `time_zone` the one in which its instants are told.
    """

    about: str
    id: str
    reasons: tuple[Reason, ...]
    time_zone: str
    member_id: UUID | None = None
    policy_version: int | None = None
    effective_at: datetime | None = None
    recorded_at: datetime | None = None
    currency: str | None = None
    near: tuple[Reason, ...] = ()
    links: tuple[Link, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """A reason in a language."""

    rule: str
    values: dict[str, str | int | None]
    sentence: str
