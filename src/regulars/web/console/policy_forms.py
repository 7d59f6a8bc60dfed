"""A policy as a form: what is declared of it (`loyalty/policy/sections.py`) as fields, and read back.

A field is called as its path (`earning.expiry_months`), those of a tier by its place (`tier.tiers.1.threshold`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from regulars.loyalty import api as loyalty
from regulars.platform.errors import DomainError
from regulars.web.kit.forms import REQUIRED, Form
from regulars.web.kit.refusals import told
from regulars.web.kit.texts import in_language, mark

TIER_FIELDS: Final = ("code", "threshold", "multiplier")
MOST_TIERS: Final = 20
MONTHS, MOST_DIGITS = 12, 15
_TIER: Final = re.compile(r"tier\.tiers\.(\d{1,2})\.(code|threshold|multiplier)")
_PLACE: Final = re.compile(r"\$\.([a-z_.0-9\[\]]+)`?$")
_NUMBERS: Final = frozenset({"number", "minor", "hours", "days", "months", "percent"})
NOT_THIS: Final = mark("Please check this: it is not in the form that is needed.")
REVIEWS: Final = (
    ("none", mark("Never: only returns lower a tier")),
    ("month_start", mark("At the beginning of some months")),
    ("anniversary", mark("Some months after the tier was reached")),
)

Values = dict[str, Any]


def values_of(policy: loyalty.Policy) -> Values:
    """Return what the fields of a policy show; those of a section that is not there, what it would say by default."""
    shown = loyalty.with_defaults(policy)
    document = msgspec.to_builtins(policy)
    values: Values = {"tiers": str(len(policy.tier.tiers))}
    for position, tier in enumerate(document["tier"]["tiers"]):
        for name in TIER_FIELDS:
            values[f"tier.tiers.{position}.{name}"] = str(tier[name])
    for leaf in loyalty.LEAVES:
        found = loyalty.value_at(shown, leaf.path)
        if leaf.unit != "review":
            values[leaf.path] = found if leaf.unit == "flag" else "" if found is None else str(found)
    for section in loyalty.SECTIONS:
        if section.begins:
            values[section.name] = getattr(policy, section.name) is not None
    review = document["tier"]["review"]
    values["tier.review.kind"] = review["kind"]
    values["tier.review.months"] = ", ".join([str(month) for month in review.get("months", ())])
    values["tier.review.after_months"] = str(review.get("after_months", 12))
    values["tier.review.grace_days"] = str(review.get("grace_days", 30))
    return values


def sent_values(sent: Mapping[str, str]) -> Values:
    """Return the fields as they were sent; boxes that are not ticked are not sent."""
    values: Values = dict(sent)
    boxes = [leaf.path for leaf in loyalty.LEAVES if leaf.unit == "flag"]
    boxes += [section.name for section in loyalty.SECTIONS if section.begins]
    for name in boxes:
        values[name] = bool(sent.get(name))
    return values


def rearranged(values: Values, act: str) -> Values:
    """Return the fields after a tier was added (`add`), taken out (`remove:2`) or moved (`up:2`, `down:2`)."""
    rows = list(_rows(values))
    verb, _, at = act.partition(":")
    place = int(at) if at.isdecimal() else -1
    if verb == "add" and len(rows) < MOST_TIERS:
        rows.append({"code": "", "threshold": "", "multiplier": rows[-1]["multiplier"] if rows else "1"})
    elif verb == "remove" and 0 <= place < len(rows) and len(rows) > 1:
        del rows[place]
    elif verb in {"up", "down"}:
        other = place + (1 if verb == "up" else -1)  # the highest tier stands on top
        if 0 <= place < len(rows) and 0 <= other < len(rows):
            rows[place], rows[other] = rows[other], rows[place]
    kept = {name: value for name, value in values.items() if not _TIER.fullmatch(name)}
    kept["tiers"] = str(len(rows))
    for position, row in enumerate(rows):
        kept.update({f"tier.tiers.{position}.{name}": row[name] for name in TIER_FIELDS})
    return kept


def read_policy(values: Values, language: str) -> tuple[loyalty.Policy | None, dict[str, str]]:
    """Return the policy that the fields say, or None and the problem at each field that is wrong."""
    problems: dict[str, str] = {}
    document: Values = {"tier": {"tiers": list(_tiers(values, problems, language))}}
    document["tier"]["review"] = _review(values, problems, language)
    absent = {section.name for section in loyalty.SECTIONS if section.begins and not values.get(section.name)}
    for leaf in loyalty.LEAVES:
        if leaf.unit != "review" and leaf.section not in absent:
            given = _leaf(leaf, values, problems, language)
            _put(document, leaf.path, given)
    document.update(dict.fromkeys(absent))
    if problems:
        return None, problems
    try:
        return msgspec.convert(document, loyalty.Policy), {}
    except msgspec.ValidationError as error:
        found = _PLACE.search(str(error))
        name = found[1].replace("[", ".").replace("]", "") if found else ""
        return None, {name.removesuffix(".months.0"): in_language(NOT_THIS, language)}


def refused(form: Form[Any], error: DomainError) -> Form[Any]:
    """Return a form with a refusal: at the field of the policy that it points to, else above all fields."""
    name = (error.pointer or "").removeprefix("/policy/").replace("/", ".")
    said = told(error, form.language)
    if name in form.values:
        return Form(form.language, form.values, {**form.problems, name: said})
    return Form(form.language, form.values, form.problems, said)


def _rows(values: Values) -> Iterator[dict[str, str]]:
    count = str(values.get("tiers", "0"))
    for position in range(min(int(count), MOST_TIERS) if count.isdecimal() else 0):
        yield {name: str(values.get(f"tier.tiers.{position}.{name}", "")) for name in TIER_FIELDS}


def _tiers(values: Values, problems: dict[str, str], language: str) -> Iterator[dict[str, Any]]:
    for position, row in enumerate(_rows(values)):
        at = f"tier.tiers.{position}"
        code = row["code"].strip().lower().replace(" ", "_")
        if not re.fullmatch("[a-z][a-z0-9_]{0,31}", code):
            problems[f"{at}.code"] = in_language(REQUIRED if not code else NOT_THIS, language)
        numbers = {name: _number(row[name], f"{at}.{name}", problems, language) for name in TIER_FIELDS[1:]}
        yield {"code": code, **numbers}


def _review(values: Values, problems: dict[str, str], language: str) -> dict[str, Any]:
    at = "tier.review"
    kind = str(values.get(f"{at}.kind", "none"))
    if kind == "month_start":
        typed = [one for one in re.split(r"[\s,;、，]+", str(values.get(f"{at}.months", ""))) if one]
        if not typed or not all(one.isdecimal() and 1 <= int(one) <= MONTHS for one in typed):
            problems[f"{at}.months"] = in_language(NOT_THIS if typed else REQUIRED, language)
            return {"kind": "none"}
        return {"kind": kind, "months": sorted({int(one) for one in typed})}
    if kind == "anniversary":
        terms = ("after_months", "grace_days")
        given = {name: _number(values.get(f"{at}.{name}"), f"{at}.{name}", problems, language) for name in terms}
        return {"kind": kind, **given}
    return {"kind": "none"}


def _leaf(leaf: loyalty.Leaf, values: Values, problems: dict[str, str], language: str) -> Any:  # noqa: ANN401 - of the field's own type
    given = values.get(leaf.path)
    if leaf.unit == "flag":
        return bool(given)
    if leaf.unit not in _NUMBERS:
        if not given:
            problems[leaf.path] = in_language(REQUIRED, language)
        return given
    if leaf.begins and not str(given or "").strip():
        return None
    return _number(given, leaf.path, problems, language)


def _number(given: Any, name: str, problems: dict[str, str], language: str) -> int:  # noqa: ANN401 - as it was typed
    text = re.sub(r"[\s,，]", "", str(given or ""))
    if not text.isascii() or not text.isdecimal() or len(text) > MOST_DIGITS:
        problems[name] = in_language(NOT_THIS if text else REQUIRED, language)
        return 0
    return int(text)


def _put(document: Values, path: str, value: Any) -> None:  # noqa: ANN401 - of the field's own type
    *sections, name = path.split(".")
    for section in sections:
        document = document.setdefault(section, {})
    document[name] = value
