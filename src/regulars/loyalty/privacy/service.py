"""When a member is erased, the books are closed: what is in them stays as it was booked, and time goes on for it.

Points that are left expire at their time, orders paid before can still be returned, tiers are reviewed; only nothing
new comes in and nothing can be spent. So the books balance, and nobody can use what nobody owns.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from regulars.loyalty.ledger.books import owners_of
from regulars.loyalty.merging.service import part
from regulars.loyalty.privacy import store
from regulars.loyalty.statement.service import balances
from regulars.loyalty.tiers.names import name_of_tier
from regulars.members.contracts.privacy import Loss, PrivacyPart, Section
from regulars.platform.db.transaction import Transaction
from regulars.platform.ids import public_id
from regulars.platform.texts import mark
from regulars.platform.vault.contracts import Vault
from regulars.platform.verification.contracts import MAX_PROBLEMS, Check, CheckResult, Fault


async def close_books(tx: Transaction, member_ids: Sequence[UUID]) -> None:
    """Close the books of members, those that were never opened too; whoever posts just now ends first."""
    store.close(tx, await owners_of(tx, set(member_ids)), tx.now)


async def would_lose(tx: Transaction, member_id: UUID) -> list[Loss]:
    """Return what a member has in each wallet."""
    return [Loss(one.wallet, one.balance, one.debt) for one in await balances(tx, member_id)]


async def _export(tx: Transaction, _vault: Vault, member_id: UUID) -> dict[str, Section]:
    found = await store.of_member(tx, member_id)
    wallets = await store.wallets(tx)
    return {name: [_with_wallet(row, wallets) for row in rows] for name, rows in found.items()}


def _with_wallet(row: dict[str, Any], wallets: Mapping[int, str]) -> dict[str, Any]:
    """Say of a row that names a wallet by its number how that is called."""
    return {**row, "wallet": wallets.get(row["wallet_id"])} if "wallet_id" in row else row


PRIVACY: Final = PrivacyPart(
    room="loyalty",
    erase=close_books,
    loses=would_lose,
    part=part,
    export=_export,
    sections={
        "member_wallets": mark("What is on your wallets"),
        "ledger_transfers": mark("Every movement of points and growth"),
        "lots": mark("Points that expire together"),
        "lot_uses": mark("Which points were used for what"),
        "holds": mark("Points that were kept for a purpose"),
        "hold_lots": mark("Which points were kept"),
        "hold_ends": mark("How keeping them ended"),
        "book_joinings": mark("When your books became one with another membership's, and two again"),
        "adjustment_requests": mark("Corrections that were asked for"),
        "adjustment_answers": mark("What was answered to them"),
        "settlements": mark("What your orders did"),
        "ledger_forwards": mark("What was booked for you with a membership that yours was part of"),
        "point_transfers": mark("Points that you gave to others, and got from them"),
        "point_transfer_reversals": mark("Points that you had given and that came back"),
        "tier_changes": mark("How your tier changed"),
        "member_books": mark("Your tier, and when it is looked at again"),
    },
    codes={
        "wallet": {"points": mark("points"), "growth": mark("growth")},
        "ledger_transfers.kind": {
            "accrue": mark("Granted"),
            "earn": mark("Earned by an order"),
            "redeem": mark("Used"),
            "give_back": mark("Given back by a return"),
            "claw_back": mark("Taken back by a return"),
            "forgive": mark("Forgiven"),
            "expire": mark("Run out"),
            "adjust": mark("Corrected"),
            "extend": mark("Extended"),
            "move_in": mark("Came over"),
            "move_out": mark("Went over"),
        },
        "point_transfers.side": {
            "given": mark("You gave"),
            "received": mark("You got"),
        },
        "hold_ends.how": {
            "posted": mark("Used"),
            "voided": mark("Let go"),
            "timed_out": mark("Over"),
        },
        "adjustment_answers.answer": {
            "approved": mark("Approved"),
            "refused": mark("Refused"),
        },
        "tier_changes.cause": {
            "order": mark("An order"),
            "return": mark("A return"),
            "review": mark("A review"),
            "accrue": mark("Growth that was given"),
            "adjust": mark("A correction"),
            "merge": mark("A merge"),
            "policy": mark("A new policy"),
        },
    },
    named=dict.fromkeys(("tier", "from_tier", "to_tier", "tier_before", "tier_after"), name_of_tier),
    excused={
        "book_sums": "sums of movements that are all told, kept to add them up sooner",
        "preview_members": "what a policy that was only tried out would have done: it decides nothing",
    },
)


async def _closed(tx: Transaction) -> CheckResult:
    closed, found = await store.still_open(tx, MAX_PROBLEMS)
    still_open = mark("{member} was erased, and the books are still open.")
    problems = [Fault(still_open, {"member": public_id("mbr", member_id)}) for member_id in found]
    return CheckResult(ok=not problems, rows_checked=closed, problems=problems)


CHECK: Final = Check(mark("books of erased members"), _closed)
