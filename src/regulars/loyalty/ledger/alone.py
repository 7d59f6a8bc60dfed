"""What each person corrects without a second one on a day, where the policy has a limit for that.

The day is that of UTC: one for the whole programme, whatever markets the corrected members are of, so that a person has
one limit. It is no market's own, as those may be many, and which of them comes first may change.

Of two batches in which one person corrects, of whatever members, the second waits until the first has ended: the rows
of the person's days are locked behind the books, in one order.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import errors as database_errors

from regulars.loyalty.contracts import Adjust, Posting
from regulars.loyalty.errors import ApprovalNeededToday
from regulars.loyalty.ledger import postings
from regulars.loyalty.ledger.book import Book
from regulars.loyalty.ledger.store import alone as store
from regulars.loyalty.policy.contracts import Policy
from regulars.loyalty.policy.service import Configuration
from regulars.platform.auth.persons import Persons, persons_behind
from regulars.platform.db.transaction import Transaction

_A_DAY: Final = timedelta(days=1)


class Wish(NamedTuple):
    """Somebody's correction, recorded between two instants."""

    actor: str
    first: datetime
    last: datetime


@dataclass(slots=True)
class Alone:
    """The units that persons corrected alone, by person and day, and what a batch adds to them."""

    persons: Persons = field(default_factory=lambda: Persons({}))
    corrected: dict[store.Day, int] = field(default_factory=dict)
    added: Counter[store.Day] = field(default_factory=Counter)

    def adjust(self, book: Book, configuration: Configuration, command: Adjust, at: datetime) -> Posting:
        """Correct, as `postings.adjust`; raises ApprovalNeededToday beyond what its person may correct alone."""
        now = book.begin(at)
        policy = configuration.policy_at(now)
        limit = policy.adjustments.alone_per_day
        if limit is None or command.approved_by or postings.needs_second(policy, command):
            return postings.adjust(book, configuration, command, at)
        day = self.persons.counted(command.actor), _day_of(now)
        if day not in self.corrected:  # it came while the books were waited for
            raise database_errors.SerializationFailure("a correction is recorded on another day than it was read for")
        asked, before = abs(command.amount), self.corrected[day]
        if before + asked > limit:
            raise ApprovalNeededToday(
                pointer="/amount",
                limit=limit,
                corrected=before,
                asked=command.amount,
                left=max(limit - before, 0),
                policy_version=policy.version,
            )
        posting = postings.adjust(book, configuration, command, at, today=before + asked)
        self.corrected[day] = before + asked
        self.added[day] += asked
        return posting

    def write(self, tx: Transaction) -> None:
        """Buffer what the batch adds."""
        if self.added:
            store.add(tx, self.added)


def asks_for_it(policies: Iterable[Policy]) -> bool:
    """Tell whether any version has a limit of what one corrects alone."""
    return any(policy.adjustments.alone_per_day is not None for policy in policies)


def wishes(  # noqa: PLR0917 - what books know of each other
    corrections: Iterable[Adjust],
    books: Mapping[UUID, Book],
    path: Callable[[UUID], Sequence[UUID]],
    recorded: Callable[[Book, datetime], datetime],
    now: datetime,
    until: datetime,
) -> list[Wish]:
    """Return what is to be read for corrections: in whose books they may stand, recorded when."""
    return [
        Wish(one.actor, recorded(book, one.recorded_at or now), recorded(book, until))
        for one in corrections
        for member_id in path(one.member_id)
        if (book := books.get(member_id)) is not None
    ]


async def read(tx: Transaction, asked: Sequence[Wish], *, lock: bool) -> Alone:
    """Read what the persons of these wishes corrected alone on the days that are asked for, and lock it."""
    persons = await persons_behind(tx, {wish.actor for wish in asked})
    days = {(persons.counted(wish.actor), day) for wish in asked for day in _days(wish)}
    if not days:
        return Alone(persons)
    return Alone(persons, await store.read_days(tx, sorted(days), lock=lock))


def _day_of(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _days(wish: Wish) -> Iterable[date]:
    day, last = _day_of(wish.first), _day_of(wish.last)
    while day <= last:
        yield day
        day += _A_DAY
