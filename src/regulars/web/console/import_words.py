"""What the fields of imported rows are called, and which of them a column most likely is: by its name, its values."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from regulars.platform.imports.contracts import Field, ImportKind
from regulars.platform.imports.glancing import Found
from regulars.web.kit.texts import mark

FIELDS: Final[dict[str, str]] = {
    "member_id": mark("Member's id"),
    "phone": mark("Phone number"),
    "email": mark("E-mail address"),
    "card": mark("Card number"),
    "external": mark("Number in another system"),
    "openid": mark("WeChat OpenID"),
    "identities": mark("Identities, as JSON"),
    "market": mark("Market"),
    "channel": mark("Channel"),
    "store_id": mark("Store"),
    "language": mark("Language"),
    "signed_up_at": mark("Signed up"),
    "order_id": mark("Order's id"),
    "state": mark("State of the order"),
    "currency": mark("Currency"),
    "occurred_at": mark("Ordered"),
    "total": mark("Total, as 19.99"),
    "total_minor": mark("Total in minor units"),
    "sku": mark("Article"),
    "line_id": mark("Line's id"),
    "quantity": mark("Quantity"),
    "amount": mark("Amount"),
    "amount_minor": mark("Amount in minor units"),
    "lines": mark("Lines, as JSON"),
    "payments": mark("Payments, as JSON"),
    "wallet": mark("Wallet"),
    "reason": mark("Reason"),
    "reference": mark("Reference"),
    "purpose": mark("Purpose"),
    "decision": mark("Decision"),
    "wording_version": mark("Version of the wording"),
    "wording": mark("Wording"),
    "where": mark("Where it was given"),
    "confirmed_elsewhere": mark("Confirmed elsewhere"),
    "effective_at": mark("Earned"),
    "available_at": mark("Can be spent from"),
    "expires_at": mark("Runs out"),
}
# What else people call such a column; the first of two fields that one name may mean is the likelier.
HABITS: Final[dict[str, str]] = {
    "member_id": "member, 会员id, 会员编号",
    "phone": ("mobile, mobile phone, phone number, tel, telephone, cell, 手机, 手机号, 手机号码, 电话, handy, telefon"),
    "email": "mail, e-mail, email address, e-mail address, 邮箱, 电子邮箱, 邮件",
    "card": "card number, card no, membership number, loyalty card, 卡号, 会员卡, 会员卡号, kartennummer",
    "external": "external id, customer id, customer number, crm id, 外部编号, 客户编号, 客户号, kundennummer",
    "openid": "wechat, wechat openid, open id, 微信, 微信openid",
    "market": "country, region, 市场, 国家, land",
    "channel": "source, 渠道, 来源, kanal",
    "store_id": "store, shop, shop id, branch, 门店, 门店编号, 店铺, filiale",
    "language": "locale, 语言, sprache",
    "signed_up_at": (
        "signed up, sign up date, joined, joined at, join date, registered, registered at, created at, "
        "注册时间, 注册日期, 入会时间, 入会日期, seit"
    ),
    "order_id": "order, order number, order no, receipt, receipt number, 订单号, 订单编号, 单号, bon, bestellnummer",
    "state": "status, order status, 状态, 订单状态",
    "currency": "币种, 货币, währung",
    "occurred_at": (
        "date, time, order date, ordered at, purchase date, paid at, 下单时间, 交易时间, 日期, 时间, datum"
    ),
    "total": "amount total, order total, sum, 订单金额, 总额, 总金额, 实付金额, summe, gesamt",
    "sku": "article, product, product id, item, 商品, 商品编码, 货号, artikel",
    "line_id": "line, line number, 行号, position",
    "quantity": "qty, count, 数量, menge",
    "amount": "price, points, value, 金额, 积分, 积分数, 价格, preis, punkte",
    "wallet": "钱包, 账户",
    "reason": "note, comment, description, 原因, 备注, 说明, grund",
    "reference": "ref, transaction id, 流水号, 参考号, referenz",
    "effective_at": "earned, earned at, date, 获得时间, 日期, datum",
    "available_at": "available, available from, 可用时间",
    "expires_at": "expires, expiry, expiry date, valid until, 过期时间, 到期时间, 有效期, ablauf",
}
# How instants are written where not as in RFC 3339: what strptime reads, and an example of each.
DATES: Final[tuple[tuple[str, str], ...]] = (
    ("%Y/%m/%d", "2026/05/31"),
    ("%Y/%m/%d %H:%M", "2026/05/31 18:30"),
    ("%Y/%m/%d %H:%M:%S", "2026/05/31 18:30:05"),
    ("%Y年%m月%d日", "2026年05月31日"),
    ("%d.%m.%Y", "31.05.2026"),
    ("%d.%m.%Y %H:%M", "31.05.2026 18:30"),
    ("%d/%m/%Y", "31/05/2026"),
    ("%d/%m/%Y %H:%M", "31/05/2026 18:30"),
    ("%m/%d/%Y", "05/31/2026"),
    ("%m/%d/%Y %H:%M", "05/31/2026 18:30"),
    ("%d-%m-%Y", "31-05-2026"),
)
_LETTERS: Final = re.compile(r"[\W_]+")


def suggested(kind: ImportKind, names: Iterable[str]) -> dict[str, str]:
    """Return which field each column most likely is: by its own name first, then by what people call it."""
    by_name = {_plain(name): name for name in kind.fields}
    by_habit: dict[str, str] = {}
    for name in kind.fields:
        for one in HABITS.get(name, "").split(","):
            by_habit.setdefault(_plain(one), name)
    found: dict[str, str] = {}
    for known in (by_name, by_habit):
        for name in names:
            field = known.get(_plain(name) or name)
            if field is not None and name not in found and field not in found.values():
                found[name] = field
    return found


def dates_of(kind: ImportKind, columns: Mapping[str, str], found: Sequence[Found]) -> dict[str, str]:
    """Return how instants are written in the columns of these fields; those written as RFC 3339 asks are left out."""
    samples = {one.name: one.samples for one in found}
    told: dict[str, str] = {}
    for name, field in columns.items():
        if kind.fields[field].form == "instant" and samples.get(name):
            form = next((form for form in ("", *[form for form, _ in DATES]) if _all_read(form, samples[name])), "")
            told |= {field: form} if form else {}
    return told


def with_comma(kind: ImportKind, columns: Mapping[str, str], found: Sequence[Found]) -> bool:
    """Whether decimals are written with a comma: there is one in a column of numbers, and no point."""
    samples = {one.name: one.samples for one in found}
    numbers = [
        each for name, field in columns.items() if is_number(kind.fields[field]) for each in samples.get(name, ())
    ]
    return any("," in each for each in numbers) and not any("." in each for each in numbers)


def is_number(field: Field) -> bool:
    """Whether a field holds a number."""
    return field.form in {"whole", "decimal"}


def _all_read(form: str, samples: Sequence[str]) -> bool:
    try:
        for one in samples:
            if form:
                datetime.strptime(one, form)  # noqa: DTZ007 - only whether it can be read
            else:
                datetime.fromisoformat(one)
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    return _LETTERS.sub("", name.casefold())
