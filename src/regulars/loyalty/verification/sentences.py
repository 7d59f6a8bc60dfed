"""What the ledger's checks say of what is wrong, and how a row that is wrong fills it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from regulars.loyalty.verification.rules import Change, Held
from regulars.platform.ids import public_id
from regulars.platform.texts import mark
from regulars.platform.verification.contracts import Fault


@dataclass(frozen=True, slots=True)
class Telling:
    """A marked sentence, and the names of its places in the order of a row's columns."""

    sentence: str
    places: tuple[str, ...]

    def of(self, row: Sequence[object]) -> Fault:
        """Say it of a row, which begins with whose it is."""
        told = [_shown_as(at, value) for at, value in enumerate(row)]
        return Fault(self.sentence, dict(zip(self.places, told, strict=True)))


def _telling(sentence: str, places: str) -> Telling:
    return Telling(sentence, tuple(places.split()))


def _shown_as(position: int, value: object) -> str | int:
    """Name members as callers know them."""
    if isinstance(value, UUID) and not position:
        return who(value)
    return value if isinstance(value, int) else str(value)


def who(member_id: UUID) -> str:
    """Return a member's id as callers know it."""
    return public_id("mbr", member_id)


WALLET_OFF = _telling(
    mark(
        "{member}, wallet {wallet}: the stored balance is {balance} (debt {debt}), its transfers add up "
        "to {moved} (debt {moved_debt})."
    ),
    "member wallet balance moved debt moved_debt",
)
CHAIN_BROKEN = _telling(
    mark(
        "{member}, transfer {transfer}, wallet {wallet}: says the balance after it is {balance}; the "
        "transfers so far give {moved} (debt {debt})."
    ),
    "member transfer wallet balance moved debt",
)
LOT_OFF = _telling(
    mark("{member}, lot {lot}: {remaining} of {amount} are said to be left; its uses add up to {used}."),
    "member lot amount remaining used",
)
LOTS_NOT_BALANCE = _telling(
    mark("{member}, wallet {wallet}: {remaining} are left in lots and {debt} are owed, the balance is {balance}."),
    "member wallet remaining debt balance",
)
TRANSFER_WITHOUT_LOTS = _telling(
    mark(
        "{member}, transfer {transfer} ({kind}): moves {amount}, but its lot holds {lot_amount}, its "
        "uses add up to {used} and debt changes by {debt_change}."
    ),
    "member transfer kind amount lot_amount used debt_change",
)
USE_OUT_OF_TIME = _telling(
    mark(
        "{member}, transfer {transfer} ({kind}) of {at}: could not use lot {lot}, which is spendable "
        "from {available_at} until {expires_at}."
    ),
    "member transfer kind lot at available_at expires_at",
)
GIVEN_BACK_TOO_MUCH = _telling(
    mark("{member}, transfer {transfer}: took {used} from lot {lot}, and {given_back} were given back."),
    "member transfer lot given_back used",
)
TRANSFER_OFF = _telling(
    mark("{member}: the transfer {transfer} says {said}, its moves {moved}, or the other member's row differs."),
    "member transfer said moved",
)
REVERSAL_OFF = _telling(
    mark("{member}: what was taken back of the transfer {transfer} is {said} by its row, and {moved} by its moves."),
    "member transfer said moved",
)
MOVE_WITHOUT_PAIR = _telling(
    mark(
        "{member}, transfer {transfer}: the move {reference} gives {given} and gets {got}; both rows must be there, "
        "with the same units, wallet, instants and dates."
    ),
    "member transfer reference given got",
)
EXTENSION_OFF = _telling(
    mark(
        "{member}, transfer {transfer}: an extension takes {given} from a lot and brings {got}; the next row must "
        "bring the same units as a lot with the same dates that runs out later."
    ),
    "member transfer given got",
)
MERGED_NOT_EMPTY = _telling(
    mark(
        "{member}: its books are part of those of {other}, and still hold {balance} (debt {debt}), or a lot, or a hold."
    ),
    "member other balance debt",
)
MOVE_OFF = _telling(
    mark("{member}, transfer {transfer}: the move {reference} is not of the lot or entry that it names."),
    "member transfer reference",
)
MOVE_OUT_OF_TIME = _telling(
    mark("{member}, transfer {transfer}: the move {reference} belongs to a merge that was not in force then."),
    "member transfer reference",
)
UNDONE_NOT_EVEN = _telling(
    mark(
        "{member}, wallet {wallet}: of what the merge {merge} brought {left} are left after it was undone; "
        "{expired} ran out meanwhile."
    ),
    "member merge wallet left expired",
)
MERGED_OTHERWISE = _telling(
    mark(
        "{member}: its books are said to be part of those of {into} by the merge {by}; the joinings say {right} "
        "by {right_by}."
    ),
    "member into by right right_by",
)
MERGED_BY_UNDONE = _telling(
    mark(
        "{member}: its books are still part of those of {into}, by the merge {by} that was undone: what is booked for "
        "it goes there."
    ),
    "member into by",
)
MERGED_IN_A_RING = _telling(
    mark("{member}: its books are part of others that are part of them again."),
    "member",
)
JOINING_WITHOUT_PAIR = _telling(
    mark("{member}, entry {entry}: the merge {merge} is {step} here, and not in the books of the other."),
    "member entry merge step",
)
JOINING_OUT_OF_ORDER = _telling(
    mark("{member}, entry {entry}: the merge {merge} could not be {step} then."),
    "member entry merge step",
)
FORWARD_OFF = _telling(
    mark(
        "{member}, {kind} {name}: is said to stand in the books of {other} alone; it must be there and not here, and "
        "the books must know of it."
    ),
    "member kind name other",
)
REQUEST_OFF = _telling(
    mark("{member}, {reference}: {asked} were asked for ({answer}), {posted} were posted under it."),
    "member reference asked answer posted",
)
CORRECTED_TWICE = _telling(
    mark("{member}, {reference}: {posted} were corrected directly, and {asked} asked for under the same reference."),
    "member reference asked posted",
)
ALONE_OFF = _telling(
    mark(
        "{day} ({time_zone}): {counted} units are counted as corrected by one person alone, {posted} were posted so; "
        "one person has {largest} of them, where at most {limit} were allowed."
    ),
    "time_zone day counted posted largest limit",
)
NOT_COUNTED = _telling(
    mark("{member}, {transfer}: a correction that nobody approved is not counted, where one person may {limit} a day."),
    "member transfer limit",
)
HOLD_OFF = _telling(
    mark(
        "{member}, hold {hold} ({state}): asked for {asked} and keeps {kept} of lots; {posted} were "
        "posted, {used} were used of them."
    ),
    "member hold asked kept state posted used",
)
HELD_TOO_MUCH = _telling(
    mark("{member}, lot {lot}: holds keep {kept}, and {remaining} are left."),
    "member lot remaining kept",
)
DEADLINE_OFF = _telling(
    mark("{member}: the first hold to time out is said to be over at {deadline}; the holds say {of_holds}."),
    "member deadline of_holds",
)
END_WITHOUT_HOLD = _telling(
    mark("{member}, hold {hold}: has an end, and was never placed."),
    "member hold",
)
SIDES_WRONG = _telling(
    mark(
        "{member}, transfer {transfer} ({kind}): debits account {debited} and credits {credited}; one "
        "side must be the member's wallet, the other the programme's account for this kind."
    ),
    "member transfer kind debited credited",
)
BOOKS_NOT_ZERO = _telling(
    mark("Wallet {wallet}: members hold {of_members}, the programme's accounts {of_programme}; they must cancel out."),
    "wallet of_members of_programme",
)
WINDOW_OFF = _telling(
    mark(
        "{member}: the window at {at} is said to hold {sum} since {since}; its transfers add up to "
        "{moved} since {moved_since}."
    ),
    "member at sum moved since moved_since",
)
REFERENCE_TWICE = _telling(
    mark("{member}: the reference “{reference}” stands on {count} transfers."),
    "member reference count",
)
OUT_OF_ORDER = _telling(
    mark(
        "{member}: {entries} entries up to number {highest}, {backwards} of them out of order; the "
        "book's next number is {next}."
    ),
    "member next entries highest backwards",
)
OF_ANOTHER_VERSION = _telling(
    mark("{member}, entry {entry}: decided by policy version {version}, which was not in force at {at}."),
    "member entry version at",
)


# --- settlements and tiers ------------------------------------------------------------------------------------------

NOT_SETTLED = mark("{member}: transfers name order {order}, which is not settled.")
SETTLEMENT_WRONG = mark("{member}, order {order}: {wrong}.")
SETTLED_AT_ANOTHER_TIER = mark("{member}: order {order} was settled at another tier than was held.")
OTHER_CHANGE = mark("{member}: tier change {number} is {found}; the history gives {right}.")
OTHER_TIER_HELD = mark("{member}: the book holds {found}; the history gives {right}.")
NONE = mark("none")
CHANGE = mark(
    "from_tier {from_tier}, to_tier {to_tier}, cause {cause}, reference {reference}, metric {metric}, "
    "policy_version {policy_version}, effective_at {effective_at}, recorded_at {recorded_at}"
)
HELD = mark("tier {tier}, since {since}, review_at {review_at}, in_grace False")
HELD_IN_GRACE = mark("tier {tier}, since {since}, review_at {review_at}, in_grace True")


def other_change(member: str, number: int, found: Change | None, right: Change | None) -> Fault:
    """Say that a change of tier is another one than follows."""
    return Fault(OTHER_CHANGE, {"member": member, "number": number, "found": _shown(found), "right": _shown(right)})


def other_tier_held(member: str, found: Held, right: Held) -> Fault:
    """Say that a book holds another tier than follows."""
    return Fault(OTHER_TIER_HELD, {"member": member, "found": _shown(found), "right": _shown(right)})


def _shown(row: Change | Held | None) -> list[Fault]:
    if row is None:
        return [Fault(NONE)]
    values = {name: value if type(value) is int else str(value) for name, value in row._asdict().items()}
    if isinstance(row, Change):
        return [Fault(CHANGE, values)]
    return [Fault(HELD_IN_GRACE if row.in_grace else HELD, values)]
