"""The programme as it stands, in words: tiers, earning, paying, returns, wallets, markets; and since when."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from litestar import Request, Response, get

from regulars.loyalty import api as loyalty
from regulars.platform.markets.contracts import Market
from regulars.platform.markets.service import list_markets
from regulars.platform.money import Money
from regulars.platform.texts import say
from regulars.web.console.words import tier_badge, wallet_name
from regulars.web.kit.cells import Badge
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.navigation import Entry, Group
from regulars.web.kit.texts import mark
from regulars.web.kit.viewers import ViewerKind

PROGRAMME: Final = "/console/programme"
READ: Final = "programme:read"

AnyRequest = Request[Any, Any, Any]
AsMoney = Callable[[int], str]
_EXAMPLE_POINTS: Final = 1_000
_SHORTFALL: Final = {
    "to_debt": mark(
        "Points earned on what came back are taken back; what is missing is owed and repaid by the next points."
    ),
    "within_balance": mark(
        "Points earned on what came back are taken back as far as the balance has them; what is missing is forgiven."
    ),
    "only_pending": mark(
        "Points earned on what came back are taken back only while they cannot be spent yet; the rest is forgiven."
    ),
}


def programme_pages(kit: Kit) -> Pages:
    """Return the page of the programme's settings."""
    configuration = loyalty.Configuration()

    @get(PROGRAMME, guards=[kit.guards.staff(READ)])
    async def programme(request: AnyRequest) -> Response[bytes]:
        page = kit.page(request)
        async with kit.services.database.transaction() as tx:
            policy = await loyalty.policy_in_force(tx, configuration)
            versions = await loyalty.list_policies(tx)
            wallets = await loyalty.list_wallets(tx)
            markets = await list_markets(tx)
        language, money = page.language, _money_of(markets, page.formats)
        return kit.render(
            request,
            "console/programme.html",
            page=page,
            policy=policy,
            earning=[] if policy is None else earning_said(policy, language, money),
            paying=[] if policy is None else paying_said(policy, page.formats, money),
            returning=[] if policy is None else returning_said(policy, language),
            correcting=[] if policy is None else correcting_said(policy, page.formats),
            tiers=[] if policy is None else _tiers(policy),
            reviewing=[] if policy is None else reviewing_said(policy, language),
            wallets=[(wallet_name(one.code, language), _use(one)) for one in wallets],
            markets=markets,
            versions=[(one.version, one.active_from) for one in reversed(versions)],
        )

    entry = Entry(PROGRAMME, mark("Programme"), icon="adjustments", permission=READ)
    return Pages(ViewerKind.STAFF, [programme], navigation=[Group(mark("Set-up"), (entry,))])


def _tiers(policy: loyalty.Policy) -> list[tuple[Badge, int, int]]:
    return [(tier_badge(one.code, rank), one.threshold, one.multiplier) for rank, one in enumerate(policy.tier.tiers)]


def _use(wallet: loyalty.WalletRule) -> Badge:
    return Badge(mark("Spendable"), "success") if wallet.spendable else Badge(mark("Counts for tiers"), "info")


def _money_of(markets: Sequence[Market], formats: Formats) -> AsMoney:
    """Return how minor units are written: as money, in the currency of each market."""
    currencies = sorted({one.currency for one in markets})

    def written(minor: int) -> str:
        if not currencies:
            return say("{minor} minor units", formats.language, minor=formats.number(minor))
        return " / ".join([formats.money(Money(minor, currency)) for currency in currencies])

    return written


def earning_said(policy: loyalty.Policy, language: str, money: AsMoney) -> list[str]:
    """Say how an order earns."""
    earning = policy.earning
    hours = earning.maturity_hours
    waits = (
        say(
            "They can be spent {days} days after the order, when it can no longer come back.",
            language,
            days=hours // 24,
        )
        if hours % 24 == 0 and hours
        else say("They can be spent {hours} hours after the order.", language, hours=hours)
    )
    return [
        say(
            "Every full {amount} paid in money gives one base point; the tier multiplies it.",
            language,
            amount=money(earning.minor_per_point),
        ),
        waits if hours else say("They can be spent at once.", language),
        say(
            "They run out at the end of the month, {months} months after the order.",
            language,
            months=earning.expiry_months,
        ),
        say("Growth counts base points, whatever the tier, at the time of the order.", language),
    ]


def paying_said(policy: loyalty.Policy, formats: Formats, money: AsMoney) -> list[str]:
    """Say how points pay."""
    payment, language = policy.payment, formats.language
    return [
        say(
            "A point is worth {amount} when it pays: {points} points pay {example}.",
            language,
            amount=money(payment.point_value_minor),
            points=formats.number(_EXAMPLE_POINTS),
            example=money(_EXAMPLE_POINTS * payment.point_value_minor),
        ),
        say("Points pay at most {percent} % of an order.", language, percent=payment.max_percent),
        say(
            "A member needs {least} points that can be spent before any may pay.",
            language,
            least=formats.number(payment.min_spendable),
        ),
        say("The points that run out first are used first.", language),
    ]


def returning_said(policy: loyalty.Policy, language: str) -> list[str]:
    """Say what a return does."""
    return [
        say("The order is settled anew for what remains, by the policy under which it was paid.", language),
        say(
            "Points that had paid come back; if they would have run out meanwhile, they live {days} days more.",
            language,
            days=policy.returns.give_back_days,
        ),
        say(_SHORTFALL[policy.returns.shortfall], language),
        say("Growth of what came back no longer counts; the tier can fall by it at once.", language),
    ]


def correcting_said(policy: loyalty.Policy, formats: Formats) -> list[str]:
    """Say who may correct a balance."""
    correcting, language = policy.adjustments, formats.language
    by_day = [
        say(
            "One person corrects at most {points} points a day alone; what goes beyond that needs a second person.",
            language,
            points=formats.number(correcting.alone_per_day),
        )
        for _ in (correcting.alone_per_day,)
        if correcting.alone_per_day is not None
    ]
    if correcting.approve_above is None:
        alone = say("Whoever has the right corrects a balance alone, with a reason that stays with it.", language)
        return [alone, *by_day]
    return [
        say(
            "Corrections of more than {points} points need a second person, who has {days} days to answer.",
            language,
            points=formats.number(correcting.approve_above),
            days=correcting.answer_days,
        ),
        *by_day,
        say("Who asks and who approves are never the same; both stay with the correction, with its reason.", language),
    ]


def reviewing_said(policy: loyalty.Policy, language: str) -> list[str]:
    """Say how members rise and fall."""
    tier = policy.tier
    rises = say(
        "Members rise at once when the growth of the last {days} days reaches a tier.", language, days=tier.window_days
    )
    match tier.review:
        case loyalty.AnniversaryReview() as review:
            falls = say(
                "{months} months after reaching a tier it is reviewed; who falls short has {days} days of grace.",
                language,
                months=review.after_months,
                days=review.grace_days,
            )
        case loyalty.MonthlyReview() as review:
            falls = say(
                "Tiers are reviewed at the beginning of these months: {months}. The window decides.",
                language,
                months=", ".join([str(month) for month in review.months]),
            )
        case _:
            falls = say("Tiers are never reviewed; only returns lower them.", language)
    lowest = loyalty.name_of_tier(tier.tiers[0].code, language)
    return [rises, falls, say("Everybody begins as {tier}.", language, tier=lowest)]
