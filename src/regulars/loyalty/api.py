"""The door of loyalty for other domains.

Everything here works inside the caller's transaction. Amounts of points are whole units of a wallet; amounts of money
are minor units of the market's currency; instants are UTC. Where it is decided: `loyalty/ledger` (books, postings,
settlement), `loyalty/policy` (versions), `loyalty/tiers` (rules), `loyalty/statement` (reading),
`loyalty/verification` (proofs), `loyalty/roll` (who is a member), `loyalty/figures` (`programme_figures`, from
the roll-up `BOOKS`; `list_bookings`, the rows behind them).

`roll(tx, configuration, market=, stores=, tier=, tier_on=, first=, last=, after=, limit=)` lists members (all, or who
signed up in some stores or on some local days) with tier, balance and debt as the books hold them, the last to sign
up first, from behind `after` (an instant and a member id); of a tier, as held now or at the end of the local day
`tier_on`; `roll_of` those of some ids. Raises NoActivePolicy (409). `tier_history` tells how a member came to each
tier, `policy_in_force` by what is decided now (None before the first policy). Source: members, member_books,
member_wallets; tier_changes; policies.

`liability(tx, configuration, span)` tells by month, market and wallet what members may still spend and how it moved, in
units and in minor units of the market's currency; `liability_at` the same as it was recorded by an instant (source:
closed months, points_days, ledger_transfers, lots). Raise MonthsImpossible, UnknownWallet, UnknownMarket (422).
`next_close` names the month that is to be closed next, `begin_close` ends a month for bookings, `go_on_closing` freezes
it, `prove` recomputes it from its transfers; `read_breakage` estimates from closed months what will expire;
`list_closes` and `read_close` tell of closed months, `read_journal` streams a month's bookings as CSV or for beancount
(`loyalty/finance`).

`composition` and `month_check` take too long for a page: they give what was last computed in the background, and
`ask_composition`, `ask_month_check` have it computed (`loyalty/finance/reports.py`).

`transfer_points(tx, configuration, wishes, dry_run=)` lets members give points to each other, in order of arrival, each
as if alone: refusals (`loyalty/transfers/errors.py`, InsufficientPoints, ReferenceReused) are given in their places;
`reverse_transfer` takes one back (UnknownTransfer 404, TransferReversedBefore, ReversalAfterMerge, UndoWaitsForHolds
409), `list_transfers` tells what a member gave and got (NotFound), `read_transfer` of one that a member gave
(UnknownTransfer 404). `transfer_standing(tx, configuration, member_id, amount)` tells what a member may give, and what
stands against an amount whoever is to get it; None where the policy lets nobody give. Source: point_transfers, books.

`MERGING` is what the ledger does when members are merged, and when that is undone (`loyalty/merging`). `PRIVACY` is
what it does when a member is erased (`loyalty/privacy`): the books are closed.

Policies change by drafts (`loyalty/drafts`): `work_on_policy(tx, clock, command)` begins, changes, gives up,
schedules or answers one (UnknownDraft 404; DraftChanged, DraftNotOpen and others 409), `withdraw_policy` takes a
version back before its instant, `difference` compares two (a version's number, a draft's id, None: what is in force),
`withdrawn_base` tells that a draft stands on a version that was taken back, `read_versions` lists versions with their
states. Source: loyalty_policies, policy_withdrawals, policy_drafts.
`ask_preview(tx, kind, command)` counts in the background (`kind` is `PREVIEW`) who is touched
when a policy comes and what orders would earn by it; `read_preview`, `latest_preview`, `result_of_preview` and
`preview_members` read it (UnknownPreview 404), `book_arrivals` books what a version that came does to tiers.

`explain_balance`, `explain_balances`, `explain_lot`, `explain_transfer`, `explain_tier`, `explain_hold` and
`explain_request` say why (`loyalty/explain`): the rules with the values of the decision, from what it recorded;
`next_point` is a near miss.

`reason_of(language, ...)` says in a sentence why a transfer is there, from its own data (units of its wallet, days of
`time_zone`; raises nothing).

`name_of_tier(code, language)` is how people call a tier, `tier_label(code)` the same as a marked text.
"""

from regulars.loyalty.adjustments.service import adjustment_request, adjustment_requests, count_waiting
from regulars.loyalty.adjustments.service import decide as decide_adjustments
from regulars.loyalty.adjustments.service import waiting as waiting_adjustments
from regulars.loyalty.arrivals.service import book_arrivals
from regulars.loyalty.drafts.contracts import (
    DRAFT_PREFIX,
    AbandonDraft,
    AnswerDraft,
    ChangeDraft,
    CreateDraft,
    DraftCommand,
    PolicyDraft,
    ScheduleDraft,
    WithdrawVersion,
)
from regulars.loyalty.drafts.diff import difference, withdrawn_base
from regulars.loyalty.drafts.diff import sheet as policy_sheet
from regulars.loyalty.drafts.rules import Difference
from regulars.loyalty.drafts.service import carry_out as work_on_policy
from regulars.loyalty.drafts.service import list_drafts, read_draft, read_revisions, require_alone
from regulars.loyalty.drafts.service import withdraw as withdraw_policy
from regulars.loyalty.explain.acts import explain_act
from regulars.loyalty.explain.service import (
    explain_balance,
    explain_balances,
    explain_hold,
    explain_request,
    explain_tier,
)
from regulars.loyalty.explain.transfers import explain_lot, explain_transfer, explain_transfers, next_point
from regulars.loyalty.figures.listing import Booking, list_bookings
from regulars.loyalty.figures.rolling import BOOKS
from regulars.loyalty.figures.service import Liability, PointsFigures, ProgrammeFigures, programme_figures
from regulars.loyalty.finance.closing import (
    MonthClose,
    NextClose,
    Proof,
    begin_close,
    list_closes,
    next_close,
    prove,
    read_close,
)
from regulars.loyalty.finance.closing import go_on as go_on_closing
from regulars.loyalty.finance.contracts import Breakage, Held, LiabilityAt, LiabilityMonth, Moved, Parts, Span, Worth
from regulars.loyalty.finance.estimates import read_breakage
from regulars.loyalty.finance.journals import read_journal
from regulars.loyalty.finance.months import MONTHS, month_named, name_of, next_month
from regulars.loyalty.finance.reports import (
    Composed,
    Composition,
    LateRow,
    LateSum,
    MonthCheck,
    ask_composition,
    ask_month_check,
    checked_by,
    composition,
    month_check,
)
from regulars.loyalty.finance.service import liability, liability_at
from regulars.loyalty.holds.service import HoldListed, hold, holds, list_holds
from regulars.loyalty.instants import past_instant
from regulars.loyalty.ledger.books import Books, open_books
from regulars.loyalty.ledger.needs import Needs
from regulars.loyalty.ledger.service import carry_out, expire_due, post, review_due, time_out_due
from regulars.loyalty.lineage.contracts import (
    CausedLot,
    CausedTierChange,
    CausedTransfer,
    LotMovement,
    MovedLot,
    OrderLineage,
    SettledOrder,
    UnitsLineage,
)
from regulars.loyalty.lineage.service import lineage, lot_lineage, settled_orders, transfer_lineage
from regulars.loyalty.merging.service import MERGING
from regulars.loyalty.policy.contracts import (
    AdjustmentPolicy,
    AnniversaryReview,
    Appending,
    ChangePolicy,
    EarningPolicy,
    MonthlyReview,
    NoReview,
    PaymentPolicy,
    Policy,
    PolicyVersion,
    ReturnPolicy,
    TierPolicy,
    TierRule,
    WalletRule,
)
from regulars.loyalty.policy.rules import month_start
from regulars.loyalty.policy.sections import LEAVES, SECTIONS, Leaf, value_at, with_defaults
from regulars.loyalty.policy.service import (
    NOTICE,
    Configuration,
    activate_policy,
    define_standard_wallets,
    define_wallets,
    list_policies,
    list_wallets,
    policy_in_force,
    read_version,
    read_versions,
    schedule_version,
)
from regulars.loyalty.preview.contracts import (
    TOUCHES,
    AskPreview,
    Backtest,
    Preview,
    PreviewSubject,
    TierFlow,
    TouchedMember,
)
from regulars.loyalty.preview.contracts import result_of as result_of_preview
from regulars.loyalty.preview.reports import PREVIEW
from regulars.loyalty.preview.service import ask as ask_preview
from regulars.loyalty.preview.service import latest_of as latest_preview
from regulars.loyalty.preview.service import members as preview_members
from regulars.loyalty.preview.service import read as read_preview
from regulars.loyalty.preview.service import subject_of as preview_subject
from regulars.loyalty.privacy.service import PRIVACY
from regulars.loyalty.public_ids import member_id_in, seq_in, transfer_id
from regulars.loyalty.roll.service import roll, roll_of, tier_history
from regulars.loyalty.standing.service import Allowance, Standing, points_allowed, standing, still_counts
from regulars.loyalty.statement.acts import statement_of_acts
from regulars.loyalty.statement.reasons import name_of_wallet, reason_of
from regulars.loyalty.statement.service import (
    balances,
    balances_of,
    expiries,
    expiring,
    lot,
    lots,
    programme_totals,
    standings,
    statement,
    tier_status,
)
from regulars.loyalty.tiers.names import name_of_tier, tier_label
from regulars.loyalty.transfers.contracts import (
    ReverseTransfer,
    TransferPoints,
    Transferred,
    TransferReversed,
    TransferRoom,
    TransferSeen,
    TransferStanding,
)
from regulars.loyalty.transfers.service import list_transfers, read_transfer, transfer_standing
from regulars.loyalty.transfers.service import reverse as reverse_transfer
from regulars.loyalty.transfers.service import transfer as transfer_points
from regulars.loyalty.verification.service import checks
from regulars.members.api import whose_rows
from regulars.members.contracts.whose import FOUND_BY, WHOSE, Whose

__all__ = [
    "BOOKS",
    "DRAFT_PREFIX",
    "FOUND_BY",
    "LEAVES",
    "MERGING",
    "MONTHS",
    "NOTICE",
    "PREVIEW",
    "PRIVACY",
    "SECTIONS",
    "TOUCHES",
    "WHOSE",
    "AbandonDraft",
    "AdjustmentPolicy",
    "Allowance",
    "AnniversaryReview",
    "AnswerDraft",
    "Appending",
    "AskPreview",
    "Backtest",
    "Booking",
    "Books",
    "Breakage",
    "CausedLot",
    "CausedTierChange",
    "CausedTransfer",
    "ChangeDraft",
    "ChangePolicy",
    "Composed",
    "Composition",
    "Configuration",
    "CreateDraft",
    "Difference",
    "DraftCommand",
    "EarningPolicy",
    "Held",
    "HoldListed",
    "LateRow",
    "LateSum",
    "Leaf",
    "Liability",
    "LiabilityAt",
    "LiabilityMonth",
    "LotMovement",
    "MonthCheck",
    "MonthClose",
    "MonthlyReview",
    "Moved",
    "MovedLot",
    "Needs",
    "NextClose",
    "NoReview",
    "OrderLineage",
    "Parts",
    "PaymentPolicy",
    "PointsFigures",
    "Policy",
    "PolicyDraft",
    "PolicyVersion",
    "Preview",
    "PreviewSubject",
    "ProgrammeFigures",
    "Proof",
    "ReturnPolicy",
    "ReverseTransfer",
    "ScheduleDraft",
    "SettledOrder",
    "Span",
    "Standing",
    "TierFlow",
    "TierPolicy",
    "TierRule",
    "TouchedMember",
    "TransferPoints",
    "TransferReversed",
    "TransferRoom",
    "TransferSeen",
    "TransferStanding",
    "Transferred",
    "UnitsLineage",
    "WalletRule",
    "Whose",
    "WithdrawVersion",
    "Worth",
    "activate_policy",
    "adjustment_request",
    "adjustment_requests",
    "ask_composition",
    "ask_month_check",
    "ask_preview",
    "balances",
    "balances_of",
    "begin_close",
    "book_arrivals",
    "carry_out",
    "checked_by",
    "checks",
    "composition",
    "count_waiting",
    "decide_adjustments",
    "define_standard_wallets",
    "define_wallets",
    "difference",
    "expire_due",
    "expiries",
    "expiring",
    "explain_act",
    "explain_balance",
    "explain_balances",
    "explain_hold",
    "explain_lot",
    "explain_request",
    "explain_tier",
    "explain_transfer",
    "explain_transfers",
    "go_on_closing",
    "hold",
    "holds",
    "latest_preview",
    "liability",
    "liability_at",
    "lineage",
    "list_bookings",
    "list_closes",
    "list_drafts",
    "list_holds",
    "list_policies",
    "list_transfers",
    "list_wallets",
    "lot",
    "lot_lineage",
    "lots",
    "member_id_in",
    "month_check",
    "month_named",
    "month_start",
    "name_of",
    "name_of_tier",
    "name_of_wallet",
    "next_close",
    "next_month",
    "next_point",
    "open_books",
    "past_instant",
    "points_allowed",
    "policy_in_force",
    "policy_sheet",
    "post",
    "preview_members",
    "preview_subject",
    "programme_figures",
    "programme_totals",
    "prove",
    "read_breakage",
    "read_close",
    "read_draft",
    "read_journal",
    "read_preview",
    "read_revisions",
    "read_transfer",
    "read_version",
    "read_versions",
    "reason_of",
    "require_alone",
    "result_of_preview",
    "reverse_transfer",
    "review_due",
    "roll",
    "roll_of",
    "schedule_version",
    "seq_in",
    "settled_orders",
    "standing",
    "standings",
    "statement",
    "statement_of_acts",
    "still_counts",
    "tier_history",
    "tier_label",
    "tier_status",
    "time_out_due",
    "transfer_id",
    "transfer_lineage",
    "transfer_points",
    "transfer_standing",
    "value_at",
    "waiting_adjustments",
    "whose_rows",
    "with_defaults",
    "withdraw_policy",
    "withdrawn_base",
    "work_on_policy",
]
