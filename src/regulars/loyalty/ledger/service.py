"""Verbs of the ledger. One path serves one posting and a million: open the books, decide in order, write."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from regulars.loyalty.contracts import HoldStanding, Posting
from regulars.loyalty.ledger.books import open_books
from regulars.loyalty.ledger.needs import HOLD_COMMANDS, DirectCommand, Needs, PostingCommand
from regulars.loyalty.ledger.store import reading
from regulars.loyalty.policy.service import Configuration
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

WRITTEN_AHEAD: Final = 125  # so many postings are on their way into the tables while the next ones are decided


async def post(
    tx: Transaction, configuration: Configuration, commands: Sequence[PostingCommand]
) -> list[Posting | DomainError]:
    """Carry out direct postings in order of arrival: each gives its posting or its refusal, exactly as if alone."""
    return [result for result in await carry_out(tx, configuration, commands) if not isinstance(result, HoldStanding)]


async def carry_out(
    tx: Transaction, configuration: Configuration, commands: Sequence[DirectCommand]
) -> list[Posting | HoldStanding | DomainError]:
    """Carry out direct postings and holds in order of arrival: each gives its result or refusal, as if alone."""
    needs = Needs(until=max([command.recorded_at or tx.now for command in commands], default=tx.now))
    if all(command.recorded_at is None for command in commands):
        needs.postings = Counter([command.member_id for command in commands])
    for command in commands:
        needs.want(command)
    books = await open_books(tx, configuration, needs)
    results: list[Posting | HoldStanding | DomainError] = []
    for number, command in enumerate(commands, 1):
        try:
            results.append(books.hold(command) if isinstance(command, HOLD_COMMANDS) else books.post(command))
        except DomainError as refusal:
            results.append(refusal)
        if number % WRITTEN_AHEAD == 0:
            await books.write_ahead(tx)
    books.write(tx)
    if len(commands) > WRITTEN_AHEAD:
        await tx.send()
    return results


async def review_due(tx: Transaction, configuration: Configuration, at: datetime, at_most: int = 1000) -> int:
    """Carry out the tier reviews due by `at`, each at its own instant; returns how many members."""
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    version = configuration.turn_version(at)
    due = [row[0] for row in await tx.rows(reading.DUE_REVIEWS, (at, at_most, version, at_most))]
    return await catch_up(tx, configuration, due, at, expire=False)


async def expire_due(tx: Transaction, configuration: Configuration, at: datetime, at_most: int = 1000) -> int:
    """Book the expiries that time has decided by `at`; returns how many members."""
    due = [row[0] for row in await tx.rows(reading.DUE_EXPIRIES, {"at": at, "at_most": at_most})]
    return await catch_up(tx, configuration, due, at, expire=True)


async def time_out_due(tx: Transaction, configuration: Configuration, at: datetime, at_most: int = 1000) -> int:
    """Book the ends of holds whose deadline has come by `at`; returns of how many members."""
    await configuration.follow(tx, (await tx.read(configuration.question))[0])
    due = [row[0] for row in await tx.rows(reading.DUE_DEADLINES, (at, at_most))]
    return await catch_up(tx, configuration, due, at, expire=False)


async def catch_up(
    tx: Transaction, configuration: Configuration, due: Iterable[UUID], at: datetime, *, expire: bool = False
) -> int:
    """Book what time has decided of these members by `at`: reviews, versions that came, deadlines; returns how many."""
    members_ = set(due)
    if members_:
        needs = Needs(until=at, members=members_, lots_of=members_ if expire else set())
        books = await open_books(tx, configuration, needs)
        for member_id in sorted(members_):
            books.book(member_id).begin(at)
            if expire:
                books.expire(member_id, at)
        books.write(tx)
    return len(members_)
