"""What other rooms see of the rules about identities: how many, which never, and which of them speak for one person."""

from datetime import datetime

from msgspec import Struct

from regulars.members.contracts import IdentityKind


class KindRule(Struct, frozen=True, kw_only=True):
    """What holds of one kind of identity.

    `limit` is how many values a member may hold, of `external` and `openid` for each namespace. `proposes`: whether
    such a value may speak for two members being one. `blocked` are values that are nobody's (`*` stands for any run of
    characters); with `refuses_repeated` also those of one character over and over (of a phone: its last nine digits).
    """

    kind: IdentityKind
    limit: int
    proposes: bool = True
    refuses_repeated: bool = True
    blocked: tuple[str, ...] = ()


class IdentityRules(Struct, frozen=True, kw_only=True):
    """One version of the rules; never edited. Version 0 is what holds until somebody says otherwise.

    `kinds` stand in order: the first speaks strongest for who somebody is. A request that names more than
    `together_at_most` members speaks for none. With `automatic`, a proposal of which at most one member holds an
    account is carried out without staff `automatic_after_minutes` after it was opened (wall clock).
    """

    version: int
    kinds: tuple[KindRule, ...]
    together_at_most: int
    automatic: bool
    automatic_after_minutes: int
    actor: str = ""
    reason: str = ""
    recorded_at: datetime | None = None

    def of(self, kind: IdentityKind) -> KindRule:
        """Return what holds of a kind."""
        return next(rule for rule in self.kinds if rule.kind is kind)

    def rank(self, kind: IdentityKind) -> int:
        """Return how strongly a kind speaks: 0 strongest."""
        return next(at for at, rule in enumerate(self.kinds) if rule.kind is kind)


class ChangeIdentityRules(Struct, frozen=True, kw_only=True):
    """A wish for a new version; `based_on` is the version that whoever asks has seen."""

    based_on: int
    kinds: tuple[KindRule, ...]
    together_at_most: int
    automatic: bool
    automatic_after_minutes: int
    actor: str
    reason: str
