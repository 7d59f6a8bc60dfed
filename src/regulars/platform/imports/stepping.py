"""The steps of an import: rows are read, made commands of, carried out set-based, and told of, in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg.errors import DataError

from regulars.platform.audit.contracts import AuditEntry
from regulars.platform.bulk.contracts import JOB_PREFIX, Counts, Step, Taken
from regulars.platform.commit.batches import apply_in_parts
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.errors import NulInText
from regulars.platform.ids import public_id
from regulars.platform.imports import rules, store
from regulars.platform.imports.contracts import (
    ALL_AT_MOST,
    REFUSED_AT_MOST,
    ROWS_A_STEP,
    STEP_BYTES,
    Brought,
    Import,
    ImportKind,
    ImportKinds,
    Mapped,
    Record,
    Row,
    RowProblem,
)
from regulars.platform.imports.errors import (
    ImportExpired,
    ImportKindUnknown,
    NothingImported,
    TooManyForAll,
    TooManyRefused,
)
from regulars.platform.imports.files import ImportFiles, SealedFile
from regulars.platform.imports.reading import Place, Placed, Source, source_of
from regulars.platform.imports.trying import TryingVault
from regulars.platform.vault.contracts import Vault

_OPEN_AT_MOST: Final = 4
_GROUP_AT_MOST: Final = 1000  # lines of one record
_RECORD_BYTES: Final = 4 * STEP_BYTES

_place = msgspec.json.Decoder(Place).decode


@dataclass(slots=True)
class _Reader:
    """A file that is being read, and where it goes on. Kept between steps: finding the place anew takes time."""

    source: Source
    mapping: Mapped
    used: dict[str, str]
    place: Place
    rows: Iterator[Placed]
    ahead: Placed | None = None


@dataclass(slots=True)
class Importing:
    """Carries imports out, as a kind of jobs."""

    kinds: ImportKinds
    vault: Vault
    home: Path
    _files: ImportFiles = field(init=False)
    _readers: dict[UUID, _Reader] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Know where the files lie."""
        self._files = ImportFiles(self.home, self.vault.pepper)

    async def step(self, tx: Transaction, job: Taken) -> Step:
        """Import the next thousand rows; of an import that is carried out as a whole, all of them."""
        one = await store.read(tx, job.job_id)
        if one is None:
            raise ImportExpired
        kind = self.kinds.get(one.kind)
        if kind is None:
            raise ImportKindUnknown(kind=one.kind, kinds=", ".join(self.kinds))
        place = Place() if job.carry is None else _place(msgspec.json.encode(job.carry))
        parts = await store.parts(tx, job.job_id)
        file = SealedFile(self._files, job.job_id, parts)
        reader = self._readers.pop(job.job_id, None)
        if reader is None or (reader.place, reader.mapping) != (place, one.mapping):
            reader = await asyncio.to_thread(_opened, one, kind, file, place)
        if one.mode == "all":
            return await self._whole(tx, job, one, kind, reader)
        return await self._piece(tx, job, one, kind, reader)

    async def _piece(self, tx: Transaction, job: Taken, one: Import, kind: ImportKind, reader: _Reader) -> Step:
        records, ended = await asyncio.to_thread(_take, one, kind, reader)
        outcomes = await self._decide(tx, job, one, kind, records, keep=not one.dry_run)
        problems = _problems(kind, reader, records, outcomes)
        store.insert_problems(tx, self._files, one.job_id, problems)
        counts = _counted(job.counts, records, outcomes)
        if not ended:
            self._keep(job.job_id, reader)
        failure = TooManyRefused(limit=REFUSED_AT_MOST) if counts["refused"] > REFUSED_AT_MOST else None
        return Step(
            done=reader.source.done(reader.place) if not ended else reader.source.size,
            all_of_it=reader.source.size,
            counts=counts,
            carry=msgspec.to_builtins(reader.place),
            ended=ended,
            failure=failure,
        )

    async def _whole(self, tx: Transaction, job: Taken, one: Import, kind: ImportKind, reader: _Reader) -> Step:
        """Import everything, or nothing where a row is refused: the savepoint is undone, and only why is kept."""
        counts: Counts = {}
        problems: list[RowProblem] = []

        async def everything() -> bool:
            nonlocal counts
            while True:
                records, ended = await asyncio.to_thread(_take, one, kind, reader)
                outcomes = await self._decide(tx, job, one, kind, records, keep=True)
                problems.extend(_problems(kind, reader, records, outcomes))
                counts = _counted(counts, records, outcomes)
                if counts["rows"] > ALL_AT_MOST:
                    raise TooManyForAll(limit=ALL_AT_MOST)
                if ended:
                    return not one.dry_run and not problems

        await _undone_unless(tx, everything)
        store.insert_problems(tx, self._files, one.job_id, problems)
        size = reader.source.size
        failure = None
        if problems:
            counts = counts | {"imported": 0, "known": 0}
            failure = None if one.dry_run else NothingImported(refused=counts["refused"])
        return Step(done=size, all_of_it=size, counts=counts, ended=True, failure=failure)

    async def _decide(
        self, tx: Transaction, job: Taken, one: Import, kind: ImportKind, records: Sequence[Record], *, keep: bool
    ) -> list[Brought | DomainError]:
        """Read and carry out records, in order; without `keep` everything is undone again."""
        vault = TryingVault(self.vault) if one.dry_run else self.vault
        commands: list[Any] = []
        read: list[DomainError | None] = []
        for record in records:
            try:
                commands.append(_command(tx, kind, record, job.asked_by))
                read.append(None)
            except DomainError as refusal:
                read.append(refusal)
        decided: list[Brought | DomainError] = []

        async def carry_out() -> bool:
            decided.extend(await _applied(tx, kind, vault, commands))
            return keep

        await _undone_unless(tx, carry_out)
        results = iter(decided)
        outcomes = [refusal or next(results) for refusal in read]
        if not one.dry_run:
            _note(tx, job, one, [outcome for outcome in outcomes if isinstance(outcome, Brought)])
        return outcomes

    def _keep(self, job_id: UUID, reader: _Reader) -> None:
        while len(self._readers) >= _OPEN_AT_MOST:
            del self._readers[next(iter(self._readers))]
        self._readers[job_id] = reader


class _Undo(Exception):
    """What was done in a savepoint is not to stay."""


async def _undone_unless(tx: Transaction, work: Callable[[], Awaitable[bool]]) -> None:
    """Do something, and undo it again unless it says that it is to stay."""
    with suppress(_Undo):
        async with tx.savepoint():
            if not await work():
                raise _Undo


async def _applied(
    tx: Transaction, kind: ImportKind, vault: Vault, commands: Sequence[Any]
) -> list[Brought | DomainError]:
    async def apply(transaction: Transaction, some: Sequence[Any]) -> Sequence[Brought | DomainError]:
        try:
            return await kind.apply(transaction, vault, some)
        except DataError:
            if len(some) > 1:
                raise
            raise NulInText from None  # the one thing that JSON may hold and PostgreSQL may not

    return await apply_in_parts(tx, apply, commands)


def _command(tx: Transaction, kind: ImportKind, record: Record, asked_by: str) -> object:
    if record.problem is not None:
        raise record.problem
    command = kind.read(record.body, tx.now)
    return command if kind.signed is None else kind.signed(command, asked_by)


def _opened(one: Import, kind: ImportKind, file: SealedFile, place: Place) -> _Reader:
    source = source_of(one.format, file, file.size, one.mapping)
    used = rules.columns_used(kind, one.mapping, source.columns)
    return _Reader(source, one.mapping, used, place, source.rows(place))


def _take(one: Import, kind: ImportKind, reader: _Reader) -> tuple[list[Record], bool]:
    """Return the next records, and whether they are the last. A record is not cut between two steps."""
    rows: list[Row] = []
    place, ahead, in_record, size = reader.place, reader.ahead, 0, 0
    while True:
        placed, ahead = (ahead, None) if ahead is not None else (next(reader.rows, None), None)
        if placed is None:
            break
        joins = bool(rows) and rules.same_as_before(kind, one.mapping, reader.used, rows[-1], placed.row)
        in_record = in_record + 1 if joins else 1
        has_enough = len(rows) >= ROWS_A_STEP or size >= STEP_BYTES
        if has_enough and (not joins or in_record > _GROUP_AT_MOST or size >= _RECORD_BYTES):
            ahead = placed
            break
        rows.append(placed.row)
        size += placed.size
        place = placed.behind
    reader.place, reader.ahead = place, ahead
    return list(rules.records(kind, one.mapping, reader.used, islice(rows, len(rows)))), ahead is None


def _problems(
    kind: ImportKind, reader: _Reader, records: Sequence[Record], outcomes: Sequence[Brought | DomainError]
) -> list[RowProblem]:
    return [
        rules.problem_of_record(kind, reader.used, record, outcome)
        for record, outcome in zip(records, outcomes, strict=True)
        if isinstance(outcome, DomainError)
    ]


def _counted(before: Counts, records: Sequence[Record], outcomes: Sequence[Brought | DomainError]) -> Counts:
    counts = {"rows": 0, "imported": 0, "known": 0, "refused": 0} | before
    for record, outcome in zip(records, outcomes, strict=True):
        counts["rows"] += record.rows
        if isinstance(outcome, DomainError):
            counts["refused"] += 1
        else:
            counts["known" if outcome.known else "imported"] += 1
    return counts


def _note(tx: Transaction, job: Taken, one: Import, brought: Sequence[Brought]) -> None:
    """Name everything that was imported, and not what was there before."""
    for each in brought:
        if not each.known:
            entry = AuditEntry(
                actor=job.asked_by,
                action=f"import_{one.kind}",
                subject=each.subject,
                request_id=public_id(JOB_PREFIX, job.job_id),
                detail=each.detail,
            )
            tx.audit(entry)
