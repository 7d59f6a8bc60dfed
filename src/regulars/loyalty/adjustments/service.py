"""Corrections that need a second person: asked for, approved or refused once, or over when nobody answers in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from regulars.domain_events.loyalty import AdjustmentApproved, AdjustmentAsked, AdjustmentRefused
from regulars.loyalty.adjustments import store
from regulars.loyalty.contracts import Adjust, AdjustmentRequest, AnswerAdjustment, AskAdjustment, RequestsWanted
from regulars.loyalty.errors import AmountIsZero, OwnRequest, ReferenceReused, RequestOver, UnknownRequest
from regulars.loyalty.ledger.books import Books, open_books
from regulars.loyalty.ledger.needs import Needs
from regulars.loyalty.ledger.requests import reference_of, request_id_of
from regulars.loyalty.policy.service import Configuration
from regulars.platform.auth.errors import MayBeOnePerson
from regulars.platform.auth.persons import Compared, Persons, persons_behind
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError

_encode = msgspec.json.Encoder().encode

Command = AskAdjustment | AnswerAdjustment


def _request_id_in(command: Command) -> UUID:
    """Return the id of the request that a command is about."""
    if isinstance(command, AskAdjustment):
        return request_id_of(command.member_id, command.reference)
    return command.request_id


def _for_whom(books: Books, command: Command) -> Command:
    """Return a command about the member that is meant, after a merge."""
    meant = books.stands_for(command.member_id)
    return command if meant == command.member_id else structs.replace(command, member_id=meant)


@dataclass(slots=True)
class _Desk:
    """The requests of a batch, read behind the members' locks, and what is decided on them."""

    books: Books
    known: dict[tuple[UUID, UUID], tuple[AdjustmentRequest, bytes]]
    persons: Persons
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    answered: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[AdjustmentAsked | AdjustmentApproved | AdjustmentRefused] = field(default_factory=list)

    def decide(self, command: Command) -> AdjustmentRequest:
        """Carry out one command; raises its refusal, leaving nothing.

        For who is part of another member by now it is the other's, unless the request was made before.
        """
        named = command.member_id
        if (named, _request_id_in(command)) not in self.known:
            command = _for_whom(self.books, command)
        if isinstance(command, AskAdjustment):
            return self._ask(named, command)
        return self._answer(command)

    def _ask(self, named: UUID, command: AskAdjustment) -> AdjustmentRequest:
        key = command.member_id, request_id_of(command.member_id, command.reference)
        command_hash = _hash_of(command)
        book = self.books.book(command.member_id)
        wallet = self.books.configuration.wallet(command.wallet)
        if command.amount == 0:
            raise AmountIsZero(pointer="/amount")
        now = book.begin(command.recorded_at or self.books.now)
        if key in self.known:
            request, first_hash = self.known[key]
            if first_hash != command_hash:
                raise ReferenceReused(pointer="/reference", reference=command.reference)
            return as_of(request, now)
        if self.books.is_posted(named, command.reference):
            raise ReferenceReused(pointer="/reference", reference=command.reference)
        self.books.check_open(book.member_id)
        policy = self.books.configuration.policy_at(now)
        request = AdjustmentRequest(
            member_id=command.member_id,
            request_id=key[1],
            wallet=wallet.code,
            amount=command.amount,
            reason=command.reason,
            reference=command.reference,
            state="open",
            asked_by=command.actor,
            asked_at=now,
            expires_at=now + timedelta(days=policy.adjustments.answer_days),
            policy_version=policy.version,
        )
        self.known[key] = request, command_hash
        self.asked.append(
            (
                *key,
                wallet.wallet_id,
                request.amount,
                request.reason,
                request.reference,
                request.asked_by,
                now,
                request.expires_at,
                policy.version,
                command_hash,
            )
        )
        self.events.append(
            AdjustmentAsked(
                member_id=request.member_id,
                recorded_at=now,
                wallet=request.wallet,
                amount=request.amount,
                request_id=request.request_id,
                expires_at=request.expires_at,
            )
        )
        return request

    def _answer(self, command: AnswerAdjustment) -> AdjustmentRequest:
        key = command.member_id, command.request_id
        book = self.books.book(command.member_id)
        if key not in self.known:
            raise UnknownRequest
        found, command_hash = self.known[key]
        now = book.begin(command.recorded_at or self.books.now)
        request = as_of(found, now)
        if request.state != "open":
            raise RequestOver(state=request.state, at=(request.answered_at or request.expires_at).isoformat())
        match self.persons.compare(request.asked_by, command.actor):
            case Compared.ONE:
                raise OwnRequest
            case Compared.UNCLEAR:
                raise MayBeOnePerson
        seq = None
        if command.approve:
            seq = self.books.post(
                Adjust(
                    member_id=request.member_id,
                    wallet=request.wallet,
                    amount=request.amount,
                    reference=reference_of(request.request_id),
                    reason=request.reason,
                    actor=request.asked_by,
                    approved_by=command.actor,
                    recorded_at=now,
                )
            ).seq
        request = structs.replace(
            request,
            state="approved" if command.approve else "refused",
            answered_by=command.actor,
            answered_at=now,
            note=command.note,
            transfer_no=seq,
        )
        self.known[key] = request, command_hash
        answer = (*key, request.state, command.actor, now, command.note, seq, request.asked_by)
        self.answered.append(answer)
        event = AdjustmentApproved if command.approve else AdjustmentRefused
        self.events.append(
            event(
                member_id=request.member_id,
                recorded_at=now,
                wallet=request.wallet,
                amount=request.amount,
                request_id=request.request_id,
            )
        )
        return request


async def decide(
    tx: Transaction, configuration: Configuration, commands: Sequence[Command]
) -> list[AdjustmentRequest | DomainError]:
    """Ask and answer in order of arrival, behind the members' locks: each gives its request or its refusal.

    An approved request is posted once, under the reference that follows from it. Raises nothing of a single command.
    """
    needs = Needs(until=max([command.recorded_at or tx.now for command in commands], default=tx.now))
    named: set[tuple[UUID, UUID]] = set()
    for command in commands:
        needs.members.add(command.member_id)
        if isinstance(command, AskAdjustment):
            needs.references.add((command.member_id, command.reference))
            named.add((command.member_id, request_id_of(command.member_id, command.reference)))
        else:
            needs.lots_of.add(command.member_id)
            needs.references.add((command.member_id, reference_of(command.request_id)))
            named.add((command.member_id, command.request_id))
    books = await open_books(tx, configuration, needs)
    meant = [_for_whom(books, command) for command in commands]
    named |= {(command.member_id, _request_id_in(command)) for command in meant}
    known = {row[:2]: (_request(row), row[15]) for row in await store.read_named(tx, sorted(named))}
    actors = {command.actor for command in commands} | {request.asked_by for request, _ in known.values()}
    compares = any(isinstance(command, AnswerAdjustment) for command in commands)
    desk = _Desk(books, known, await persons_behind(tx, actors if compares else ()))
    results: list[AdjustmentRequest | DomainError] = []
    for command in commands:
        try:
            results.append(desk.decide(command))
        except DomainError as refusal:
            results.append(refusal)
    books.write(tx)
    if desk.asked:
        store.insert_requests(tx, desk.asked)
    if desk.answered:
        store.insert_answers(tx, desk.answered)
    tx.publish(*desk.events)
    return results


async def adjustment_requests(tx: Transaction, wanted: RequestsWanted) -> list[AdjustmentRequest]:
    """Return the requests that are wanted, the latest first.

    Units of each request's wallet, instants UTC. Raises nothing. Source: adjustment_requests, adjustment_answers.
    """
    rows = await store.read_page(tx, wanted, tx.now)
    return [as_of(_request(row), tx.now) for row in rows]


async def waiting(
    tx: Transaction, *, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> list[AdjustmentRequest]:
    """Return the requests that nobody has answered yet, what is over first before the others.

    `after` (over at, request) goes on behind a request. Units of each request's wallet, instants UTC. Raises nothing.
    Source: adjustment_requests, adjustment_answers.
    """
    return [_request(row) for row in await store.read_waiting(tx, after=after, limit=limit, now=tx.now)]


async def count_waiting(tx: Transaction, *, actor: str) -> int:
    """Return how many requests somebody could answer: those of others that are open. Source: as `waiting`."""
    return await store.count_waiting(tx, actor=actor, now=tx.now)


async def adjustment_request(tx: Transaction, member_id: UUID, request_id: UUID) -> AdjustmentRequest:
    """Return one request of a member as it stands. Raises UnknownRequest (404). Source: as `adjustment_requests`."""
    rows = await store.read_named(tx, [(member_id, request_id)])
    if not rows:
        raise UnknownRequest
    return as_of(_request(rows[0]), tx.now)


def as_of(request: AdjustmentRequest, at: datetime) -> AdjustmentRequest:
    """Return a request as the instant has it: one that nobody answered in time is over."""
    is_over = request.state == "open" and request.expires_at <= at
    return structs.replace(request, state="expired") if is_over else request


def _hash_of(command: AskAdjustment) -> bytes:
    return blake2b(_encode((command.wallet, command.amount, command.reason)), digest_size=16).digest()


def _request(row: tuple[Any, ...]) -> AdjustmentRequest:
    member_id, request_id, wallet, amount, reason, reference, answer, asked_by, asked_at, expires_at = row[:10]
    version, answered_by, answered_at, note, transfer_seq = row[10:15]
    return AdjustmentRequest(
        member_id=member_id,
        request_id=request_id,
        wallet=wallet,
        amount=amount,
        reason=reason,
        reference=reference,
        state=answer or "open",
        asked_by=asked_by,
        asked_at=asked_at,
        expires_at=expires_at,
        policy_version=version,
        answered_by=answered_by,
        answered_at=answered_at,
        note=note or "",
        transfer_no=transfer_seq,
    )
