"""Where the books are read for exports: which tables, by which keys, and what each column says."""

from typing import Final, LiteralString

from regulars.loyalty.public_ids import TRANSFER
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.exports.contracts import Column, ExportKind, Key
from regulars.platform.texts import mark

_BY_SEQ: Final = (Key("member_id", "uuid"), Key("seq", "bigint"))
_MEMBER: Final = Column(mark("The member's id."), "t.member_id", prefix=MEMBER_PREFIX)
_MARKET: Final = Column(mark("The member's market."), "m.market")
_WALLET: Final = Column(mark("The wallet, by its code."), "w.code")
_WITH_WALLET: Final = """
JOIN wallets AS w ON w.wallet_id = t.wallet_id JOIN members AS m ON m.member_id = t.member_id
"""
_WITH_MEMBER: Final = "JOIN members AS m ON m.member_id = t.member_id"
_TRANSFER_ID: Final = f"'{TRANSFER}_' || replace(t.member_id::text, '-', '') || lpad(to_hex(t.seq), 12, '0')"
_LOT_ID: Final = f"'{TRANSFER}_' || replace(t.member_id::text, '-', '') || lpad(to_hex(t.lot_no), 12, '0')"
# Later versions keep the tiers of earlier ones, in their order: the newest one that has the rank tells its code.
_TIER: Final[LiteralString] = """
(SELECT p.document::jsonb #>> ARRAY['tier', 'tiers', {rank}::text, 'code'] FROM loyalty_policies AS p
 WHERE jsonb_array_length(p.document::jsonb #> '{tier,tiers}') > {rank}
   AND NOT EXISTS (SELECT 1 FROM policy_withdrawals AS x WHERE x.version = p.version)
 ORDER BY p.version DESC LIMIT 1)
"""


def _code_of(rank: LiteralString) -> LiteralString:
    return _TIER.replace("{rank}", rank)


_REASON: Final = "nullif(t.basis, '')::jsonb ->> 'reason'"


TRANSFERS: Final = ExportKind(
    name="transfers",
    about=mark("Every movement of points, as the books have it."),
    scope="ledger:read",
    table="ledger_transfers",
    key=_BY_SEQ,
    joined=_WITH_WALLET,
    at="t.recorded_at",
    market="m.market",
    wallet="w.code",
    member="t.member_id",
    columns={
        "transfer_id": Column(mark("The movement's id."), _TRANSFER_ID),
        "member_id": _MEMBER,
        "market": _MARKET,
        "seq": Column(mark("Its place in the member's books, from 1."), "t.seq", "whole"),
        "wallet": _WALLET,
        "kind": Column(
            mark("What it was: `accrue`, `earn`, `redeem`, `give_back`, `claw_back`, `forgive`, `expire`, `move_in` …"),
            "t.kind",
        ),
        "amount": Column(
            mark("Points of the wallet; below zero where the member has less afterwards."),
            "CASE WHEN t.credit_account - t.credit_account / 100 * 100 = 0 THEN t.amount ELSE -t.amount END",
            "whole",
        ),
        "debit_account": Column(
            mark("The account that gives: the wallet's number times 100, plus which of its accounts."),
            "t.debit_account",
            "whole",
        ),
        "credit_account": Column(mark("The account that gets, in the same way."), "t.credit_account", "whole"),
        "balance_after": Column(mark("What the wallet held afterwards, in points."), "t.balance_after", "whole"),
        "debt_change": Column(mark("By how many points the wallet's debt changed."), "t.debt_change", "whole"),
        "qualifying": Column(mark("Whether it counts towards tiers."), "t.qualifying", "flag"),
        "reference": Column(mark("The reference that it was posted under, once only."), "t.reference"),
        "order_id": Column(mark("The order that it belongs to, if any."), "t.order_id"),
        "reason": Column(mark("Why, where a reason was given."), _REASON),
        "basis": Column(mark("The values that it was decided by."), "nullif(t.basis, '')", "json"),
        "policy_version": Column(mark("The version of the policy that decided it."), "t.policy_version", "whole"),
        "effective_at": Column(mark("When it happened."), "t.effective_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded it."), "t.recorded_at", "instant"),
    },
)

ACCRUALS: Final = ExportKind(
    name="accruals",
    about=mark("Points that were granted directly, not by an order. Such a file is imported again."),
    scope="ledger:read",
    table="ledger_transfers",
    key=_BY_SEQ,
    joined=_WITH_WALLET + " LEFT JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq",
    only="t.kind = 'accrue'",
    at="t.recorded_at",
    market="m.market",
    wallet="w.code",
    member="t.member_id",
    importable=(
        *("phone", "email", "card", "external", "openid"),
        *("market", "wallet", "amount", "reason", "reference", "effective_at", "available_at", "expires_at"),
    ),
    columns={
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column(mark("How many points."), "t.amount", "whole"),
        "reason": Column(mark("Why, in the words of whoever did it."), _REASON),
        "reference": Column(
            mark("The reference that it was posted under; one that the API made itself begins with `was-`."),
            "CASE WHEN starts_with(t.reference, 'request:') THEN 'was-' || t.reference ELSE t.reference END",
        ),
        "effective_at": Column(mark("When it happened."), "t.effective_at", "instant"),
        "available_at": Column(mark("From when the points can be spent."), "l.available_at", "instant"),
        "expires_at": Column(mark("When they expire; empty if never."), "l.expires_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded it."), "t.recorded_at", "instant"),
    },
)

LOTS: Final = ExportKind(
    name="lots",
    about=mark("Points that expire together, and what is left of them."),
    scope="ledger:read",
    table="lots",
    key=(Key("member_id", "uuid"), Key("lot_no", "bigint")),
    joined=_WITH_WALLET,
    at="t.earned_at",
    market="m.market",
    wallet="w.code",
    member="t.member_id",
    columns={
        "lot_id": Column(mark("The lot's id: that of the movement that brought it."), _LOT_ID),
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column(mark("Points at first."), "t.amount", "whole"),
        "remaining": Column(mark("Points that are left."), "t.remaining", "whole"),
        "order_id": Column(mark("The order that it belongs to, if any."), "t.order_id"),
        "earned_at": Column(mark("When they were earned."), "t.earned_at", "instant"),
        "available_at": Column(mark("From when the points can be spent."), "t.available_at", "instant"),
        "expires_at": Column(mark("When they expire; empty if never."), "t.expires_at", "instant"),
    },
)

LOT_USES: Final = ExportKind(
    name="lot_uses",
    about=mark("Which movement took how much of which lot, or gave it back."),
    scope="ledger:read",
    table="lot_uses",
    key=(*_BY_SEQ, Key("use_no", "integer")),
    joined=_WITH_MEMBER,
    market="m.market",
    member="t.member_id",
    columns={
        "transfer_id": Column(mark("The movement's id."), _TRANSFER_ID),
        "member_id": _MEMBER,
        "market": _MARKET,
        "lot_id": Column(mark("The lot's id: that of the movement that brought it."), _LOT_ID),
        "amount": Column(mark("Points that were taken from it."), "t.amount", "whole"),
        "gives_back": Column(mark("Points that came back to it."), "t.gives_back", "whole"),
    },
)

BALANCES: Final = ExportKind(
    name="balances",
    about=mark("What each member has in each wallet, one a row."),
    scope="ledger:read",
    table="member_wallets",
    key=(Key("member_id", "uuid"), Key("wallet_id", "smallint")),
    joined=_WITH_WALLET,
    market="m.market",
    wallet="w.code",
    member="t.member_id",
    columns={
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "balance": Column(
            mark("Points that the member has, those that wait or are held among them."), "t.balance", "whole"
        ),
        "debt": Column(mark("Points that the member owes."), "t.debt", "whole"),
    },
)

TIERS: Final = ExportKind(
    name="tiers",
    about=mark("The tier of each member who has books, one a row."),
    scope="ledger:read",
    table="member_books",
    key=(Key("member_id", "uuid"),),
    joined=_WITH_MEMBER,
    market="m.market",
    member="t.member_id",
    columns={
        "member_id": _MEMBER,
        "market": _MARKET,
        "tier": Column(mark("The tier's rank, from 0 for the lowest."), "t.tier", "whole"),
        "tier_code": Column(mark("The tier, by the code that the policy gives it."), _code_of("t.tier")),
        "tier_since": Column(mark("Since when the member has it."), "t.tier_since", "instant"),
        "review_at": Column(mark("When the tier is reviewed next; empty if never."), "t.review_at", "instant"),
        "in_grace": Column(mark("Whether it stays for now although it was not earned again."), "t.in_grace", "flag"),
        "metric": Column(
            mark("What counted towards the tier when it was reviewed last, in points of the qualifying wallet."),
            "t.window_sum",
            "whole",
        ),
        "metric_at": Column(mark("When that was."), "t.window_at", "instant"),
        "merged_into": Column(
            mark("After a merge: the member that this one is part of now."), "t.merged_into", prefix=MEMBER_PREFIX
        ),
        "closed_at": Column(mark("When the books were closed, as the member was erased."), "t.closed_at", "instant"),
    },
)

TIER_CHANGES: Final = ExportKind(
    name="tier_changes",
    about=mark("How members' tiers changed, one change a row."),
    scope="ledger:read",
    table="tier_changes",
    key=_BY_SEQ,
    joined=_WITH_MEMBER,
    at="t.recorded_at",
    market="m.market",
    member="t.member_id",
    columns={
        "member_id": _MEMBER,
        "market": _MARKET,
        "from_tier": Column(mark("The rank before, from 0 for the lowest."), "t.from_tier", "whole"),
        "to_tier": Column(mark("The rank after."), "t.to_tier", "whole"),
        "from_tier_code": Column(mark("The tier before, by its code."), _code_of("t.from_tier")),
        "to_tier_code": Column(mark("The tier after, by its code."), _code_of("t.to_tier")),
        "cause": Column(
            mark("What it followed from: `order`, `return`, `review`, `accrue`, `adjust`, `merge` or `policy`."),
            "t.cause",
        ),
        "reference": Column(mark("The reference of what it followed from."), "t.reference"),
        "metric": Column(
            mark("What counted towards the tier then, in points of the qualifying wallet."), "t.metric", "whole"
        ),
        "policy_version": Column(mark("The version of the policy that decided it."), "t.policy_version", "whole"),
        "effective_at": Column(mark("When it happened."), "t.effective_at", "instant"),
        "recorded_at": Column(mark("When the programme recorded it."), "t.recorded_at", "instant"),
    },
)

HOLDS: Final = ExportKind(
    name="holds",
    about=mark("Points that are or were held for a purpose, and how that ended."),
    scope="ledger:read",
    table="holds",
    key=(Key("member_id", "uuid"), Key("hold_id", "uuid")),
    joined=_WITH_WALLET + " LEFT JOIN hold_ends AS e ON e.member_id = t.member_id AND e.hold_id = t.hold_id",
    at="t.placed_at",
    market="m.market",
    wallet="w.code",
    member="t.member_id",
    columns={
        "hold_id": Column(mark("The hold's id."), "t.hold_id", prefix="hld"),
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column(mark("How many points are held."), "t.amount", "whole"),
        "purpose": Column(mark("What they are held for."), "t.purpose"),
        "reference": Column(mark("The reference that it was posted under, once only."), "t.reference"),
        "placed_at": Column(mark("Since when they are held."), "t.placed_at", "instant"),
        "deadline": Column(mark("When they are let go at the latest."), "t.deadline", "instant"),
        "ended": Column(mark("How it ended: `posted`, `voided` or `timed_out`; empty while they are held."), "e.how"),
        "posted": Column(mark("How many of them were used."), "e.posted", "whole"),
        "ended_at": Column(mark("When it ended."), "e.effective_at", "instant"),
        "end_reason": Column(mark("Why they were let go."), "e.reason"),
    },
)

ADJUSTMENTS: Final = ExportKind(
    name="adjustments",
    about=mark("Corrections that a second person had to agree to, and what was answered."),
    scope="ledger:read",
    table="adjustment_requests",
    key=(Key("member_id", "uuid"), Key("request_id", "uuid")),
    joined=_WITH_WALLET
    + " LEFT JOIN adjustment_answers AS a ON a.member_id = t.member_id AND a.request_id = t.request_id",
    at="t.asked_at",
    market="m.market",
    wallet="w.code",
    member="t.member_id",
    columns={
        "request_id": Column(mark("The correction's id."), "t.request_id", prefix="adj"),
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column(mark("Points, below zero where they are to be taken."), "t.amount", "whole"),
        "reason": Column(mark("Why, in the words of whoever did it."), "t.reason"),
        "reference": Column(mark("The reference that it was posted under, once only."), "t.reference"),
        "asked_by": Column(mark("Who asked for it."), "t.asked_by"),
        "asked_at": Column(mark("When it was asked for."), "t.asked_at", "instant"),
        "expires_at": Column(mark("Until when it could be answered."), "t.expires_at", "instant"),
        "answer": Column(mark("`approved` or `refused`; empty while nobody answered."), "a.answer"),
        "answered_by": Column(mark("Who answered."), "a.answered_by"),
        "answered_at": Column(mark("When it was answered."), "a.answered_at", "instant"),
        "note": Column(mark("What was said with the answer."), "a.note"),
    },
)

GIFTS: Final = ExportKind(
    name="gifts",
    about=mark("Points that members gave to others, and what came back."),
    scope="ledger:read",
    table="point_transfers",
    key=(Key("member_id", "uuid"), Key("transfer_id", "uuid")),
    joined=_WITH_WALLET
    + " LEFT JOIN point_transfer_reversals AS r ON r.member_id = t.member_id AND r.transfer_id = t.transfer_id",
    only="t.side = 'given'",
    at="t.recorded_at",
    market="m.market",
    wallet="w.code",
    member="t.member_id",
    columns={
        "transfer_id": Column(mark("The gift's id."), "t.transfer_id", prefix="ptr"),
        "member_id": Column(mark("Who gave, by id."), "t.member_id", prefix=MEMBER_PREFIX),
        "other_id": Column(mark("Who received, by id."), "t.other_id", prefix=MEMBER_PREFIX),
        "market": Column(mark("The giver's market."), "m.market"),
        "wallet": _WALLET,
        "amount": Column(mark("How many points were given."), "t.amount", "whole"),
        "reference": Column(mark("The reference that it was posted under, once only."), "t.reference"),
        "reason": Column(mark("Why, in the words of whoever did it."), "t.reason"),
        "actor": Column(mark("Who carried it out."), "t.actor"),
        "recorded_at": Column(mark("When they were given."), "t.recorded_at", "instant"),
        "returned": Column(mark("How many of them came back."), "r.returned", "whole"),
        "shortfall": Column(mark("How many were spent already, and did not come back."), "r.shortfall", "whole"),
        "returned_at": Column(mark("When they came back."), "r.recorded_at", "instant"),
        "return_reason": Column(mark("Why they came back."), "r.reason"),
    },
)

POLICIES: Final = ExportKind(
    name="policies",
    about=mark("Every version of the policy, whole."),
    scope="policies:read",
    table="loyalty_policies",
    key=(Key("version", "integer"),),
    joined="LEFT JOIN policy_withdrawals AS w ON w.version = t.version",
    at="t.recorded_at",
    columns={
        "version": Column(mark("The version's number."), "t.version", "whole"),
        "name": Column(mark("What it is called."), "t.name"),
        "active_from": Column(mark("From when it decides."), "t.active_from", "instant"),
        "recorded_at": Column(mark("When it was scheduled."), "t.recorded_at", "instant"),
        "scheduled_by": Column(mark("Who scheduled it."), "t.scheduled_by"),
        "approved_by": Column(mark("Who agreed to it."), "t.approved_by"),
        "reason": Column(mark("Why, in the words of whoever did it."), "t.reason"),
        "withdrawn_at": Column(mark("When it was withdrawn, before it came into force."), "w.withdrawn_at", "instant"),
        "withdrawn_by": Column(mark("Who withdrew it."), "w.withdrawn_by"),
        "document": Column(mark("All of its rules."), "t.document", "json"),
    },
)

FIGURES: Final = ExportKind(
    name="month_figures",
    about=mark("What closed months added up to, by wallet, market, account and kind."),
    scope="finance:read",
    table="finance_figures",
    key=(
        *(Key("month", "date"), Key("wallet_id", "smallint"), Key("market", "text")),
        *(Key("account", "smallint"), Key("kind", "text")),
    ),
    joined="JOIN wallets AS w ON w.wallet_id = t.wallet_id",
    market="t.market",
    wallet="w.code",
    columns={
        "month": Column(mark("The month, by its first day."), "t.month", "date"),
        "wallet": _WALLET,
        "market": Column(mark("The market, by its code."), "t.market"),
        "account": Column(mark("The programme's account: 1 issued, 2 redeemed, 3 expired …"), "t.account", "whole"),
        "kind": Column(mark("What the movements were, as `earn` or `redeem`."), "t.kind"),
        "transfers": Column(mark("How many movements."), "t.transfers", "whole"),
        "units": Column(mark("Their points; below zero where members have less afterwards."), "t.units", "whole"),
        "debt_change": Column(mark("By how many points debts changed."), "t.debt_change", "whole"),
    },
)
