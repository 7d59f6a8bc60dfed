"""Accruals by the thousand, beside one raw set-based statement that writes the same rows on one stream, and COPY."""

from collections.abc import Iterator
from random import Random
from time import perf_counter

import msgspec

from bench import limits, proofs
from bench.figures import Budget, Row, row
from bench.options import Options
from bench.programme import Site, member_id, public
from bench.scenarios.imports import BESIDE_COPY
from bench.server import fire, product, request
from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import Accrue
from regulars.platform.errors import DomainError

HTTP_ROWS = 1000
IN_PROCESS_ROWS = 500
MOST_ROWS_A_SECOND = 40_000
OF_THE_RAW_STATEMENT = Budget(at_least=0.6)


def _batches(site: Site, prefix: str, size: int, seconds: float) -> Iterator[tuple[list[int], list[str]]]:
    """Give (members, references) of batches, each with members of its own."""
    random = Random(prefix)
    count = max(3, int(MOST_ROWS_A_SECOND * (seconds + 1) / size))
    for batch in range(count):
        numbers = random.sample(site.earners, min(size, len(site.earners)))
        yield numbers, [f"{prefix}{batch}-{line}" for line in range(len(numbers))]


def _raw(site: Site, prefix: str, size: int, seconds: float, *, answered: bool = False) -> float:
    batches = [
        limits.Batch(
            [member_id(number) for number in numbers],
            references,
            answer_to(numbers, references) if answered else b"",
        )
        for numbers, references in _batches(site, prefix, size, seconds)
    ]
    limits.checkpoint(site)
    return limits.raw_statement(site, batches, seconds)


def answer_to(numbers: list[int], references: list[str]) -> bytes:
    """Render what the product answers to a batch, and keeps; a test compares. What is all alike would cost less."""
    at = "2026-01-01T00:00:00.000000Z"
    rows = [
        {
            "reference": reference,
            "posting": {
                "transfer_id": f"trf_{member_id(number).hex}{position:012x}",
                "member_id": public(number),
                "wallet": "points",
                "kind": "accrue",
                "amount": 10,
                "balance": 10 * position,
                "debt": 0,
                "debt_repaid": 0,
                "reference": reference,
                "effective_at": at,
                "recorded_at": at,
                "available_at": at,
                "expires_at": "2027-01-01T00:00:00Z",
                "tier": None,
                "lots": [],
            },
        }
        for position, (number, reference) in enumerate(zip(numbers, references, strict=True))
    ]
    return msgspec.json.encode({"posted": len(rows), "refused": 0, "rows": rows})


async def by_http(site: Site, options: Options) -> list[Row]:
    """Measure `POST /v1/accruals/batch` on one connection."""
    rates: list[float] = []
    raw: list[float] = []
    copied: list[float] = []
    for turn in range(options.rounds):
        prefix = f"batch-{turn}-"
        made = list(_batches(site, prefix, HTTP_ROWS, options.seconds))
        requests = [
            request("POST", "/v1/accruals/batch", site.token, body_of(*batch), f"{prefix}{position}")
            for position, batch in enumerate(made)
        ]
        with product(site.home) as (port, _):
            await proofs.drained(site)
            limits.checkpoint(site)
            result = fire(port, requests, connections=1, seconds=options.seconds)
        sent = [reference for position in result.acknowledged for reference in made[position][1]]
        await proofs.exactly(site, prefix, sent)
        await proofs.books_balance(site)
        rates.append(result.rate * HTTP_ROWS)
        limits.checkpoint(site)
        copied.append(limits.copied(site, _as_csv([made[position] for position in result.acknowledged])))
        prefix = f"raw-batch-{turn}-"
        raw.append(_raw(site, prefix, HTTP_ROWS, options.seconds, answered=True))
        await proofs.books_balance(site)
    what = f"accruals by batches of {HTTP_ROWS}, HTTP"
    return [
        row(what, "/s", rates, raw, budget=OF_THE_RAW_STATEMENT),
        row(f"{what}, beside COPY", "/s", rates, copied, note=BESIDE_COPY),
    ]


def _as_csv(batches: list[tuple[list[int], list[str]]]) -> bytes:
    rows = [one for numbers, references in batches for one in zip(numbers, references, strict=True)]
    return "".join([f"{public(number)},10,{reference}\n" for number, reference in rows]).encode()


def body_of(numbers: list[int], references: list[str]) -> bytes:
    """Render the body of a batch of accruals."""
    return msgspec.json.encode(
        {
            "accruals": [
                {"member_id": public(number), "wallet": "points", "amount": 10, "reference": reference}
                for number, reference in zip(numbers, references, strict=True)
            ]
        }
    )


async def in_process(site: Site, options: Options) -> list[Row]:
    """Measure `loyalty.api.post`, 500 commands a transaction, as imports and the replay use it."""
    rates: list[float] = []
    raw: list[float] = []
    for turn in range(options.rounds):
        prefix = f"post-{turn}-"
        limits.checkpoint(site)
        done, seconds, sent = await _post(site, prefix, options.seconds)
        await proofs.exactly(site, prefix, sent)
        await proofs.books_balance(site)
        rates.append(done / seconds)
        raw.append(_raw(site, f"raw-post-{turn}-", IN_PROCESS_ROWS, options.seconds))
        await proofs.books_balance(site)
    return [row(f"accruals by batches of {IN_PROCESS_ROWS}, in process", "/s", rates, raw, budget=OF_THE_RAW_STATEMENT)]


async def _post(site: Site, prefix: str, seconds: float) -> tuple[int, float, list[str]]:
    configuration = loyalty.Configuration()
    batches = [
        [
            Accrue(member_id=member_id(number), wallet="points", amount=10, reference=reference)
            for number, reference in zip(numbers, references, strict=True)
        ]
        for numbers, references in _batches(site, prefix, IN_PROCESS_ROWS, seconds)
    ]
    sent: list[str] = []
    began = perf_counter()
    for commands in batches:
        async with site.database.transaction(actor="bench", set_based=True) as tx:
            for result in await loyalty.post(tx, configuration, commands):
                if isinstance(result, DomainError):
                    raise result
        sent += [command.reference for command in commands]
        if perf_counter() - began > seconds:
            break
    return len(sent), perf_counter() - began, sent
