"""What a policy consists of, declared once: the diff, its sentences and the console's form are driven by it.

Who adds a field to `Policy` declares it here: a test fails for one without a sentence or a place in the form. A section
may be `None` (nothing of the kind is allowed); its fields then are as if they were not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from msgspec import Struct, structs

from regulars.loyalty.policy.contracts import Policy
from regulars.platform.texts import mark

Unit = Literal["number", "minor", "hours", "days", "months", "percent", "choice", "flag", "wallet", "review"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing that a policy says: what it is called, how it is counted, and how a change of it is told.

    `sentence` has {before} and {after}. One that may be left out (None) is told by `begins` and `ends`, and so is a
    yes or no. `choices` names what may be chosen.
    """

    path: str
    label: str
    unit: Unit
    sentence: str = ""
    begins: str = ""
    ends: str = ""
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def section(self) -> str:
        """The part of the policy that it belongs to."""
        return self.path.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the policy. One that may be `None` as a whole is told by `begins` and `ends`."""

    name: str
    title: str
    begins: str = ""
    ends: str = ""


SECTIONS: Final = (
    Section("tier", mark("Tiers")),
    Section("earning", mark("Earning")),
    Section("payment", mark("Paying with points")),
    Section("returns", mark("Returns")),
    Section("adjustments", mark("Corrections")),
    Section("changes", mark("Changing this policy")),
    Section(
        "transfers",
        mark("Points from member to member"),
        begins=mark("Members may give points to each other."),
        ends=mark("Members can no longer give points to each other."),
    ),
    Section("spending_wallet", mark("Wallets")),
)

# Tiers themselves are a list: told and filled in tier by tier.
TIERS: Final = "tier.tiers"

LEAVES: Final = (
    Leaf(
        "tier.window_days",
        mark("Growth counts for so many days"),
        "days",
        mark("Growth of the last {after} counts, instead of {before}."),
    ),
    Leaf(
        "tier.review", mark("When tiers are reviewed"), "review", mark("Tiers are reviewed {after}, before: {before}.")
    ),
    Leaf(
        "tier.qualifying_wallet",
        mark("Wallet that counts for tiers"),
        "wallet",
        mark("The wallet {after} counts for tiers, instead of {before}."),
    ),
    Leaf(
        "earning.minor_per_point",
        mark("Amount that earns one base point"),
        "minor",
        mark("One base point is earned for every full {after} paid, instead of {before}."),
        help=mark("In the smallest unit of the currency, such as cents: 100 is 1.00."),
    ),
    Leaf(
        "earning.maturity_hours",
        mark("Hours until points can be spent"),
        "hours",
        mark("Points can be spent {after} after the order, instead of {before}."),
        help=mark("As long as an order may come back: 168 hours are 7 days."),
    ),
    Leaf(
        "earning.expiry_months",
        mark("Months until points run out"),
        "months",
        mark("Points run out {after} after the month of the order, instead of {before}."),
        help=mark("They run out at the end of a month."),
    ),
    Leaf(
        "payment.point_value_minor",
        mark("What a point pays"),
        "minor",
        mark("A point pays {after} instead of {before}."),
        help=mark("In the smallest unit of the currency, such as cents: 100 is 1.00."),
    ),
    Leaf(
        "payment.max_percent",
        mark("Share of an order that points may pay, in percent"),
        "percent",
        mark("Points pay at most {after} of an order, instead of {before}."),
    ),
    Leaf(
        "payment.min_spendable",
        mark("Points a member needs before any may pay"),
        "number",
        mark("A member needs {after} points that can be spent before any may pay, instead of {before}."),
    ),
    Leaf(
        "returns.give_back_days",
        mark("Days that points live which come back after they ran out"),
        "days",
        mark("Points that come back after they ran out live {after} more, instead of {before}."),
    ),
    Leaf(
        "returns.shortfall",
        mark("What a return cannot take back"),
        "choice",
        mark("What a return cannot take back: {after}, before: {before}."),
        choices=(
            ("to_debt", mark("is owed, and repaid by the next points")),
            ("within_balance", mark("is forgiven")),
            ("only_pending", mark("is forgiven, and only points that cannot be spent yet are taken back")),
        ),
    ),
    Leaf(
        "adjustments.approve_above",
        mark("Corrections of more units need a second person"),
        "number",
        mark("Corrections of more than {after} need a second person, instead of more than {before}."),
        begins=mark("Corrections of more than {after} need a second person; so far none did."),
        ends=mark("Corrections no longer need a second person; so far those of more than {before} did."),
        help=mark("Left empty, none does."),
    ),
    Leaf(
        "adjustments.alone_per_day",
        mark("Units that one person corrects in a day without a second person"),
        "number",
        mark("One person corrects {after} units a day without a second person, instead of {before}."),
        begins=mark("One person corrects {after} units a day without a second person; so far there was no limit."),
        ends=mark("What one person corrects in a day has no limit any more; so far it was {before} units."),
        help=mark(
            "Up and down together, of all members in all markets, from midnight to midnight UTC. "
            "Left empty, there is no limit."
        ),
    ),
    Leaf(
        "adjustments.answer_days",
        mark("Days to answer a correction that was asked for"),
        "days",
        mark("The second person has {after} to answer a correction, instead of {before}."),
    ),
    Leaf(
        "changes.second_person",
        mark("Scheduling a policy needs a second person"),
        "flag",
        begins=mark("From then on a policy is scheduled only when a second person agrees."),
        ends=mark("From then on one person alone may schedule a policy."),
    ),
    Leaf(
        "transfers.among",
        mark("Who may give points to whom"),
        "choice",
        mark("Points can be given {after}, before: {before}."),
        choices=(
            ("household", mark("within a household")),
            ("anyone", mark("to anybody")),
        ),
    ),
    Leaf(
        "transfers.smallest",
        mark("Fewest points at once"),
        "number",
        mark("At least {after} points are given at once, instead of {before}."),
    ),
    Leaf(
        "transfers.largest",
        mark("Most points at once"),
        "number",
        mark("At most {after} points are given at once, instead of {before}."),
        begins=mark("At most {after} points are given at once; so far there was no limit."),
        ends=mark("At most {before} points are given at once no longer: there is no limit."),
        help=mark("Left empty, there is no limit."),
    ),
    Leaf(
        "transfers.given_per_day",
        mark("Most points that one gives on a day"),
        "number",
        mark("At most {after} points are given by one member on a day, instead of {before}."),
        begins=mark("At most {after} points are given by one member on a day; so far there was no limit."),
        ends=mark("At most {before} points are given by one member on a day no longer: there is no limit."),
        help=mark("Left empty, there is no limit."),
    ),
    Leaf(
        "transfers.given_per_month",
        mark("Most points that one gives in a month"),
        "number",
        mark("At most {after} points are given by one member in a month, instead of {before}."),
        begins=mark("At most {after} points are given by one member in a month; so far there was no limit."),
        ends=mark("At most {before} points are given by one member in a month no longer: there is no limit."),
        help=mark("Left empty, there is no limit."),
    ),
    Leaf(
        "transfers.given_per_year",
        mark("Most points that one gives in twelve months"),
        "number",
        mark("At most {after} points are given by one member in twelve months, instead of {before}."),
        begins=mark("At most {after} points are given by one member in twelve months; so far there was no limit."),
        ends=mark("At most {before} points are given by one member in twelve months no longer: there is no limit."),
        help=mark("Left empty, there is no limit."),
    ),
    Leaf(
        "transfers.received_per_day",
        mark("Most points that one gets on a day"),
        "number",
        mark("At most {after} points are got by one member on a day, instead of {before}."),
        begins=mark("At most {after} points are got by one member on a day; so far there was no limit."),
        ends=mark("At most {before} points are got by one member on a day no longer: there is no limit."),
        help=mark("Left empty, there is no limit."),
    ),
    Leaf(
        "transfers.received_per_month",
        mark("Most points that one gets in a month"),
        "number",
        mark("At most {after} points are got by one member in a month, instead of {before}."),
        begins=mark("At most {after} points are got by one member in a month; so far there was no limit."),
        ends=mark("At most {before} points are got by one member in a month no longer: there is no limit."),
        help=mark("Left empty, there is no limit."),
    ),
    Leaf(
        "transfers.received_per_year",
        mark("Most points that one gets in twelve months"),
        "number",
        mark("At most {after} points are got by one member in twelve months, instead of {before}."),
        begins=mark("At most {after} points are got by one member in twelve months; so far there was no limit."),
        ends=mark("At most {before} points are got by one member in twelve months no longer: there is no limit."),
        help=mark("Left empty, there is no limit."),
    ),
    Leaf(
        "transfers.waiting_days",
        mark("Days after signing up before points are given or got"),
        "days",
        mark("Points are given and got {after} after signing up, instead of {before}."),
    ),
    Leaf(
        "transfers.lowest_tier",
        mark("Rank of the lowest tier that gives"),
        "number",
        mark("Members give points from the tier of rank {after} on, instead of {before}."),
        help=mark("0 is the first tier, 1 the next."),
    ),
    Leaf(
        "spending_wallet",
        mark("Wallet that orders earn into and pay from"),
        "wallet",
        mark("Orders earn into the wallet {after}, instead of {before}."),
        help=mark("It stays as it is once orders were settled with it."),
    ),
)
_OWN: Final = frozenset({"version", "active_from"})


def declared(path: str) -> Leaf:
    """Return what is declared of a path, e.g. `earning.expiry_months`."""
    return next(leaf for leaf in LEAVES if leaf.path == path)


def paths_of(kind: type[Struct] = Policy, within: str = "") -> Iterator[str]:
    """Yield every path of a policy down to what is declared: the proof that nothing is left out stands on it."""
    for field in structs.fields(kind):
        path = f"{within}{field.name}"
        if not within and field.name in _OWN:
            continue
        inner = _struct_in(field.type)
        if inner is None or path in {TIERS, "tier.review"}:
            yield path
        else:
            yield from paths_of(inner, f"{path}.")


def value_at(policy: Policy, path: str) -> Any:  # noqa: ANN401 - of the field's own type
    """Return what a policy says at a path; None also where the whole section is not there."""
    found: Any = policy
    for name in path.split("."):
        if found is None:
            return None
        found = getattr(found, name)
    return found


def with_defaults(policy: Policy) -> Policy:
    """Return a policy in which each section that is not there says what it would by default."""
    absent = {
        field.name: kind()
        for field in structs.fields(Policy)
        if getattr(policy, field.name) is None and (kind := _struct_in(field.type)) is not None
    }
    return structs.replace(policy, **absent)


def _struct_in(kind: Any) -> type[Struct] | None:  # noqa: ANN401 - an annotation
    """Return the one struct of an annotation such as `X` or `X | None`; None for whatever else it is."""
    options = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    found = [one for one in options if isinstance(one, type) and issubclass(one, Struct)]
    return found[0] if len(found) == 1 else None
