"""The member's tier: what it brings, how far the next one is, how it is kept, and why it is what it is."""

from dataclasses import dataclass
from typing import Final

from babel import Locale
from litestar import Response, get

from regulars.loyalty import api as loyalty
from regulars.loyalty.contracts import TierStatus
from regulars.platform.texts import say
from regulars.web.kit.formats import Formats
from regulars.web.kit.kit import Kit, Pages
from regulars.web.kit.viewers import ViewerKind
from regulars.web.kit.whys import why_of
from regulars.web.portal.own import AnyRequest, own_id, read_tier, way_on

HOME: Final = "/portal/tier"
EVERY_MONTH: Final = 12


@dataclass(frozen=True, slots=True)
class Step:
    """A tier as the page lists it: from how much growth, and how many points each base point gives."""

    name: str
    threshold: int
    multiplier: int
    is_own: bool
    is_reached: bool


def tier_pages(kit: Kit) -> Pages:
    """Return the page of the tier."""
    services = kit.services
    configuration = loyalty.Configuration()

    @get(HOME, guards=[kit.guards.member()])
    async def tier(request: AnyRequest) -> Response[bytes]:
        member_id, page = own_id(request), kit.page(request)
        async with services.database.transaction() as tx:
            policy = await loyalty.policy_in_force(tx, configuration)
            status = await read_tier(tx, configuration, member_id, policy, page.language)
            why = None if status is None else await loyalty.explain_tier(tx, configuration, member_id, known=status)
        if policy is None or status is None:
            return kit.render(request, "portal/tier.html", page=page, tier=None)
        own = policy.tier.tiers[status.rank]
        following = policy.tier.tiers[status.rank + 1] if status.next_tier else None
        return kit.render(
            request,
            "portal/tier.html",
            page=page,
            tier=status,
            name=loyalty.name_of_tier(status.tier, page.language),
            own=own,
            following=following,
            next_name=following and loyalty.name_of_tier(following.code, page.language),
            steps=_steps(policy.tier, status, page.language),
            earning=policy.earning,
            why=None if why is None else why_of(why, page.formats, way_on, but=1),
            keeping=keeping(policy.tier, status, page.formats),
        )

    return Pages(ViewerKind.MEMBER, [tier])


def _steps(policy: loyalty.TierPolicy, status: TierStatus, language: str) -> list[Step]:
    return [
        Step(
            loyalty.name_of_tier(rule.code, language),
            rule.threshold,
            rule.multiplier,
            rank == status.rank,
            rank < status.rank,
        )
        for rank, rule in enumerate(policy.tiers)
    ]


def keeping(policy: loyalty.TierPolicy, status: TierStatus, formats: Formats) -> list[str]:
    """Return how a tier is kept, in sentences: the rule, the date of the review, what is missing, what is ahead."""
    language, told = formats.language, [_rule(policy, formats)]
    if status.review_at is None:
        return told
    name, on = loyalty.name_of_tier(status.tier, language), formats.day(status.review_at)
    missing = max(policy.tiers[status.rank].threshold - status.metric, 0)
    if status.in_grace:
        told.append(
            say(
                "You are in your days of grace: collect {missing} growth by {on} to stay {tier}.",
                language,
                missing=formats.number(missing),
                on=on,
                tier=name,
            )
        )
    else:
        told.append(say("Your next review is on {on}.", language, on=on))
    if status.projected_tier not in {None, status.tier}:
        projected = loyalty.name_of_tier(str(status.projected_tier), language)
        told.append(say("If you buy nothing until then, it makes you {tier}.", language, tier=projected))
    elif not status.in_grace:
        told.append(say("Even if you buy nothing until then, you stay {tier}.", language, tier=name))
    return told


def _rule(policy: loyalty.TierPolicy, formats: Formats) -> str:
    language, window = formats.language, formats.number(policy.window_days)
    match policy.review:
        case loyalty.AnniversaryReview(after_months=months, grace_days=grace):
            return say(
                "{months} months after you reached it, the growth of the last {window} days is looked at. "
                "Who falls short has {grace} more days to catch up.",
                language,
                months=months,
                window=window,
                grace=grace,
            )
        case loyalty.MonthlyReview(months=every) if len(set(every)) == EVERY_MONTH:
            return say(
                "On the first day of each month the growth of the last {window} days is looked at.",
                language,
                window=window,
            )
        case loyalty.MonthlyReview(months=some):
            names = Locale.parse(str(formats.locale)).months["format"]["wide"]
            comma = "、" if language == "zh" else ", "
            return say(
                "On the first day of these months the growth of the last {window} days is looked at: {months}.",
                language,
                window=window,
                months=comma.join([names[month] for month in sorted(set(some))]),
            )
        case _:
            return say(
                "It is yours to keep. Only the return of an order whose growth was needed for it can take it away.",
                language,
            )
