"""Where the books are read for exports: which tables, by which keys, and what each column says."""

from typing import Final

from regulars.loyalty.public_ids import TRANSFER
from regulars.members.contracts import MEMBER_PREFIX
from regulars.platform.exports.contracts import Column, ExportKind, Key

_BY_SEQ: Final = (Key("member_id", "uuid"), Key("seq", "bigint"))
_MEMBER: Final = Column("Whose.", "t.member_id", prefix=MEMBER_PREFIX)
_MARKET: Final = Column("The member's market.", "m.market")
_WALLET: Final = Column("In which wallet.", "w.code")
_WITH_WALLET: Final = """
JOIN wallets AS w ON w.wallet_id = t.wallet_id JOIN members AS m ON m.member_id = t.member_id
"""
_WITH_MEMBER: Final = "JOIN members AS m ON m.member_id = t.member_id"
_TRANSFER_ID: Final = f"'{TRANSFER}_' || replace(t.member_id::text, '-', '') || lpad(to_hex(t.seq), 12, '0')"
_LOT_ID: Final = f"'{TRANSFER}_' || replace(t.member_id::text, '-', '') || lpad(to_hex(t.lot_no), 12, '0')"
_REASON: Final = "nullif(t.basis, '')::jsonb ->> 'reason'"


TRANSFERS: Final = ExportKind(
    name="transfers",
    about="Every movement of units, as the books have it.",
    scope="ledger:read",
    table="ledger_transfers",
    key=_BY_SEQ,
    joined=_WITH_WALLET,
    at="t.recorded_at",
    market="m.market",
    member="t.member_id",
    columns={
        "transfer_id": Column("The transfer.", _TRANSFER_ID),
        "member_id": _MEMBER,
        "market": _MARKET,
        "seq": Column("Which one in the member's books, from 1.", "t.seq", "whole"),
        "wallet": _WALLET,
        "kind": Column("accrue, earn, redeem, give_back, claw_back, forgive, expire, adjust, move_in …", "t.kind"),
        "amount": Column(
            "Units; below zero where the member has less.",
            "CASE WHEN t.credit_account - t.credit_account / 100 * 100 = 0 THEN t.amount ELSE -t.amount END",
            "whole",
        ),
        "debit_account": Column(
            "The account that gives: the wallet's number times 100, and which.", "t.debit_account", "whole"
        ),
        "credit_account": Column("The account that gets.", "t.credit_account", "whole"),
        "balance_after": Column("What the wallet held then.", "t.balance_after", "whole"),
        "debt_change": Column("By how much the debt of the wallet changed.", "t.debt_change", "whole"),
        "qualifying": Column("Whether it counts for tiers.", "t.qualifying", "flag"),
        "reference": Column("What it follows from; posted once.", "t.reference"),
        "order_id": Column("For which order.", "t.order_id"),
        "reason": Column("Why, where it was given.", _REASON),
        "basis": Column("The values that it was decided by.", "nullif(t.basis, '')", "json"),
        "policy_version": Column("By which version of the policy.", "t.policy_version", "whole"),
        "effective_at": Column("When it happened.", "t.effective_at", "instant"),
        "recorded_at": Column("When the programme learned of it.", "t.recorded_at", "instant"),
    },
)

ACCRUALS: Final = ExportKind(
    name="accruals",
    about="Units that were granted directly, not by an order: such a file is imported again.",
    scope="ledger:read",
    table="ledger_transfers",
    key=_BY_SEQ,
    joined=_WITH_WALLET + " LEFT JOIN lots AS l ON l.member_id = t.member_id AND l.lot_no = t.seq",
    only="t.kind = 'accrue'",
    at="t.recorded_at",
    market="m.market",
    member="t.member_id",
    importable=(
        *("phone", "email", "card", "external", "openid"),
        *("market", "wallet", "amount", "reason", "reference", "effective_at", "available_at", "expires_at"),
    ),
    columns={
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column("Units.", "t.amount", "whole"),
        "reason": Column("Why.", _REASON),
        "reference": Column(
            "What it follows from; one that the API made itself begins with `was-`.",
            "CASE WHEN starts_with(t.reference, 'request:') THEN 'was-' || t.reference ELSE t.reference END",
        ),
        "effective_at": Column("When it happened.", "t.effective_at", "instant"),
        "available_at": Column("From when they can be spent.", "l.available_at", "instant"),
        "expires_at": Column("Until when.", "l.expires_at", "instant"),
        "recorded_at": Column("When the programme learned of it.", "t.recorded_at", "instant"),
    },
)

LOTS: Final = ExportKind(
    name="lots",
    about="Units that expire together, and what is left of them.",
    scope="ledger:read",
    table="lots",
    key=(Key("member_id", "uuid"), Key("lot_no", "bigint")),
    joined=_WITH_WALLET,
    at="t.earned_at",
    market="m.market",
    member="t.member_id",
    columns={
        "lot_id": Column("The lot: the transfer that brought it.", _LOT_ID),
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column("Units at first.", "t.amount", "whole"),
        "remaining": Column("Units that are left.", "t.remaining", "whole"),
        "order_id": Column("For which order.", "t.order_id"),
        "earned_at": Column("When they were earned.", "t.earned_at", "instant"),
        "available_at": Column("From when they can be spent.", "t.available_at", "instant"),
        "expires_at": Column("Until when.", "t.expires_at", "instant"),
    },
)

LOT_USES: Final = ExportKind(
    name="lot_uses",
    about="Which transfer took how much of which lot, or gave it back.",
    scope="ledger:read",
    table="lot_uses",
    key=(*_BY_SEQ, Key("use_no", "integer")),
    joined=_WITH_MEMBER,
    market="m.market",
    member="t.member_id",
    columns={
        "transfer_id": Column("The transfer.", _TRANSFER_ID),
        "member_id": _MEMBER,
        "market": _MARKET,
        "lot_id": Column("Of which lot.", _LOT_ID),
        "amount": Column("Units that were taken.", "t.amount", "whole"),
        "gives_back": Column("Units that came back.", "t.gives_back", "whole"),
    },
)

BALANCES: Final = ExportKind(
    name="balances",
    about="What each member has in each wallet.",
    scope="ledger:read",
    table="member_wallets",
    key=(Key("member_id", "uuid"), Key("wallet_id", "smallint")),
    joined=_WITH_WALLET,
    market="m.market",
    member="t.member_id",
    columns={
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "balance": Column("Units.", "t.balance", "whole"),
        "debt": Column("Units that are owed.", "t.debt", "whole"),
    },
)

TIERS: Final = ExportKind(
    name="tiers",
    about="The tier of each member who has books.",
    scope="ledger:read",
    table="member_books",
    key=(Key("member_id", "uuid"),),
    joined=_WITH_MEMBER,
    market="m.market",
    member="t.member_id",
    columns={
        "member_id": _MEMBER,
        "market": _MARKET,
        "tier": Column("The tier's rank, from 0.", "t.tier", "whole"),
        "tier_since": Column("Since when.", "t.tier_since", "instant"),
        "review_at": Column("When it is looked at again.", "t.review_at", "instant"),
        "in_grace": Column("Whether it stays although it was not earned again.", "t.in_grace", "flag"),
        "metric": Column("What counted for it when it was looked at last.", "t.window_sum", "whole"),
        "metric_at": Column("When that was.", "t.window_at", "instant"),
        "merged_into": Column("Whose books these are part of now.", "t.merged_into", prefix=MEMBER_PREFIX),
        "closed_at": Column("When the books were closed, since the member was erased.", "t.closed_at", "instant"),
    },
)

TIER_CHANGES: Final = ExportKind(
    name="tier_changes",
    about="How tiers changed.",
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
        "from_tier": Column("The rank before.", "t.from_tier", "whole"),
        "to_tier": Column("The rank after.", "t.to_tier", "whole"),
        "cause": Column("order, return, review, accrue, adjust, merge, policy.", "t.cause"),
        "reference": Column("What it follows from.", "t.reference"),
        "metric": Column("What counted for it then.", "t.metric", "whole"),
        "policy_version": Column("By which version of the policy.", "t.policy_version", "whole"),
        "effective_at": Column("When it happened.", "t.effective_at", "instant"),
        "recorded_at": Column("When the programme learned of it.", "t.recorded_at", "instant"),
    },
)

HOLDS: Final = ExportKind(
    name="holds",
    about="Units that are or were kept for a purpose, and how that ended.",
    scope="ledger:read",
    table="holds",
    key=(Key("member_id", "uuid"), Key("hold_id", "uuid")),
    joined=_WITH_WALLET + " LEFT JOIN hold_ends AS e ON e.member_id = t.member_id AND e.hold_id = t.hold_id",
    at="t.placed_at",
    market="m.market",
    member="t.member_id",
    columns={
        "hold_id": Column("The hold.", "t.hold_id", prefix="hld"),
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column("Units.", "t.amount", "whole"),
        "purpose": Column("For what.", "t.purpose"),
        "reference": Column("What it follows from.", "t.reference"),
        "placed_at": Column("Since when.", "t.placed_at", "instant"),
        "deadline": Column("Until when at most.", "t.deadline", "instant"),
        "ended": Column("posted, voided, timed_out; nothing while it is open.", "e.how"),
        "posted": Column("Units that were used.", "e.posted", "whole"),
        "ended_at": Column("When it ended.", "e.effective_at", "instant"),
        "end_reason": Column("Why.", "e.reason"),
    },
)

ADJUSTMENTS: Final = ExportKind(
    name="adjustments",
    about="Corrections that a second person had to agree to, and what was answered.",
    scope="ledger:read",
    table="adjustment_requests",
    key=(Key("member_id", "uuid"), Key("request_id", "uuid")),
    joined=_WITH_WALLET
    + " LEFT JOIN adjustment_answers AS a ON a.member_id = t.member_id AND a.request_id = t.request_id",
    at="t.asked_at",
    market="m.market",
    member="t.member_id",
    columns={
        "request_id": Column("The request.", "t.request_id", prefix="adj"),
        "member_id": _MEMBER,
        "market": _MARKET,
        "wallet": _WALLET,
        "amount": Column("Units, below zero to take some.", "t.amount", "whole"),
        "reason": Column("Why.", "t.reason"),
        "reference": Column("What it follows from.", "t.reference"),
        "asked_by": Column("Who asked.", "t.asked_by"),
        "asked_at": Column("When.", "t.asked_at", "instant"),
        "expires_at": Column("Until when it could be answered.", "t.expires_at", "instant"),
        "answer": Column("approved or refused; nothing while nobody answered.", "a.answer"),
        "answered_by": Column("Who answered.", "a.answered_by"),
        "answered_at": Column("When.", "a.answered_at", "instant"),
        "note": Column("What was said with it.", "a.note"),
    },
)

GIFTS: Final = ExportKind(
    name="gifts",
    about="Units that members gave to others, and what came back.",
    scope="ledger:read",
    table="point_transfers",
    key=(Key("member_id", "uuid"), Key("transfer_id", "uuid")),
    joined=_WITH_WALLET
    + " LEFT JOIN point_transfer_reversals AS r ON r.member_id = t.member_id AND r.transfer_id = t.transfer_id",
    only="t.side = 'given'",
    at="t.recorded_at",
    market="m.market",
    member="t.member_id",
    columns={
        "transfer_id": Column("The transfer.", "t.transfer_id", prefix="ptr"),
        "member_id": Column("Who gave.", "t.member_id", prefix=MEMBER_PREFIX),
        "other_id": Column("Who got.", "t.other_id", prefix=MEMBER_PREFIX),
        "market": Column("The giver's market.", "m.market"),
        "wallet": _WALLET,
        "amount": Column("Units.", "t.amount", "whole"),
        "reference": Column("What it follows from.", "t.reference"),
        "reason": Column("Why.", "t.reason"),
        "actor": Column("Who carried it out.", "t.actor"),
        "recorded_at": Column("When.", "t.recorded_at", "instant"),
        "returned": Column("Units that came back.", "r.returned", "whole"),
        "shortfall": Column("Units that were spent and did not.", "r.shortfall", "whole"),
        "returned_at": Column("When.", "r.recorded_at", "instant"),
        "return_reason": Column("Why.", "r.reason"),
    },
)

POLICIES: Final = ExportKind(
    name="policies",
    about="Every version of the policy, whole.",
    scope="policies:read",
    table="loyalty_policies",
    key=(Key("version", "integer"),),
    joined="LEFT JOIN policy_withdrawals AS w ON w.version = t.version",
    at="t.recorded_at",
    columns={
        "version": Column("The version.", "t.version", "whole"),
        "name": Column("How it is called.", "t.name"),
        "active_from": Column("From when it counts.", "t.active_from", "instant"),
        "recorded_at": Column("When it was scheduled.", "t.recorded_at", "instant"),
        "scheduled_by": Column("By whom.", "t.scheduled_by"),
        "approved_by": Column("Who agreed.", "t.approved_by"),
        "reason": Column("Why.", "t.reason"),
        "withdrawn_at": Column("When it was withdrawn, before it counted.", "w.withdrawn_at", "instant"),
        "withdrawn_by": Column("By whom.", "w.withdrawn_by"),
        "document": Column("What it says.", "t.document", "json"),
    },
)

FIGURES: Final = ExportKind(
    name="month_figures",
    about="What closed months added up to, by wallet, market, account and kind.",
    scope="finance:read",
    table="finance_figures",
    key=(
        *(Key("month", "date"), Key("wallet_id", "smallint"), Key("market", "text")),
        *(Key("account", "smallint"), Key("kind", "text")),
    ),
    joined="JOIN wallets AS w ON w.wallet_id = t.wallet_id",
    market="t.market",
    columns={
        "month": Column("The month, by its first day.", "t.month", "date"),
        "wallet": _WALLET,
        "market": Column("The market.", "t.market"),
        "account": Column("The programme's account: 1 issued, 2 redeemed, 3 expired …", "t.account", "whole"),
        "kind": Column("The kind of transfers.", "t.kind"),
        "transfers": Column("How many.", "t.transfers", "whole"),
        "units": Column("Their units, with the sign of the member's side.", "t.units", "whole"),
        "debt_change": Column("By how much debts changed.", "t.debt_change", "whole"),
    },
)
