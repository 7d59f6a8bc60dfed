"""Orders out of a file: a row is an order, or a line of one where rows with the same order id follow each other."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from babel.numbers import get_currency_precision
from msgspec import Meta

from regulars.commerce.contracts import OrderOutcome, PutOrder
from regulars.commerce.errors import OrderIdImpossible
from regulars.commerce.orders.intake import apply
from regulars.commerce.orders.schemas import OrderBody, is_order_id, put_of
from regulars.commerce.orders.service import Commerce
from regulars.loyalty import api as loyalty
from regulars.platform.db.transaction import Transaction
from regulars.platform.errors import DomainError
from regulars.platform.http.reading import json_decoder, read_json
from regulars.platform.imports.contracts import Brought, Field, Folded, ImportKind, Values
from regulars.platform.imports.errors import ValueUnreadable
from regulars.platform.vault.contracts import Vault

Text = Annotated[str, Meta(max_length=320)] | None

_PLAIN: Final = ("order_id", "state", "channel", "market", "store_id", "occurred_at", "payments", *loyalty.WHOSE)
_FIELDS: Final = {
    **loyalty.WHOSE,
    **{name: Field() for name in ("order_id", "state", "channel", "market", "store_id", "currency")},
    "occurred_at": Field("instant"),
    "total": Field("decimal"),
    "total_minor": Field("whole"),
    "sku": Field(),
    "line_id": Field(),
    "quantity": Field("decimal"),
    "amount": Field("decimal"),
    "amount_minor": Field("whole"),
    "lines": Field("json"),
    "payments": Field("json"),
}


class ImportedOrder(OrderBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record: an order as it now stands, and whose it is; nobody's if it names nobody."""

    order_id: Annotated[str, Meta(min_length=1, max_length=64)]
    phone: Text = None
    email: Text = None
    card: Text = None
    external: Text = None
    openid: Text = None


class _Wish(NamedTuple):
    whose: loyalty.Whose | None
    fact: PutOrder


_read = partial(read_json, json_decoder(ImportedOrder))


def orders_imported(commerce: Commerce) -> ImportKind:
    """Return how orders are imported."""
    return ImportKind(
        name="orders",
        scope="orders:write",
        fields=_FIELDS,
        fold=_fold,
        read=_order,
        apply=partial(_apply, commerce),
        together="order_id",
    )


def _fold(rows: Sequence[Values]) -> Folded:
    first = rows[0]
    body = {name: first[name] for name in _PLAIN if name in first}
    currency = str(first.get("currency", ""))
    fields: dict[str, str] = {}
    if "lines" in first:
        body["lines"] = first["lines"]
        total = first.get("total")
        if isinstance(total, dict):
            return Folded(body | {"total": total}, fields)
        minor = _minor(first, "total", currency)
        minor = _sum(first["lines"]) if minor is None else minor
    else:
        lines = [_line(row, at, currency, fields) for at, row in enumerate(rows)]
        body["lines"] = lines
        minor = _minor(first, "total", currency)
        minor = _sum(lines) if minor is None else minor
    fields |= {"/total/amount_minor": "total", "/total/currency": "currency"}
    return Folded(body | {"total": {"amount_minor": minor, "currency": currency}}, fields)


def _line(row: Values, at: int, currency: str, fields: dict[str, str]) -> Values:
    line: Values = {name: row[name] for name in ("sku", "line_id", "quantity") if name in row}
    fields |= {f"/lines/{at}/{name}": name for name in ("sku", "line_id", "quantity", "amount")}
    fields[f"/lines/{at}/amount/currency"] = "currency"
    minor = _minor(row, "amount", currency)
    return line if minor is None else line | {"amount": {"amount_minor": minor, "currency": currency}}


def _minor(row: Values, name: str, currency: str) -> int | None:
    """Return an amount in minor units: given so, or in money, with no more decimals than the currency has."""
    if f"{name}_minor" in row:
        return int(row[f"{name}_minor"])
    if name not in row:
        return None
    minor = Decimal(row[name]).scaleb(get_currency_precision(currency))
    if minor != minor.to_integral_value():
        raise ValueUnreadable(pointer=f"/{name}", field=name, form="19.99")
    return int(minor)


def _sum(lines: Any) -> int:  # noqa: ANN401 - whatever a file holds: what it is otherwise, the body's decoder says
    amounts = [line.get("amount") for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []
    minors = [amount.get("amount_minor") for amount in amounts if isinstance(amount, dict)]
    return sum([minor for minor in minors if isinstance(minor, int)])


def _order(body: bytes, _: datetime) -> _Wish:
    row = _read(body)
    if not is_order_id(row.order_id):
        raise OrderIdImpossible(pointer="/order_id")
    whose = loyalty.Whose(
        member_id=row.member_id,
        phone=row.phone,
        email=row.email,
        card=row.card,
        external=row.external,
        openid=row.openid,
        market=row.market,
    )
    names_nobody = not any([row.member_id, row.phone, row.email, row.card, row.external, row.openid])
    return _Wish(None if names_nobody else whose, put_of(row.order_id, row))


async def _apply(
    commerce: Commerce, tx: Transaction, vault: Vault, wishes: Sequence[_Wish]
) -> list[Brought | DomainError]:
    named = [wish.whose for wish in wishes if wish.whose is not None]
    found = iter(await loyalty.whose_rows(tx, vault, named))
    facts: list[PutOrder | DomainError] = []
    for wish in wishes:
        member = None if wish.whose is None else next(found)
        if isinstance(member, DomainError):
            facts.append(member)
        else:
            facts.append(msgspec.structs.replace(wish.fact, member_id=member))
    results = iter(await apply(tx, commerce, [fact for fact in facts if isinstance(fact, PutOrder)]))
    outcomes: list[Brought | DomainError] = []
    for fact in facts:
        result = fact if isinstance(fact, DomainError) else next(results)
        if isinstance(result, DomainError):
            outcomes.append(result)
        elif isinstance(result, OrderOutcome):
            outcomes.append(Brought(result.order_id, known=not result.created, detail=result.state))
    return outcomes
