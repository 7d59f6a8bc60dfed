"""Refusals as they were decided, kept so that somebody can ask why later, in any language.

A refusal is kept with its values, not with its sentence. Whose idempotency key it was is kept as a hash.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from regulars.platform.commit import store
from regulars.platform.commit.errors import MemberBusy, RefusalNotKept, RefusedToSeveral
from regulars.platform.commit.store import StoredRefusal
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import Datum, DomainError
from regulars.platform.explaining.contracts import Explanation, Reason
from regulars.platform.explaining.speech import SENTENCES, Sentence

_NOWHERE = "UTC"
RULE = "refusal."
KEPT: Final = frozenset({409, 422})  # what says something about the request itself
CLIENTS_AT_MOST: Final = 20
# Actions of rows.
IN_BATCHES: Final = (
    "accrue_in_batch",
    "adjust_in_batch",
    "extend_in_batch",
    "place_hold_in_batch",
    "post_hold_in_batch",
    "put_order_in_batch",
    "record_consent_in_batch",
    "redeem_in_batch",
    "sign_up_in_batch",
    "void_hold_in_batch",
)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch whose rows are decided one by one: each row's `action`, and who sent it with which request and key."""

    action: str
    request_id: str
    client: str
    key: str


def is_kept(refusal: DomainError) -> bool:
    """Say whether a refusal of a change says something about the change, so that it is kept."""
    return refusal.status in KEPT and not isinstance(refusal, MemberBusy)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked a page for a change (`client`: `staff:stf_…`, `member:mbr_…`, `device:dev_…`), by which request."""

    action: str
    request_id: str
    client: str
    subject: str


def keep_page(tx: Transaction, asker: Asker, refused: Iterable[DomainError]) -> None:
    """Keep why a page refused a change (409, 422), as refusals of the API are."""
    batch = Batch(asker.action, asker.request_id, asker.client, key=asker.request_id)
    keep_rows(tx, batch, [(asker.subject, refusal) for refusal in refused])


def keep_rows(tx: Transaction, batch: Batch, refused: Iterable[tuple[str, DomainError]]) -> None:
    """Keep the refusals (409, 422) of a batch's rows, each with its subject, as those of single requests are.

    A refusal points to its row: `/accruals/3`.
    """
    key_hash = store.key_hash(batch.client, batch.key)
    kept = [
        StoredRefusal(
            request_id=batch.request_id,
            client=batch.client,
            key_hash=key_hash,
            action=batch.action,
            subject=subject,
            code=refusal.code,
            status=refusal.status,
            pointer=refusal.pointer,
            data=_encode(refusal.data).decode(),
            refused_at=tx.now,
        )
        for subject, refusal in refused
        if is_kept(refusal)
    ]
    if kept:
        store.remember_refusals(tx, kept)


async def explain_request(tx: Transaction, request_id: str, client: str | None, row: int | None = None) -> Explanation:
    """Say why a request, or a row of its batch, was refused: one client's, or with None that of whoever it was.

    Rows count from 0. Raises RefusalNotKept (404), and with None RefusedToSeveral (409) where more than one client
    chose this id. Source: refusals, kept for 90 days.
    """
    found = await explain_each(tx, request_id, client, row)
    if not found:
        raise RefusalNotKept
    if len(found) > 1:
        raise RefusedToSeveral(pointer="/query/client", clients=", ".join(found))
    return next(iter(found.values()))


async def explain_each(
    tx: Transaction, request_id: str, client: str | None = None, row: int | None = None
) -> dict[str, Explanation]:
    """Say whose requests were refused under an id, and why each, the last first; callers choose ids themselves.

    Of one client, or else of at most 20. Rows count from 0. Raises nothing. Source: as `explain_request`.
    """
    rows = await store.refusals_of_request(tx, request_id, client, row, CLIENTS_AT_MOST)
    return {one.client: _explained(one) for one in rows if one.code in known_refusals()}


async def explain_key(tx: Transaction, client: str, key: str, row: int | None = None) -> Explanation:
    """Say why the request of a client under an idempotency key, or a row of its batch, was refused.

    Raises RefusalNotKept (404).
    """
    return _explained(await store.refusal_of_key(tx, store.key_hash(client, key), row))


def is_of_batch(found: Explanation) -> bool:
    """Return whether a refusal is that of a row of a batch."""
    return found.reasons[0].values.get("action") in IN_BATCHES


async def refused_rows(tx: Transaction, request_id: str, limit: int, client: str | None = None) -> list[int]:
    """Return which rows of a request's batch were refused, in their order; none of a request that is no batch."""
    return await store.rows_of_request(tx, request_id, client, IN_BATCHES, limit)


def _explained(found: StoredRefusal | None) -> Explanation:
    refusal = None if found is None else known_refusals().get(found.code)
    if found is None or refusal is None:
        raise RefusalNotKept
    data: dict[str, Datum] = msgspec.json.decode(found.data)
    version = data.pop("policy_version", None)
    return explanation_of(refusal, found, data, version if isinstance(version, int) else None)


def explanation_of(
    refusal: type[DomainError], found: StoredRefusal, data: dict[str, Datum], version: int | None
) -> Explanation:
    """Return the explanation of a refusal with the values that it had."""
    values = {name: str(value).lower() if isinstance(value, bool) else value for name, value in data.items()}
    declare_refusals()
    return Explanation(
        about="refusal",
        id=found.request_id,
        policy_version=version,
        effective_at=found.refused_at,
        recorded_at=found.refused_at,
        time_zone=_NOWHERE,
        reasons=(Reason(RULE + refusal.code, {**values, "action": found.action, "subject": found.subject}),),
        near=(Reason(near_rule(refusal), values),) if refusal.near_miss and _fills(refusal.near_miss, data) else (),
    )


def near_rule(refusal: type[DomainError]) -> str:
    """Return the rule under which the near miss of a refusal is told."""
    return f"{RULE}{refusal.code}.near"


def _fills(sentence: str, data: dict[str, Datum]) -> bool:
    """Say whether a refusal has what its near miss tells; one of an earlier release may not."""
    try:
        sentence.format_map(data)
    except KeyError:
        return False
    return True


def known_refusals() -> dict[str, type[DomainError]]:
    """Return every refusal by its code. The rooms are loaded by whoever serves them."""
    found: dict[str, type[DomainError]] = {}
    waiting = [DomainError]
    while waiting:
        for each in waiting.pop().__subclasses__():
            waiting.append(each)
            found.setdefault(each.code, each)
    return found


def declare_refusals() -> None:
    """Make known how refusals are said: by their own sentences."""
    for code, refusal in known_refusals().items():
        SENTENCES[RULE + code] = Sentence(refusal.message)
        if refusal.near_miss:
            SENTENCES[near_rule(refusal)] = Sentence(refusal.near_miss)
