"""The statement by acts: what somebody did once is one line, however many lots it moved. The books keep each move."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from uuid import UUID

from msgspec import structs

from regulars.loyalty.contracts import StatementLine, StatementPage
from regulars.loyalty.statement import store
from regulars.loyalty.statement.service import LINES_AT_MOST, NEWEST, line_of, require_wallet
from regulars.platform.db.transaction import Rows, Transaction

PARTS_NAMED = 12
_SEQ, _CAUSE, _FIRST, _SEQS, _COUNT = 0, 16, 17, 18, 19  # of a row; the last three of one that sums an act up


async def statement_of_acts(
    tx: Transaction,
    member_id: UUID,
    *,
    before: int | None = None,
    limit: int = 50,
    wallet: str | None = None,
    language: str = "en",
) -> StatementPage:
    """Return a page of a member's statement, newest first, in which an act is one line in each wallet that it moved.

    What a gift to another member, a merge, or the undoing of one moved lot by lot is summed up where its last transfer
    stands; all else is as `statement` gives it. An act is on one page, whole; only one that moved more wallets than
    `limit` makes a page longer. Raises UnknownMember (404), UnknownWallet (422). Source: ledger_transfers, lot_uses.
    """
    limit, start = max(1, min(limit, LINES_AT_MOST)), NEWEST if before is None else before
    lines, place, size = list[StatementLine](), start, limit + 1
    while True:
        rows = await store.read_statement_of_acts(tx, member_id, wallet, place, size, named=PARTS_NAMED)
        if not rows and not lines:
            await require_wallet(tx, member_id, wallet)
        single = [row for row in rows if row[_COUNT] is None]
        found = [list(group) for _, group in groupby(single, key=lambda row: row[_SEQ])]
        for seq, together, lowest in _steps(found, _by_cause(rows), start):
            if seq >= place:  # of an act that was passed as a whole
                continue
            if lines and len(lines) + len(together) > limit:
                return StatementPage(lines=tuple(lines), next_before=place)
            lines += [_told(of, language) for of in together]
            place = lowest
        if len(found) < size:
            return StatementPage(lines=tuple(lines), next_before=None)
        size = min(2 * size, LINES_AT_MOST)


def _steps(found: Iterable[Rows], acts: dict[str, Rows], start: int) -> Iterator[tuple[int, list[Rows], int]]:
    """Give transfer by transfer what is told there, each line as its rows, and how far down that reaches.

    An act is told with its last transfer: nothing with those before, and nothing here of one that was told on the page
    before this, which ended at `start`.
    """
    for of in found:
        seq = of[0][_SEQ]
        if of[0][_CAUSE] is None:
            yield seq, [of], seq
            continue
        act = acts[of[0][_CAUSE]]
        last, first = act[0][_SEQ], min([row[_FIRST] for row in act])
        # Moves for a return stand between other transfers of it; all others follow each other.
        is_in_one = last - first + 1 == sum([row[_COUNT] for row in act])
        yield seq, [[row] for row in act] if seq == last < start else [], first if is_in_one else seq


def _told(of: Rows, language: str) -> StatementLine:
    row = of[0]
    line = line_of(of, language)
    if row[_COUNT] is None or row[_COUNT] == 1:
        return line
    return structs.replace(line, parts=tuple(row[_SEQS]), part_count=row[_COUNT])


def _by_cause(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in [one for one in rows if one[_COUNT] is not None]:
        found.setdefault(row[_CAUSE], []).append(row)
    return found
