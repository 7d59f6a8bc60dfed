"""Why an order did what it did, for people: amounts with their currency and days, where the API gives bare figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from regulars.commerce import api as commerce
from regulars.platform.money import Money
from regulars.web.kit.pages import Page
from regulars.web.kit.texts import in_language, mark

_SENTENCES: Final[dict[str, str]] = {
    "earning.base": mark("{paid} were paid in money; every full {step} gives one base point: {base}."),
    "earning.maturity": mark("The points can be spent from {start} on and run out on {end}."),
    "payment.used": mark("{points} points paid {worth}."),
    "return.remains": mark(
        "Of {total}, {kept} remain after all that came back; the order is settled for that, by the policy under which "
        "it was paid."
    ),
    "return.money_back": mark(
        "{money} of the {returned} that came back are given back in money; points had paid the rest."
    ),
    "return.clawed_back": mark("{points} points earned on what came back were taken back."),
    "return.owed": mark("{points} points earned on what came back were taken back; {owed} were missing and are owed."),
}


@dataclass(frozen=True, slots=True)
class Why:
    """The reasons in sentences, and the versions of the policies by which it was decided."""

    sentences: list[str]
    policies: list[int]

    @classmethod
    def of(cls, verdicts: Sequence[commerce.Verdict], page: Page, currency: str) -> "Why":
        """Say what the verdicts say in the page's language and formats."""
        versions = {one.policy_version for one in verdicts if one.policy_version is not None}
        return cls([_sentence(one, page, currency) for one in verdicts], sorted(versions))


def _sentence(one: commerce.Verdict, page: Page, currency: str) -> str:
    values: Any = one.values
    formats = page.formats

    def money(name: str) -> str:
        return formats.money(Money(values[name], currency))

    def day(name: str) -> str:
        return formats.day(datetime.fromisoformat(values[name]))

    def number(name: str) -> str:
        return formats.number(values[name])

    match one.rule:
        case "earning.base":
            told = {"paid": money("paid_minor"), "step": money("minor_per_point"), "base": number("base")}
        case "earning.maturity":
            told = {"start": day("available_at"), "end": day("expires_at")}
        case "payment.used":
            told = {"points": number("points_used"), "worth": money("points_value_minor")}
        case "return.remains":
            told = {"total": money("total_minor"), "kept": money("kept_minor")}
        case "return.money_back":
            told = {"money": money("money_back_minor"), "returned": money("returned_minor")}
        case "return.clawed_back":
            told = {"points": number("points"), "owed": number("to_debt")}
        case _:
            return one.sentence
    rule = "return.owed" if one.rule == "return.clawed_back" and values["to_debt"] else one.rule
    return in_language(_SENTENCES[rule], page.language).format(**told)
