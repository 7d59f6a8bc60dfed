"""Proofs of books at scale: that they add up, and that what is answered is what their rows say."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from random import Random
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec

from bench.server import HOST, BenchBroken
from regulars.entrypoints.wiring import checks
from regulars.loyalty import api as loyalty
from regulars.loyalty.public_ids import transfer_id
from regulars.platform.db.database import Database
from regulars.platform.ids import public_id
from regulars.platform.verification.service import verify

EVERY_CHECK_UP_TO: Final = 250_000  # members
# Of more, those that read a table once or twice without sorting it by members, and the roll-up.
LARGE_CHECKS: Final = (
    "wallets against transfers",
    "lots against their uses",
    "lots against balances",
    "double entry, books to zero",
    "books rolled up",
)
_NOT_OF_BOOKS: Final = ("outbox drained",)
_SIGNED: Final = "CASE WHEN mod(t.credit_account, 100) = 0 THEN t.amount ELSE -t.amount END"
_HELD_NOW: Final = """
SELECT w.code, m.market, sum(s.balance)::bigint, sum(s.debt)::bigint
FROM member_wallets AS s JOIN members AS m USING (member_id) JOIN wallets AS w USING (wallet_id) GROUP BY 1, 2
"""
# All instants in one pass: a pair of sums for each.
_HELD_AT: Final = """
SELECT w.code, m.market, {sums}
FROM ledger_transfers AS t JOIN members AS m USING (member_id) JOIN wallets AS w ON w.wallet_id = t.wallet_id
GROUP BY 1, 2
"""
_SUMS_AT: Final = (
    f"coalesce(sum({_SIGNED}) FILTER (WHERE t.recorded_at <= %s), 0)::bigint, "
    "coalesce(sum(t.debt_change) FILTER (WHERE t.recorded_at <= %s), 0)::bigint"
)
_BOOKED: Final = f"""
SELECT t.seq, {_SIGNED}, t.balance_after, t.reference FROM ledger_transfers AS t
WHERE t.member_id = %s ORDER BY t.seq DESC
"""
_KINDS: Final = f"""
SELECT t.kind, count(*), sum({_SIGNED})::bigint FROM ledger_transfers AS t
WHERE t.member_id = %s AND t.wallet_id = 1 AND t.recorded_at <= %s GROUP BY 1
"""
_MOST_USED: Final = """
SELECT lot_no, sum(amount)::bigint, count(*) FROM lot_uses WHERE member_id = %s AND amount <> 0
GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 1
"""


async def books_hold(database: Database, members: int) -> None:
    """Raise BenchBroken unless the product's own checks hold; of very many members those of `LARGE_CHECKS`."""
    asked = [check for check in checks() if check.name not in _NOT_OF_BOOKS]
    if members > EVERY_CHECK_UP_TO:
        asked = [check for check in asked if check.name in LARGE_CHECKS]
    else:
        asked = [check for check in asked if check.name in {each.name for each in loyalty.checks()}]
    async for finding in verify(database, asked):
        if not finding.ok:
            raise BenchBroken(f"the check “{finding.name}” failed: {finding.problems}")


class Answers:
    """Answers of the product, read over one connection."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=120)
        self._token = token

    def get(self, path: str) -> Any:  # noqa: ANN401 - as JSON decodes
        """Return an answer. Raises BenchBroken unless it is 200."""
        try:
            answer = self._ask(path)
        except ConnectionError:  # the server had enough of waiting for us
            self._connection.close()
            answer = self._ask(path)
        body = answer.read()
        if answer.status != 200:
            raise BenchBroken(f"{path} was answered with {answer.status}: {body[:500]!r}")
        return msgspec.json.decode(body)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _ask(self, path: str) -> HTTPResponse:
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {self._token}"})
        return self._connection.getresponse()


async def answers_are_right(database: Database, answers: Answers, some: Sequence[UUID], now: datetime) -> None:
    """Raise BenchBroken unless answers about these members, and of all, are what our own SQL makes of the rows."""
    for member in some:
        await _of_member(database, answers, member, now)
    chance = Random(3)
    back = [now - timedelta(seconds=60 + chance.random() * 700 * 86_400) for _ in range(3)]
    instants = [*back, now - timedelta(hours=30 * chance.random()), back[0].replace(minute=0, second=0, microsecond=0)]
    held: dict[tuple[str, str], tuple[int, int]]
    async with database.transaction() as tx:
        tx.write("SET LOCAL work_mem = '256MB'")
        held = {(wallet, market): (balance, debt) for wallet, market, balance, debt in await tx.rows(_HELD_NOW)}
        question = _HELD_AT.format(sums=", ".join([_SUMS_AT] * len(instants)))
        rows = await tx.rows(question, [at for at in instants for _ in range(2)])
    _compare("liability now", held, answers.get("/v1/finance/liability/at"))
    for place, at in enumerate(instants):
        known = {(row[0], row[1]): (row[2 + 2 * place], row[3 + 2 * place]) for row in rows}
        _compare(f"liability at {at}", known, answers.get(f"/v1/finance/liability/at?as_of={quote(at.isoformat())}"))
    closing: dict[tuple[str, str], tuple[int, int]] = {}
    for month in answers.get("/v1/finance/liability")["months"]:
        closing[month["wallet"], month["market"]] = (month["closing"]["balance"], month["closing"]["debt"])
    _same("the closing of the last month", held, closing)


def _compare(what: str, known: dict[tuple[str, str], tuple[int, int]], answer: Any) -> None:  # noqa: ANN401 - as JSON decodes
    told = {(one["wallet"], one["market"]): (one["held"]["balance"], one["held"]["debt"]) for one in answer["wallets"]}
    _same(what, known, told)


def _same(what: str, known: Any, told: Any) -> None:  # noqa: ANN401 - of any two things
    if isinstance(known, dict):
        known = {key: value for key, value in known.items() if value != (0, 0)}
        told = {key: value for key, value in told.items() if value != (0, 0)}
    if known != told:
        raise BenchBroken(f"{what}: the rows say {str(known)[:1_000]}, the answer {str(told)[:1_000]}")


async def _of_member(database: Database, answers: Answers, member: UUID, now: datetime) -> None:
    """Compare the whole statement, page by page, why the balances are and were, and the lot that was used most."""
    of, back = f"/v1/members/{public_id('mbr', member)}", now - timedelta(days=100)
    async with database.transaction() as tx:
        booked = await tx.rows(_BOOKED, (member,))
        kinds, earlier = [await tx.rows(_KINDS, (member, at)) for at in (now, back)]
        used = await tx.rows(_MOST_USED, (member,))
    lines, cursor = list[tuple[Any, ...]](), ""
    while True:
        page = answers.get(f"{of}/statement?limit=200{cursor}")
        lines += [(one["transfer_id"], one["amount"], one["balance"], one["reference"]) for one in page["lines"]]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    _same(f"statement of {member}", [(transfer_id(member, seq), *others) for seq, *others in booked], lines)
    for as_of, known in (("", kinds), (f"?as_of={quote(back.isoformat())}", earlier)):
        reasons = answers.get(f"{of}/wallets/points/explain{as_of}")["reasons"]
        told = [one["values"] for one in reasons if one["rule"] == "balance.moved"]
        _same(
            f"why the balance of {member}",
            sorted(known),
            sorted((one["kind"], one["transfers"], one["amount"]) for one in told),
        )
    for lot_no, units, count in used:
        movements, cursor = list[int](), ""
        while True:
            page = answers.get(f"{of}/lots/{transfer_id(member, lot_no)}/lineage?limit=100{cursor}")
            movements += [one["points"] for one in page["movements"]]
            if not page["has_more"]:
                break
            cursor = f"&cursor={page['next_cursor']}"
        _same(f"lineage of lot {lot_no} of {member}", (count, units), (len(movements), sum(movements)))
