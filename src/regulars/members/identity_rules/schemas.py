"""What callers send and get about the rules of identities."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from regulars.members.contracts import IdentityKind
from regulars.members.contracts.identity_rules import ChangeIdentityRules, IdentityRules, KindRule
from regulars.members.merging.schemas import Reason

MINUTES_AT_MOST = 43_200
BLOCKED_AT_MOST = 500

Pattern = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"[^*]", examples=["noreply@*"])]


class KindBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What holds of one kind of identity."""

    kind: IdentityKind
    limit: Annotated[
        int,
        Meta(ge=1, le=20, description="Values a member may hold; of ids of other systems for each namespace."),
    ]
    proposes: Annotated[bool, Meta(description="Whether such a value may speak for two members being one.")] = True
    refuses_repeated: Annotated[
        bool, Meta(description="Whether a value of one character over and over is nobody's (phones: last nine digits).")
    ] = True
    blocked: Annotated[
        list[Pattern],
        Meta(max_length=BLOCKED_AT_MOST, description="Values that are nobody's; `*` stands for any characters."),
    ] = []


class RulesBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new version of the rules, made on the one that is in force; kinds in order, the strongest first."""

    based_on: Annotated[int, Meta(ge=0, description="The version that was read before.")]
    kinds: Annotated[list[KindBody], Meta(min_length=1, max_length=20)]
    reason: Reason
    together_at_most: Annotated[
        int, Meta(ge=2, le=5, description="A request that names more members speaks for none.")
    ] = 3
    automatic: Annotated[
        bool, Meta(description="Whether two are merged without staff, of whom at most one holds an account.")
    ] = True
    automatic_after_minutes: Annotated[int, Meta(ge=0, le=MINUTES_AT_MOST)] = 10


class KindAnswer(Struct, frozen=True, kw_only=True):
    """What holds of one kind of identity."""

    kind: IdentityKind
    limit: int
    proposes: bool
    refuses_repeated: bool
    blocked: list[str]


class RulesAnswer(Struct, frozen=True, kw_only=True):
    """One version of the rules; version 0 stands in the program."""

    version: int
    kinds: list[KindAnswer]
    together_at_most: int
    automatic: bool
    automatic_after_minutes: int
    actor: str
    reason: str
    recorded_at: datetime | None


class RulesListed(Struct, frozen=True, kw_only=True):
    """The rules in force, and every version, the last first."""

    in_force: RulesAnswer
    versions: list[RulesAnswer]


def change_of(body: RulesBody, actor: str) -> ChangeIdentityRules:
    """Read a new version."""
    return ChangeIdentityRules(
        based_on=body.based_on,
        kinds=tuple(
            [
                KindRule(
                    kind=one.kind,
                    limit=one.limit,
                    proposes=one.proposes,
                    refuses_repeated=one.refuses_repeated,
                    blocked=tuple(one.blocked),
                )
                for one in body.kinds
            ]
        ),
        together_at_most=body.together_at_most,
        automatic=body.automatic,
        automatic_after_minutes=body.automatic_after_minutes,
        actor=actor,
        reason=body.reason.strip(),
    )


def rules_answer(rules: IdentityRules) -> RulesAnswer:
    """Write a version as callers get it."""
    return RulesAnswer(
        version=rules.version,
        kinds=[
            KindAnswer(
                kind=one.kind,
                limit=one.limit,
                proposes=one.proposes,
                refuses_repeated=one.refuses_repeated,
                blocked=list(one.blocked),
            )
            for one in rules.kinds
        ],
        together_at_most=rules.together_at_most,
        automatic=rules.automatic,
        automatic_after_minutes=rules.automatic_after_minutes,
        actor=rules.actor,
        reason=rules.reason,
        recorded_at=rules.recorded_at,
    )
