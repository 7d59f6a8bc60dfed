"""Nothing is decided without a reason: every kind of decision and every refusal is told, filled, in every language.

What there is to tell is asked of the code (the types of what books keep, the classes of refusals, the rules that the
code names), and a year of decisions is made and explained. Whoever adds a kind of decision is told here what to add
where.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, get_args, get_type_hints
from uuid import UUID

import pytest
from msgspec import structs

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import HoldState, LotState, RequestState, RequestsWanted, TierCause, TransferKind
from regulars.loyalty.explain import sentences as told
from regulars.loyalty.explain.transfers import SPEAKERS
from regulars.loyalty.ledger.entries import Ended
from regulars.loyalty.ledger.holding import STATES, hold_id_of
from regulars.loyalty.ledger.requests import request_id_of
from regulars.loyalty.policy.contracts import (
    AdjustmentPolicy,
    EarningPolicy,
    MonthlyReview,
    PaymentPolicy,
    Policy,
    ReturnPolicy,
    TierPolicy,
)
from regulars.platform.clock import ClockSetting
from regulars.platform.commit.refusals import explanation_of, near_rule
from regulars.platform.commit.store import StoredRefusal
from regulars.platform.db.database import Database
from regulars.platform.errors import DomainError
from regulars.platform.explaining.contracts import Explanation, Reason
from regulars.platform.explaining.speech import SENTENCES, Speech
from regulars.platform.texts import LANGUAGES, catalogue
from regulars.platform.vault.contracts import Vault
from tests.architecture.errors import ErrorClass, placeholders, refusals
from tests.architecture.source import Source, sources
from tests.loyalty.adjusting import answer, ask, decide
from tests.loyalty.joining import merge, merge_of, undo
from tests.loyalty.programme import (
    DAY,
    HOUR,
    NOON,
    TIERS,
    Programme,
    accrue,
    adjust,
    back,
    extend,
    hold,
    order,
    post_hold,
    redeem,
    void_hold,
)

pytestmark = pytest.mark.anyio

Shortfall = Literal["to_debt", "within_balance", "only_pending"]
SHORTFALLS: tuple[Shortfall, ...] = ("to_debt", "within_balance", "only_pending")
HERE = "tests/commerce/test_explanations_complete.py: make one in `year_of_decisions`"
TABLES: dict[str, tuple[Any, Mapping[Any, Any]]] = {
    "TRANSFERS": (TransferKind, told.TRANSFERS),
    "KINDS": (TransferKind, told.KINDS),
    "SPEAKERS (loyalty/explain/transfers.py)": (TransferKind, SPEAKERS),
    "TIERS": (TierCause, told.TIERS),
    "HOLDS": (HoldState, told.HOLDS),
    "LOTS": (LotState, told.LOTS),
    "REQUESTS": (RequestState, told.REQUESTS),
}


# --- what the code says there is ----------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_every_kind_has_its_rule(table: str) -> None:
    kinds, found = TABLES[table]
    lacking = sorted(set(get_args(kinds)) - set(found))
    assert not lacking, f"write {lacking} into {table} of loyalty/explain/sentences.py, and {HERE}"
    assert set(found) <= set(get_args(kinds)), f"{table} tells kinds that there are not"


def test_every_end_of_a_hold_is_a_state() -> None:
    assert set(STATES) == set(get_args(Ended))


def test_every_way_of_returning_has_its_sentence() -> None:
    ways = get_args(get_type_hints(ReturnPolicy)["shortfall"])
    assert ways == SHORTFALLS, HERE
    assert [way for way in ways if f"return.{way}" not in SENTENCES] == [], "write `return.{way}` into sentences.py"


def test_every_rule_that_the_code_names_has_its_sentence_and_none_is_left_over() -> None:
    named = {rule for source in sources("src/regulars") for rule in _rules(source)}
    named |= {rule for _, table in TABLES.values() for rule in table.values() if isinstance(rule, str)}
    lacking = sorted(rule for rule in named if _RULE.fullmatch(rule) and rule not in SENTENCES)
    assert lacking == [], "declare these in sentences.py of their room (platform/explaining/speech.py says how)"
    ways = {f"return.{way}" for way in get_args(get_type_hints(ReturnPolicy)["shortfall"])}
    moves = {rule for rule in SENTENCES if rule.startswith("moved.")}
    ours = {rule for rule in SENTENCES if not rule.startswith("refusal.")}
    assert sorted(ours - named - ways - moves) == [], "nothing says these rules any more"


def _rules(source: Source) -> Iterator[str]:
    """Yield the rules that a module names: the first argument of what makes a reason, or a choice between two."""
    if not source.says("Reason", "_ruled", "first", *(f"{family}." for family in _FAMILIES)):
        return
    for node in source.nodes(ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if node.args and name in {"Reason", "_ruled", "first"}:
            yield from _constants(node.args[0])
    for given in source.nodes(ast.Assign):
        if any((isinstance(one, ast.Name) and one.id == "rule") or isinstance(one, ast.Tuple) for one in given.targets):
            yield from (one for one in _constants(given.value) if one.split(".")[0] in _FAMILIES)


_RULE = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_FAMILIES = {"earning", "payment", "return", "posting", "expiry", "tier", "hold", "correction", "balance", "lot"}


def _constants(node: ast.expr) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def test_every_sentence_has_its_chinese_with_the_same_places() -> None:
    chinese = catalogue("zh")
    ours = [sentence for rule, sentence in SENTENCES.items() if not rule.startswith("refusal.")]
    texts = [*told.KINDS.values(), *[text for sentence in ours for text in sentence.texts()]]
    assert [text for text in texts if text not in chinese] == [], "write these into locale/zh/explanations.po"
    assert [text for text in texts if placeholders(chinese[text]) != placeholders(text)] == []


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", refusals(), ids=lambda refusal: refusal.code)
def test_every_refusal_is_told_with_its_values(refusal: ErrorClass) -> None:
    values: dict[str, Any] = {
        name: f"<{name}>" for name in placeholders(refusal.message) | placeholders(refusal.near_miss)
    }
    kept = StoredRefusal("req_1", "key:1", b"", "do", "it", refusal.code, refusal.status, None, "{}", NOON)
    found = explanation_of(refusal, kept, values, 7)

    assert (found.policy_version, found.near != ()) == (7, refusal.near_miss != "")
    assert not found.near or found.near[0].rule == near_rule(refusal)
    for text, part in ((refusal.message, found.reasons), (refusal.near_miss, found.near)):
        for language in LANGUAGES:
            said = [Speech.of(found, language).say(reason) for reason in part]
            assert all("{" not in one for one in said)
            assert all(str(values[name]) in said[0] for name in placeholders(text) if not name.endswith("tier")), said


def test_every_refusal_is_raised_with_the_values_of_its_sentence() -> None:
    known = {refusal.__name__: refusal for refusal in refusals()}
    lacking = []
    for source in sources("src/regulars"):
        makers: list[ast.Raise | ast.Call] = []
        if source.says(*known):
            makers = [*source.nodes(ast.Raise), *source.nodes(ast.Call)]
        for node in makers:
            made = node.exc if isinstance(node, ast.Raise) and not isinstance(node.exc, ast.Call) else node
            refusal = known.get(_name_of(made.func if isinstance(made, ast.Call) else made))
            if refusal is None:
                continue
            given = {one.arg for one in made.keywords} if isinstance(made, ast.Call) else set()
            if None not in given:  # not `**values`
                wanted = placeholders(refusal.message) | placeholders(refusal.near_miss)
                lacking += [f"{source.path}:{node.lineno} {refusal.__name__} {name}" for name in wanted - given]
    assert sorted(lacking) == []


def _name_of(node: ast.AST | None) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


# --- decisions, made and explained --------------------------------------------------------------------------------


async def year_of_decisions(programme: Programme) -> dict[UUID, list[Explanation]]:
    """Make a decision of every kind, and explain all of it, by member."""
    wang, lee, chen, zhao = await programme.members(4)
    one, at = programme.one, NOON
    await one(accrue(wang, "gift", at, 5_000))
    await one(order(wang, "A1", at, 150_000, points=1_000))
    await one(back(wang, "A1", at + DAY, 60_000, "r1"))  # gives back, takes back, lowers the tier
    await one(accrue(wang, "growth:1", at + DAY + HOUR, 3_000, wallet="growth"))
    wish = structs.replace(adjust(wang, "growth:2", at + DAY + 2 * HOUR, -2_900, wallet="growth"), approved_by="wu")
    await one(wish)
    for name in ("h1", "h2", "h3", "h4"):
        await one(hold(wang, name, at + DAY, 50, at + 2 * DAY))
    await one(hold(wang, "h5", at + DAY, 50, at + 300 * DAY))
    await one(post_hold(wang, "h1", at + DAY, 20))
    await one(void_hold(wang, "h2", at + DAY))
    await one(adjust(wang, "care:1", at + 3 * DAY, -10))
    await one(adjust(wang, "care:2", at + 3 * DAY, 10))
    await one(redeem(wang, "mug", at + 3 * DAY, 100))
    for name in ("q1", "q2", "q3", "q4"):
        await decide(programme, ask(wang, name, at + 3 * DAY, 200))
    await decide(programme, answer(wang, "q1", at + 3 * DAY), answer(wang, "q2", at + 3 * DAY, approve=False))
    await decide(programme, ask(wang, "q5", at + 20 * DAY, 200))
    await one(order(wang, "A2", at + 21 * DAY, 400_000))
    # Spends what it earned, and gives it back: debt and what is forgiven, by the policies of their times.
    for number, shortfall in enumerate(SHORTFALLS, 1):
        start = at + (30 + number * 10) * DAY
        await programme.activate(policy(shortfall), start - DAY)
        await one(order(lee, f"L{number}", start, 10_000 * number))
        await one(redeem(lee, f"all:{number}", start + 8 * DAY, await _available(programme, lee, start + 8 * DAY)))
        await one(back(lee, f"L{number}", start + 8 * DAY, 10_000 * number))
    await one(order(lee, "L9", at + 80 * DAY, 90_000))  # repays the debt
    await one(accrue(chen, "soon", at + 80 * DAY, 70, expires_at=at + 81 * DAY))
    await one(hold(chen, "h9", at + 80 * DAY, 20, at + 82 * DAY))
    await one(accrue(chen, "later", at + 80 * DAY, 30))
    await one(accrue(chen, "pending", at + 80 * DAY, 30, available_at=at + 400 * DAY, expires_at=at + 500 * DAY))
    await one(accrue(chen, "old", at + 80 * DAY, 30, expires_at=at + 200 * DAY))
    await one(accrue(chen, "longer", at + 80 * DAY, 30, expires_at=at + 200 * DAY))
    ((longer,),) = await programme.rows("SELECT seq FROM ledger_transfers WHERE reference = 'longer'")
    await one(extend(chen, longer, at + 80 * DAY, at + 300 * DAY))
    await one(structs.replace(extend(chen, longer + 2, at + 80 * DAY, at + 310 * DAY, "later still"), actor=""))
    await programme.time_out(at + 83 * DAY)
    await programme.expire(at + 83 * DAY)
    await one(order(chen, "C1", at + 84 * DAY, 80_000))
    await one(accrue(zhao, "kept", at + 85 * DAY, 40))
    await one(hold(zhao, "h8", at + 85 * DAY, 40, at + 300 * DAY))
    await merge(programme, merge_of(lee, chen, at + 90 * DAY))
    await undo(programme, merge_of(lee, chen, at + 90 * DAY), at + 91 * DAY)
    await programme.review(at + 180 * DAY)
    await one(accrue(zhao, "growth:3", at + 181 * DAY, 900, wallet="growth"))
    await programme.activate(policy("to_debt", silver=800), at + 182 * DAY)
    await one(accrue(zhao, "seen", at + 183 * DAY, 1))
    programme.database.clock.follow(_standing(at + 210 * DAY))
    explained = {member: await _everything(programme, member) for member in (wang, lee, chen, zhao)}
    programme.database.clock.follow(_standing(at + 21 * DAY))
    explained[wang] += await _everything(programme, wang)
    return explained


def policy(shortfall: Shortfall, silver: int = 1_000) -> Policy:
    """Return a policy by which returns do that, with reviews and a limit of corrections."""
    tiers = (TIERS[0], structs.replace(TIERS[1], threshold=silver), *TIERS[2:])
    return Policy(
        tier=TierPolicy(tiers=tiers, window_days=90, review=MonthlyReview(months=tuple(range(1, 13)))),
        adjustments=AdjustmentPolicy(approve_above=100, answer_days=14),
        returns=ReturnPolicy(shortfall=shortfall),
    )


def _standing(at: datetime) -> ClockSetting:
    return ClockSetting(at, at, ticking=False)


async def _available(programme: Programme, member: UUID, at: datetime) -> int:
    return (await programme.wallet(member, at)).available


async def _everything(programme: Programme, member: UUID) -> list[Explanation]:
    configuration, found = programme.configuration, []
    async with programme.database.transaction() as tx:
        lines = (await loyalty.statement(tx, member, limit=200)).lines
        found += [await loyalty.explain_transfer(tx, configuration, member, line.seq) for line in lines]
        lots = await loyalty.lots(tx, member, spent=True)
        found += [await loyalty.explain_lot(tx, configuration, member, lot.lot_no) for lot in lots]
        found += [await loyalty.explain_balance(tx, configuration, member, name) for name in ("points", "growth")]
        changes = await loyalty.tier_history(tx, configuration, member)
        instants = {one.recorded_at for one in changes}
        found += [await loyalty.explain_tier(tx, configuration, member, at) for at in instants]
        found.append(await loyalty.explain_tier(tx, configuration, member))
        holds = await loyalty.holds(tx, member)
        found += [await loyalty.explain_hold(tx, configuration, member, one.hold_id) for one in holds]
        asked = await loyalty.adjustment_requests(tx, RequestsWanted(member_id=member))
        found += [await loyalty.explain_request(tx, configuration, member, one.request_id) for one in asked]
    return found


async def test_every_kind_of_decision_is_explained_with_its_values(database: Database, vault: Vault) -> None:
    programme = await Programme.begin(database, vault, policy("to_debt"))

    explained = [one for found in (await year_of_decisions(programme)).values() for one in found]

    reasons = [reason for one in explained for reason in (*one.reasons, *one.near)]
    met = {reason.rule for reason in reasons}
    for name, (_, table) in TABLES.items():
        lacking = sorted({rule for rule in table.values() if isinstance(rule, str) and "." in rule} - met)
        if name in {"TRANSFERS", "TIERS", "HOLDS", "LOTS", "REQUESTS"}:
            plain = [rule for rule in lacking if not any(other.startswith(f"{rule}.") for other in met)]
            assert plain == [], f"{name}: none of these was decided; {HERE}"
    for one in explained:
        for language in LANGUAGES:
            speech = Speech.of(one, language)
            for reason in (*one.reasons, *one.near):
                _is_filled(reason, speech)


async def test_no_later_policy_changes_what_was_explained(database: Database, vault: Vault) -> None:
    """Whatever the year decided is told with the numbers of its decision, also by whoever asks later."""
    programme = await Programme.begin(database, vault, policy("to_debt"))
    await year_of_decisions(programme)
    programme.database.clock.follow(_standing(NOON + 210 * DAY))
    members = [one[0] for one in await programme.rows("SELECT DISTINCT member_id FROM ledger_transfers ORDER BY 1")]
    before = {member: _decisions(await _everything(programme, member)) for member in members}
    other = structs.replace(
        policy("only_pending", silver=50),
        adjustments=AdjustmentPolicy(approve_above=7, answer_days=3),
        earning=EarningPolicy(minor_per_point=7, maturity_hours=1, expiry_months=2),
        payment=PaymentPolicy(point_value_minor=9, max_percent=50, min_spendable=1),
    )
    await programme.activate(other, NOON + 211 * DAY)
    programme.database.clock.follow(_standing(NOON + 212 * DAY))
    after = {member: _decisions(await _everything(programme, member)) for member in members}

    assert sum(len(told) for told in before.values()) > 40
    assert after == before


def _decisions(found: list[Explanation]) -> list[Explanation]:
    """Leave out what is told of this moment: balances, lots and the tier as they stand now."""
    return [one for one in found if one.about not in {"balance", "lot", "tier"}]


async def test_an_approved_correction_is_told_by_the_limit_under_which_it_was_asked_for(
    database: Database, vault: Vault
) -> None:
    programme = await Programme.begin(database, vault, policy("to_debt"))
    wang = await programme.member()
    await decide(programme, ask(wang, "q", NOON, 200))
    later = structs.replace(policy("to_debt"), adjustments=AdjustmentPolicy(approve_above=1_000, answer_days=30))
    await programme.activate(later, NOON + DAY)
    await decide(programme, answer(wang, "q", NOON + 2 * DAY))
    async with programme.database.transaction() as tx:
        (line,) = (await loyalty.statement(tx, wang)).lines
        told = await loyalty.explain_transfer(tx, programme.configuration, wang, line.seq)

    (approved,) = [one for one in told.reasons if one.rule == "posting.approved_by"]
    assert (approved.values["limit"], told.policy_version, line.policy_version) == (100, 1, 2)
    assert Speech.of(told, "en").say(approved).endswith("corrections of more than 100 need a second person.")


def _is_filled(reason: Reason, speech: Speech) -> None:
    """Every place of the sentence that is said has a value, and none is left empty."""
    sentence = SENTENCES[reason.rule].of(reason.values)
    said = speech.say(reason)
    empty = [name for name in placeholders(sentence) if reason.values.get(name) in {None, ""}]
    assert empty == [], (reason, said)
    assert "{" not in said, said
    assert "None" not in said, said


async def test_what_is_not_in_the_books_is_not_told(database: Database, vault: Vault) -> None:
    programme = await Programme.begin(database, vault, policy("to_debt"))
    wang = await programme.member()
    async with programme.database.transaction() as tx:
        for wish in (
            loyalty.explain_transfer(tx, programme.configuration, wang, 1),
            loyalty.explain_lot(tx, programme.configuration, wang, 1),
            loyalty.explain_hold(tx, programme.configuration, wang, hold_id_of("x")),
            loyalty.explain_request(tx, programme.configuration, wang, request_id_of(wang, "x")),
        ):
            with pytest.raises(DomainError) as refused:
                await wish
            assert refused.value.status == 404
