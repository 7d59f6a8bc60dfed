"""Why an order did what it did, for people: the rules' own sentences, and by which policies it was decided."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars.commerce import api as commerce


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons in sentences, and the versions of the policies by which it was decided."""

    sentences: list[str]
    policies: list[int]

    @classmethod
    def of(cls, verdicts: Sequence[commerce.Verdict]) -> "Why":
        """Return what the verdicts say."""
        versions = {one.policy_version for one in verdicts if one.policy_version is not None}
        return cls([one.sentence for one in verdicts], sorted(versions))
